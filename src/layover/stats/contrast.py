"""Sums of scores, with their intervals: a difference, a mean over targets, a slope over data sizes,
a difference of differences.

Everything here is one sum: of weights times the score of an arm on a target, averaged over some
languages. Its value is taken for every seed that all its scores have, so what these share cancels;
and it is resampled by summing what was resampled for each score, which was done jointly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from layover.stats.interval import Interval, interval
from layover.stats.sample import Run, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Term:
    """A weight times an arm's score on a target, averaged over languages."""

    weight: float = 1.0
    sample: Sample
    languages: tuple[str, ...]

    def at(self, seed: int | None) -> Run:
        return _at(self.sample, seed)


def _at(sample: Sample, seed: int | None) -> Run:
    return sample[seed] if seed in sample else sample[None]


def seeds_of(samples: Iterable[Mapping[int | None, object]]) -> tuple[int | None, ...]:
    """The seeds that all have; a model without seed pairs with every seed."""
    each = list(samples)
    named = [sample.keys() for sample in each if None not in sample]
    if not all(each):
        return ()
    return tuple(sorted(set.intersection(*map(set, named)), key=_order)) if named else (None,)


def measured_languages(samples: Sequence[Sample], languages: Iterable[str]) -> tuple[str, ...]:
    """Those that were measured in all samples under every seed under which any was."""
    each = [[_at(sample, seed).scores for sample in samples] for seed in seeds_of(samples)]
    found = [{code for code in languages if all(code in one for one in scores)} for scores in each]
    known = [codes for codes in found if codes]
    return tuple(code for code in languages if known and all(code in codes for codes in known))


def contrast(terms: Sequence[Term]) -> Interval:
    """The sum of the terms, over the seeds that all of them have.

    Not measured (no seeds) where a term has no languages, or none was measured under a seed: a sum
    of fewer terms would be another quantity.
    """
    return _Sum(tuple(terms)).interval


@dataclass(frozen=True)
class _Sum:
    terms: tuple[Term, ...]

    @cached_property
    def seeds(self) -> tuple[int | None, ...]:
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

    @property
    def interval(self) -> Interval:
        if not self.seeds or not self.terms:
            return interval(languages=self.languages if self.seeds else ())
        n = len(self.seeds)
        covariance = self._covariance()
        fixed = float(covariance.sum()) / n**2
        others = float(covariance.sum() - covariance.trace())
        return interval(
            [(seed, self._value(seed, self.terms)) for seed in self.seeds],
            examples=self._examples(),
            languages=self.languages,
            shared=others / (n * (n - 1)) if n > 1 else fixed,
            fixed=fixed,
            between=self._between(),
        )

    def _value(self, seed: int | None, terms: Iterable[Term]) -> float:
        return math.fsum(
            term.weight / len(term.languages) * term.at(seed).scores[code]
            for term in terms
            for code in term.languages
        )

    def _drawn(self, seed: int | None) -> dict[str, Array]:
        """Test -> [replicates], what the terms of this test add up to."""
        sums: dict[str, Array] = {}
        for term in self.terms:
            run = term.at(seed)
            share = term.weight / len(term.languages)
            for code in term.languages:
                part = share * run.drawn[code]
                sums[run.test] = sums[run.test] + part if run.test in sums else part
        return sums

    def _covariance(self) -> Array:
        """[seeds, seeds], from examples alone: those of different tests are independent. NaN where
        a single cluster is resampled: it is always itself, which is no certainty."""
        import numpy as np

        drawn = [self._drawn(seed) for seed in self.seeds]
        n = len(drawn)
        total = np.zeros((n, n))
        for test in dict.fromkeys(test for one in drawn for test in one):
            rows = [place for place, one in enumerate(drawn) if test in one]
            table = np.stack([drawn[place][test] for place in rows])
            # A sample of few clusters may have drawn none of a language.
            table = table[:, np.isfinite(table).all(axis=0)]
            enough = table.shape[1] > 1 and self._clusters(test) > 1
            found = np.cov(table) if enough else np.full((len(rows),) * 2, np.nan)
            total[np.ix_(rows, rows)] += np.atleast_2d(found)
        return total

    def _clusters(self, test: str) -> int:
        """The clusters of the language that has most in a test."""
        return max(
            int(run.present[code].sum())
            for run, term in self._runs()
            if run.test == test
            for code in term.languages
        )

    def _runs(self) -> list[tuple[Run, Term]]:
        return [(term.at(seed), term) for seed in self.seeds for term in self.terms]

    def _examples(self) -> int:
        counts: dict[tuple[str, str], int] = {}
        for run, term in self._runs():
            for code in term.languages:
                counts[run.test, code] = int(run.present[code].sum())
        return sum(counts.values())

    def _between(self) -> float:
        """What the choice of languages adds to the variance of the mean.

        The jackknife's pseudo-values of seed s without language l are the rows of a table whose
        mean squares tell languages from the rest (Searle, Casella and McCulloch 1992, 4.6). NaN
        with less than three languages, or where leaving one out leaves a term without any.
        """
        import numpy as np

        count, n = len(self.languages), len(self.seeds)
        if count < 3 or any(len(term.languages) < 2 for term in self.terms):
            return math.nan
        table = np.array(
            [[self._pseudo(seed, code) for code in self.languages] for seed in self.seeds]
        )
        of_languages = float(table.mean(axis=0).var(ddof=1)) * n
        rest = 0.0
        if n > 1:
            left = table - table.mean(axis=0) - table.mean(axis=1)[:, None] + table.mean()
            rest = float((left**2).sum()) / ((n - 1) * (count - 1))
        return max(0.0, of_languages - rest) / (n * count)

    def _pseudo(self, seed: int | None, code: str) -> float:
        left = [_without(term, code) for term in self.terms]
        count = len(self.languages)
        return count * self._value(seed, self.terms) - (count - 1) * self._value(seed, left)


def _without(term: Term, code: str) -> Term:
    rest = tuple(other for other in term.languages if other != code)
    return Term(weight=term.weight, sample=term.sample, languages=rest)


def _order(seed: int | None) -> int:
    return -1 if seed is None else seed
