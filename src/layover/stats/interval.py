"""One number with what it rests on, and how sure it is.

With n seeds, s^2 the variance of the per-seed values and C the mean covariance between seeds that
the shared test examples cause (zero if every seed has its own test set), s^2/n + C estimates the
variance of the mean without bias: a bootstrap over seeds would miss 1/n of the first term, and
adding the whole example variance would count the part that s^2 holds already twice. The variance
over examples with the seeds held fixed bounds it from below. The interval is the estimate plus or
minus Student's t times the standard error, with Satterthwaite's degrees of freedom; with one seed
it is over examples only, and `Interval.over` says so. What was not measured is NaN with no seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LEVEL = 0.95


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
    freedom: float = math.inf
    """Satterthwaite's degrees of freedom."""
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
    def spread(self) -> float:
        """What the spread of the seeds alone makes of the variance: s^2/n; 0 with less than two."""
        return _spread([value for _, value in self.by_seed])

    @property
    def over(self) -> str:
        """What the interval generalises over."""
        return ("", "examples")[self.seeds] if self.seeds < 2 else "seeds and examples"

    @property
    def sign(self) -> int:
        """1 if the whole interval lies above zero, -1 if below, else (also unmeasured) 0."""
        return int(self.low > 0) - int(self.high < 0)

    def at(self, level: float) -> tuple[float, float]:
        """The interval of another level, such as 0.99."""
        half = _quantile((1 + level) / 2, self.freedom) * self.error
        return self.estimate - half, self.estimate + half

    def below(self, value: float) -> float:
        """The share of its distribution below a value: one minus it is the confidence that the
        truth lies above. A half at the estimate; NaN where nothing was measured."""
        from scipy import stats

        if not self.error > 0:
            sure = float(self.estimate < value) + float(self.estimate <= value)
            return math.nan if math.isnan(self.error) else sure / 2
        return float(stats.t.cdf((value - self.estimate) / self.error, self.freedom))

    def p(self, null: float = 0.0) -> float:
        """Two-sided: how often a truth of `null` shows itself at least as far away as this."""
        below = self.below(null)
        return 2 * min(below, 1 - below)

    @property
    def over_languages(self) -> tuple[float, float]:
        """The 95 % interval for languages that are a draw from many, as the seeds are; NaN where
        that cannot be told."""
        variance = self.error**2 + self.between
        count = len(self.languages)
        parts = ((self.error**2, self.freedom), (self.between, count - 1))
        known = sum(part**2 / freedom for part, freedom in parts if part > 0)
        freedom = variance**2 / known if known else math.inf
        half = _quantile((1 + LEVEL) / 2, freedom) * math.sqrt(variance)
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
    values = [value for _, value in pairs]
    n = len(values)
    estimate = error = half = math.nan
    freedom = math.inf
    if n:
        seeds = _spread(values)
        variance = max(fixed, seeds + shared) if n > 1 else fixed
        estimate, error = math.fsum(values) / n, math.sqrt(variance)
        freedom = (n - 1) * (variance / seeds) ** 2 if seeds else math.inf
        half = _quantile((1 + LEVEL) / 2, freedom) * error
    return Interval(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        error=error,
        by_seed=pairs,
        examples=examples,
        languages=languages,
        freedom=freedom,
        shared=shared,
        fixed=fixed,
        between=between,
    )


def _spread(values: Sequence[float]) -> float:
    """The variance of their mean; 0 with less than two."""
    import numpy as np

    return float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0


def _quantile(share: float, freedom: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(share, freedom))
