"""What a report shows: plain values, in the order in which they are shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from layover.claims import Verdict
from layover.report.family import Family, Place, together
from layover.stats import Bounds, Estimates, Interval

Role = Literal["baseline", "arm", "control"]

BEST: Place = ("", "", "")
"""Where the best arm for each target stands in its family."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm of the study."""

    name: str
    role: Role = "arm"
    """Controls are shown beside the scores and never compared with the baseline."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One target task."""

    name: str
    metric: str
    chance: float = math.nan
    """Percent; NaN where undefined."""
    task: str = ""
    """What is tested: targets may differ in their encoders alone."""
    encoders: tuple[str, ...] = ()
    """That are measured on it."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """One language of the study."""

    code: str
    name: str
    distance: float = math.nan
    """From the source language, on any scale; NaN where unknown."""
    source: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A score or a difference; the mean is over the zero-shot languages (all but the source)."""

    arm: str
    target: str
    estimates: Estimates


@dataclass(frozen=True, kw_only=True)
class LayerCurve:
    """One model's scores for every variant of reading its embeddings, on separate sentences."""

    arm: str
    target: str
    seed: int | None
    chosen: str
    points: tuple[tuple[str, str, float], ...]
    """(variant such as "layer 2, centred", language code, score)."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """The log of one training."""

    phase: str
    """What was trained, such as "MLM" or "POS"; curves of one phase share a figure."""
    arm: str
    seed: int | None
    loss: tuple[tuple[int, float], ...]
    """(step, training loss)."""
    dev: tuple[tuple[int, float], ...] = ()
    """(step, score on the selection data)."""
    metric: str = ""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of a curve."""

    at: float
    """Where it stands on the curve's axis."""
    value: Interval
    label: str = ""
    """What stands there, such as an encoder; empty where `at` says it."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What an arm reaches as something grows: training examples, or parameters."""

    arm: str
    """What the line is; lines of one arm look alike in every figure."""
    arms: tuple[str, ...] = ()
    """Those at its points, where each has its own: they share its colour."""
    points: tuple[Point, ...]
    measure: str = "difference, points"
    axis: str = "training examples"
    target: str = ""
    """Curves of one target, axis and measure share a figure; empty is the mean over targets."""
    law: str = ""
    """The name of the law that was fitted, such as "power law with floor"."""
    line: tuple[tuple[float, float, float, float], ...] = ()
    """(at, fitted value, low, high) of the law and its 95 % band; empty where none was fitted."""
    gains: tuple[tuple[float, Bounds], ...] = ()
    """(at, what doubling it adds) by a law under which that differs: the first and the last."""
    slope: Interval | None = None
    """What one doubling adds on average over the points, in the unit of the measure."""
    against: str = ""
    contrast: Interval | None = None
    """The slope minus that of the curve of the arm `against`."""
    told: str = ""
    """One sentence on the fit or the relation, or on why there is none."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one model costs to serve: one backend, one language, one batch size."""

    model: str
    """Its arm, or its folder."""
    backend: str
    language: str
    """Its code; empty for the zero-shot ones together."""
    batch: int
    p50: Bounds
    """Milliseconds a batch, as the others are."""
    p95: Bounds
    p99: Bounds
    throughput: Bounds
    """Sentences a second."""
    tokens: float = math.nan
    """A sentence, on average."""
    memory: float = math.nan
    """Peak, in bytes."""
    disk: float = math.nan
    """In bytes."""
    agrees: float = math.nan
    """The share of examples predicted as the reference does."""
    quality: Interval | None = None
    """In percent, in the same language or languages."""
    sampled: bool = False
    """Quality is that of the examples that were served, not of the whole test."""
    target: str = ""

    @property
    def per_millisecond(self) -> float:
        """Points per millisecond of the median request: what is bought with time."""
        if self.quality is None or not self.quality.seeds:
            return math.nan
        return self.quality.estimate / self.p50.estimate


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The median latency of an arm as a multiple of another's."""

    arm: str
    over: str
    label: str
    """What was served, such as "POS, eager, batch 1"."""
    value: Bounds
    """With the interval that decides whether they are the same."""
    margin: float
    """What lies between 1 / (1 + margin) and 1 + margin is the same."""


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """One checkpoint, beside the one that its chain started from; empty parts were not measured."""

    name: str
    """Lines of a checkpoint that is named as an arm look like that arm."""
    origin: str = ""
    """The name of the portrait that the distances are from; empty for the start itself."""
    retrieval: tuple[tuple[str, str, float], ...] = ()
    """(variant such as "layer 2, centred", language code, percent), the mean over seeds."""
    loss: Estimates | None = None
    """Of masked language modelling, in nats a masked token; the mean is over the zero-shot
    languages."""
    change: Estimates | None = None
    """The same minus that of the origin, paired."""
    distance: tuple[tuple[str, float], ...] = ()
    """(part of the encoder, relative L2 distance), from the lowest part up, the mean over seeds."""
    told: str = ""
    """What was not measured."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a report or a table of comparisons is made of."""

    study: str
    question: str
    """Its first paragraph is the title."""
    arms: tuple[Arm, ...]
    targets: tuple[Target, ...]
    languages: tuple[Language, ...]
    differences: tuple[Cell, ...]
    """Arm minus baseline, paired."""
    means: tuple[Cell, ...] = ()
    """The same, averaged over the common targets, whose name is empty here."""
    best: Interval | None = None
    """The same for the best arm of each target, chosen on other examples, and other seeds where
    there are some, than it is measured on."""
    best_of: tuple[str, ...] = ()
    """The arms that it is chosen from."""
    scores: tuple[Cell, ...] = ()
    """Of all arms, baseline and controls included."""
    layers: tuple[LayerCurve, ...] = ()
    trainings: tuple[Training, ...] = ()
    curves: tuple[Curve, ...] = ()
    """Over the number of training examples."""
    sizes: tuple[Curve, ...] = ()
    """Over the parameters without the word table."""
    costs: tuple[Cost, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    """Of the latencies of every two arms that were served, the clearest difference from the
    baseline first."""
    latencies: tuple[str, ...] = ()
    """A sentence on each two arms, in the same order."""
    latency: str = ""
    """The same in short."""
    portraits: tuple[Portrait, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What else a reader must know, such as stages that failed."""

    def named(self, role: Role) -> tuple[str, ...]:
        """The names of the arms in a role."""
        return tuple(arm.name for arm in self.arms if arm.role == role)

    @property
    def baseline(self) -> str:
        """The baseline's name; empty where the study has none."""
        return "".join(self.named("baseline")[:1])

    @property
    def source(self) -> Language | None:
        """The language that the targets are trained in."""
        return next((language for language in self.languages if language.source), None)

    @property
    def by_distance(self) -> tuple[Language, ...]:
        """The source, then the others by growing distance, unknown ones last."""
        return tuple(
            sorted(
                self.languages,
                key=lambda x: (
                    not x.source,
                    math.inf if math.isnan(x.distance) else x.distance,
                    x.name,
                ),
            )
        )

    def difference(self, arm: str, target: str) -> Estimates | None:
        """One cell of the differences."""
        return _find(self.differences, arm, target)

    def score(self, arm: str, target: str) -> Estimates | None:
        """One cell of the scores."""
        return _find(self.scores, arm, target)

    def shown(self, arm: str, target: str = "", language: str = "") -> Interval | None:
        """A measured difference: on a target or over the common ones, in one language or as the
        zero-shot mean; else None."""
        if not target:
            return self.overall(arm, language)
        return measured(self.difference(arm, target), language)

    def common_targets(self, language: str = "") -> tuple[str, ...]:
        """The targets measured for every arm that has any: what averages may compare."""
        return common(self.differences, [target.name for target in self.targets], language)

    def overall(self, arm: str, language: str = "") -> Interval | None:
        """The mean of an arm's differences over the common targets; None where not measured."""
        return measured(_find(self.means, arm, ""), language)

    def sign(self, arm: str, target: str = "", language: str = "") -> int:
        """1 or -1 where the difference is clear, that is not zero after Holm's correction for its
        family; else (also where it was not measured, and in a single language) 0. No target is the
        mean over targets."""
        if not target and len(alone := self.common_targets(language)) == 1:
            target = alone[0]
        return self._signs.get((arm, target, language), 0)

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The means over targets with the best arm for each target, and the differences on each
        target, all of them zero-shot means; one family where there are no means to tell apart.
        Single languages, the source among them, are not tested."""
        means = self._cells([""]) if len(self.common_targets()) > 1 else {}
        if self.best and self.best.tells_of_seeds:
            means[BEST] = self.best
        cells = self._cells([target.name for target in self.targets])
        if len(self.common_targets()) > 1:
            return together(means, cells)
        return together(means | cells)

    @property
    def best_sign(self) -> int:
        """The sign of `best`, judged with the differences that it is one of."""
        return self._signs.get(BEST, 0)

    def _cells(self, targets: Iterable[str]) -> dict[Place, Interval]:
        places = ((arm, target, "") for arm in self.named("arm") for target in targets)
        return {place: cell for place in places if (cell := self.shown(*place))}

    @cached_property
    def _signs(self) -> dict[Place, int]:
        return {place: sign for family in self.families for place, sign in family.signs.items()}


def common(cells: Iterable[Cell], targets: Sequence[str], language: str = "") -> tuple[str, ...]:
    """Those of the targets that have a measured cell for every arm that has any."""
    found: dict[str, set[str]] = {}
    for cell in cells:
        if measured(cell.estimates, language):
            found.setdefault(cell.arm, set()).add(cell.target)
    return tuple(name for name in targets if found and all(name in s for s in found.values()))


def _find(cells: tuple[Cell, ...], arm: str, target: str) -> Estimates | None:
    for cell in cells:
        if (cell.arm, cell.target) == (arm, target):
            return cell.estimates
    return None


def measured(estimates: Estimates | None, language: str = "") -> Interval | None:
    """The interval of one language, or of the mean; None where it was not measured."""
    if estimates is None:
        return None
    found = estimates.languages.get(language) if language else estimates.mean
    return found if found is not None and found.seeds else None
