"""What a model costs to serve: latency by language, and quality beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from layover.report import prose
from layover.report.report import Cost, Ratio, Report
from layover.report.svg import FAINT, INK, MARKERS, Look, Panel, brief, drawing, element, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def ratio_panels(report: Report) -> list[Panel]:
    """For every two arms: the ratio of their median latencies, and what counts as the same."""
    groups: dict[tuple[str, str], list[Ratio]] = {}
    for ratio in report.ratios:
        groups.setdefault((ratio.arm, ratio.over), []).append(ratio)
    look, panels = looks(report), []
    for (arm, over), mine in groups.items():
        title = f"Latency of {arm} as a multiple of {over}'s"
        with drawing(0.9 + 0.3 * len(mine)) as (figure, (axes,)):
            most = 1 + min(one.margin for one in mine)
            axes.axvspan(1 / most, most, color=FAINT, zorder=0)
            axes.axvline(1.0, color=INK, linewidth=0.8)
            for place, one in enumerate(mine):
                ends = [one.value.low, one.value.high]
                axes.plot(ends, [place] * 2, color=look[arm].colour, linewidth=1.6)
                options = {**look[arm].options(6), "linestyle": "none"}
                axes.plot([one.value.estimate], [place], **options)
            _rows(axes, [one.label for one in mine], 26)
            axes.set_xlabel("ratio of medians")
            words = "; ".join(map(_ratio, mine))
            panels.append(
                Panel(title=title, svg=element(figure, f"{title}. {words}."), names=(arm,))
            )
    return panels


def _ratio(one: Ratio) -> str:
    value = one.value
    return f"{one.label} {value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]"


def latency_panels(report: Report) -> list[Panel]:
    """For every target, backend and batch size: each language's median latency, up to its p99."""
    groups: dict[tuple[str, str, int], list[Cost]] = {}
    for cost in report.costs:
        groups.setdefault((cost.target, cost.backend, cost.batch), []).append(cost)
    look = looks(report)
    most = max((cost.p99.estimate for cost in report.costs), default=1.0)
    panels = []
    for (target, backend, batch), costs in groups.items():
        title = ", ".join(filter(None, (target, backend, f"batch {batch}")))
        models, languages = _models(costs), list(dict.fromkeys(cost.language for cost in costs))
        height = 0.7 + max(0.28, 0.15 * len(models) + 0.1) * len(languages)
        with drawing(height) as (figure, (axes,)):
            for cost in costs:
                shift = (models.index(cost.model) - (len(models) - 1) / 2) * 0.7 / len(models)
                place = languages.index(cost.language) + shift
                _latency(axes, place, cost, look[cost.model])
            _rows(axes, [_name(report, code) for code in languages])
            # Batches of one size share their scale: that is what backends are compared by.
            same = [cost.p99.estimate for cost in report.costs if cost.batch == batch]
            axes.set_xlim(0, 1.05 * max(same, default=most))
            axes.set_xlabel("milliseconds a batch")
            panels.append(
                Panel(title=title, svg=element(figure, _words(title, costs)), names=tuple(models))
            )
    return panels


def quality_panels(report: Report) -> list[Panel]:
    """For every language: quality against the median latency of the smallest batch."""
    known = [cost for cost in report.costs if cost.quality and not math.isnan(cost.p50.estimate)]
    if not known:
        return []
    smallest = min(cost.batch for cost in known)
    look = looks(report)
    backends = list(dict.fromkeys(cost.backend for cost in known))
    panels = []
    for target, language in dict.fromkeys((cost.target, cost.language) for cost in known):
        place = (target, language, smallest)
        costs = [one for one in known if (one.target, one.language, one.batch) == place]
        with drawing(2.6) as (figure, (axes,)):
            for cost in costs:
                _point(axes, cost, look[cost.model], backends.index(cost.backend))
            # Not from zero: models of one size would all lie in one corner.
            axes.margins(x=0.3)
            axes.set_xlabel(f"median milliseconds, batch {smallest}")
            axes.set_ylabel("quality, %")
            title = ", ".join(filter(None, (target, _name(report, language))))
            words = f"{title}: quality against latency. " + "; ".join(map(_quality, costs))
            svg = element(figure, f"{words}.")
        panels.append(Panel(title=title, svg=svg, names=tuple(_models(costs))))
    return panels


def _name(report: Report, code: str) -> str:
    if not code:
        return "zero-shot languages"
    return next((one.name for one in report.languages if one.code == code), code)


def _models(costs: Iterable[Cost]) -> list[str]:
    return list(dict.fromkeys(cost.model for cost in costs))


def _latency(axes: Axes, place: float, cost: Cost, look: Look) -> None:
    """A thin line from the median to p99, a tick at p95, a thick line for the median's interval."""
    colour = look.colour
    axes.plot([cost.p50.estimate, cost.p99.estimate], [place] * 2, color=colour, linewidth=0.9)
    axes.plot([cost.p95.estimate], [place], color=colour, marker="|", markersize=6)
    axes.plot([cost.p50.low, cost.p50.high], [place] * 2, color=colour, linewidth=2.6)
    axes.plot([cost.p50.estimate], [place], **{**look.options(5), "linestyle": "none"})


def _rows(axes: Axes, names: Sequence[str], most: int = 14) -> None:
    axes.set_yticks(range(len(names)), [brief(name, most) for name in names], color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")


def _point(axes: Axes, cost: Cost, look: Look, backend: int) -> None:
    """Colours tell models apart, as elsewhere; marks tell backends, and their name says which."""
    quality = cost.quality
    assert quality is not None
    at = cost.p50.estimate
    axes.plot([at] * 2, [quality.low, quality.high], color=look.colour, linewidth=1.0)
    mark = tuple(MARKERS)[backend % len(MARKERS)]
    options = {**look.options(6), "marker": mark, "linestyle": "none"}
    axes.plot([at], [quality.estimate], **options)
    axes.annotate(
        f"{cost.backend} (served examples)" if cost.sampled else cost.backend,
        (at, quality.estimate),
        (5, 3),
        textcoords="offset points",
        fontsize=7,
        color=look.colour,
    )


def _words(title: str, costs: Sequence[Cost]) -> str:
    parts = [
        f"{cost.model} {cost.language} p50 {prose.number(cost.p50.estimate)}, "
        f"p99 {prose.number(cost.p99.estimate)}"
        for cost in costs
    ]
    return f"{title}: milliseconds a batch by language. {'; '.join(parts)}."


def _quality(cost: Cost) -> str:
    assert cost.quality is not None
    quality, latency = prose.number(cost.quality.estimate), prose.number(cost.p50.estimate)
    where = " of the examples that were served" if cost.sampled else ""
    return f"{cost.model} with {cost.backend} {quality} %{where} at {latency} ms"
