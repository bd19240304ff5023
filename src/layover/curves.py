"""What grows with the intermediate data, and with the encoder: arms that differ in nothing else.

Nothing is declared: which arms belong to a line is read off their chains (`layover.factors`). A
value is an arm minus the baseline on one target or averaged over targets, over the zero-shot
languages that both were measured in.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from layover.errors import ResultError
from layover.factors import Factors, factors, scores_of
from layover.grid import Grid
from layover.languages import language as find_language
from layover.report.prose import bounded, listed, sentence
from layover.report.report import Curve, Point
from layover.stats import Curve as Fitted
from layover.stats import (
    Term,
    contrast,
    difference,
    doubling,
    measured_languages,
    relation,
    slope_difference,
    told_law,
)
from layover.study import Study

DRAWN = 25
"""Places at which a fitted law is drawn."""
NAMES = {"power": "power law with ceiling", "logarithm": "logarithm"}
BY_SIZE = "parameters without the word table"
LEAST = 3
"""Places that make a line: two are a difference, which the arms show."""

Points = dict[float, tuple[Term, ...]]


@dataclass(frozen=True, kw_only=True)
class _Line:
    """Points of one kind by target; "" is the mean over the targets that all of them share."""

    name: str
    tasks: tuple[str, ...]
    languages: tuple[str, ...]
    points: Mapping[str, Points]
    """Those measured."""
    places: Mapping[float, str]
    """What stands at each, measured or not: an arm, or an encoder."""

    def lacking(self, target: str) -> str:
        """A sentence on what was not measured."""
        names = [name for at, name in self.places.items() if at not in self.points[target]]
        return f"Not measured: {listed(names)}." if names else ""


def by_examples(study: Study, table: Grid) -> tuple[Curve, ...]:
    """A line for each encoder, intermediate task and set of languages that there are arms of with
    three or more numbers of training examples."""
    lines = [line for line in _example_lines(study, table) if line.points]
    return tuple(
        _fitted(line, target, _source_line(line, lines, study.source))
        for line in lines
        for target in line.points
    )


def by_size(study: Study, table: Grid) -> tuple[Curve, ...]:
    """For each arm that was measured with three or more encoders of known sizes: how far it lies
    above that of the same tasks in the source language, and a line of its own."""
    lines = [line for line in _size_lines(study, table) if line.points]
    gaps = []
    for line in lines:
        if source := _source_line(line, lines, study.source):
            both = {
                target: {
                    at: (*points[at], *(term * -1.0 for term in other[at]))
                    for at in _shared(points, other)
                }
                for target, points in line.points.items()
                if (other := source.points.get(target))
            }
            kept = {target: points for target, points in both.items() if len(points) > 1}
            gaps.append(replace(line, name=f"{line.name} − {source.name}", points=kept))
    related = [
        _related(line, target, f"{line.name}, points") for line in gaps for target in line.points
    ]
    related += [_related(line, target) for line in lines for target in line.points]
    return tuple(related)


def _example_lines(study: Study, table: Grid) -> Iterator[_Line]:
    """The lines over the numbers of examples."""
    arms: dict[Factors, dict[int, str]] = {}
    for arm in study.compared:
        kinds = {replace(one, seed=None, parameters=None) for one in map(factors, scores_of(arm))}
        if len(kinds) == 1 and (kind := kinds.pop()).intermediate and kind.examples:
            arms.setdefault(replace(kind, examples=None), {})[kind.examples] = arm.name
    families = {
        kind: dict(sorted(sizes.items())) for kind, sizes in arms.items() if len(sizes) >= LEAST
    }
    names = _names(families, {arm.name for arm in study.arms})
    targets = dict.fromkeys(leaf.target for arm in study.arms for leaf in scores_of(arm))
    for kind, sizes in families.items():
        places = {float(size): arm for size, arm in sizes.items()}
        cells = {name: {at: (arm, name) for at, arm in places.items()} for name in targets}
        yield _Line(
            name=names[kind],
            tasks=kind.intermediate,
            languages=kind.languages,
            points=_points(cells, table, study.baseline),
            places=places,
        )


def _size_lines(study: Study, table: Grid) -> Iterator[_Line]:
    """The lines over the encoders' sizes. What is measured is told apart by its task: a target may
    have another name for each encoder."""
    for arm in study.compared:
        cells: dict[str, dict[float, tuple[str, str]]] = {}
        places: dict[float, str] = {}
        for leaf in scores_of(arm):
            found = factors(leaf)
            if found.parameters:
                size = float(found.parameters.body)
                places[size] = found.encoder
                task = leaf.predictions.data.task.name
                cells.setdefault(task, {})[size] = (arm.name, leaf.target)
        if len(places) < LEAST:
            continue
        kind = factors(scores_of(arm)[0])
        rising = {task: dict(sorted(at.items())) for task, at in cells.items()}
        yield _Line(
            name=arm.name,
            tasks=kind.intermediate,
            languages=kind.languages,
            points=_points(rising, table, study.baseline),
            places=dict(sorted(places.items())),
        )


def _names(
    families: Mapping[Factors, Mapping[int, str]], taken: Collection[str]
) -> dict[Factors, str]:
    """The words that the names of a line's arms begin with; its factors where these are not its
    own."""
    several = len({kind.encoder for kind in families}) > 1
    words: dict[Factors, str] = {}
    for kind, sizes in families.items():
        names = [arm.split() for arm in sizes.values()]
        shared = itertools.takewhile(lambda each: len(set(each)) == 1, zip(*names, strict=False))
        words[kind] = " ".join(each[0] for each in shared).strip(" ,:")
    found = [*words.values(), *taken, ""]
    return {
        kind: name if found.count(name) == 1 else _name(kind, several=several)
        for kind, name in words.items()
    }


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
    measured at two places or more, and under "" their mean where all of several were."""
    found: dict[str, Points] = {}
    for target, places in cells.items():
        known = {at: _difference(table, *cell, baseline) for at, cell in places.items()}
        known = {at: terms for at, terms in known.items() if terms and contrast(terms).seeds}
        if len(known) > 1:
            found[target] = known
    shared = _shared(*found.values())
    if len(found) > 1 and len(shared) > 1:
        share = 1 / len(found)
        mean = {
            at: tuple(term * share for points in found.values() for term in points[at])
            for at in shared
        }
        return {"": mean, **found}
    return found


