"""What grows with examples or parameters: points with intervals, and the law fitted to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from layover.report import prose
from layover.report.report import Curve, Report
from layover.report.svg import GREY, INK, Look, Panel, brief, drawing, element, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curve_panels(report: Report, curves: Iterable[Curve]) -> list[Panel]:
    """A panel for every target, axis and measure; the axis is logarithmic."""
    groups: dict[tuple[str, str, str], list[Curve]] = {}
    for curve in curves:
        groups.setdefault((curve.target, curve.axis, curve.measure), []).append(curve)
    look = looks(report)
    panels = []
    for (target, axis, measure), members in groups.items():
        title = target or "Mean over targets"
        with drawing(3.0) as (figure, (axes,)):
            for curve in members:
                _curve(axes, curve, look[curve.arm])
            _scale(axes, members)
            axes.set_xlabel(axis)
            axes.set_ylabel(measure)
            words = _words(title, axis, measure, members)
            names = tuple(dict.fromkeys(curve.arm for curve in members))
            panels.append(Panel(title=title, svg=element(figure, words), names=names))
    return panels


def _curve(axes: Axes, curve: Curve, look: Look) -> None:
    if curve.line:
        at, value, low, high = zip(*curve.line, strict=True)
        axes.fill_between(at, low, high, color=look.colour, alpha=0.12, linewidth=0)
        axes.plot(at, value, color=look.colour, linewidth=1.4, linestyle=look.line)
    points = sorted(curve.points, key=lambda point: point.at)
    for point in points:
        ends = [point.value.low, point.value.high]
        axes.plot([point.at] * 2, ends, color=look.colour, linewidth=1.2, zorder=2)
    # Without a law the points are joined, so that a reader's eye need not guess which belong.
    style = "none" if curve.line else look.line
    options = {**look.options(6), "linestyle": style}
    axes.plot([p.at for p in points], [p.value.estimate for p in points], **options)


def _scale(axes: Axes, curves: Sequence[Curve]) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    low, high = axes.get_ylim()
    if low < 0 < high:
        axes.axhline(0, color=INK, linewidth=1.2, zorder=1)
    axes.set_xscale("log")
    places = sorted({point.at for curve in curves for point in curve.points})
    if len(places) > 1:
        room = (places[-1] / places[0]) ** 0.06
        axes.set_xlim(places[0] / room, places[-1] * room)
    shown = _apart(places)
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([prose.compact(place) for place in shown])
    labels = {point.at: point.label for curve in curves for point in curve.points if point.label}
    where = axes.get_xaxis_transform()
    alone = set(_apart(sorted(labels), 0.25)) if len(labels) > 1 else set(labels)
    for place, label in labels.items():
        # What would stand on its neighbour stands above it.
        height = 1.01 if place in alone else 1.06
        text = brief(label, 14)
        axes.text(place, height, text, transform=where, ha="center", color=GREY, fontsize=7)


def _apart(places: Sequence[float], share: float = 0.11) -> list[float]:
    """As many as stand this share of a logarithmic axis apart, the last among them."""
    kept: list[float] = []
    if places:
        nearest = (places[-1] / places[0]) ** share
        for place in reversed(places):
            if not kept or kept[-1] / place >= nearest:
                kept.append(place)
    return kept[::-1]


def _words(title: str, axis: str, measure: str, curves: Sequence[Curve]) -> str:
    lines = []
    for curve in curves:
        points = [
            f"{prose.number(p.value.estimate)} at {prose.compact(p.at)}"
            for p in sorted(curve.points, key=lambda point: point.at)
        ]
        lines.append(f"{curve.arm}: {prose.listed(points)}")
    return f"{title}: {measure} by {axis}. {'; '.join(lines)}."
