"""From the benchmarks of a study to what its arms cost to serve.

An arm is all its models: each start of each model's processes is one launch of the arm, and the
launches of two arms are paired by seed, as they answered the same requests in the same rounds.
Where one of its models failed under a backend, nothing is said of the arm under that backend.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from layover import spec
from layover.factors import factors, measured_seed
from layover.grid import Grid
from layover.measured import grid, measurements
from layover.report.report import Cost, Ratio
from layover.stages import Benchmark, Score
from layover.stats import (
    Bounds,
    Interval,
    equivalent,
    holm,
    levels,
    mean_over_targets,
    measured_languages,
)
from layover.stats.interval import interval
from layover.store import Store
from layover.study import Study

if TYPE_CHECKING:
    from layover.bench.samples import Sample

SAME = ("reference", "equal")
"""Verdicts on backends that answer as the model that was scored does."""

MEASURED = tuple("model backend language batch p50 p95 p99 throughput tokens".split())
"""What the summary of an arm's requests says."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The latency of an arm beside another's, and whether they are the same for all that
    matters."""

    arm: str
    over: str
    target: str
    backend: str
    batch: int
    log: Interval
    """Of the ratio's logarithm: of median times, over all languages."""
    margin: float
    """The smallest difference that matters, as a share: 0.05 calls what lies between 1 / 1.05 and
    1.05 the same."""
    level: float = math.nan
    """Of the interval that decides; NaN where nothing can be decided."""
    p: float = math.nan
    """The larger one of the two one-sided tests, after Holm's correction over the study."""
    alike: bool = False
    """Both are models of one size."""

    @property
    def ratio(self) -> tuple[float, float, float]:
        """With the interval that the test looks at."""
        low, high = self.log.at(self.level)
        return math.exp(self.log.estimate), math.exp(low), math.exp(high)

    @property
    def verdict(self) -> str:
        """The same, different, or open."""
        _, low, high = self.ratio
        most = 1 + self.margin
        if low > 1 / most and high < most:
            return "same"
        return "different" if low > most or high < 1 / most else "open"

    @property
    def sentence(self) -> str:
        """The answer in words."""
        what = f"{self.arm} on {self.target} with {self.backend}, requests of {self.batch}"
        if not self.log.seeds:
            return f"{what}: not measured beside {self.over}."
        if math.isnan(self.level):
            return f"{what}: measured once only, so that nothing can be said of its latency."
        value, low, high = (100 * (each - 1) for each in self.ratio)
        within = f"{100 * self.margin:g} %"
        found = (
            f"the median over all languages takes {_more(value)} time than {self.over}'s, "
            f"{100 * self.level:.4g} % interval [{low:+.1f}, {high:+.1f}]".replace("-", "−")
        )
        decided = {
            "same": f"the same within {within}",
            "different": f"it differs by more than {within}",
            "open": f"whether it is within {within} is not settled",
        }[self.verdict]
        return f"{what}: {found}; {decided}{_expected((self,))}."

    @property
    def row(self) -> dict[str, Any]:
        value, low, high = self.ratio
        return {
            "arm": self.arm,
            "over": self.over,
            "target": self.target,
            "backend": self.backend,
            "batch": self.batch,
            "ratio": value,
            "low": low,
            "high": high,
            "level": self.level,
            "margin": self.margin,
            "p": self.p,
            "verdict": self.verdict,
            "launches": self.log.seeds,
        }


def _more(percent: float) -> str:
    return f"{abs(percent):.1f} % {'less' if percent < 0 else 'more'}"


