"""What a report shows: plain values, in the order in which they are shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from layover.stats import Estimates, Interval

Role = Literal["baseline", "arm", "control"]


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
    scores: tuple[Cell, ...] = ()
    """Of all arms, baseline and controls included."""
    layers: tuple[LayerCurve, ...] = ()
    trainings: tuple[Training, ...] = ()
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

    def shown(self, arm: str, target: str, language: str = "") -> Interval | None:
        """A measured difference: in one language, or the zero-shot mean; else None."""
        return measured(self.difference(arm, target), language)

    def common_targets(self, language: str = "") -> tuple[str, ...]:
        """The targets measured for every arm that has any: what averages may compare."""
        return common(self.differences, [target.name for target in self.targets], language)

    def overall(self, arm: str, language: str = "") -> Interval | None:
        """The mean of an arm's differences over the common targets; None where not measured."""
        return measured(_find(self.means, arm, ""), language)


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
