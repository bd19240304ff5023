"""What the choice of languages adds to the variance of a sum.

The jackknife's pseudo-values without one language after the other, for each seed, are a table whose
mean squares tell what languages differ by from what seeds do to each (Searle, Casella and McCulloch
1992, 4.6). What the examples that seeds share do to each language is told by the resampled scores,
and taken off as well: the error of the sum holds it already.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from layover.stats.joint import Joint, covariance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def between(sums: Joint) -> float:
    """The variance that the languages of a single sum add to it, if they are a draw from many; NaN
    with fewer than three, or where leaving one out leaves a term without any."""
    import numpy as np

    count, n = len(sums.languages), len(sums.seeds)
    if count < 3 or any(len(term.languages) < 2 for term in sums.terms):
        return math.nan
    table = np.stack([_points(sums, seed) for seed in sums.seeds])
    differ = float(table.mean(axis=0).var(ddof=1))
    rest = 0.0
    if n > 1:
        left = table - table.mean(axis=0) - table.mean(axis=1)[:, None] + table.mean()
        rest = float((left**2).sum()) / ((n - 1) * (count - 1))
    return max(0.0, differ - rest / n - _from_examples(sums)) / count


def _points(sums: Joint, seed: int | None) -> Array:
    """[languages], the pseudo-values under a seed."""
    import numpy as np

    total = np.zeros(len(sums.languages))
    for term in sums.terms:
        scores = np.array([term.at(seed).scores[code] for code in term.languages])
        total += term.weight * _pseudo(scores, term.languages, sums.languages)
    return total


def _pseudo(scores: Array, mine: tuple[str, ...], languages: tuple[str, ...]) -> Array:
    """[..., all languages] of [..., a term's languages]: their mean is that of the scores."""
    import numpy as np

    count, held = len(languages), len(mine)
    mean = scores.mean(axis=-1, keepdims=True)
    made = np.repeat(mean, count, axis=-1)
    places = [languages.index(code) for code in mine]
    made[..., places] += (count - 1) * (scores - mean) / (held - 1)
    return made


def _from_examples(sums: Joint) -> float:
    """By how much the examples that seeds share make the languages differ, as a variance."""
    import numpy as np

    n = len(sums.seeds)
    together: dict[str, Array] = {}
    apart = 0.0
    for seed in sums.seeds:
        drawn: dict[str, Array] = {}
        for term in sums.terms:
            run = term.at(seed)
            scores = np.stack([run.drawn[code] for code in term.languages], axis=-1)
            part = term.weight * _pseudo(scores, term.languages, sums.languages)
            drawn[run.test] = drawn[run.test] + part if run.test in drawn else part
        apart += sum(_differing(sums, test, part) for test, part in drawn.items()) / n
        for test, part in drawn.items():
            together[test] = together[test] + part / n if test in together else part / n
    mean = sum(_differing(sums, test, part) for test, part in together.items())
    return (n * mean - apart) / (n - 1) if n > 1 else mean


def _differing(sums: Joint, test: str, drawn: Array) -> float:
    """The expected variance over languages of [replicates, languages]."""
    found = covariance(drawn.T, sums.clusters(test))
    count = len(found)
    return float(found.trace() - found.sum() / count) / (count - 1)
