"""How far the truth may lie from what was found: by its seeds, and by its examples.

What seeds and their own examples do has to be estimated from few seeds: of S, its part of the
variance of the mean, only S k / chi^2 with k = n - 1 degrees of freedom is known. What the examples
that all seeds share do, C, is known well, and so is E, the part of S that examples alone make. So
the truth lies around what was found with the variance C + max(E, S k / chi^2), whatever chi^2 may
be (Fisher 1935; Weerahandi 1993 on generalised pivots). Where C and E are nothing this is Student's
t, where S is nothing the normal distribution, and it is never narrower than Student's t over seeds.

Satterthwaite's one number of degrees of freedom is nearly as good at 95 %, but not far out, where
the comparisons of a family are judged: where three seeds agree by chance it takes S for known, and
errs more than ten times as often as it says (tests/stats/test_doubt.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NODES, FURTHEST = 200, 40.0
STEPS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Doubt:
    """A distribution around zero."""

    spread: float | Array = 0.0
    """S; of several distributions at once, all of theirs."""
    freedom: float = math.inf
    """k"""
    own: float = 0.0
    """E"""
    shared: float = 0.0
    """C"""

    def beyond(self, distance: float | Array) -> Array:
        """The probability above a distance of at least zero."""
        import numpy as np
        from scipy import special

        scales, weights = _nodes(self.freedom)
        seeds = np.maximum(self.own, np.multiply.outer(self.spread, scales))
        error = np.sqrt(self.shared + seeds)
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.divide(np.asarray(distance)[..., None], error)
        return np.asarray(special.ndtr(-far) @ weights)

    def half(self, level: float) -> Array:
        """Half of the width of the interval of a level."""
        import numpy as np
        from scipy import stats

        share = (1 - level) / 2
        seeds = np.sqrt(self.spread) * -stats.t.ppf(share, self.freedom)
        known = math.sqrt(self.own + self.shared) * -stats.norm.ppf(share)
        high = 2.0 * np.asarray(seeds + known)
        low = np.zeros_like(high)
        for _ in range(STEPS):
            middle = (low + high) / 2
            outside = self.beyond(middle) < share
            low, high = np.where(outside, low, middle), np.where(outside, middle, high)
        return high


@lru_cache(256)
def _nodes(freedom: float) -> tuple[Array, Array]:
    """k / chi^2 and its weights: an integral over exp(-s), the share of chi^2 below, so that it is
    as exact far out as near."""
    import numpy as np
    from scipy import stats

    if not math.isfinite(freedom):
        return np.ones(1), np.ones(1)
    places, weights = np.polynomial.legendre.leggauss(NODES)
    s = (places + 1) * FURTHEST / 2
    weights = weights * FURTHEST / 2 * np.exp(-s)
    return freedom / stats.chi2.ppf(np.exp(-s), freedom), weights / weights.sum()
