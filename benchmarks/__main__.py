"""Every benchmark, equality first: `make bench` or `python -m benchmarks`.

Prints tables (`--json`: a line of JSON a row), and writes RESULTS.md as it goes: with `--quick` in
the scratch folder, else beside this file. Where there is a GPU, training and evaluation are raced
on it, and memory is the GPU's; `--shape large` of benchmarks.finetune and benchmarks.peak races the
larger encoder.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import data, equality, evaluate, finetune, mining, mlm, peak, show, study
from benchmarks.harness import ENVIRONMENT
from benchmarks.text import real, scratch

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

    def __init__(self, path: Path, head: str, as_json: bool) -> None:
        self.path, self.head, self.as_json = path, head, as_json
        self.sections: dict[str, str] = {}
        self.failed: list[str] = []

    def tell(
        self, title: str, header: Sequence[str], found: Sequence[Any], lines: Iterable[Any]
    ) -> None:
        """Print values, and keep them."""
        every = list(lines)
        show.tell(header, found, every, self.as_json)
        self.keep(title, show.markdown(header, every))

    def rows(self, rows: Sequence[show.Row]) -> None:
        """Keep those that there are so far."""
        for unit in show.units(rows):
            lines = [show.cells(row) for row in rows if row.unit == unit]
            self.keep(f"Side by side, in {unit}", show.markdown(show.header(unit), lines))

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """A race that fails, for want of memory say, is noted and takes no other along."""
        try:
            yield
        except RuntimeError as error:
            print(f"{what}, not measured: {error}", file=sys.stderr, flush=True)
            self.failed.append(f"* {what}: {str(error).splitlines()[0]}")
            self.keep("Not measured", "\n".join(self.failed))

    def keep(self, title: str, text: str) -> None:
        self.sections[title] = f"## {title}\n\n{text}\n"
        self.path.write_text("\n".join([self.head, *self.sections.values()]), encoding="utf-8")


def main() -> None:
    chosen = show.options(__doc__ or "", 3).parse_args()
    os.environ.update(ENVIRONMENT)
    searched = ", ".join(f"{micro}: {rate}" for micro, rate in finetune.SEARCHED.items())
    head = f"# Measured\n\n{show.machine()}\n\n{ABOUT.format(searched=searched)}"
    if not real():
        head += "\nLAYOVER_DATA names no data: sequences have recorded lengths and random ids.\n"
    page = Page(scratch() / RESULTS.name if chosen.quick else RESULTS, head, chosen.json)
    # What it holds in memory goes with its process.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        equal = apart.submit(equality.check, chosen.quick).result()
    page.tell("Equal", equality.HEADER, equal, map(equality.cells, equal))
    if not all(each.holds for each in equal):
        sys.exit("not equal: no speed is worth comparing")
    _race(page, chosen.rounds, chosen.quick)
    counts = study.counts()
    lines = [study.cells(count, counts[0]) for count in counts]
    page.tell("A study of 9 x 9 x 3", study.HEADER, counts, lines)


def _race(page: Page, rounds: int, small: bool) -> None:
    duels = finetune.headline(rounds, small)
    for module in (evaluate, mlm, data, mining):
        duels += module.duels(rounds, small)
    rows: list[show.Row] = []
    for duel in duels:
        with page.noting(f"{duel.work}, {duel.peer.name}"):
            rows.append(duel.run())
            page.rows(rows)
    show.show(rows, page.as_json)
    with page.noting("share of the peak"):
        shares = peak.shares(rounds, small)
        page.tell("Share of the peak", peak.HEADER, shares, map(peak.cells, shares))


if __name__ == "__main__":
    main()