def _shared(*lines: Points) -> list[float]:
    """The places that all have."""
    return [at for at in (lines[0] if lines else ()) if all(at in points for points in lines)]


def _difference(table: Grid, arm: str, target: str, baseline: str) -> tuple[Term, ...]:
    """An arm minus the baseline; () where one of them was not measured."""
    if not (table.has(arm, target) and table.has(baseline, target)):
        return ()
    pair = (table.samples[arm, target], table.samples[baseline, target])
    codes = measured_languages(pair, table.zero_shot(table.languages))
    return difference(pair, codes)


def _source_line(line: _Line, lines: Sequence[_Line], source: str) -> _Line | None:
    """The line of the same tasks in the source language alone, for a line of other languages."""
    same = [one for one in lines if one.tasks == line.tasks and one.languages == (source,)]
    return same[0] if same and same[0] is not line else None


def _fitted(line: _Line, target: str, source: _Line | None) -> Curve:
    points = line.points[target]
    law, told = _law(points)
    ends = (law.sizes[0], law.sizes[-1] / 2) if law and law.law == "power" else ()
    # Slopes over other sizes are not compared.
    other = source.points.get(target, {}) if source else {}
    shared = _shared(points, other)
    pair = [{at: one[at] for at in shared} for one in (points, other)] if len(shared) > 1 else []
    return Curve(
        arm=line.name,
        arms=tuple(line.places.values()),
        points=tuple(Point(at=at, value=contrast(terms)) for at, terms in points.items()),
        target=target,
        law=NAMES[law.law] if law else "",
        line=_drawn(law) if law else (),
        gains=tuple((size, law.gain(size)) for size in ends) if law else (),
        slope=contrast(doubling(points)),
        against=source.name if source and pair else "",
        contrast=slope_difference(*pair) if pair else None,
        told=" ".join(filter(None, (told, line.lacking(target)))),
    )


def _law(points: Points) -> tuple[Fitted | None, str]:
    """The law that the points tell, and what it says of doublings; or why there is none."""
    try:
        law = told_law(points)
    except ResultError as error:
        return None, sentence(str(error))
    first, last = law.sizes[0], law.sizes[-1] / 2
    if law.law == "logarithm":
        return law, f"By this law every doubling adds {bounded(law.gain(first))}."
    told = [f"from {size:,.0f} examples {bounded(law.gain(size))}" for size in (first, last)]
    return law, f"By this law a doubling adds {listed(told)}."


def _drawn(law: Fitted) -> tuple[tuple[float, float, float, float], ...]:
    first, last = law.sizes[0], law.sizes[-1]
    places = [first * (last / first) ** (step / (DRAWN - 1)) for step in range(DRAWN)]
    found = [(at, law.at(at)) for at in places]
    return tuple((at, bounds.estimate, bounds.low, bounds.high) for at, bounds in found)


def _related(line: _Line, target: str, measure: str = "difference, points") -> Curve:
    points = line.points[target]
    return Curve(
        arm=line.name,
        points=tuple(
            Point(at=at, value=contrast(terms), label=line.places[at])
            for at, terms in points.items()
        ),
        measure=measure,
        axis=BY_SIZE,
        target=target,
        slope=contrast(doubling(points)),
        told=" ".join(filter(None, (_relation(points), line.lacking(target)))),
    )


def _relation(points: Points) -> str:
    try:
        found = relation([(math.log2(at), terms) for at, terms in points.items()])
    except ResultError as error:
        return sentence(str(error))
    rank, linear = (bounded(one, 2) for one in (found.rank, found.linear))
    return f"Rank correlation with size {rank}, linear with its logarithm {linear}. {found.word}"
