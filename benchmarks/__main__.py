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


def main() -> None:
    parser = show.options(__doc__ or "", 5)
    chosen = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    searched = ", ".join(f"{micro}: {rate}" for (_, micro), rate in finetune.SEARCHED.items())
    parts = [f"# Measured\n\n{show.machine()}\n\n{ABOUT.format(searched=searched)}"]
    if not real():
        parts.append(
            "LAYOVER_DATA names no data: sequences have recorded lengths and random ids.\n"
        )

    def told(title: str, header: Sequence[str], found: Sequence[Any], lines: Iterable[Any]) -> None:
        every = list(lines)
        if chosen.json:
            print("\n".join(json.dumps(show.record(each)) for each in found), flush=True)
        else:
            show.table(header, every)
        parts.append(f"## {title}\n\n{show.markdown(header, every)}\n")
        if not chosen.quick:
            RESULTS.write_text("\n".join(parts), encoding="utf-8")

    equal = equality.check(chosen.quick)
    told("Equal", equality.HEADER, equal, map(equality.cells, equal))
    if not all(each.holds for each in equal):
        sys.exit("not equal: no speed is worth comparing")
    rows = list(finetune.all_rows(chosen.rounds, chosen.quick))
    for module in (evaluate, mlm, data, mining):
        rows += module.run(chosen.rounds, chosen.quick)
    for unit in show.units(rows):
        some = [row for row in rows if row.unit == unit]
        told(f"Side by side, in {unit}", show.header(unit), some, map(show.cells, some))
    shares = peak.shares(chosen.rounds, chosen.quick)
    told("Share of the peak", peak.HEADER, shares, map(peak.cells, shares))
    counts = study.counts()
    lines = [study.cells(count, counts[0]) for count in counts]
    told("A study of 9 x 9 x 3", study.HEADER, counts, lines)


if __name__ == "__main__":
    main()
