"""Sums of scores, with their intervals: a difference, a mean over targets, a slope over data sizes,
a difference of differences.

Everything here is one sum: of weights times the score of an arm on a target, averaged over some
languages. Its value is taken for every seed that all its scores have, so what these share cancels;
and it is resampled by summing what was resampled for each score, which was done jointly.
"""

from __future__ import annotations

from collections.abc import Sequence

from layover.stats.between import between
from layover.stats.interval import Interval, interval
from layover.stats.joint import Joint
from layover.stats.term import Term


def contrast(terms: Sequence[Term]) -> Interval:
    """The sum of the terms, over the seeds that all of them have.

    Not measured (no seeds) where a term has no languages, or none was measured under a seed: a sum
    of fewer terms would be another quantity.
    """
    sums = Joint((tuple(terms),))
    if not sums.seeds:
        return interval()
    shared, fixed = sums.from_examples
    return interval(
        zip(sums.seeds, sums.values[:, 0].tolist(), strict=True),
        examples=sums.examples,
        languages=sums.languages,
        shared=float(shared[0, 0]),
        fixed=float(fixed[0, 0]),
        between=between(sums),
    )