@dataclass(frozen=True)
class Shop:
    """The benchmarks of a study that are complete."""

    study: Study
    store: Store

    @cached_property
    def benchmarks(self) -> tuple[Benchmark, ...]:
        found = (leaf for leaf in self.study.leaves if isinstance(leaf, Benchmark))
        return tuple(leaf for leaf in found if self.store.complete(leaf))

    @cached_property
    def scores(self) -> Grid:
        return grid(self.study, measurements(self.study, self.store))

    def measured(self, leaf: Benchmark) -> Iterator[tuple[str, Score, int]]:
        """(arm, what scored it, its seed's place) of each model of a benchmark that an arm has."""
        models = {spec.key(model) for model in leaf.models}
        found: dict[tuple[str, str], Score] = {}
        for arm in self.study.arms:
            for score in arm.leaves:
                if isinstance(score, Score) and score.predictions.data.task == leaf.data.task:
                    key = spec.key(score.predictions.model)
                    if key in models:
                        found.setdefault((arm.name, key), score)
        seeds = list(dict.fromkeys(map(measured_seed, found.values())))
        for (arm_name, _), score in found.items():
            yield arm_name, score, seeds.index(measured_seed(score))

    @cached_property
    def samples(self) -> dict[str, list[Sample]]:
        """Target -> requests, whose model is the arm and whose launches count on over its seeds and
        over benchmarks."""
        from layover.bench.samples import FILE, read

        found: dict[str, list[Sample]] = {}
        before = 0
        for leaf in self.benchmarks:
            by_model: dict[str, list[Sample]] = {}
            for sample in read(self.store.result(leaf) / FILE):
                by_model.setdefault(sample.model, []).append(sample)
            for arm, score, place in self.measured(leaf):
                first = before + place * leaf.launches
                mine = by_model.get(spec.key(score.predictions.model), ())
                found.setdefault(score.target, []).extend(
                    replace(one, model=arm, launch=first + one.launch)
                    for one in mine
                    if not self._failed((arm, score.target, one.backend))
                )
            before += len(leaf.models) * leaf.launches
        return found

    @cached_property
    def facts(self) -> dict[tuple[str, str, str], list[tuple[Score, Mapping[str, Any]]]]:
        """(arm, target, backend) -> what is known of its models, and what scored each."""
        from layover.bench.samples import ABOUT

        found: dict[tuple[str, str, str], list[tuple[Score, Mapping[str, Any]]]] = {}
        for leaf in self.benchmarks:
            path = self.store.result(leaf) / ABOUT
            told = json.loads(path.read_text(encoding="utf-8"))["contenders"]
            for arm, score, _ in self.measured(leaf):
                key = spec.key(score.predictions.model)
                for one in told:
                    if one["model"] == key:
                        place = arm, score.target, one["backend"]
                        found.setdefault(place, []).append((score, one))
        return found

    def _failed(self, place: tuple[str, str, str]) -> bool:
        return any(one["failure"] for _, one in self.facts[place])

    def together(self, target: str) -> tuple[str, ...]:
        """The zero-shot languages that are one row: those that were served, and for every arm
        scored where any was, so that its latency and its quality are of the same text."""
        served = dict.fromkeys(one.language for one in self.samples[target])
        codes = self.scores.zero_shot(served)
        arms = dict.fromkeys(one.model for one in self.samples[target])
        known = [self.scores.samples[arm, target] for arm in arms if self.scores.has(arm, target)]
        scored = [set(measured_languages((sample,), codes)) for sample in known]
        return tuple(code for code in codes if all(code in one for one in scored))

    def quality(self, place: tuple[str, str, str], languages: Sequence[str]) -> Interval | None:
        """Percent on the whole test, where the backend answers as the model that was scored does;
        None where it was not scored in these languages. Else on the examples that were served,
        without an interval."""
        if self.sampled(place):
            return self._of_served(place, languages)
        sides = (self.scores.samples.get(place[:2], {}),)
        known = measured_languages(sides, languages)
        return mean_over_targets([(sides, known)]) if known == tuple(languages) else None

    def sampled(self, place: tuple[str, str, str]) -> bool:
        """Whether quality is known on the examples that were served alone."""
        return any(one["agreement"]["verdict"] not in SAME for _, one in self.facts[place])

    def _of_served(self, place: tuple[str, str, str], languages: Sequence[str]) -> Interval | None:
        values = []
        for score, one in self.facts[place]:
            known = [one["agreement"]["quality"].get(code, math.nan) for code in languages]
            values.append((measured_seed(score), math.fsum(known) / len(known)))
        if any(math.isnan(value) for _, value in values):
            return None
        return interval(values, languages=tuple(languages))


def served(study: Study, store: Store) -> tuple[Cost, ...]:
    """What every arm costs on every target that was served, in the zero-shot languages together and
    language by language, its quality beside it. Empty where nothing was."""
    from layover.bench.summary import costs

    shop, found = Shop(study, store), []
    for target, samples in shop.samples.items():
        together = shop.together(target)
        # By distance from the source, as everywhere; a language without labels comes last.
        measured = dict.fromkeys(one.language for one in samples)
        order = list(dict.fromkeys(("", *shop.scores.languages, *measured)))
        arms = [arm.name for arm in study.arms]
        whole = costs(samples, together)
        for cost in sorted(whole, key=lambda x: (order.index(x.language), arms.index(x.model))):
            place = cost.model, target, cost.backend
            facts = [one for _, one in shop.facts[place]]
            languages = (cost.language,) if cost.language else together
            found.append(
                Cost(
                    **{name: getattr(cost, name) for name in MEASURED},
                    target=target,
                    memory=max(one["memory"] for one in facts),
                    disk=max(one["disk"] for one in facts),
                    agrees=min(one["agreement"]["same"] for one in facts),
                    quality=shop.quality(place, languages),
                    sampled=shop.sampled(place),
                )
            )
    return tuple(found)


