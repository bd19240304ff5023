"""What a reader of a report must know besides: what is missing, and what the study allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from layover.languages import known, language
from layover.report.prose import listed
from layover.report.report import Report, measured
from layover.stats import Interval

Cells = Mapping[tuple[str, str], Interval]
"""(arm, target) -> the difference."""


def missing(report: Report) -> tuple[str, ...]:
    """Which cells were not measured, or rest on fewer seeds or languages than others."""
    cells = {
        (arm, target.name): cell
        for arm in report.named("arm")
        for target in report.targets
        if (cell := report.shown(arm, target.name))
    }
    return (*_unmeasured(report, cells), *_uneven(report, cells), *_partial(report, cells))


def _unmeasured(report: Report, cells: Cells) -> Iterator[str]:
    names = [target.name for target in report.targets]
    scored = {(cell.arm, cell.target) for cell in report.scores}
    # What only the baseline lacks is not said of every arm.
    alone = [
        name
        for name in names
        if (report.baseline, name) not in scored
        and any((arm, name) in scored - cells.keys() for arm in report.named("arm"))
    ]
    if alone:
        yield (
            f"{report.baseline} was not measured on {listed(alone)}: "
            "no arm can be compared with it there."
        )
    for arm in report.named("arm"):
        told = {name for name in alone if (arm, name) in scored}
        if lacks := [name for name in names if (arm, name) not in cells and name not in told]:
            where = "any target" if len(lacks) == len(names) else listed(lacks)
            yield f"{arm} was not measured, or has no baseline to compare, on {where}."


def _uneven(report: Report, cells: Cells) -> Iterator[str]:
    # A side alone may have more than the two have in common.
    scores = {(cell.arm, cell.target): cell.estimates.mean for cell in report.scores}
    sides = [
        (target, scores.get((name, target), cell))
        for (arm, target), cell in cells.items()
        for name in (arm, report.baseline)
    ]
    seeds = max((side.seeds for _, side in sides), default=0)
    for (arm, target), cell in cells.items():
        languages = max(len(side.languages) for name, side in sides if name == target)
        parts = [f"{cell.seeds} of {seeds} seeds"] if cell.seeds < seeds else []
        if len(cell.languages) < languages:
            parts.append(f"{len(cell.languages)} of {languages} languages")
        if parts:
            yield f"{arm} on {target} rests on {listed(parts)}."


def _partial(report: Report, cells: Cells) -> Iterator[str]:
    common = report.common_targets()
    if cells and len(common) < len(report.targets):
        yield (
            f"The mean over targets covers {listed(common) or 'no target'}: "
            "only what every measured arm has can be averaged."
        )
    scores = (measured(report.score(report.baseline, target.name)) for target in report.targets)
    if report.scores and not all(scores):
        yield f"The baseline {report.baseline} lacks scores on some targets."


def allowed(findings: Sequence[str]) -> Iterator[str]:
    """What a study allows, in a sentence, from the guard's names such as "NLI in deu"."""
    groups: dict[str, list[str]] = {}
    for finding in findings:
        what, _, code = finding.rpartition(" in ")
        named = what and code in known()
        groups.setdefault(what if named else finding, []).extend(
            [language(code).name] if named else []
        )
    parts = [f"{what} in {listed(names)}" if names else what for what, names in groups.items()]
    if parts:
        yield f"The study allows what the guard would stop: {'; '.join(parts)}."
