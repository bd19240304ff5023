"""What training did to an encoder, in figures and words: its checkpoints beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from layover.report.family import Family, Place
from layover.report.figures import MANY, changes, language_axis, layer_of
from layover.report.grids import Grid, Shown
from layover.report.prose import bracket, count, signed
from layover.report.report import Language, Portrait, Report, measured
from layover.report.svg import INK, Look, Panel, drawing, element, looks
from layover.stats import Estimates, Interval

TICKS = {"words seen": "words", "words not seen": "unseen", "embeddings": "other"}
"""What stands below the parts that are no layer."""


def portrait_panels(report: Report) -> list[Panel]:
    """Retrieval by layer, the loss by language, and the distance by layer; a line a checkpoint."""
    return [*_retrieval(report), *_loss(report), *_distance(report)]


def _retrieval(report: Report) -> list[Panel]:
    from matplotlib.ticker import MaxNLocator

    means = {one.name: _by_layer(report, one) for one in report.portraits}
    panels = []
    for rest in dict.fromkeys(kind for found in means.values() for kind in found):
        drawn = {name: found[rest] for name, found in means.items() if rest in found}
        with drawing(2.6) as (figure, (axes,)):
            for name, found in drawn.items():
                axes.plot(list(found), list(found.values()), **_look(report, name))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("layer")
            axes.set_ylabel("found, %")
            title = ", ".join(filter(None, ("Translations found by layer", rest)))
            tops = {name: max(found, key=lambda x: found[x]) for name, found in drawn.items()}
            best = [f"{name} {drawn[name][top]:.1f} at layer {top}" for name, top in tops.items()]
            svg = element(figure, f"{title}, the most: {'; '.join(best)}.")
            panels.append(Panel(title=title, svg=svg, names=tuple(drawn)))
    return panels


def _by_layer(report: Report, one: Portrait) -> dict[str, dict[int, float]]:
    """Treatment -> layer -> mean over the zero-shot languages."""
    source = report.source.code if report.source else ""
    values: dict[str, dict[int, list[float]]] = {}
    for variant, code, value in one.retrieval:
        layer, rest = layer_of(variant)
        if code != source and not math.isnan(value):
            values.setdefault(rest, {}).setdefault(layer, []).append(value)
    return {
        rest: {layer: sum(each) / len(each) for layer, each in sorted(found.items())}
        for rest, found in values.items()
    }


def _loss(report: Report) -> list[Panel]:
    codes = _languages(report)
    if not codes:
        return []
    losses, moves = (
        {one.name: [measured(getattr(one, what), code) for code in codes] for one in shown}
        for what, shown in (
            ("loss", [one for one in report.portraits if one.loss]),
            ("change", [one for one in report.portraits if one.change]),
        )
    )
    with drawing(*((2.6, 1.9) if moves else (2.6,))) as (figure, axes):
        for name, row in losses.items():
            axes[0].plot([_value(each) for each in row], **_look(report, name))
        clear = _clear(report)
        for name, row in moves.items():
            signs = [clear.get((name, "", code), 0) for code in codes]
            changes(axes[-1], row, signs, looks(report).get(name, Look()))
        axes[0].set_ylabel("loss, nats")
        if moves:
            axes[-1].axhline(0, color=INK, linewidth=1.2)
            axes[-1].set_ylabel("change")
        known = {language.code: language for language in report.languages}
        language_axis(axes[-1], [known.get(x, Language(code=x, name=x)) for x in codes])
        title = "Loss of masked language modelling"
        told = {
            name: dict(zip(codes, map(_value, row), strict=True)) for name, row in losses.items()
        }
        svg = element(figure, f"{title} by language, in nats a token: {_told(told)}.")
        return [Panel(title=title, svg=svg, names=tuple(losses))]


def _languages(report: Report) -> list[str]:
    """Those of the losses, in the order of the report, others last."""
    found = {code for one in report.portraits if one.loss for code in one.loss.languages}
    known = [language.code for language in report.by_distance if language.code in found]
    return [*known, *sorted(found - set(known))]


def _clear(report: Report) -> Mapping[Place, int]:
    """The changes of all checkpoints, on average and in all languages, are a family
    of their own."""
    cells = {
        (one.name, "", code): cell
        for one in report.portraits
        if one.change
        for code in ("", *one.change.languages)
        if (cell := measured(one.change, code))
    }
    return Family(cells=cells).signs


def _distance(report: Report) -> list[Panel]:
    moved = {one.name: dict(one.distance) for one in report.portraits if one.distance}
    parts = dict.fromkeys(part for found in moved.values() for part in found)
    # What no data hold moves by decay alone, and what is of no layer is little: words say them.
    shown = [part for part in parts if part not in ("words not seen", "others")]
    if not shown:
        return []
    with drawing(2.6) as (figure, (axes,)):
        for name, found in moved.items():
            values = [100 * found.get(part, math.nan) for part in shown]
            axes.plot(values, **_look(report, name))
        ticks = [TICKS.get(part, part.removeprefix("layer ")) for part in shown]
        axes.set_xticks(range(len(shown)), ticks, fontsize=7 if len(shown) > MANY else 10)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("embeddings, then layers")
        axes.set_ylabel("moved, %")
        title = "Distance of the weights from the start"
        svg = element(figure, f"{title}, as a share of their length: {_told(moved)}.")
        return [Panel(title=title, svg=svg, names=tuple(moved))]


def _told(found: Mapping[str, Mapping[str, float]]) -> str:
    """The numbers of a figure, line by line."""
    return "; ".join(
        f"{name} {', '.join(f'{place} {value:.2f}' for place, value in row.items())}"
        for name, row in found.items()
    )


def loss_grid(report: Report) -> Grid:
    """Checkpoint x language: the loss, its interval, and the perplexity."""
    codes = _languages(report)
    names = {language.code: language.name for language in report.languages}
    return Grid(
        caption="Loss of masked language modelling in nats a token, and perplexity",
        columns=tuple((names.get(code, code), "") for code in codes),
        rows=tuple(
            (one.name, tuple(_lost(measured(one.loss, code)) for code in codes))
            for one in report.portraits
            if one.loss
        ),
    )


def _lost(cell: Interval | None) -> Shown:
    if cell is None:
        return Shown()
    half = (cell.high - cell.low) / 2
    below = f"± {half:.2f}; perplexity {math.exp(cell.estimate):,.1f}"
    return Shown(text=f"{cell.estimate:.2f}", below=below, rests=_rests(cell))


def _look(report: Report, name: str) -> dict[str, Any]:
    return looks(report).get(name, Look()).options(5)


def _value(found: Interval | None) -> float:
    return found.estimate if found else math.nan


def portrait_words(report: Report) -> tuple[str, ...]:
    """Which training changed the loss least and most, and what was not measured."""
    changes = {one.name: found for one in report.portraits if (found := measured(one.change))}
    told = tuple(f"{one.name}: {one.told}" for one in report.portraits if one.told)
    if not changes:
        return told
    ranked = sorted(changes, key=lambda name: abs(changes[name].estimate))
    low, high = ranked[0], ranked[-1]
    most = max(len(found.languages) for found in changes.values())
    where = f"averaged over {count(most, 'zero-shot language')}"
    if len(changes) == 1:
        by = f"by {_nats(changes[low])} nats with {low}, {where}"
    else:
        by = f"least with {low}, by {_nats(changes[low])} nats, and most with {high}, by "
        by += f"{_nats(changes[high])}, {where}"
    return (f"The loss of masked language modelling changed {by}.", *told)


def _nats(found: Interval) -> str:
    return f"{signed(found.estimate, 2)}\u00a0{bracket(found, 2)}"


def change_grid(report: Report) -> Grid:
    """What training did to each checkpoint that has an origin."""
    by_name = {one.name: one for one in report.portraits}
    pairs = [(one, by_name[one.origin]) for one in report.portraits if one.origin in by_name]
    ways = dict.fromkeys(rest for one, _ in pairs for rest in _by_layer(report, one))
    columns = (
        ("Loss", "change, nats"),
        ("Perplexity", "after"),
        *((f"Found, {rest}" if rest else "Found", "largest change, points") for rest in ways),
        ("Layers", "moved most, %"),
        ("Words", "in its data, moved, %"),
        ("Other words", "moved, %"),
    )
    clear = _clear(report)
    rows = tuple(
        (
            one.name,
            (
                _changed(measured(one.change), clear.get((one.name, "", ""), 0)),
                _perplexity(one.loss, origin.loss),
                *(_most_changed(report, one, origin, rest) for rest in ways),
                *_moved(dict(one.distance)),
            ),
        )
        for one, origin in pairs
        if one.change or one.retrieval or one.distance
    )
    return Grid(caption="What each training changed", columns=columns, rows=rows)


def _changed(cell: Interval | None, sign: int) -> Shown:
    if cell is None:
        return Shown()
    text, below = signed(cell.estimate, 2), bracket(cell, 2)
    return Shown(text=text, below=below, strong=sign != 0, rests=_rests(cell))


def _rests(cell: Interval) -> str:
    return f"{count(cell.seeds, 'seed')}, {count(cell.examples, 'text')}"


def _perplexity(loss: Estimates | None, before: Estimates | None) -> Shown:
    after, start = measured(loss), measured(before)
    if after is None:
        return Shown()
    below = f"{math.exp(start.estimate):,.1f} before" if start else ""
    return Shown(text=f"{math.exp(after.estimate):,.1f}", below=below, rests=_rests(after))


def _most_changed(report: Report, one: Portrait, origin: Portrait, rest: str) -> Shown:
    """The change of what a layer finds, of the layer in which that is largest."""
    before, after = (_by_layer(report, each).get(rest, {}) for each in (origin, one))
    changes = {layer: after[layer] - before[layer] for layer in after if layer in before}
    if not changes:
        return Shown()
    layer = max(changes, key=lambda x: abs(changes[x]))
    below = f"layer {layer}: {before[layer]:.1f} to {after[layer]:.1f}"
    return Shown(text=signed(changes[layer]), below=below, rests="mean over seeds and languages")


def _moved(distance: Mapping[str, float]) -> tuple[Shown, Shown, Shown]:
    layers = [part for part in distance if part.startswith("layer")]
    rests = "mean over seeds"
    most = Shown()
    if layers:
        top = max(layers, key=lambda part: distance[part])
        most = Shown(text=f"{100 * distance[top]:.1f}", below=top, rests=rests)
    seen, others = (
        Shown(text=f"{100 * distance[part]:.1f}", rests=rests) if part in distance else Shown()
        for part in ("words seen", "words not seen")
    )
    return most, seen, others
