"""Every benchmark, equality first: `make bench` or `python -m benchmarks`.

Prints tables (`--json`: a line of JSON a row), and writes RESULTS.md unless `--quick`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import data, equality, evaluate, finetune, mlm, peak, show, study
from benchmarks.harness import ENVIRONMENT
from benchmarks.text import real

RESULTS = Path(__file__).parent / "RESULTS.md"
ABOUT = """\
Written by `make bench`. "ours is" is our rate over the contender's: the median over the rounds, in
each of which both ran, with its 95 % interval. Rates are of useful tokens, without padding. Memory
growth is the peak over what the loaded model takes; "ours/it" our growth over the contender's.
Compare ratios, not rates: they were taken in one run, on whatever else the machine did.
"""


def main() -> None:
    parser = show.options(__doc__ or "", 5)
    chosen = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    parts = [f"# Measured\n\n{show.machine()}\n\n{ABOUT}"]
    if not real():
        parts.append(
            "LAYOVER_DATA names no data: sequences have recorded lengths and random ids.\n"
        )

    def told(title: str, header: Sequence[str], found: Sequence[Any], lines: Iterable[Any]) -> None:
        every = list(lines)
        if chosen.json:
            print("\n".join(json.dumps(asdict(each)) for each in found), flush=True)
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
    for module in (evaluate, mlm, data):
        rows += module.run(chosen.rounds, chosen.quick)
    told("Side by side", show.HEADER, rows, map(show.cells, rows))
    shares = peak.shares(chosen.rounds, chosen.quick)
    told("Share of the peak", peak.HEADER, shares, map(peak.cells, shares))
    counts = study.counts()
    lines = [study.cells(count, counts[0]) for count in counts]
    told("A study of 9 x 9 x 3", study.HEADER, counts, lines)


if __name__ == "__main__":
    main()
