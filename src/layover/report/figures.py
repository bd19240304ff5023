"""Scores by language, by layer and by step: the page lays the panels out and has the legends."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from layover.report import prose
from layover.report.report import Language, LayerCurve, Report, Target, Training, measured
from layover.report.svg import FAINT, GREY, INK, Look, Panel, drawing, element, looks
from layover.stats import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS, ALL = 120, 8_000
"""A training curve is thinned to about this many points, and all together to so many."""
MANY = 12
"""More languages than this are drawn smaller, without the markers of what is not clear."""
FEW = 4
"""Of at most so many arms the intervals in every language are drawn, too."""


def by_language(report: Report) -> list[Panel]:
    """Per target the scores of every arm, and below them the differences from the baseline."""
    panels = []
    for target in report.targets:
        scores = {arm.name: _row(report, arm.name, target, "score") for arm in report.arms}
        differences = {a: _row(report, a, target, "difference") for a in report.named("arm")}
        if not any(any(row) for row in (*scores.values(), *differences.values())):
            continue
        heights = (2.6, 1.9) if differences else (2.6,)
        with drawing(*heights) as (figure, axes):
            above, below = axes[0], axes[-1]
            for arm, row in scores.items():
                if any(row):
                    _values(above, row, looks(report)[arm])
            _reference(above, report, target)
            above.set_ylabel(f"{target.metric}, %")
            if differences:
                below.axhline(0, color=INK, linewidth=1.2)
                below.set_ylabel("difference")
            drawn = [arm for arm, row in differences.items() if any(row)]
            for arm in drawn:
                untested(below, differences[arm], looks(report)[arm])
            if len(drawn) <= FEW:
                _whiskers(below, [(differences[arm], looks(report)[arm]) for arm in drawn])
            language_axis(below, report.by_distance)
            svg = element(figure, _words(report, target, scores, differences))
            names = tuple(arm for arm, row in scores.items() if any(row))
            panels.append(Panel(title=target.name, svg=svg, names=names))
    return panels


def _row(report: Report, arm: str, target: Target, kind: str) -> list[Interval | None]:
    estimates = getattr(report, kind)(arm, target.name)
    return [measured(estimates, language.code) for language in report.by_distance]


def _values(axes: Axes, row: Sequence[Interval | None], look: Look) -> None:
    options = {**look.options(_size(row)), **({"marker": "none"} if len(row) > MANY else {})}
    axes.plot([x.estimate if x else math.nan for x in row], **options)


def _reference(axes: Axes, report: Report, target: Target) -> None:
    """The baseline's interval as a band, and chance as a line."""
    row = _row(report, report.baseline, target, "score")
    # An interval by Student's t may leave the scale; the table has it whole.
    low = [max(x.low, 0.0) if x else math.nan for x in row]
    high = [min(x.high, 100.0) if x else math.nan for x in row]
    axes.fill_between(range(len(row)), low, high, color=INK, alpha=0.1, linewidth=0)
    if not math.isnan(target.chance):
        axes.axhline(target.chance, color=GREY, linewidth=1, linestyle=":")
        axes.annotate(
            "chance",
            (0, target.chance),
            (3, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=GREY,
            fontsize=9,
        )


def changes(axes: Axes, row: Sequence[Interval | None], signs: Sequence[int], look: Look) -> None:
    """A line whose markers are filled where the difference is clear."""
    untested(axes, row, look)
    clear = [x.estimate if x and sign else math.nan for x, sign in zip(row, signs, strict=True)]
    axes.plot(clear, **{**look.options(_size(row)), "linestyle": "none", "zorder": 4})


def untested(axes: Axes, row: Sequence[Interval | None], look: Look) -> None:
    """A line whose markers are hollow: nothing on it is called clear."""
    values = [x.estimate if x else math.nan for x in row]
    unclear = {"marker": "none"} if len(row) > MANY else {"markerfacecolor": "white"}
    axes.plot(values, **{**look.options(_size(row)), **unclear})


def _whiskers(axes: Axes, rows: Sequence[tuple[Sequence[Interval | None], Look]]) -> None:
    """The intervals, beside each other, as far as the estimates' axis shows them."""
    low, high = axes.get_ylim()
    room = 0.5 * (high - low)
    for place, (row, look) in enumerate(rows):
        shift = 0.09 * (place - (len(rows) - 1) / 2)
        for x, cell in enumerate(row):
            if cell:
                ends = [max(cell.low, low - room), min(cell.high, high + room)]
                axes.plot([x + shift] * 2, ends, color=look.colour, linewidth=0.8, alpha=0.7)


def _words(
    report: Report,
    target: Target,
    scores: Mapping[str, Sequence[Interval | None]],
    differences: Mapping[str, Sequence[Interval | None]],
) -> str:
    """The figure in words: the baseline's scores, and for each arm where it differs most."""
    names = [language.name for language in report.by_distance]
    parts = []
    for arm, row in scores.items():
        known = [(name, x.estimate) for name, x in zip(names, row, strict=True) if x]
        if known and arm == report.baseline:
            told = ", ".join(f"{name} {value:.1f}" for name, value in known)
            parts.append(f"{arm} {told}")
        elif known and arm not in differences:
            parts.append(f"{arm} {min(v for _, v in known):.1f} to {max(v for _, v in known):.1f}")
    for arm, row in differences.items():
        change = [(x.estimate, name) for name, x in zip(names, row, strict=True) if x]
        if change:
            (least, lowest), (most, highest) = min(change), max(change)
            ends = f"{prose.signed(least)} in {lowest} to {prose.signed(most)} in {highest}"
            parts.append(f"{arm} over {report.baseline} from {ends}")
    what = f"{target.name}: {target.metric} of every arm by language, by growing distance"
    return f"{what}. {'; '.join(parts)}."


def _size(row: Sequence[Interval | None]) -> float:
    return 5 if len(row) <= MANY else 3


def language_axis(axes: Axes, languages: Sequence[Language]) -> None:
    """Languages by name, or by code where names would not fit; the source stands apart."""
    names = [language.name for language in languages]
    if sum(map(len, names)) > 45:
        names = [language.code for language in languages]
    many = len(names) > MANY
    axes.set_xticks(range(len(names)), names, rotation=90 * many, fontsize=7 if many else 10)
    axes.set_xlim(-0.5, len(names) - 0.5)
    if languages and languages[0].source:
        for each in axes.figure.axes:
            each.axvline(0.5, color=FAINT, linewidth=1)


def layer_curves(report: Report) -> list[Panel]:
    """Per target and treatment the zero-shot mean by layer, the chosen layer ringed."""
    from matplotlib.ticker import MaxNLocator

    groups: dict[tuple[str, str], dict[str, list[LayerCurve]]] = {}
    for curve in report.layers:
        for rest in dict.fromkeys(layer_of(variant)[1] for variant, _, _ in curve.points):
            groups.setdefault((curve.target, rest), {}).setdefault(curve.arm, []).append(curve)
    panels = []
    for (target, rest), arms in groups.items():
        with drawing(3.0) as (figure, (axes,)):
            for arm, curves in arms.items():
                look = looks(report).get(arm, Look())
                means = _layer_means(report, curves, rest)
                axes.plot(list(means), list(means.values()), **look.options(3))
                chosen = {layer_of(c.chosen)[0] for c in curves if layer_of(c.chosen)[1] == rest}
                rings = [x for x in means if x in chosen]
                ring = {**look.options(9), "marker": "o", "linestyle": "none"}
                axes.plot(rings, [means[x] for x in rings], **{**ring, "markerfacecolor": "none"})
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("layer")
            axes.set_ylabel("score, %")
            title = ", ".join(filter(None, (target, rest)))
            best = [
                f"{arm} {max(means.values()):.1f} at layer {max(means, key=lambda x: means[x])}"
                for arm, curves in arms.items()
                if (means := _layer_means(report, curves, rest))
            ]
            svg = element(figure, f"{title}: score by layer, the highest: {'; '.join(best)}.")
            panels.append(Panel(title=title, svg=svg, names=tuple(arms)))
    return panels


def layer_of(variant: str) -> tuple[int, str]:
    """Layer and treatment: 2 and "centred" of "layer 2, centred"."""
    found = re.fullmatch(r"layer (\d+)(?:, (.*))?", variant)
    return (int(found[1]), found[2] or "") if found else (0, variant)


def _layer_means(report: Report, curves: Sequence[LayerCurve], rest: str) -> dict[int, float]:
    """Layer -> mean over seeds and zero-shot languages."""
    source = report.source.code if report.source else ""
    values: dict[int, list[float]] = {}
    for curve in curves:
        for variant, language, score in curve.points:
            layer, treatment = layer_of(variant)
            if treatment == rest and language != source and not math.isnan(score):
                values.setdefault(layer, []).append(score)
    return {layer: sum(found) / len(found) for layer, found in sorted(values.items())}


def training_curves(report: Report) -> list[Panel]:
    """Per phase the training losses, and below them the scores on the selection data."""
    most = min(POINTS, ALL // max(1, len(report.trainings))) or 1
    phases: dict[str, list[Training]] = {}
    for training in report.trainings:
        phases.setdefault(training.phase, []).append(training)
    panels = []
    for phase, trainings in phases.items():
        scored = any(training.dev for training in trainings)
        with drawing(*((1.7, 1.7) if scored else (2.2,))) as (figure, axes):
            for training in trainings:
                look = looks(report).get(training.arm, Look())
                _steps(axes[0], training.loss, look, most)
                _steps(axes[-1], training.dev, look, most)
            axes[0].set_ylabel("training loss")
            if scored:
                metric = next((training.metric for training in trainings if training.metric), "")
                axes[-1].set_ylabel(metric or "selection score")
            axes[-1].set_xlabel("step")
            names = tuple(dict.fromkeys(training.arm for training in trainings))
            ends = [f"{x.arm} {prose.number(x.loss[-1][1])}" for x in trainings if x.loss]
            svg = element(figure, f"{phase}: loss by step, at the end: {'; '.join(ends)}.")
            panels.append(Panel(title=phase, svg=svg, names=names))
    return panels


def _steps(axes: Axes, points: Sequence[tuple[int, float]], look: Look, most: int) -> None:
    kept = points[:: math.ceil(len(points) / most) or 1]
    mark = look.marker if len(kept) == 1 else "none"
    options = {**look.options(4), "marker": mark, "linewidth": 0.9, "alpha": 0.8, "zorder": 2}
    axes.plot([x for x, _ in kept], [y for _, y in kept], **options)
