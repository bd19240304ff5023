"""Several sums of scores of the same seeds: how sure each is, and how they err together.

The formula of interval.py with matrices in the place of variances: S/n + C, S the covariance of the
per-seed values and C what the examples that seeds share cause. Everything that was tested on the
same examples was resampled jointly, so sums of what was resampled show how sums err together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from layover.stats.sample import Run
from layover.stats.term import Term, seeds_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

DRAWS = 2000


@dataclass(frozen=True)
class Joint:
    """k sums of terms, over the n seeds that all of them have in all of their languages."""

    sums: tuple[tuple[Term, ...], ...]

    @property
    def terms(self) -> Iterator[Term]:
        return (term for terms in self.sums for term in terms)

    @cached_property
    def seeds(self) -> tuple[int | None, ...]:
        """None at all where a sum has no terms, or a term no languages: a sum of fewer terms would
        be another quantity."""
        if not self.sums or not all(self.sums):
            return ()
        found = seeds_of(term.sample for term in self.terms)
        return tuple(seed for seed in found if self._whole(seed))

    def _whole(self, seed: int | None) -> bool:
        return all(
            term.languages and all(code in term.at(seed).scores for code in term.languages)
            for term in self.terms
        )

    @cached_property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for term in self.terms for code in term.languages))

    @cached_property
    def values(self) -> Array:
        """[n, k]"""
        import numpy as np

        table = [[_value(terms, seed) for terms in self.sums] for seed in self.seeds]
        return np.array(table, dtype=np.float64).reshape(len(self.seeds), len(self.sums))

    @cached_property
    def from_examples(self) -> tuple[Array, Array]:
        """[k, k] twice: the mean covariance between seeds caused by the examples they share (of a
        single seed, its own), and the covariance of the means with the seeds held fixed."""
        n = len(self.seeds)
        total = self._covariance()
        together = total.sum(axis=(0, 2))
        own = sum(total[place, :, place] for place in range(n))
        fixed = together / n**2
        return ((together - own) / (n * (n - 1)) if n > 1 else fixed), fixed

    @cached_property
    def covariance(self) -> Array:
        """[k, k], of the means over seeds."""
        import numpy as np

        shared, fixed = self.from_examples
        whole = self._spread + shared
        if len(self.seeds) < 2:
            return fixed
        # Each variance is what interval.py makes of it; what errs together keeps its correlation.
        least = np.maximum(np.diag(whole), np.diag(fixed))
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.sqrt(least / np.diag(whole))
        scale[~np.isfinite(scale)] = 1.0
        return whole * scale * scale[:, None]

    @property
    def _spread(self) -> Array:
        """[k, k], of the means over seeds, from the spread of the seeds alone."""
        import numpy as np

        n, k = self.values.shape
        if n < 2:
            return np.zeros((k, k))
        return np.atleast_2d(np.cov(self.values, rowvar=False)) / n

    def draws(self, count: int = DRAWS) -> Array:
        """[count, k]: what the sums may truly be, around what was found and as far from it as
        doubt.py has each; the same ones every time."""
        import numpy as np

        generator = np.random.default_rng(0)
        n, k = self.values.shape
        shared, _ = self.from_examples
        if not np.isfinite(self.covariance).all():
            return np.full((count, k), np.nan)
        noise = generator.standard_normal((count, k)) @ _root(shared).T
        if n > 1:
            seeds = generator.standard_normal((count, k)) @ _root(self.covariance - shared).T
            noise += seeds * np.sqrt((n - 1) / generator.chisquare(n - 1, (count, 1)))
        return self.values.mean(axis=0) + noise

    def runs(self) -> Iterator[tuple[Run, Term]]:
        return ((term.at(seed), term) for seed in self.seeds for term in self.terms)

    @property
    def examples(self) -> int:
        """Test examples, each counted once."""
        return sum(
            {
                (run.test, code): int(run.present[code].sum())
                for run, term in self.runs()
                for code in term.languages
            }.values()
        )

    def clusters(self, test: str) -> int:
        """The clusters of the language that has most in a test."""
        return max(
            int(run.present[code].sum())
            for run, term in self.runs()
            if run.test == test
            for code in term.languages
        )

    def _covariance(self) -> Array:
        """[n, k, n, k], from examples alone: those of different tests are independent. NaN where a
        single cluster is resampled: it is always itself, which is no certainty. Nor is it one that
        all were right or wrong: what that hides of an arm it hides under all seeds alike."""
        import numpy as np

        drawn = [_drawn(terms, seed) for seed in self.seeds for terms in self.sums]
        total = np.zeros((len(drawn), len(drawn)))
        for test in dict.fromkeys(test for one in drawn for test in one):
            rows = [place for place, one in enumerate(drawn) if test in one]
            table = np.stack([drawn[place][test] for place in rows])
            total[np.ix_(rows, rows)] += covariance(table, self.clusters(test))
        unseen = [_unseen(terms, seed) for seed in self.seeds for terms in self.sums]
        for whose in dict.fromkeys(whose for one in unseen for whose in one):
            errors = np.array([one.get(whose, 0.0) for one in unseen])
            total += np.outer(errors, errors)
        return total.reshape((len(self.seeds), len(self.sums)) * 2)


def covariance(table: Array, clusters: int) -> Array:
    """[rows, rows] of what was drawn, [rows, replicates]; NaN where that cannot be told."""
    import numpy as np

    # A sample of few clusters may have drawn none of a language.
    known = table[:, np.isfinite(table).all(axis=0)]
    if known.shape[1] < 2 or clusters < 2:
        return np.full((len(table),) * 2, np.nan)
    return np.atleast_2d(np.cov(known))


def _root(covariance: Array) -> Array:
    """A matrix whose product with itself turned is this one. What was estimated may have come out a
    little below nothing in some direction: it is nothing there."""
    import numpy as np

    variances, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(variances, 0.0)))


def _value(terms: tuple[Term, ...], seed: int | None) -> float:
    return math.fsum(
        term.weight / len(term.languages) * term.at(seed).scores[code]
        for term in terms
        for code in term.languages
    )


def _drawn(terms: tuple[Term, ...], seed: int | None) -> dict[str, Array]:
    """Test -> [replicates], what the terms of this test add up to."""
    sums: dict[str, Array] = {}
    for term in terms:
        run = term.at(seed)
        share = term.weight / len(term.languages)
        for code in term.languages:
            part = share * run.drawn[code]
            sums[run.test] = sums[run.test] + part if run.test in sums else part
    return sums


def _unseen(terms: tuple[Term, ...], seed: int | None) -> dict[tuple[int, str], float]:
    """(sample, test) -> the standard error of its part at an end of the scale, in all languages
    together: what is parallel is hard in all of them."""
    sums: dict[tuple[int, str], float] = {}
    for term in terms:
        run = term.at(seed)
        error = term.weight / len(term.languages) * sum(map(run.unseen, term.languages))
        if error:
            whose = id(term.sample), run.test
            sums[whose] = sums.get(whose, 0.0) + error
    return sums
