"""The tables of a report: names, and cells that say what they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from layover.report import prose
from layover.report.family import Place
from layover.report.report import Cost, Curve, Report, measured
from layover.stats import Bounds, Interval

GAIN, LOSS = (33, 102, 172), (191, 91, 10)
"""Blue and orange: told apart with every common kind of colour blindness."""
DEEPEST = 0.55
"""How much of the colour the largest difference takes: dark text stays readable on it."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One cell of a table: the number, what is below it, how it is drawn, what it rests on."""

    text: str = "–"
    below: str = ""
    style: str = ""
    strong: bool = False
    rests: str = "not measured"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One table: column names with what is below them, and rows of a name and its cells."""

    caption: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Shown, ...]], ...]

    @property
    def rests(self) -> str:
        """What every measured cell rests on; "" where they differ."""
        found = {cell.rests for _, cells in self.rows for cell in cells if cell != Shown()}
        return found.pop() if len(found) == 1 else ""


def difference_grids(report: Report) -> tuple[Grid, ...]:
    """Arm x target for the zero-shot mean, and for the source language; empty ones left out."""
    grids = [_differences(report, "", "Mean over the zero-shot languages")]
    if report.source:
        name = report.source.name
        grids.append(_differences(report, report.source.code, f"{name}, the source language"))
    return tuple(grid for grid in grids if grid.rows)


def _differences(report: Report, language: str, caption: str) -> Grid:
    limit = deepest(report)
    common = report.common_targets(language)
    columns = [(target.name, target.metric) for target in report.targets]
    several = len(report.targets) > 1
    if several:
        every = len(common) == len(report.targets)
        columns.insert(0, ("All targets" if every else f"{len(common)} targets", "mean"))
    places = [("", language)] * several + [(one.name, language) for one in report.targets]
    rows = _rows(report, places, limit)
    return Grid(caption=caption, columns=tuple(columns), rows=rows)


def _rows(
    report: Report, places: Iterable[tuple[str, str]], limit: float
) -> tuple[tuple[str, tuple[Shown, ...]], ...]:
    """A row for every arm, a cell for every (target or "" for their mean, language)."""
    each = tuple(places)
    return tuple(
        (arm, tuple(_difference(report, (arm, *place), limit) for place in each))
        for arm in report.named("arm")
    )


def language_grids(report: Report) -> tuple[Grid, ...]:
    """Per target: arm x language, ordered by distance."""
    limit = deepest(report)
    grids = []
    columns = tuple((x.name, _distance(x.distance)) for x in report.by_distance)
    for target in report.targets:
        places = [(target.name, language.code) for language in report.by_distance]
        if any(report.shown(arm, *place) for arm in report.named("arm") for place in places):
            rows = _rows(report, places, limit)
            grids.append(Grid(caption=target.name, columns=columns, rows=rows))
    return tuple(grids)


def score_grid(report: Report) -> Grid:
    """Every arm's zero-shot scores."""
    return Grid(
        caption="Scores, mean over the zero-shot languages",
        columns=tuple((target.name, f"{target.metric}, %") for target in report.targets),
        rows=tuple(
            (
                arm.name,
                tuple(_score(measured(report.score(arm.name, t.name))) for t in report.targets),
            )
            for arm in report.arms
            if any(measured(report.score(arm.name, t.name)) for t in report.targets)
        ),
    )


def control_grid(report: Report) -> Grid:
    """Chance, the controls and the baseline per target, zero-shot and in the source language."""
    names = [*report.named("control"), *report.named("baseline")]
    places = [("", "zero-shot")]
    if report.source:
        places.append((report.source.code, report.source.name))
    rows = []
    for target in report.targets:
        for code, place in places:
            found = [measured(report.score(name, target.name), code) for name in names]
            if any(found):
                chance = "–" if math.isnan(target.chance) else f"{target.chance:.1f}"
                cells = (
                    Shown(text=chance, rests="expected from guessing"),
                    *(_score(cell) for cell in found),
                )
                rows.append((f"{target.name}, {place}", cells))
    columns = (("Chance", "%"), *((name, "%") for name in names))
    return Grid(
        caption="Mean score and half the width of its 95 % interval",
        columns=columns,
        rows=tuple(rows),
    )


def _difference(report: Report, place: Place, limit: float) -> Shown:
    cell = report.shown(*place)
    if cell is None:
        return Shown()
    return Shown(
        text=prose.signed(cell.estimate),
        below=prose.bracket(cell),
        style=f"background:{shade(cell.estimate, limit)}",
        strong=report.sign(*place) != 0,
        rests=_rests(cell),
    )


def _score(cell: Interval | None) -> Shown:
    if cell is None:
        return Shown()
    half = (cell.high - cell.low) / 2
    below = "" if math.isnan(half) else f"± {half:.1f}"
    return Shown(text=f"{cell.estimate:.1f}", below=below, rests=_rests(cell))


