"""The figure that carries the answer: what each arm changes, as intervals around zero."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layover.report import prose
from layover.report.report import Report
from layover.report.svg import GREY, INK, Look, Panel, brief, briefs, drawing, element, looks
from layover.stats import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAD, SMALL = 5.0, 2.7
"""Widths in inches: of the mean over targets, and of one target."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One arm; no value where it was not measured."""

    name: str
    value: Interval | None
    sign: int
    look: Look


def forest(report: Report) -> tuple[Panel | None, tuple[Panel, ...]]:
    """The mean over targets (or the only one), and each target beside it where there are several.

    Arms stand in one order in all, the best on average first.
    """
    each = {target.name: _rows(report, target.name) for target in report.targets}
    known = {row.name for rows in each.values() for row in rows if row.value}
    each = {name: [row for row in rows if row.name in known] for name, rows in each.items()}
    measured = {name: rows for name, rows in each.items() if any(row.value for row in rows)}
    if not measured:
        return None, ()
    limits = _limits(row.value for rows in measured.values() for row in rows if row.value)
    panels = tuple(
        Panel(title=name, svg=_small(report, name, rows, limits)) for name, rows in measured.items()
    )
    lead = [row for row in _rows(report, "") if row.value]
    if len(report.targets) == 1:
        panels = ()
    return (Panel(title=_title(report), svg=_lead(report, lead)) if lead else None), panels


def _title(report: Report) -> str:
    common = report.common_targets()
    what = common[0] if len(common) == 1 else f"Mean over {prose.targets_told(report, common)}"
    return f"{what}, zero-shot"


def _rows(report: Report, target: str) -> list[Row]:
    look = looks(report)
    means = {arm: report.overall(arm) for arm in report.named("arm")}
    ranked = sorted(means, key=lambda arm: -(one.estimate if (one := means[arm]) else -math.inf))
    return [
        Row(
            name=arm,
            value=report.shown(arm, target),
            sign=report.sign(arm, target),
            look=look[arm],
        )
        for arm in ranked
    ]


def _lead(report: Report, rows: Sequence[Row]) -> str:
    cells = [row.value for row in rows if row.value]
    with drawing(0.55 + 0.29 * len(rows), width=LEAD) as (figure, (axes,)):
        _draw(axes, rows, _limits(cells), 24)
        for place, cell in enumerate(cells):
            numbers = f"{prose.signed(cell.estimate)}  {prose.bracket(cell)}"
            where = axes.get_yaxis_transform()
            axes.text(1.02, place, numbers, transform=where, va="center", color=INK)
        axes.set_xlabel(f"points over {brief(report.baseline, 40)}")
        return element(figure, _words(report, _title(report), rows))


def _small(report: Report, name: str, rows: Sequence[Row], limits: tuple[float, float]) -> str:
    with drawing(0.4 + 0.24 * len(rows), width=SMALL) as (figure, (axes,)):
        _draw(axes, rows, limits, 14)
        return element(figure, _words(report, name, rows))


def _draw(axes: Axes, rows: Sequence[Row], limits: tuple[float, float], letters: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.axvline(0, color=INK, linewidth=1.2)
    for place, row in enumerate(rows):
        if row.value is None:
            axes.text(0, place, " not measured", va="center", color=GREY, fontsize=8)
            continue
        for (low, high), width in ((row.value.over_languages, 1.0), (_ends(row.value), 3.0)):
            # What an arm's interval covers beyond the figure, its numbers say.
            shown = [max(low, limits[0]), min(high, limits[1])]
            axes.plot(shown, [place] * 2, color=row.look.colour, linewidth=width, zorder=2)
        options = {**row.look.options(8), "linestyle": "none", "zorder": 3}
        fill = row.look.colour if row.sign else "white"
        axes.plot([row.value.estimate], [place], **{**options, "markerfacecolor": fill})
    axes.set_yticks(range(len(rows)), briefs([row.name for row in rows], letters), color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(*limits)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _ends(cell: Interval) -> tuple[float, float]:
    return cell.low, cell.high


def _limits(cells: Iterable[Interval]) -> tuple[float, float]:
    """Of the axis: zero, all estimates, and the intervals unless they would squash the others."""
    known = tuple(cells)
    halves = [cell.high - cell.estimate for cell in known if not math.isnan(cell.high)]
    most = max(abs(cell.estimate) for cell in known)
    most += 2 * statistics.median(halves) if halves else 0.0
    ends = [end for cell in known for end in _all_ends(cell)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    low, high = max(low, -most), min(high, most)
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def _all_ends(cell: Interval) -> Iterator[float]:
    for end in (cell.estimate, *_ends(cell), *cell.over_languages):
        if not math.isnan(end):
            yield end


def _words(report: Report, title: str, rows: Sequence[Row]) -> str:
    """The figure in words: every number that it draws."""
    parts = [
        f"{row.name} {prose.signed(row.value.estimate)} {prose.bracket(row.value)}"
        + (", clear" if row.sign else "")
        if row.value
        else f"{row.name} not measured"
        for row in rows
    ]
    return f"{title}: points over {report.baseline}. {'; '.join(parts)}."
