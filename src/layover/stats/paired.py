"""Scores, and paired differences between an arm and its baseline, language by language."""

from __future__ import annotations

from collections.abc import Sequence

from layover.errors import ResultError
from layover.stats.contrast import contrast
from layover.stats.interval import Estimates, Interval, interval
from layover.stats.sample import REPLICATES, Combine, Measured, Sample, by_seed, samples
from layover.stats.term import Term, check_tests, measured_languages


def paired_difference(
    arm: Sequence[Measured],
    baseline: Sequence[Measured],
    languages: Sequence[str],
    combine: Combine,
    *,
    average: Sequence[str] | None = None,
    replicates: int = REPLICATES,
) -> Estimates:
    """Arm minus baseline in points, over the seeds that both have.

    `average` names the languages of the mean (default: all); those not measured under every paired
    seed are left out of it, and `mean.languages` says which are in. Raises ResultError where the
    two sides of a seed were not tested on the same examples.
    """
    runs = samples([*arm, *baseline], combine, replicates)
    sides = by_seed(runs[: len(arm)]), by_seed(runs[len(arm) :])
    return estimates(sides, languages, average)


def score(
    arm: Sequence[Measured],
    languages: Sequence[str],
    combine: Combine,
    *,
    average: Sequence[str] | None = None,
    replicates: int = REPLICATES,
) -> Estimates:
    """The score of one arm in percent; `average` as in `paired_difference`."""
    return estimates((by_seed(samples(arm, combine, replicates)),), languages, average)


def estimates(
    sides: tuple[Sample, ...], languages: Sequence[str], average: Sequence[str] | None = None
) -> Estimates:
    """Of one sample, or of the first minus the second, as `paired_difference` gives them."""
    chosen = tuple(languages if average is None else average)
    if unknown := [code for code in chosen if code not in languages]:
        raise ResultError(f"cannot average over {unknown}: the languages are {list(languages)}")

    everywhere = measured_languages(sides, chosen)
    return Estimates(
        mean=mean_over_targets([(sides, everywhere)]),
        languages={code: contrast(difference(sides, (code,))) for code in languages},
    )


def mean_over_targets(targets: Sequence[tuple[tuple[Sample, ...], tuple[str, ...]]]) -> Interval:
    """The mean over targets of samples, or of first minus second samples, each over its languages.

    Not measured where a target has no languages: a mean over fewer targets would be another
    quantity.
    """
    if not targets or not all(languages for _, languages in targets):
        return interval()
    share = 1 / len(targets)
    return contrast([term * share for sides, codes in targets for term in difference(sides, codes)])


def difference(sides: tuple[Sample, ...], languages: tuple[str, ...]) -> tuple[Term, ...]:
    """The score of one side, or of the first minus the second, as a sum of terms. Raises
    ResultError where the sides of a seed were not tested on the same examples."""
    check_tests(sides)
    return tuple(
        Term(weight=sign, sample=side, languages=languages)
        for sign, side in zip((1.0, -1.0), sides, strict=False)
    )
