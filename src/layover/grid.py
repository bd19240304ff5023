"""What a study measured, arm by target, ready to be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from layover.stats import (
    Estimates,
    Interval,
    Sample,
    estimates,
    mean_over_targets,
    measured_languages,
)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The samples of the arms of a study on its targets."""

    samples: Mapping[tuple[str, str], Sample]
    """(arm, target) -> sample; without those that were not measured."""
    languages: tuple[str, ...]
    """In the order in which they are shown."""
    source: str
    """The language that the targets are trained in; all others are zero-shot."""

    def has(self, arm: str, target: str) -> bool:
        return (arm, target) in self.samples

    def score(self, arm: str, target: str) -> Estimates:
        """An arm's score in percent; the mean is over the zero-shot languages."""
        return self._estimates((self.samples[arm, target],))

    def difference(self, arm: str, baseline: str, target: str) -> Estimates:
        """An arm's score minus the baseline's, in points, over the seeds that both have."""
        return self._estimates((self.samples[arm, target], self.samples[baseline, target]))

    def mean(self, arm: str, baseline: str, targets: Sequence[str], language: str = "") -> Interval:
        """The difference, averaged over targets: in one language, or the zero-shot mean."""
        pairs = [(self.samples[arm, name], self.samples[baseline, name]) for name in targets]
        codes = (language,) if language else self.zero_shot(self.languages)
        return mean_over_targets([(pair, measured_languages(pair, codes)) for pair in pairs])

    def zero_shot(self, languages: Iterable[str]) -> tuple[str, ...]:
        return tuple(code for code in languages if code != self.source)

    def _estimates(self, sides: tuple[Sample, ...]) -> Estimates:
        held = {code for side in sides for run in side.values() for code in run.languages}
        codes = tuple(code for code in self.languages if code in held)
        return estimates(sides, codes, self.zero_shot(codes))
