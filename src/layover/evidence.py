"""What the contrasts of claims come to over the rows of a study.

A contrast is taken over the seeds and languages that all its scores have, and says what it leaves
out. One whose rows are not all there has no value: a sum of fewer terms would be another quantity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from layover import encoders
from layover.claims import EVERY, Best, Claim, Contrast, Coverage, Ground, Published, Score
from layover.encoders import Encoder
from layover.errors import ResultError, StudyError
from layover.factors import encoder_name, metric_of, phases, scores_of
from layover.grid import Grid
from layover.registry import Registry, unknown
from layover.stats import (
    Interval,
    Measured,
    Sample,
    Term,
    by_seed,
    chosen,
    contrast,
    measured_languages,
    samples,
    widened,
)
from layover.stats.term import check_tests, seeds_of
from layover.study import Study
from layover.xtreme.benchmarks import BENCHMARKS

Cell = tuple[str, str]
"""(arm, target)"""


class Placed(Measured, Protocol):
    """A measurement that says whose it is."""

    @property
    def arm(self) -> str: ...
    @property
    def target(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a contrast came to, or why it came to nothing."""

    interval: Interval | None
    ground: Ground
    missing: tuple[str, ...] = ()
    """The rows that it lacks."""
    notes: tuple[str, ...] = ()
    """What its sides do not share, and is left out."""


def check_claims(study: Study) -> None:
    """Raise `StudyError` for a claim that names what there is not, with the nearest names."""
    arms = [arm.name for arm in study.arms]
    targets = {leaf.target for arm in study.arms for leaf in scores_of(arm)}
    starts = {phases(leaf).start for arm in study.arms for leaf in scores_of(arm)}
    published = Registry(Encoder, "encoder")
    published.include(encoders)
    theirs = {entry.folder for one in BENCHMARKS for entry in one.entries}
    for claim in study.claims:
        whole = (*(claim.contrasts if isinstance(claim, Claim) else ()), *claim.beside)
        leaves = [leaf for contrast in whole for _, leaf in contrast.terms]
        asked = (
            ("arm", arms, [name for leaf in leaves for name in _arms(leaf)]),
            ("target", targets, [leaf.target for leaf in leaves]),
            ("encoder", {*map(encoder_name, starts), *published.entries}, claim.encoders),
            ("target", targets | theirs, claim.targets),
        )
        for noun, known, names in asked:
            for name in names:
                if name not in known:
                    raise StudyError(f"the claim {claim.text!r}: {unknown(noun, name, known)}")
        for leaf in leaves:
            _check_languages(study, claim, leaf)