def failures(study: Study, store: Store) -> tuple[str, ...]:
    """Which arms are out under which backend, and why."""
    return tuple(
        f"{arm} on {target} with {backend} is out: {one['failure']}"
        for (arm, target, backend), facts in Shop(study, store).facts.items()
        for _, one in facts
        if one["failure"]
    )


def comparisons(study: Study, store: Store, margin: float | None = None) -> tuple[Comparison, ...]:
    """The latency of every arm beside that of the baseline and of each arm before it, for requests
    of every size: the same requests in the same rounds, and launches as what was drawn. `margin`
    stands in for that of the benchmarks."""
    shop = Shop(study, store)
    return _judged([one for target in shop.samples for one in _compared(shop, target, margin)])


def _compared(shop: Shop, target: str, margin: float | None) -> Iterator[Comparison]:
    from layover.bench.summary import ratio

    samples = shop.samples[target]
    names = {one.contender for one in samples}
    arms = sorted(
        (arm.name for arm in shop.study.arms), key=lambda name: name != shop.study.baseline
    )
    backends = dict.fromkeys(backend for _, backend in names)
    least = min(
        leaf.margin
        for leaf in shop.benchmarks
        if any(score.target == target for _, score, _ in shop.measured(leaf))
    )
    for batch in sorted({one.batch for one in samples}):
        for backend in backends:
            for over, arm in combinations(arms, 2):
                if not {(arm, backend), (over, backend)} <= names:
                    continue
                both = [*shop.facts[arm, target, backend], *shop.facts[over, target, backend]]
                yield Comparison(
                    arm=arm,
                    over=over,
                    target=target,
                    backend=backend,
                    batch=batch,
                    log=ratio(samples, (arm, backend), (over, backend), batch),
                    margin=least if margin is None else margin,
                    alike=len({factors(score).encoder for score, _ in both}) == 1,
                )


def _judged(found: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Together, by Holm's procedure: two one-sided tests at the share of error that each is given
    are one interval of twice that."""
    ps = [equivalent(one.log, math.log1p(one.margin)).p for one in found]
    return tuple(
        replace(one, level=1 - 2 * (1 - level), p=p)
        for one, level, p in zip(found, levels(ps), holm(ps), strict=True)
    )


def ratios(found: Sequence[Comparison]) -> tuple[Ratio, ...]:
    """What a figure shows of those that can be decided."""
    return tuple(
        Ratio(
            arm=one.arm,
            over=one.over,
            label=f"{one.target}, {one.backend}, batch {one.batch}",
            value=Bounds(**dict(zip(("estimate", "low", "high"), one.ratio, strict=True))),
            margin=one.margin,
        )
        for one in found
        if not math.isnan(one.level)
    )


def summaries(found: Sequence[Comparison]) -> tuple[str, ...]:
    """One sentence for each two arms."""
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for one in found:
        pairs.setdefault((one.arm, one.over), []).append(one)
    return tuple(_summary(mine) for mine in pairs.values())


def _summary(mine: Sequence[Comparison]) -> str:
    first = mine[0]
    known = [one for one in mine if not math.isnan(one.level)]
    if len(mine) == 1 or not known:
        return first.sentence
    counts = {kind: sum(one.verdict == kind for one in known) for kind in VERDICTS}
    ratios = sorted(100 * (one.ratio[0] - 1) for one in known)
    margin = f"{100 * max(one.margin for one in known):g} %"
    told = "; ".join(
        f"{words.format(margin=margin)} in {counts[kind]}"
        for kind, words in VERDICTS.items()
        if counts[kind]
    )
    return (
        f"The median latency of {first.arm} beside {first.over}'s, in {len(known)} comparisons "
        f"(targets, backends and sizes of request): {told}. What was found lies between "
        f"{_more(ratios[0])} and {_more(ratios[-1])} time{_expected(known)}."
    )


def _expected(found: Sequence[Comparison]) -> str:
    """A word on differences that nothing but noise is known to make."""
    if any(one.alike and one.verdict != "same" for one in found):
        return " (models of one size, of which no difference is expected)"
    return ""


VERDICTS = {
    "same": "the same within {margin}",
    "different": "a difference of more than {margin}",
    "open": "whether it is within {margin} is not settled",
}
"""In words, where they are counted."""
