"""What a study could have found, and how many more seeds would settle what it did not find.

A study that is run again has other seeds, of which the spread comes out otherwise (as chi^2 does),
and with it the width of its interval: a difference is found as often as such an interval around it
leaves the null out. With more seeds, what seeds share stays, and the rest shrinks: the variance
C + (V - C) n / N of interval.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from layover.stats.interval import LEVEL, Interval

POWER = 0.8
MOST = 10_000
"""Seeds beyond which nobody goes."""
SPREADS = 64
"""Spreads that are tried for what another run may have."""


def detectable(interval: Interval, power: float = POWER, level: float = LEVEL) -> float:
    """The smallest true difference that a study such as this one finds with this probability, at
    this level; in the unit of the interval, NaN where nothing was measured."""
    import numpy as np
    from scipy import optimize, special, stats

    if not interval.error > 0:
        return interval.error
    doubt = interval.doubt
    seeds = max(interval.spread, doubt.own)
    shares = (np.arange(SPREADS) + 0.5) / SPREADS
    spreads = np.ones(1)
    if math.isfinite(doubt.freedom):
        spreads = stats.chi2.ppf(shares, doubt.freedom) / doubt.freedom
    halves = replace(doubt, spread=seeds * spreads).half(level)
    error = math.sqrt(doubt.shared + seeds)

    def missed(far: float) -> float:
        return float(special.ndtr((halves - far) / error).mean()) - (1 - power)

    return float(optimize.brentq(missed, 0.0, float(halves.max()) + 10 * error))


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

    return fewest(settled) if away else None


def fewest(settled: Callable[[int], bool]) -> int | None:
    """The least number of more seeds that settles something; None where even `MOST` do not."""
    if not settled(MOST):
        return None
    least, enough = 0, MOST
    while enough - least > 1:
        middle = (least + enough) // 2
        least, enough = (least, middle) if settled(middle) else (middle, enough)
    return enough


def unlucky(interval: Interval, more: int, null: float, power: float = POWER) -> Interval:
    """The interval as it would be with so many more seeds, as far towards `null` as it comes out
    in one of five cases if the truth is what was found."""
    from scipy import special

    made = _with(interval, interval.seeds + more)
    away = max(0.0, abs(made.estimate - null) - float(special.ndtri(power)) * made.error)
    return replace(made, estimate=null + math.copysign(away, made.estimate - null))


def _with(interval: Interval, seeds: int) -> Interval:
    """The interval as it would be with so many seeds, around the same estimate."""
    less = interval.seeds / seeds
    # Estimated, it may come out below nothing.
    shared = max(0.0, interval.shared)
    return replace(
        interval,
        error=math.sqrt(shared + (interval.error**2 - shared) * less),
        spread=interval.spread * less,
        freedom=seeds - 1,
        shared=shared,
        fixed=shared + max(0.0, interval.fixed - shared) * less,
    )
