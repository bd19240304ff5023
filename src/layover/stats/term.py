"""A term of a sum of scores, and which seeds and languages several have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from layover.errors import ResultError
from layover.stats.sample import Run, Sample


@dataclass(frozen=True, kw_only=True, eq=False)
class Term:
    """A weight times an arm's score on a target, averaged over languages."""

    weight: float = 1.0
    sample: Sample
    languages: tuple[str, ...]

    def at(self, seed: int | None) -> Run:
        return _at(self.sample, seed)

    def __mul__(self, factor: float) -> Term:
        return replace(self, weight=factor * self.weight)


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


def check_tests(samples: Sequence[Sample]) -> None:
    """Raise ResultError where samples that are compared have other tests under a seed: their
    difference would be one of examples, too."""
    for seed in seeds_of(samples):
        if len({_at(sample, seed).test for sample in samples}) > 1:
            raise ResultError(
                f"under seed {seed} two sides were tested on different examples; "
                "compare scores of the same test data"
            )


def _order(seed: int | None) -> int:
    return -1 if seed is None else seed
