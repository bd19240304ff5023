"""No difference that matters: two one-sided tests (Schuirmann 1987).

That an interval holds zero does not say that there is no effect. Equivalence is shown where both
"it is below -margin" and "it is above +margin" are rejected at 5 %, which is where the whole 90 %
interval lies within the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from layover.errors import ResultError
from layover.stats.interval import ERROR, Interval

LEVEL = 1 - 2 * ERROR


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """Whether a difference is smaller than what matters, either way."""

    margin: float
    """In the unit of the difference."""
    low: float
    high: float
    """The 90 % interval."""
    p: float
    """The larger of the two one-sided p values; NaN where nothing was measured."""

    @property
    def holds(self) -> bool:
        """The difference is smaller than the margin. False says nothing: neither that it is
        larger nor that it is not."""
        return -self.margin < self.low and self.high < self.margin


def equivalent(interval: Interval, margin: float) -> Equivalence:
    """Whether the truth of a difference lies within `margin` of zero. Raises ResultError unless the
    margin is a number above zero."""
    if not 0 < margin < math.inf:
        raise ResultError(
            f"cannot show that a difference is within {margin} of zero; "
            "give the smallest difference that would matter, a number above zero"
        )
    low, high = interval.at(LEVEL)
    p = max(interval.below(-margin), 1 - interval.below(margin))
    return Equivalence(margin=margin, low=low, high=high, p=p)
