"""Every benchmark, equality first: `make bench` or `python -m benchmarks`.

Prints tables (`--json`: a line of JSON a row), and writes RESULTS.md unless `--quick`. Where there
is a GPU, training and evaluation are raced on it, and memory is the GPU's; `--shape large` of
benchmarks.finetune and benchmarks.peak races the larger encoder.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import data, equality, evaluate, finetune, mining, mlm, peak, show, study
from benchmarks.harness import ENVIRONMENT
from benchmarks.text import real

RESULTS = Path(__file__).parent / "RESULTS.md"
ABOUT = """\
Written by `make bench`. Every line holds a contender and ours, which took turns. "ours is" is our
rate over the contender's, each of all rounds' tokens or examples over all of their seconds, with
its 95 % interval over resampled rounds. Rates are of useful tokens, without padding. Memory growth
is the peak, the saving of the model at a training's end included, over what the loaded model takes;
"ratio" is ours over the contender's. Compare ratios, not rates: they were taken in one run, on
whatever else the machine did.

In bfloat16 the two sides do not compute the same numbers: Trainer's autocast keeps weights, sums of
residuals and normalisation in float32 and rounds the inputs of products, where ours keeps the
residual stream in bfloat16 too and steps float32 masters of its bfloat16 weights. Dropout draws
other random bits, and so falls elsewhere, at the same rate.

The tuned Trainer groups batches by length and runs at its best micro-batch, found beforehand
(tokens a second of NLI by micro-batch: {searched}; `python -m benchmarks.finetune --search`, which
tries loader workers too). Tuned predictors and encoders try their batches before each race.
"""


class Page:
    """RESULTS.md, written anew whenever there is more to say: a run that is cut short has it."""

    def __init__(self, head: str, chosen: Any) -> None:
        self.head, self.chosen = head, chosen
        self.sections: dict[str, str] = {}

    def tell(
        self, title: str, header: Sequence[str], found: Sequence[Any], lines: Iterable[Any]
    ) -> None:
        """Print a table, or its JSON lines, and keep it."""
        every = list(lines)
        if self.chosen.json:
            print("\n".join(json.dumps(show.record(each)) for each in found), flush=True)
        else:
            show.table(header, every)
        self.keep(title, show.markdown(header, every))

    def keep(self, title: str, text: str) -> None:
        self.sections[title] = f"## {title}\n\n{text}\n"
        if not self.chosen.quick:
            RESULTS.write_text("\n".join([self.head, *self.sections.values()]), encoding="utf-8")


def main() -> None:
    chosen = show.options(__doc__ or "", 5).parse_args()
    os.environ.update(ENVIRONMENT)
    searched = ", ".join(f"{micro}: {rate}" for (_, micro), rate in finetune.SEARCHED.items())
    head = f"# Measured\n\n{show.machine()}\n\n{ABOUT.format(searched=searched)}"
    if not real():
        head += "\nLAYOVER_DATA names no data: sequences have recorded lengths and random ids.\n"
    page = Page(head, chosen)
    equal = equality.check(chosen.quick)
    page.tell("Equal", equality.HEADER, equal, map(equality.cells, equal))
    if not all(each.holds for each in equal):
        sys.exit("not equal: no speed is worth comparing")
    rows = _side_by_side(page, chosen)
    for unit in show.units(rows):
        some = [row for row in rows if row.unit == unit]
        page.tell(_title(unit), show.header(unit), some, map(show.cells, some))
    shares = peak.shares(chosen.rounds, chosen.quick)
    page.tell("Share of the peak", peak.HEADER, shares, map(peak.cells, shares))
    counts = study.counts()
    lines = [study.cells(count, counts[0]) for count in counts]
    page.tell("A study of 9 x 9 x 3", study.HEADER, counts, lines)


def _title(unit: str) -> str:
    return f"Side by side, in {unit}"


def _side_by_side(page: Page, chosen: Any) -> list[show.Row]:
    """The rows of all races; one that fails, for want of memory say, takes no other along."""
    rows: list[show.Row] = []
    failed: list[str] = []
    races = [partial(finetune.run, each) for each in finetune.headline(chosen.rounds, chosen.quick)]
    races += [
        partial(module.run, chosen.rounds, chosen.quick) for module in (evaluate, mlm, data, mining)
    ]
    for race in races:
        try:
            rows += race()
        except RuntimeError as error:
            failed.append(f"* {str(error).splitlines()[0]}")
            print(f"not measured: {error}", file=sys.stderr)
            page.keep("Not measured", "\n".join(failed))
        for unit in show.units(rows):
            some = [row for row in rows if row.unit == unit]
            page.keep(_title(unit), show.markdown(show.header(unit), list(map(show.cells, some))))
    return rows


if __name__ == "__main__":
    main()
