"""What a study could have found, and how many more seeds would settle what it did not find.

Both come from the noncentral t distribution (Cohen 1988, chapter 2; exact for one normal sample),
with the standard error and the degrees of freedom that were found. With more seeds, what the seeds
share stays and the rest shrinks: the variance C + (V - C) n / N of interval.py.
"""

from __future__ import annotations

import math
from dataclasses import replace

from layover.stats.interval import LEVEL, Interval

POWER = 0.8
MOST = 10_000
"""Seeds beyond which nobody goes."""
MANY = 1e4
"""Degrees of freedom from which t is normal."""


def detectable(interval: Interval, power: float = POWER, level: float = LEVEL) -> float:
    """The smallest true difference that a study such as this one finds with this probability, at
    this level; in the unit of the interval, NaN where nothing was measured."""
    if not interval.error > 0:
        return interval.error
    return interval.error * _needed(interval.freedom, power, level)


def settling(
    interval: Interval, null: float = 0.0, power: float = POWER, level: float = LEVEL
) -> int | None:
    """How many MORE seeds would settle on which side of `null` the truth lies, with this
    probability, if the truth is what was found; 0 if it is settled.

    None: no number can be given. Either what all seeds share is too uncertain, and more test
    examples are needed; or there are fewer than two seeds, which do not say how much seeds differ.
    """
    low, high = interval.at(level)
    if low > null or high < null:
        return 0
    away = abs(interval.estimate - null)

    def settled(more: int) -> bool:
        return detectable(_with(interval, interval.seeds + more), power, level) <= away

    if interval.seeds < 2 or not settled(MOST):
        return None
    least, enough = 0, MOST
    while enough - least > 1:
        middle = (least + enough) // 2
        least, enough = (least, middle) if settled(middle) else (middle, enough)
    return enough


def _with(interval: Interval, seeds: int) -> Interval:
    """The interval as it would be with so many seeds: with its variance and its degrees of freedom,
    around the same estimate."""
    n = interval.seeds
    own = (interval.error**2 - interval.shared) * n / seeds
    variance = interval.shared + own
    spread = interval.spread * n / seeds
    freedom = (seeds - 1) * (variance / spread) ** 2 if spread else math.inf
    return replace(interval, error=math.sqrt(variance), freedom=freedom)


def _needed(freedom: float, power: float, level: float) -> float:
    """How many standard errors a truth must be from the null."""
    from scipy import optimize, stats

    bound = float(stats.t.ppf((1 + level) / 2, freedom))
    if freedom > MANY:
        return bound + float(stats.norm.ppf(power))
    most = 4 * bound + 10
    return float(optimize.brentq(lambda far: stats.nct.sf(bound, freedom, far) - power, 0.0, most))
