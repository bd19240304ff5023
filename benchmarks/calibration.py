"""Do the intervals hold what they promise? `make calibrate`, or `python -m benchmarks.calibration`.

Simulates studies of which the truth is known (simulated.py) and analyses them (analysed.py), and
writes what came out into docs/how-we-measure.md; `--quick` simulates a tenth of it, and only
prints. `--components FILE --store FOLDER` prints what makes the differences of a study vary, beside
the same of the simulation, and no more.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks import analysed, show
from benchmarks.simulated import Design, Nature, components
from layover.measured import grid, measurements
from layover.metrics.metric import ratio
from layover.stats import Estimates, paired_difference
from layover.store import Store
from layover.study import Origin, load

PAGE = Path(__file__).parent.parent / "docs" / "how-we-measure.md"
BEGIN, END = "<!-- make calibrate writes from here -->", "<!-- to here -->"
Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""A heading, the head of the columns, and the rows."""


def percent(value: float) -> str:
    return f"{100 * value:.1f} %" if value == value else "–"


def points(value: float) -> str:
    return f"{value:.2f}" if value == value else "–"


def intervals(times: int) -> Table:
    rows = []
    for shared, name in ((True, "one test set"), (False, "a test set per seed")):
        found = analysed.coverage(times, shared)
        for candidate in analysed.CANDIDATES:
            cells = [found[candidate, n] for n in analysed.SEEDS]
            row = [str(share) for share, _ in cells]
            rows.append([name, candidate, *row, points(found[candidate, 5][1])])
    seeds = [f"{n} seed" + "s" * (n > 1) for n in analysed.SEEDS]
    return (
        "How often a 95 % interval holds the truth",
        ["tested on", "interval", *seeds, "± with 5"],
        rows,
    )


def languages(times: int) -> Table:
    rows = []
    for count in (4, 8, 15):
        found = analysed.over_languages(times, count, (1, 3, 5))
        rows.append([str(count), *(str(share) for n in found for share in found[n])])
    head = ["languages"]
    for n in (1, 3, 5):
        head += [f"over languages, {n} seed{'s' * (n > 1)}", "over seeds and examples"]
    return "How often it holds the truth over all languages of which these are a draw", head, rows


def families(times: int) -> Table:
    rows = []
    for seeds in (3, 5):
        for effect in (0.0, 4.0):
            found = analysed.families(times, seeds, effect)
            rows.append([str(seeds), f"{effect:g}", *map(str, found.values())])
    head = ["seeds", "effect of three arms", "a false finding on the page, uncorrected"]
    head += ["the same, as the page is corrected", "each comparison without effect"]
    head += ["effects found in the means", "on single targets"]
    return "Ten arms on nine targets: 90 differences, 10 means, and the best choice", head, rows


def powers(times: int) -> Table:
    effects = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
    rows = []
    for seeds in (3, 5, 10):
        found = analysed.power(times, seeds, effects)
        rows.append([str(seeds), "alone", *(str(found[effect][0]) for effect in effects)])
        rows.append([str(seeds), "first of ten", *(str(found[effect][1]) for effect in effects)])
    head = ["seeds", "judged", *(f"{effect:g} points" for effect in effects)]
    return "How often an effect is found", head, rows


def promises(times: int) -> Table:
    rows = []
    for seeds in (3, 5):
        least, share = analysed.promised(times, seeds)
        given, more, settled = analysed.settled(times, seeds, 2.0)
        rows.append([str(seeds), points(least), str(share), str(given), f"{more:g}", str(settled)])
    head = ["seeds", "detectable, in points", "found if true", "open: a number of seeds given"]
    head += ["the number, median", "settled with it"]
    return "What `detectable` and `settling` promise", head, rows


def choices(times: int) -> Table:
    rows = []
    for seeds in (1, 3, 5, 10):
        for name, (gain, share) in analysed.optimism(times, seeds).items():
            rows.append([str(seeds), name, f"{gain:+.2f}", str(share)])
    head = ["seeds", "measured on", "seems better by, in points", "interval holds the truth"]
    return "The best of ten equal arms", head, rows


def fits(times: int) -> Table:
    found = {seeds: analysed.curves(times, seeds) for seeds in (3, 5)}
    rows = [[name, *(str(found[seeds][name]) for seeds in found)] for name in found[3]]
    return "Five sizes: how often the interval holds the truth", ["", "3 seeds", "5 seeds"], rows


EXPERIMENTS = (
    (intervals, 1000),
    (languages, 300),
    (families, 200),
    (powers, 200),
    (promises, 200),
    (choices, 200),
    (fits, 300),
)
"""With how many simulated studies."""


def tables(quick: bool) -> Iterator[Table]:
    for experiment, times in EXPERIMENTS:
        yield experiment(times // 10 if quick else times)


def text(found: Iterable[Table]) -> str:
    return "\n\n".join(
        f"**{title}**\n\n{show.markdown(header, rows)}" for title, header, rows in found
    )


def written(page: str, what: str) -> str:
    """The page with something else between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{what}\n\n{END}{after}"


def of_study(file: str, folder: str) -> list[Estimates]:
    """The differences of a study as far as it is complete, in arms that are no controls."""
    study = load(Origin(file=file))
    table = grid(study, measurements(study, Store(Path(folder))))
    compared = [arm.name for arm in study.arms if not arm.control and arm.name != study.baseline]
    return [
        table.difference(arm, study.baseline, target)
        for arm, target in table.samples
        if arm in compared and table.has(study.baseline, target)
    ]


def simulated(times: int = 40) -> list[Estimates]:
    design = Design(effects=(0.0, Nature().effect(2.0)), shared=False)
    outcomes = [chance.target() for chance in analysed.repeated(design, times)]
    return [
        paired_difference(arms[1], arms[0], design.codes, ratio, replicates=analysed.REPLICATES)
        for arms in (outcome.arms for outcome in outcomes)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it; writes nothing")
    parser.add_argument("--components", metavar="FILE", help="a study file")
    parser.add_argument("--store", default="runs", help="the store of that study")
    options = parser.parse_args()
    if options.components:
        print("study:     ", components(of_study(options.components, options.store)))
        print("simulation:", components(simulated()))
        return
    found = []
    for table in tables(options.quick):
        found.append(table)
        print(text([table]), end="\n\n", flush=True)
    if not options.quick:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(written(page, text(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
