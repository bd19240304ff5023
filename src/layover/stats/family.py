"""Many comparisons, judged together: Holm's correction (Holm 1979).

Of twenty comparisons without any effect, one in twenty seems to have one. Holm's step-down keeps
the chance of even one false finding in a family at 5 %, whatever the comparisons share, and never
finds less than Bonferroni's correction does. What was not measured (NaN) is not in the family:
nothing is concluded from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from layover.stats.interval import ERROR


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """The adjusted p values, in order: one of at most `ERROR` is a finding of the family."""
    adjusted = [math.nan] * len(ps)
    least = 0.0
    for left, place in _steps(ps):
        least = max(least, min(1.0, left * ps[place]))
        adjusted[place] = least
    return tuple(adjusted)


def levels(ps: Sequence[float]) -> tuple[float, ...]:
    """The level at which Holm judges each, such as 0.975 of two: `Interval.at` of it leaves the
    null out exactly where `holm` finds something.

    Those that are not found have the level of the first that is not, and their intervals at it hold
    their truths together (Guilbaud 2008; Strassburger and Bretz 2008).
    """
    given = [math.nan] * len(ps)
    stopped = 0.0
    for left, place in _steps(ps):
        level = stopped or 1 - ERROR / left
        if ps[place] * left > ERROR:
            stopped = level
        given[place] = level
    return tuple(given)


def _steps(ps: Sequence[float]) -> list[tuple[int, int]]:
    """(how many are still to judge, place), from the smallest p value on."""
    known = sorted(
        (place for place in range(len(ps)) if not math.isnan(ps[place])),
        key=lambda place: ps[place],
    )
    return [(len(known) - step, place) for step, place in enumerate(known)]