def _check_languages(study: Study, claim: Claim | Coverage, leaf: Score) -> None:
    """Raise `StudyError` for a language that a target of a claim is not tested in."""
    asked = leaf.languages if leaf.languages != EVERY else ()
    for name in _arms(leaf):
        for one in scores_of(study.arm(name)):
            codes = one.predictions.data.languages
            if one.target == leaf.target and (lacking := set(asked).difference(codes)):
                raise StudyError(
                    f"the claim {claim.text!r}: {name} is not measured on {leaf.target} in "
                    f"{', '.join(sorted(lacking))}; it is in {', '.join(codes)}"
                )


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What was measured in a study."""

    study: Study
    grid: Grid
    measurements: tuple[Placed, ...]

    def evidence(self, whole: Contrast) -> Evidence:
        """The value of a contrast, and what it rests on."""
        leaves = [leaf for _, leaf in whole.terms]
        missing = [line for leaf in leaves for line in self._absent(leaf)]
        ground = self._ground(leaves)
        if missing:
            return Evidence(interval=None, ground=ground, missing=once(missing))
        try:
            return self._measured(whole, ground)
        except ResultError as error:
            return Evidence(interval=None, ground=ground, missing=(str(error),))

    def _measured(self, whole: Contrast, ground: Ground) -> Evidence:
        sides = {
            (name, leaf.target): self.grid.samples[name, leaf.target]
            for _, leaf in whole.terms
            for name in _arms(leaf)
        }
        if sides and not seeds_of(sides.values()):
            return Evidence(interval=None, ground=ground, missing=(_seedless(sides),))
        for target in ground.targets:
            check_tests([one for (_, name), one in sides.items() if name == target])
        missing, notes, terms, constant = list[str](), list[str](), list[Term](), 0.0
        for weight, leaf in whole.terms:
            codes = self._languages(whole, leaf)
            missing += self._wordless(leaf, codes)
            if isinstance(leaf.arm, Published):
                constant += weight * _figure(leaf.arm, leaf.target)[0]
            elif not missing:
                notes += self._left_out(leaf, codes)
                sample = self._sample(leaf, codes)
                terms.append(Term(weight=weight, sample=sample, languages=codes))
        if missing:
            return Evidence(interval=None, ground=ground, missing=once(missing))
        found = contrast(terms)
        if any(isinstance(leaf.arm, Best) for _, leaf in whole.terms):
            found = widened(found)
        if math.isnan(found.error):
            lack = "more test examples: so few say nothing of the error"
            return Evidence(interval=None, ground=ground, missing=(lack,))
        seeds = tuple(seed for seed, _ in found.by_seed)
        return Evidence(
            interval=_moved(found, constant),
            ground=replace(ground, languages=found.languages, seeds=seeds),
            notes=once([*notes, *_unpaired(sides, seeds)]),
        )

    def _wordless(self, leaf: Score, codes: tuple[str, ...]) -> Iterator[str]:
        """The languages for want of which a score cannot be compared."""
        if not codes:
            yield f"a language of {leaf.target} that all sides were measured in"
        if isinstance(leaf.arm, Published):
            count = _figure(leaf.arm, leaf.target)[1]
            if codes and len(codes) != count:
                yield (
                    f"the same languages: {leaf.arm.name} on {leaf.target} has {count}, and "
                    f"{len(codes)} were measured"
                )
        for name in _arms(leaf):
            known = measured_languages([self.grid.samples[name, leaf.target]], codes)
            if lacking := [code for code in codes if code not in known]:
                yield f"{name} on {leaf.target} in {', '.join(lacking)}"

    def _absent(self, leaf: Score) -> Iterator[str]:
        """The rows that a score needs and that are not there."""
        if isinstance(leaf.arm, Published):
            if not any(name == leaf.target for name, _, _ in leaf.arm.scores):
                yield f"{leaf.arm.name} has no figure for {leaf.target}"
            return
        for name in _arms(leaf):
            if all(one.target != leaf.target for one in scores_of(self.study.arm(name))):
                yield f"{name} is not measured on {leaf.target} in this study"
            elif not self.grid.samples.get((name, leaf.target)):
                yield f"{name} on {leaf.target}"

    def _ground(self, leaves: Iterable[Score]) -> Ground:
        cells = {(name, leaf.target): None for leaf in leaves for name in _arms(leaf)}
        return Ground(
            encoders=once(
                encoder_name(phases(one).start)
                for name, target in cells
                for one in scores_of(self.study.arm(name))
                if one.target == target
            ),
            arms=once(name for name, _ in cells),
            targets=once(target for _, target in cells),
        )

    def _languages(self, whole: Contrast, leaf: Score) -> tuple[str, ...]:
        """Those that a score is averaged over: the same for all scores of its target that ask for
        the same."""
        if leaf.languages and leaf.languages != EVERY:
            return leaf.languages
        alike = [
            self.grid.samples[name, leaf.target]
            for _, other in whole.terms
            if (other.target, other.languages) == (leaf.target, leaf.languages)
            for name in _arms(other)
        ]
        codes = self.grid.languages
        return measured_languages(
            alike, codes if leaf.languages == EVERY else self.grid.zero_shot(codes)
        )

    def _sample(self, leaf: Score, codes: tuple[str, ...]) -> Sample:
        if isinstance(leaf.arm, str):
            return self.grid.samples[leaf.arm, leaf.target]
        candidates = {
            name: [one for one in self.measurements if (one.arm, one.target) == (name, leaf.target)]
            for name in _arms(leaf)
        }
        combine = metric_of(self.study, leaf.target).combine
        picked = chosen(candidates, combine=combine, languages=codes)
        return by_seed(samples(picked.measured, combine))

    def _left_out(self, leaf: Score, codes: tuple[str, ...]) -> Iterator[str]:
        """The languages that a side has and another lacks."""
        if leaf.languages and leaf.languages != EVERY:
            return
        for name in _arms(leaf):
            runs = self.grid.samples[name, leaf.target].values()
            has = {code for run in runs for code in run.scores}
            if leaf.languages != EVERY:
                has.discard(self.grid.source)
            if extra := [code for code in self.grid.languages if code in has.difference(codes)]:
                yield f"{leaf.target}: without {', '.join(extra)}, which not all sides have"


def _arms(leaf: Score) -> tuple[str, ...]:
    if isinstance(leaf.arm, str):
        return (leaf.arm,)
    return leaf.arm.arms if isinstance(leaf.arm, Best) else ()


def _label(arm: str | Best | Published) -> str:
    return arm if isinstance(arm, str) else arm.label


def _figure(published: Published, target: str) -> tuple[float, int]:
    return next((percent, n) for name, percent, n in published.scores if name == target)


def _moved(found: Interval, by: float) -> Interval:
    """The interval with a constant added."""
    return replace(
        found,
        estimate=found.estimate + by,
        low=found.low + by,
        high=found.high + by,
        by_seed=tuple((seed, value + by) for seed, value in found.by_seed),
    )


def _seedless(sides: Mapping[Cell, Sample]) -> str:
    has = (
        f"{arm} on {target} has {', '.join(map(str, sample))}"
        for (arm, target), sample in sides.items()
    )
    return f"a seed that all have: {'; '.join(has)}"


def _unpaired(sides: Mapping[Cell, Sample], used: Sequence[int | None]) -> Iterator[str]:
    """The sides that have other seeds than were compared."""
    for (arm, target), sample in sides.items():
        if extra := [str(seed) for seed in sample if seed is not None and seed not in used]:
            yield f"{arm} on {target}: seed {', '.join(extra)} left out, which not all sides have"


def once(items: Iterable[str]) -> tuple[str, ...]:
    """Each item, the first time it comes."""
    return tuple(dict.fromkeys(items))
