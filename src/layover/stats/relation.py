"""Does one number go with another? Rank and linear correlation over few points, said plainly.

Two intervals, since two things could have come out otherwise. With these very points, other seeds
and test examples would have given other values: the correlation is computed again on draws of them.
And other points could have been measured: they are drawn with replacement, as many as there are,
with the quantiles that small numbers need (Hesterberg 2015, section 5.3). The p value is that of a
permutation test: how often the values in another order go together at least as closely.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layover.errors import ResultError
from layover.stats.contrast import contrast
from layover.stats.interval import ERROR, Interval
from layover.stats.joint import DRAWS, Joint
from layover.stats.term import Term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST = 3
ALL_ORDERS = 7
"""The most points of which all orders are tried; of more, `ORDERS` at random."""
ORDERS = 9_999


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """How closely two numbers go together, from -1 to 1."""

    estimate: float
    low: float
    high: float
    """Over seeds and examples (of one seed: examples): for these very points."""
    others: tuple[float, float]
    """Over points: for points of which these are a draw."""
    p: float
    """Two-sided."""


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Two numbers over several points."""

    x: tuple[float, ...]
    y: tuple[Interval, ...]
    rank: Correlation
    """Spearman's: whether one rises with the other."""
    linear: Correlation
    """Pearson's: whether they lie on a line."""

    least_p: float
    """The p value of a perfect order of such points, equal ones among them: none can be smaller."""

    @property
    def word(self) -> str:
        """What so many points can say, in a sentence."""
        n, p = len(self.x), self.rank.p
        if self.least_p > ERROR:
            return (
                f"{n} points cannot tell an order from chance: even a perfect one comes up by "
                f"chance in {self.least_p:.0%} of cases."
            )
        if math.isnan(p):
            return f"{n} points that do not vary have no order."
        often = "less than 1 %" if p < 0.005 else f"{100 * p:.0f} %"
        few = ", and few points say little of others" if n < 10 else ""
        return f"{n} points{few}: an order as clear as this comes up by chance in {often} of cases."


def relation(points: Sequence[tuple[float, Sequence[Term]]]) -> Relation:
    """How y, a sum of terms, goes with x, over the points measured and the seeds that these have.

    Raises ResultError with fewer than three points measured, where all x are equal, and where the
    points have no seed in common.
    """
    import numpy as np

    measured = [(x, tuple(terms), contrast(terms)) for x, terms in points]
    known = [(x, terms, y) for x, terms, y in measured if y.seeds]
    if len(known) < LEAST or len({x for x, _, _ in known}) < 2:
        raise ResultError(
            f"cannot correlate {len(known)} points at {sorted({x for x, _, _ in known})}; "
            f"measure at least {LEAST}, at different places"
        )
    sums = Joint(tuple(terms for _, terms, _ in known))
    if not sums.seeds:
        raise ResultError("the points have no seed in common; run the same seeds")
    x = np.array([x for x, _, _ in known])
    y, drawn = sums.values.mean(axis=0), sums.draws()
    places, ranks = np.sort(_ranks(x)), np.sort(_ranks(y))
    perfect = [(order, float(_pearson(places, order))) for order in (ranks, ranks[::-1])]
    return Relation(
        x=tuple(x.tolist()),
        y=tuple(one for _, _, one in known),
        least_p=min(_p(places, order, closely) for order, closely in perfect),
        rank=_correlation(_ranks(x), _ranks(y), _ranks(drawn)),
        linear=_correlation(x, y, drawn),
    )


def _correlation(x: Array, y: Array, drawn: Array) -> Correlation:
    import numpy as np

    estimate = float(_pearson(x, y))
    tail = ERROR / 2
    low, high = np.quantile(_pearson(x, drawn), [tail, 1 - tail]).tolist()
    return Correlation(
        estimate=estimate, low=low, high=high, others=_others(x, y), p=_p(x, y, estimate)
    )


def _pearson(x: Array, y: Array) -> Array:
    """Of [..., points] each; NaN where either does not vary."""
    import numpy as np

    left = x - x.mean(axis=-1, keepdims=True)
    right = y - y.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (left * right).sum(axis=-1) / np.sqrt(
            (left**2).sum(axis=-1) * (right**2).sum(axis=-1)
        )


def _ranks(values: Array) -> Array:
    from scipy import stats

    return stats.rankdata(values, axis=-1)


def _others(x: Array, y: Array) -> tuple[float, float]:
    """The bootstrap over points; draws in which x or y does not vary say nothing."""
    import numpy as np
    from scipy import stats

    n = len(x)
    places = np.random.default_rng(0).integers(0, n, (5 * DRAWS, n))
    found = _pearson(x[places], y[places])
    known = found[np.isfinite(found)]
    if not len(known):
        return math.nan, math.nan
    wide = math.sqrt(n / (n - 1)) * stats.t.ppf(ERROR / 2, n - 1)
    tail = float(stats.norm.cdf(wide))
    low, high = np.quantile(known, [tail, 1 - tail]).tolist()
    return low, high


def _p(x: Array, y: Array, estimate: float) -> float:
    """How many orders of y go with x at least as closely, this one among them."""
    import numpy as np

    if math.isnan(estimate):
        return math.nan
    n = len(y)
    if n <= ALL_ORDERS:
        orders = np.array(list(itertools.permutations(range(n))))
    else:
        generator = np.random.default_rng(0)
        drawn = generator.permuted(np.tile(np.arange(n), (ORDERS, 1)), axis=1)
        orders = np.vstack([np.arange(n), drawn])
    # What is equal may differ by a rounding.
    return float((np.abs(_pearson(x, y[orders])) >= abs(estimate) - 1e-9).mean())
