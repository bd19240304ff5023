"""A report as one HTML file that needs nothing else: style, figures and text are inside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from layover.report import figures, portraits, prose, svg
from layover.report.report import Report, measured
from layover.stats import Interval

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


def render(report: Report) -> str:
    """The page. The same report gives the same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    title, _, more = report.question.strip().partition("\n\n")
    page = environment.get_template("page.html.jinja").render(
        report=report,
        title=" ".join(title.split()) or report.study,
        more=[" ".join(paragraph.split()) for paragraph in more.split("\n\n") if paragraph.strip()],
        answer=prose.answer(report),
        methods=prose.methods(report),
        notes=(*prose.missing(report), *report.notes),
        differences=difference_grids(report),
        languages=language_grids(report),
        scores=score_grid(report),
        controls=control_grid(report),
        looks=svg.looks(report),
        by_language=figures.by_language(report),
        layers=figures.layer_curves(report),
        portraits=portraits.portrait_panels(report),
        portrait_words=portraits.portrait_words(report),
        trainings=figures.training_curves(report),
        limit=f"{_limit(report):.0f}",
        scale=[_shade(x / 4, 1.0) for x in range(-4, 5)],
    )
    return page + "\n"


def difference_grids(report: Report) -> tuple[Grid, ...]:
    """Arm x target for the zero-shot mean, and for the source language; empty ones left out."""
    grids = [_differences(report, "", "Mean over the zero-shot languages")]
    if report.source:
        name = report.source.name
        grids.append(_differences(report, report.source.code, f"{name}, the source language"))
    return tuple(grid for grid in grids if grid.rows)


def _differences(report: Report, language: str, caption: str) -> Grid:
    limit = _limit(report)
    common = report.common_targets(language)
    columns = [(target.name, target.metric) for target in report.targets]
    several = len(report.targets) > 1
    if several:
        every = len(common) == len(report.targets)
        columns.insert(0, ("All targets" if every else f"{len(common)} targets", "mean"))
    rows = []
    for arm in report.named("arm"):
        cells = [report.shown(arm, target.name, language) for target in report.targets]
        if several:
            cells.insert(0, report.overall(arm, language))
        rows.append((arm, tuple(_difference(cell, limit) for cell in cells)))
    return Grid(caption=caption, columns=tuple(columns), rows=tuple(rows))


def language_grids(report: Report) -> tuple[Grid, ...]:
    """Per target: arm x language, ordered by distance."""
    limit = _limit(report)
    grids = []
    for target in report.targets:
        rows = [
            (arm, [report.shown(arm, target.name, x.code) for x in report.by_distance])
            for arm in report.named("arm")
        ]
        if any(any(cells) for _, cells in rows):
            grids.append(
                Grid(
                    caption=target.name,
                    columns=tuple((x.name, _distance(x.distance)) for x in report.by_distance),
                    rows=tuple(
                        (arm, tuple(_difference(cell, limit) for cell in cells))
                        for arm, cells in rows
                    ),
                )
            )
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


def _difference(cell: Interval | None, limit: float) -> Shown:
    if cell is None:
        return Shown()
    return Shown(
        text=prose.signed(cell.estimate),
        below=prose.bracket(cell),
        style=f"background:{_shade(cell.estimate, limit)}",
        strong=cell.sign != 0,
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


def _limit(report: Report) -> float:
    """The difference, in points, at which the colour is deepest: the largest in the main tables."""
    source = report.source.code if report.source else ""
    cells = [
        report.shown(arm, target.name, language)
        for arm in report.named("arm")
        for target in report.targets
        for language in {"", source}
    ]
    return max((math.ceil(abs(cell.estimate)) for cell in cells if cell), default=1) or 1


def _shade(value: float, limit: float) -> str:
    share = DEEPEST * min(abs(value) / limit, 1.0)
    colour = GAIN if value > 0 else LOSS
    return "#" + "".join(f"{round(255 + share * (part - 255)):02x}" for part in colour)
