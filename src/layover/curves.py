"""What grows with the intermediate data, and with the encoder: arms that differ in nothing else.

Nothing is declared: which arms belong to a line is read off their chains (`layover.factors`). A
value is an arm minus the baseline on one target or averaged over targets, over the zero-shot
languages that both were measured in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from layover.errors import ResultError
from layover.factors import Factors, factors
from layover.grid import Grid
from layover.languages import language as find_language
from layover.report.report import Curve, Point
from layover.stages import Score
from layover.stats import (
    Bounds,
    Term,
    contrast,
    curve,
    doubling,
    measured_languages,
    relation,
    slope_difference,
)
from layover.stats import Curve as Fitted
from layover.study import Arm, Study

DRAWN = 25
"""Places at which a fitted law is drawn."""
NAMES = {"power": "power law with ceiling", "logarithm": "logarithm"}
BY_SIZE = "parameters without the word table"

Points = dict[float, tuple[Term, ...]]


@dataclass(frozen=True, kw_only=True)
class _Line:
    """Points of one kind by target; "" is the mean over the targets that all of them share."""

    name: str
    tasks: tuple[str, ...]
    languages: tuple[str, ...]
    points: Mapping[str, Points]
    labels: Mapping[float, str] = field(default_factory=dict)
    """What stands at a place."""


def by_examples(study: Study, table: Grid) -> tuple[Curve, ...]:
    """A line for each encoder, intermediate task and set of languages that there are arms of with
    two or more numbers of training examples."""
    lines = [line for line in _example_lines(study, table) if line.points]
    return tuple(
        _fitted(line, target, points, _source_line(line, lines, study.source))
        for line in lines
        for target, points in line.points.items()
    )


def by_size(study: Study, table: Grid) -> tuple[Curve, ...]:
    """A line for each arm that was measured with two or more encoders of known sizes, and for how
    far one lies above that of the same tasks in the source language."""
    lines = [line for line in _size_lines(study, table) if line.points]
    found = []
    for line in lines:
        source = _source_line(line, lines, study.source)
        for target, points in line.points.items():
            found.append(_related(line.name, target, points, line.labels))
            if source and points.keys() == source.points.get(target, {}).keys():
                other = source.points[target]
                gap = {at: (*points[at], *_minus(other[at])) for at in points}
                found.append(_related(f"{line.name} - {source.name}", target, gap, line.labels))
    return tuple(found)


def _example_lines(study: Study, table: Grid) -> Iterator[_Line]:
    """The lines over the numbers of examples."""
    arms: dict[Factors, dict[int, Arm]] = {}
    for arm in _compared(study):
        kinds = {replace(one, seed=None, parameters=None) for one in _factors(arm)}
        if len(kinds) == 1 and (kind := kinds.pop()).intermediate and kind.examples:
            arms.setdefault(replace(kind, examples=None), {})[kind.examples] = arm
    encoders = {kind.encoder for kind in arms}
    for kind, sizes in arms.items():
        if len(sizes) < 2:
            continue
        targets = {
            name: {float(size): (arm.name, name) for size, arm in sorted(sizes.items())}
            for name in _targets(study)
        }
        name = _name(kind, several=len(encoders) > 1)
        points = _points(targets, table, study.baseline)
        yield _Line(name=name, tasks=kind.intermediate, languages=kind.languages, points=points)


def _size_lines(study: Study, table: Grid) -> Iterator[_Line]:
    """The lines over the encoders' sizes. What is measured is told apart by its task: a target may
    have another name for each encoder."""
    for arm in _compared(study):
        cells: dict[str, dict[float, tuple[str, str]]] = {}
        labels: dict[float, str] = {}
        for leaf in _scores(arm):
            found = factors(leaf)
            if found.parameters:
                size = float(found.parameters.body)
                labels[size] = found.encoder
                task = leaf.predictions.data.task.name
                cells.setdefault(task, {})[size] = (arm.name, leaf.target)
        several = {task: dict(sorted(at.items())) for task, at in cells.items() if len(at) > 1}
        kind = _factors(arm)[0]
        yield _Line(
            name=arm.name,
            tasks=kind.intermediate,
            languages=kind.languages,
            points=_points(several, table, study.baseline),
            labels=labels,
        )


def _compared(study: Study) -> list[Arm]:
    return [
        arm for arm in study.arms if not arm.control and arm.name != study.baseline and _scores(arm)
    ]


def _scores(arm: Arm) -> list[Score]:
    return [leaf for leaf in arm.leaves if isinstance(leaf, Score)]


def _factors(arm: Arm) -> list[Factors]:
    return [factors(leaf) for leaf in _scores(arm)]


def _targets(study: Study) -> tuple[str, ...]:
    return tuple(dict.fromkeys(leaf.target for arm in study.arms for leaf in _scores(arm)))


def _name(kind: Factors, several: bool) -> str:
    codes = kind.languages
    where = find_language(codes[0]).name if len(codes) == 1 else f"{len(codes)} languages"
    beside = " + MLM" if kind.beside_mlm else ""
    encoder = f", {kind.encoder}" if several else ""
    return f"{' + '.join(kind.intermediate)}{beside} in {where}{encoder}"


def _points(
    cells: Mapping[str, Mapping[float, tuple[str, str]]], table: Grid, baseline: str
) -> dict[str, Points]:
    """Target -> place -> terms, from target -> place -> (arm, the target's name there): those
    measured, and under "" their mean, where there are several targets with the same places."""
    found: dict[str, Points] = {}
    for target, places in cells.items():
        known = {at: _difference(table, *cell, baseline) for at, cell in places.items()}
        if all(known.values()):
            found[target] = known
    if len(found) > 1 and len({tuple(points) for points in found.values()}) == 1:
        share = 1 / len(found)
        mean = {
            at: tuple(term * share for points in found.values() for term in points[at])
            for at in next(iter(found.values()))
        }
        return {"": mean, **found}
    return found


def _difference(table: Grid, arm: str, target: str, baseline: str) -> tuple[Term, ...]:
    """An arm minus the baseline; () where one of them was not measured."""
    if not (table.has(arm, target) and table.has(baseline, target)):
        return ()
    pair = (table.samples[arm, target], table.samples[baseline, target])
    codes = measured_languages(pair, table.zero_shot(table.languages))
    return tuple(
        Term(weight=weight, sample=sample, languages=codes)
        for weight, sample in zip((1.0, -1.0), pair, strict=True)
    )


def _minus(terms: Sequence[Term]) -> tuple[Term, ...]:
    return tuple(term * -1.0 for term in terms)


def _source_line(line: _Line, lines: Sequence[_Line], source: str) -> _Line | None:
    """The line of the same tasks in the source language alone, for a line of other languages."""
    same = [one for one in lines if one.tasks == line.tasks and one.languages == (source,)]
    return same[0] if same and same[0] is not line else None


def _fitted(line: _Line, target: str, points: Points, source: _Line | None) -> Curve:
    other = source.points.get(target, {}) if source else {}
    law, told = _law(points)
    return Curve(
        arm=line.name,
        points=tuple(Point(at=at, value=contrast(terms)) for at, terms in points.items()),
        target=target,
        law=NAMES[law.law] if law else "",
        line=_drawn(law) if law else (),
        slope=contrast(doubling(points)),
        against=source.name if source and other else "",
        contrast=slope_difference(points, other) if other else None,
        told=told,
    )


def _law(points: Points) -> tuple[Fitted | None, str]:
    """The law that leaves over less, and what it says of doublings; or why there is none."""
    try:
        laws = [curve(points, "logarithm")]
        if len(points) > 3:
            laws.append(curve(points, "power"))
    except ResultError as error:
        return None, str(error)
    best = min(laws, key=lambda law: law.misfit)
    first, last = best.sizes[0], best.sizes[-1] / 2
    told = [f"from {size:,.0f} examples {_plain(best.gain(size))}" for size in (first, last)]
    return best, f"By this law a doubling adds {' and '.join(told)}."


def _plain(bounds: Bounds) -> str:
    # No minus before what is rounded to zero.
    estimate, low, high = (
        round(one, 1) + 0.0 for one in (bounds.estimate, bounds.low, bounds.high)
    )
    return f"{estimate:+.1f} [{low:+.1f}, {high:+.1f}]"


def _drawn(law: Fitted) -> tuple[tuple[float, float, float, float], ...]:
    first, last = law.sizes[0], law.sizes[-1]
    places = [first * (last / first) ** (step / (DRAWN - 1)) for step in range(DRAWN)]
    found = [(at, law.at(at)) for at in places]
    return tuple((at, bounds.estimate, bounds.low, bounds.high) for at, bounds in found)


def _related(name: str, target: str, points: Points, labels: Mapping[float, str]) -> Curve:
    return Curve(
        arm=name,
        points=tuple(
            Point(at=at, value=contrast(terms), label=labels[at]) for at, terms in points.items()
        ),
        axis=BY_SIZE,
        target=target,
        slope=contrast(doubling(points)),
        told=_relation(points),
    )


def _relation(points: Points) -> str:
    try:
        found = relation([(math.log2(at), terms) for at, terms in points.items()])
    except ResultError as error:
        return str(error)
    rank, linear = (
        f"{one.estimate:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"
        for one in (found.rank, found.linear)
    )
    return f"Rank correlation with size {rank}, linear with its logarithm {linear}. {found.word}"
