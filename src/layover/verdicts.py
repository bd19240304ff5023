"""Claims judged by what a study measured.

A claim that k contrasts all lie above a margin is an intersection-union test (Berger 1982): it is
as sure as its least sure contrast; that it is false needs one contrast below, found among k. That u
of k do is the partial conjunction of Benjamini and Heller (2008), with Bonferroni's bound, of which
the former is the case u = k. The p values of a study's claims are judged together by Holm's
procedure. Coverage is counted, without an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from layover.claims import Claim, Coverage, Ground, Verdict, Word
from layover.coverage import encoders, measured, targets
from layover.evidence import Evidence, Placed, Rows, check_claims, once
from layover.grid import Grid
from layover.stats import ERROR, LEVEL, Interval, holm, levels
from layover.stats.power import fewest, unlucky
from layover.study import Study


def judge(study: Study, grid: Grid, measurements: Sequence[Placed]) -> tuple[Verdict, ...]:
    """The verdicts on a study's claims, in their order. Raises `StudyError` for misspelt names."""
    check_claims(study)
    rows = Rows(study=study, grid=grid, measurements=tuple(measurements))
    tests = {
        place: _Test(claim=claim, found=tuple(rows.evidence(one) for one in claim.contrasts))
        for place, claim in enumerate(study.claims)
        if isinstance(claim, Claim)
    }
    ps = [test.p for test in tests.values()]
    judged = dict(zip(tests, zip(holm(ps), levels(ps), strict=True), strict=True))
    there = measured(study, {(one.arm, one.target, one.seed) for one in measurements})
    return tuple(
        _with_beside(
            _judged(tests[place], *judged[place])
            if place in tests
            else _counted(study, there, claim),
            rows,
        )
        for place, claim in enumerate(study.claims)
    )


def _counted(study: Study, there: Study, claim: Claim | Coverage) -> Verdict:
    """By what the study declares; beside it, what of that is `there`, in its measured part."""
    assert isinstance(claim, Coverage)
    counted, met = claim.counts(study), claim.counts(there).found
    lacks = [name for name in claim.named if name not in counted.found]
    holds = len(counted.found) >= claim.least and not lacks and not counted.lacking
    here: Word = "supported" if holds else "contradicted"
    ground = Ground(encoders=encoders(study).found, targets=targets(study).found)
    return Verdict(
        claim=claim,
        verdict=here if _speaks_of(claim, ground) else "not tested",
        here=here,
        counted=counted,
        measured=tuple(name for name in counted.found if name in met),
        rests_on=ground,
    )


def _with_beside(verdict: Verdict, rows: Rows) -> Verdict:
    """A verdict with what is shown beside it."""
    shown = [(one.name, rows.evidence(one)) for one in verdict.claim.beside]
    # What a claim itself lacks is said already.
    lacking = (
        (name, tuple(line for line in found.missing if line not in verdict.missing))
        for name, found in shown
    )
    return replace(
        verdict,
        beside=tuple((name, found.interval) for name, found in shown if found.interval is not None),
        not_beside=tuple((name, lines) for name, lines in lacking if lines),
    )


def _speaks_of(claim: Claim | Coverage, ground: Ground) -> bool:
    """Whether all that a verdict would rest on are encoders and targets that the claim names."""
    named = ((claim.encoders, ground.encoders), (claim.targets, ground.targets))
    return all(not names or set(found) <= set(names) for names, found in named)


@dataclass(frozen=True, kw_only=True)
class _Test:
    """A claim with the values of its contrasts."""

    claim: Claim
    found: tuple[Evidence, ...]

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """Of all contrasts, or none: a claim about fewer would be another claim."""
        found = tuple(one.interval for one in self.found if one.interval is not None)
        return found if len(found) == len(self.found) else ()

    @property
    def tested(self) -> bool:
        """Whether anything may be concluded: with one seed, nothing about others."""
        return bool(self.intervals) and all(one.tells_of_seeds for one in self.intervals)

    @cached_property
    def above(self) -> list[float]:
        """One-sided p values against "at most the margin", ascending."""
        return sorted(_one_sided(one, self.claim.margin) for one in self.intervals)

    @property
    def supports(self) -> float:
        """How rarely the rows would look as much like the claim if it were false."""
        needed, count = self.claim.needed, len(self.above)
        return min(1.0, (count - needed + 1) * self.above[needed - 1])

    @property
    def contradicts(self) -> float:
        """How rarely the rows would look as little like the claim if it were true."""
        needed, count = self.claim.needed, len(self.above)
        below = sorted(1 - p for p in self.above)
        return min(1.0, needed * below[count - needed])

    @property
    def p(self) -> float:
        """Two-sided, for either verdict; NaN where nothing can be concluded."""
        return min(1.0, 2 * min(self.supports, self.contradicts)) if self.tested else math.nan

    @property
    def confidence(self) -> float:
        """The share of the distribution on the claimed side, of the contrast that decides."""
        return 1 - self.above[self.claim.needed - 1] if self.tested else math.nan

    def word(self, adjusted: float) -> Word:
        if not self.intervals:
            return "not tested"
        if not self.tested or adjusted > ERROR:
            return "inconclusive"
        return "supported" if self.supports < self.contradicts else "contradicted"

    def shown_at(self, level: float) -> tuple[float, ...]:
        """The levels of the intervals that decide the claim at a level, one a contrast: what is
        asked of those above the margin to support it, of the others to contradict it."""
        needed, margin = self.claim.needed, self.claim.margin
        above = len(self.intervals) - needed + 1
        counts = (above if one.estimate > margin else needed for one in self.intervals)
        return tuple(1 - (1 - level) / count for count in counts)

    def settle(self, level: float) -> int | None:
        """How many more seeds would decide the claim at this level, if the truth is what was
        found and luck is no better than in one of five cases; None where no number would."""

        def decided(more: int) -> bool:
            then = [
                replace(one, interval=unlucky(one.interval, more, self.claim.margin))
                for one in self.found
                if one.interval is not None
            ]
            return replace(self, found=tuple(then)).p <= 1 - level

        return fewest(decided) if self.tested else None


def _one_sided(interval: Interval, margin: float) -> float:
    """Against "at most the margin"; one half where there is neither difference nor error."""
    p = interval.p(margin)
    return p / 2 if interval.estimate > margin else 1 - p / 2


def _judged(test: _Test, adjusted: float, level: float) -> Verdict:
    here = test.word(adjusted)
    level = level if test.tested else LEVEL
    shown_at = test.shown_at(level)
    ground = _joined(value.ground for value in test.found)
    return Verdict(
        claim=test.claim,
        verdict=here if _speaks_of(test.claim, ground) else "not tested",
        here=here,
        confidence=test.confidence,
        level=level,
        found=test.intervals,
        levels=shown_at,
        intervals=tuple(one.at(level) for one, level in zip(test.intervals, shown_at, strict=True)),
        rests_on=ground,
        missing=once(line for value in test.found for line in value.missing),
        notes=once(line for value in test.found for line in value.notes) if test.intervals else (),
        settle=test.settle(level) if here == "inconclusive" else None,
    )


def _joined(grounds: Iterable[Ground]) -> Ground:
    each = list(grounds)
    seeds = [set(one.seeds) for one in each if one.seeds]
    return Ground(
        encoders=once(name for one in each for name in one.encoders),
        arms=once(name for one in each for name in one.arms),
        targets=once(name for one in each for name in one.targets),
        languages=once(code for one in each for code in one.languages),
        seeds=tuple(sorted(set.union(*seeds), key=_order)) if seeds else (),
    )


def _order(seed: int | None) -> int:
    return -1 if seed is None else seed
