"""One number with what it rests on, and how sure it is.

With n seeds, s^2 the variance of the per-seed values and C the mean covariance between seeds that
the shared test examples cause (zero if every seed has its own test set), s^2/n + C estimates the
variance of the mean without bias: a bootstrap over seeds would miss 1/n of the first term, and
adding the whole example variance would count the part that s^2 holds already twice. The variance
over examples with the seeds held fixed bounds it from below. The interval is the estimate plus or
minus what doubt.py makes of these three; with one seed it is over examples only, and
`Interval.over` says so. What was not measured is NaN with no seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from layover.stats.doubt import Doubt

ERROR = 0.05
"""The chance of a false finding, of one comparison or of a family: a p value of at most this finds
something."""
LEVEL = 1 - ERROR


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One number with its 95 % interval, and what it rests on."""

    estimate: float
    low: float
    high: float
    error: float
    """The standard error."""
    by_seed: tuple[tuple[int | None, float], ...]
    """The seeds and their values; empty where nothing was measured."""
    examples: int
    """Test examples, summed over the languages; the same examples under another seed count once."""
    languages: tuple[str, ...]
    spread: float = 0.0
    """What the spread of the seeds alone makes of the variance: s^2/n."""
    freedom: float = math.inf
    """The degrees of freedom of the spread."""
    shared: float = math.nan
    """Mean covariance between seeds caused by the test examples that they share."""
    fixed: float = math.nan
    """Variance over examples with the seeds held fixed."""
    between: float = math.nan
    """What the choice of languages adds to the variance; NaN where it cannot be told."""

    @property
    def seeds(self) -> int:
        """How many seeds were measured."""
        return len(self.by_seed)

    @property
    def tells_of_seeds(self) -> bool:
        """Whether it may be tested: a single seed tells nothing about others. A model that has no
        seed has no others."""
        return self.seeds > 1 or (self.seeds == 1 and self.by_seed[0][0] is None)

    @property
    def over(self) -> str:
        """What the interval generalises over."""
        return ("", "examples")[self.seeds] if self.seeds < 2 else "seeds and examples"

    @property
    def sign(self) -> int:
        """1 if the whole interval lies above zero, -1 if below, else (also unmeasured) 0."""
        return int(self.low > 0) - int(self.high < 0)

    @property
    def doubt(self) -> Doubt:
        """How the truth lies around the estimate."""
        if not self.spread or math.isnan(self.error):
            return Doubt(shared=self.error**2)
        # What seeds share is estimated, and may come out a little below nothing.
        shared = max(0.0, self.shared)
        own = max(0.0, self.fixed - shared)
        return Doubt(spread=self.spread, freedom=self.freedom, own=own, shared=shared)

    def at(self, level: float) -> tuple[float, float]:
        """The interval of another level, such as 0.99."""
        half = float(self.doubt.half(level))
        return self.estimate - half, self.estimate + half

    def below(self, value: float) -> float:
        """The share of its distribution below a value: one minus it is the confidence that the
        truth lies above. A half at the estimate; NaN where nothing was measured."""
        outside = self.p(value) / 2
        return 1 - outside if value > self.estimate else outside

    def p(self, null: float = 0.0) -> float:
        """Two-sided: how often a truth of `null` shows itself at least as far away as this."""
        if self.error == 0:
            return float(self.estimate == null)
        return 2 * float(self.doubt.beyond(abs(self.estimate - null)))

    @property
    def over_languages(self) -> tuple[float, float]:
        """The 95 % interval for languages that are a draw from many, as the seeds are; NaN where
        that cannot be told.

        What languages add is as independent of the rest as its own interval is: half-widths add in
        squares (Zou and Donner 2008).
        """
        from scipy import stats

        far = stats.t.ppf((1 + LEVEL) / 2, max(1, len(self.languages) - 1))
        half = math.hypot(self.high - self.estimate, far * math.sqrt(self.between))
        return self.estimate - half, self.estimate + half


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """A score or a difference: the mean over some languages, and each language."""

    mean: Interval
    languages: Mapping[str, Interval]


def interval(
    by_seed: Iterable[tuple[int | None, float]] = (),
    *,
    examples: int = 0,
    languages: tuple[str, ...] = (),
    shared: float = math.nan,
    fixed: float = math.nan,
    between: float = math.nan,
) -> Interval:
    """The interval from per-seed values and the two variances over examples."""
    pairs = tuple(by_seed)
    n = len(pairs)
    estimate = error = math.nan
    spread = 0.0
    if n:
        estimate = math.fsum(value for _, value in pairs) / n
        squares = math.fsum((value - estimate) ** 2 for _, value in pairs)
        spread = squares / (n - 1) / n if n > 1 else 0.0
        error = math.sqrt(max(fixed, spread + max(0.0, shared)) if n > 1 else fixed)
    found = Interval(
        estimate=estimate,
        low=math.nan,
        high=math.nan,
        error=error,
        by_seed=pairs,
        examples=examples,
        languages=languages,
        spread=spread,
        freedom=n - 1 if n > 1 else math.inf,
        shared=shared,
        fixed=fixed,
        between=between,
    )
    low, high = found.at(LEVEL)
    return replace(found, low=low, high=high)