def _rests(cell: Interval) -> str:
    return ", ".join(
        (
            prose.count(cell.seeds, "seed"),
            prose.count(cell.examples, "example"),
            prose.count(len(cell.languages), "language"),
        )
    )


def _distance(distance: float) -> str:
    return "" if math.isnan(distance) else f"distance {distance:.2g}"


def deepest(report: Report) -> float:
    """The difference, in points, at which the colour is deepest: the largest in the main tables."""
    source = report.source.code if report.source else ""
    cells = [
        report.shown(arm, target.name, language)
        for arm in report.named("arm")
        for target in report.targets
        for language in {"", source}
    ]
    return max((math.ceil(abs(cell.estimate)) for cell in cells if cell), default=1) or 1


def shade(value: float, limit: float) -> str:
    """The background of a difference: white at zero."""
    share = DEEPEST * min(abs(value) / limit, 1.0)
    colour = GAIN if value > 0 else LOSS
    return "#" + "".join(f"{round(255 + share * (part - 255)):02x}" for part in colour)


def slope_grid(curves: Iterable[Curve]) -> Grid:
    """What a doubling adds, curve by curve, and how much more than with another arm."""
    rows = [
        (
            _named(curve),
            (
                Shown(text=curve.law or "–", rests=curve.told or "no law was fitted"),
                _measure(curve.slope),
                _measure(curve.contrast, f"over {curve.against}"),
            ),
        )
        for curve in curves
        if curve.law or curve.slope
    ]
    columns = (
        ("Law", ""),
        ("One doubling adds", "on average, 95 % interval"),
        ("More than another", "95 % interval"),
    )
    return Grid(caption="What one doubling adds", columns=columns, rows=tuple(rows))


def point_grids(curves: Iterable[Curve]) -> tuple[Grid, ...]:
    """Every point, a table for every axis and measure."""
    groups: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        groups.setdefault((curve.axis, curve.measure), []).append(curve)
    return tuple(
        Grid(
            caption=f"{measure} by {axis}",
            columns=((axis, ""), (measure, "95 % interval")),
            rows=tuple(
                (
                    ", ".join(filter(None, (_named(curve), point.label))),
                    (Shown(text=f"{point.at:,.0f}", rests=axis), _measure(point.value)),
                )
                for curve in members
                for point in curve.points
            ),
        )
        for (axis, measure), members in groups.items()
    )


def cost_grid(report: Report) -> Grid:
    """What every model costs to serve, with every backend, in every language."""
    names = {one.code: one.name for one in report.languages}
    columns = (
        *(("p50", "ms a batch"), ("p95", "ms a batch"), ("p99", "ms a batch")),
        *(("Throughput", "sentences/s"), ("Tokens", "a sentence"), ("Memory", "MB, peak")),
        *(("Disk", "MB"), ("Agrees", "% of examples"), ("Quality", "%"), ("Points", "a ms")),
    )
    rows = [
        (
            ", ".join(
                filter(
                    None,
                    (
                        cost.model,
                        cost.target,
                        cost.backend,
                        names.get(cost.language, cost.language) or "zero-shot languages",
                        f"batch {cost.batch}",
                    ),
                )
            ),
            (
                *(_bounds(one) for one in (cost.p50, cost.p95, cost.p99, cost.throughput)),
                *(_number(x) for x in (cost.tokens, cost.memory / 1e6, cost.disk / 1e6)),
                _number(100 * cost.agrees),
                _quality(cost),
                _number(cost.per_millisecond),
            ),
        )
        for cost in report.costs
    ]
    return Grid(caption="Every model, backend and language", columns=columns, rows=tuple(rows))


def _quality(cost: Cost) -> Shown:
    found = _score(cost.quality)
    return replace(found, below="of served examples") if cost.sampled and found.text else found


def _named(curve: Curve) -> str:
    return ", ".join(filter(None, (curve.arm, curve.target)))


def _measure(cell: Interval | None, more: str = "") -> Shown:
    if cell is None:
        return Shown()
    below = f"[{prose.number(cell.low)},\u00a0{prose.number(cell.high)}] {more}".strip()
    return Shown(text=prose.number(cell.estimate), below=below, rests=_rests(cell))


def _bounds(value: Bounds) -> Shown:
    if math.isnan(value.estimate):
        return Shown()
    known = not math.isnan(value.low)
    below = f"[{prose.number(value.low)},\u00a0{prose.number(value.high)}]" if known else ""
    return Shown(text=prose.number(value.estimate), below=below, rests="rounds of measurements")


def _number(value: float) -> Shown:
    return Shown() if math.isnan(value) else Shown(text=prose.number(value), rests="")
