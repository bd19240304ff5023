"""Portraits: what training between the phases did to an encoder.

Of a checkpoint is measured how well its layers find translations, how well masked tokens are still
restored from its states, and how far its weights are from those that it was trained from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from layover import spec
from layover.distance import Distance
from layover.encoders import Start
from layover.errors import StudyError
from layover.metrics.likelihood import LIKELIHOOD
from layover.report.report import Portrait
from layover.stage import Stage
from layover.stages import READ_LENGTH, Precision, Predict, Score, Train, evaluate
from layover.stats import Estimates, Interval, Sample, by_seed, estimates, samples
from layover.store import Store
from layover.study import Arm, Study
from layover.tasks.target import Target
from layover.tasks.task import Data

if TYPE_CHECKING:
    from layover.measured import Measurement

    Read = Callable[[str, Score, Store], Measurement]


def portrait(
    model: Start,
    start: Start,
    text: Data | None = None,
    target: Target | None = None,
    max_length: int = READ_LENGTH,
    seed: int | None = None,
    precision: Precision = "float32",
) -> tuple[Stage, ...]:
    """The leaves that portray `model` beside `start`, which it is or was trained from: retrieval by
    layer on `target`, the loss of masked language modelling on `text`, and the distance of the
    weights.

    All checkpoints are measured on the same masks and by one head, that of `start`: training on
    other tasks drops it, and one that was trained on would not say what the states have lost. Where
    `start` has no such head, as some published encoders, running says so: leave `text` out. Raises
    `StudyError` for a target that is trained, or text whose tokens are not masked.

    Retrieval is predicted in `precision`: in that of the arms' own, which it then shares. The loss,
    of which small changes count, is always of float32.
    """
    found: list[Stage] = []
    if target is not None:
        if target.train or target.test.task.type.head != "embed":
            raise StudyError(
                f"{target.name} cannot portray a checkpoint: only retrieval looks at its layers as "
                "they are"
            )
        found += evaluate(model, target, max_length, seed, precision)
    same = spec.key(model) == spec.key(start)
    if text is not None:
        if text.task.type.head != "lm":
            raise StudyError(
                f"{text.label} is no plain text: give `layover.tasks.plain.plain(task, field)`"
            )
        predictions = Predict(
            model=model, data=text, max_length=max_length, head_of=None if same else start
        )
        found.append(
            Score(predictions=predictions, metric=LIKELIHOOD, target=text.label, seed=seed)
        )
    if not same:
        if not isinstance(model, Train):
            raise StudyError(f"{model.label} was not trained from {start.label}")
        found.append(Distance(model=model, start=start))
    return tuple(found)


def portraits(study: Study, store: Store, read: Read) -> tuple[Portrait, ...]:
    """The portraits of a study, as far as they are complete; `read` gives what a score holds."""
    losses = _losses(study, store, read)
    return tuple(_portrait(study, arm, store, read, losses) for arm in study.portraits)


def _portrait(
    study: Study, arm: Arm, store: Store, read: Read, losses: Mapping[str, Sample]
) -> Portrait:
    origin = _origin(study, arm)
    mine, before = losses.get(arm.name, {}), losses.get(origin, {})
    codes = tuple(dict.fromkeys(code for run in mine.values() for code in run.scores))
    zero_shot = [code for code in codes if code != study.source]
    retrieval = [read(arm.name, leaf, store).curve for leaf in _scores(arm, "embed", store)]
    points = (((kind, code), value) for curve in retrieval for kind, code, value in curve)
    lacking = sum(not store.complete(leaf) for leaf in arm.leaves)
    return Portrait(
        name=arm.name,
        origin=origin,
        retrieval=tuple((*place, value) for place, value in _means(points)),
        loss=_negative(estimates((mine,), codes, zero_shot)) if mine else None,
        # What is lost in likelihood is gained in loss.
        change=estimates((before, mine), codes, zero_shot) if mine and before else None,
        distance=tuple(_means(_distances(arm, store))),
        told=f"{lacking} of {len(arm.leaves)} measurements are missing." if lacking else "",
    )


def _scores(arm: Arm, head: str, store: Store) -> Iterator[Score]:
    """The complete scores of an arm by the head that predicts them."""
    for leaf in arm.leaves:
        mine = isinstance(leaf, Score) and leaf.predictions.data.task.type.head == head
        if isinstance(leaf, Score) and mine and store.complete(leaf):
            yield leaf


def _losses(study: Study, store: Store, read: Read) -> dict[str, Sample]:
    """Portrait -> its likelihoods, resampled jointly."""
    found = [
        read(arm.name, leaf, store) for arm in study.portraits for leaf in _scores(arm, "lm", store)
    ]
    runs = samples(found, LIKELIHOOD.combine)
    return {
        name: by_seed([run for one, run in zip(found, runs, strict=True) if one.arm == name])
        for name in dict.fromkeys(one.arm for one in found)
    }


def _origin(study: Study, arm: Arm) -> str:
    """The portrait of what an arm's distances are from; "" for one that has none."""
    starts = {spec.key(leaf.start) for leaf in arm.leaves if isinstance(leaf, Distance)}
    for other in study.portraits:
        if other is not arm and starts & {
            spec.key(leaf.predictions.model) for leaf in other.leaves if isinstance(leaf, Score)
        }:
            return other.name
    return ""


def _distances(arm: Arm, store: Store) -> Iterator[tuple[str, float]]:
    """(part, relative distance) of each complete distance, the parts from below."""
    for leaf in arm.leaves:
        if isinstance(leaf, Distance) and store.complete(leaf):
            text = (store.result(leaf) / "distance.json").read_text(encoding="utf-8")
            yield from relative(json.loads(text)["tensors"])


def relative(tensors: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, float], ...]:
    """(part, length of its way over its own), from the lowest part up; parts whose numbers are
    all zero, or of which there are none, are left out."""
    sums: dict[str, tuple[float, float]] = {}
    for each in tensors:
        length, way = sums.get(each["part"], (0.0, 0.0))
        sums[each["part"]] = length + each["length"], way + each["way"]
    found = {part: (way / length) ** 0.5 for part, (length, way) in sums.items() if length}
    return tuple(sorted(found.items(), key=lambda item: _height(item[0])))


def _height(part: str) -> tuple[int, int]:
    kind, _, number = part.partition(" ")
    order = ("words", "embeddings", "layer", "others")
    return order.index(kind), int(number) if number.isdigit() else 0


def _means(values: Iterable[tuple[Any, float | None]]) -> Iterator[tuple[Any, float]]:
    """The mean over seeds of what was measured, in the order in which it comes."""
    found: dict[Any, list[float]] = {}
    for name, value in values:
        if value is not None:
            found.setdefault(name, []).append(value)
    for name, each in found.items():
        yield name, sum(each) / len(each)


def _negative(found: Estimates) -> Estimates:
    return Estimates(
        mean=_minus(found.mean),
        languages={code: _minus(each) for code, each in found.languages.items()},
    )


def _minus(found: Interval) -> Interval:
    return replace(
        found,
        estimate=-found.estimate,
        low=-found.high,
        high=-found.low,
        by_seed=tuple((seed, -value) for seed, value in found.by_seed),
    )
