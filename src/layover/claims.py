"""Claims as values: a sentence, and what must hold of a study's scores if it is true.

A claim of effect or order is a sum of scores that lies above a margin; a claim of coverage is a
count of what a study consists of. `layover.verdicts` judges them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from layover.errors import StudyError
from layover.stats import Interval
from layover.stats.curve import slope_weights

if TYPE_CHECKING:
    from layover.study import Study

ZERO_SHOT: tuple[str, ...] = ()
EVERY: tuple[str, ...] = ("*",)
"""The source language too, as published averages have it."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best of some arms on a target: chosen on other examples, and other seeds where there are
    some, than it is measured on."""

    arms: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"best of {len(self.arms)}"


@dataclass(frozen=True, kw_only=True)
class Published:
    """Figures from elsewhere: constants, of which nothing is known but their value."""

    name: str
    scores: tuple[tuple[str, float, int], ...]
    """(target, percent, the number of languages that it is the mean of)."""

    @property
    def label(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Score:
    """A leaf of a contrast: what one arm, or what stands for one, scores on one target."""

    arm: str | Best | Published
    target: str
    languages: tuple[str, ...] = ZERO_SHOT
    """The mean is over these; `ZERO_SHOT`: all but the source that were measured for all sides of
    the contrast; `EVERY`: the source too."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A sum of weighted scores, such as a difference of two arms averaged over targets."""

    terms: tuple[tuple[float, Score], ...]
    name: str = ""
    """What it is the value of, in a few words."""

    def __add__(self, other: Contrast) -> Contrast:
        weights: dict[Score, float] = {}
        for weight, leaf in (*self.terms, *other.terms):
            weights[leaf] = weights.get(leaf, 0.0) + weight
        return Contrast(terms=tuple((weight, leaf) for leaf, weight in weights.items() if weight))

    def __mul__(self, factor: float) -> Contrast:
        return Contrast(terms=tuple((factor * weight, leaf) for weight, leaf in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> Contrast:
        return -1.0 * self

    def __sub__(self, other: Contrast) -> Contrast:
        return self + -other

    def called(self, name: str) -> Contrast:
        """The same under a name."""
        return replace(self, name=name)


def score(arm: str | Best | Published, target: str, languages: tuple[str, ...] = ()) -> Contrast:
    """One score, as a contrast to add others to."""
    return Contrast(terms=((1.0, Score(arm=arm, target=target, languages=languages)),))


def mean(*contrasts: Contrast) -> Contrast:
    """The mean of contrasts, each of which counts alike."""
    if not contrasts:
        raise StudyError("a mean of no contrasts: name one at least")
    total = contrasts[0]
    for one in contrasts[1:]:
        total = total + one
    return 1 / len(contrasts) * total


def per_doubling(points: Mapping[float, Contrast]) -> Contrast:
    """What a doubling adds: the slope of the line of least squares over log2 of the places, of
    which there must be two or more, above zero; else `ResultError`."""
    weights = slope_weights(points)
    parts = [weights[place] * points[place] for place in points]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def gain(
    arm: str | Best, *targets: str, over: str | Published, languages: tuple[str, ...] = ZERO_SHOT
) -> Contrast:
    """An arm minus another, or minus published figures, averaged over targets."""
    pairs = [score(arm, name, languages) - score(over, name, languages) for name in targets]
    sides = [side if isinstance(side, str) else side.label for side in (arm, over)]
    where = f" on {targets[0]}" if len(targets) == 1 else ""
    return mean(*pairs).called(f"{sides[0]} − {sides[1]}{where}")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence that is true if contrasts lie above a margin."""

    text: str
    source: str
    """Who says so, and where."""
    contrasts: tuple[Contrast, ...]
    margin: float = 0.0
    """In points."""
    least: int = 0
    """How many of the contrasts must lie above the margin; 0: all."""
    reference: str = ""
    """The figure that the source gives, to be shown beside."""
    beside: tuple[Contrast, ...] = ()
    """What is shown with it and decides nothing, such as the difference from published figures."""
    encoders: tuple[str, ...] = ()
    """The encoders that it speaks of: results of others never decide it. (): of any."""
    targets: tuple[str, ...] = ()
    """The same for targets."""

    def __post_init__(self) -> None:
        count = len(self.contrasts)
        if not count or not 0 <= self.least <= count:
            raise StudyError(
                f"the claim {self.text!r} asks for {self.least} of {count} contrasts: give it one "
                "at least, and ask for no more than there are"
            )
        if not all(contrast.terms for contrast in self.contrasts):
            raise StudyError(
                f"the claim {self.text!r} has a contrast whose scores cancel: nothing decides it"
            )

    @property
    def needed(self) -> int:
        """How many contrasts must lie above the margin."""
        return self.least or len(self.contrasts)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What a study has of something, and where it lacks it."""

    found: tuple[str, ...]
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A sentence about what was studied, true if counting the study says so (see
    `layover.coverage`)."""

    text: str
    source: str
    counts: Callable[[Study], Counted]
    """Nothing may be lacking in what it returns."""
    least: int = 1
    """How many must be found."""
    named: tuple[str, ...] = ()
    """Which must be among those found."""
    reference: str = ""
    beside: tuple[Contrast, ...] = ()
    encoders: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """These four as a `Claim` has them."""


Word: TypeAlias = Literal["supported", "contradicted", "inconclusive", "not tested"]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The rows that a verdict rests on."""

    encoders: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    seeds: tuple[int | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a study says about a claim."""

    claim: Claim | Coverage
    verdict: Word
    here: Word
    """What these rows alone say: another word than `verdict` only where the claim speaks of other
    encoders or targets."""
    confidence: float = math.nan
    """The share of the distribution on the claimed side of the margin, of the contrast on which the
    claim hangs; NaN where nothing was measured, or one seed only, and for a count."""
    level: float = math.nan
    """What Holm's procedure asks of this claim, so that all verdicts of a study
    together err in at most 5 % of studies. With one seed, which nothing is concluded from, 95 %."""
    found: tuple[Interval, ...] = ()
    """One a contrast, in their order."""
    levels: tuple[float, ...] = ()
    """One a contrast: `level`, or more where one of several contrasts would do."""
    intervals: tuple[tuple[float, float], ...] = ()
    """One a contrast, at its level: these decide."""
    beside: tuple[tuple[str, Interval], ...] = ()
    """(name, 95 % interval) of the contrasts that decide nothing, as far as they were measured."""
    counted: Counted | None = None
    """What the study declares, of a claim of coverage."""
    measured: tuple[str, ...] = ()
    """What has rows of that which was counted."""
    rests_on: Ground = Ground()
    missing: tuple[str, ...] = ()
    """The rows for want of which it was not tested."""
    notes: tuple[str, ...] = ()
    """Where the sides have other seeds or languages: only what all have was compared."""
    not_beside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(name, the rows that it lacks) of the contrasts that would be beside."""
    settle: int | None = None
    """How many more seeds would as likely as not settle it; None where that is not in question, or
    where no number of seeds would."""
