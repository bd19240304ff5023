"""From the benchmarks of a study to what its arms cost to serve.

An arm is all its models: each start of each model's processes is one launch of the arm, and the
launches of two arms are paired by seed, as they answered the same requests in the same rounds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from layover import spec
from layover.factors import measured_seed
from layover.results import grid, measurements
from layover.stages import Benchmark, Score
from layover.stats import Interval
from layover.stats.equivalence import Equivalence, equivalent
from layover.store import Store
from layover.study import Study

if TYPE_CHECKING:
    from layover.bench.samples import Sample
    from layover.bench.summary import Cost

MARGIN = 0.05
"""The smallest difference in latency that matters, as a share, unless someone says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """What an arm costs to serve on a target, in one language or ("") all, and how good it is."""

    arm: str
    target: str
    cost: Cost
    memory: float
    """Bytes, the most of any of its models."""
    disk: float
    agrees: float
    """Share of examples predicted as the reference does, the least of any of its models."""
    quality: Interval | None
    """In percent, on the whole test of the target; None where it was not scored."""

    @property
    def per_millisecond(self) -> float:
        """Points per millisecond of the median request: what is bought with time."""
        if self.quality is None or not self.quality.seeds:
            return math.nan
        return self.quality.estimate / self.cost.p50.value

    @property
    def row(self) -> dict[str, Any]:
        quality = self.quality
        known = quality is not None and quality.seeds > 0
        return {
            "arm": self.arm,
            "target": self.target,
            "backend": self.cost.backend,
            "language": self.cost.language,
            "batch": self.cost.batch,
            "p50": self.cost.p50.value,
            "p50_low": self.cost.p50.low,
            "p50_high": self.cost.p50.high,
            "p95": self.cost.p95.value,
            "p99": self.cost.p99.value,
            "throughput": self.cost.throughput.value,
            "tokens": self.cost.tokens,
            "memory": self.memory,
            "disk": self.disk,
            "agrees": self.agrees,
            "quality": quality.estimate if quality and known else math.nan,
            "quality_low": quality.low if quality and known else math.nan,
            "quality_high": quality.high if quality and known else math.nan,
            "per_millisecond": self.per_millisecond,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The latency of an arm beside the baseline's, and whether they are the same for all that
    matters."""

    arm: str
    baseline: str
    target: str
    backend: str
    log: Interval
    """Of the ratio's logarithm."""
    equivalence: Equivalence

    @property
    def ratio(self) -> tuple[float, float, float]:
        """With its 90 % interval, which is the one that the test looks at."""
        ends = (self.log.estimate, self.equivalence.low, self.equivalence.high)
        value, low, high = map(math.exp, ends)
        return value, low, high

    @property
    def sentence(self) -> str:
        """The answer in words."""
        value, low, high = self.ratio
        margin = 100 * (math.exp(self.equivalence.margin) - 1)
        what = f"{self.arm} on {self.target}, {self.backend}"
        if not self.log.seeds:
            return f"{what}: not measured beside {self.baseline}."
        if math.isnan(low):
            return f"{what}: measured once only, so that nothing can be said of its latency."
        found = (
            f"{100 * (value - 1):+.1f} % of the latency of {self.baseline} "
            f"[{100 * (low - 1):+.1f}, {100 * (high - 1):+.1f}]"
        )
        if self.equivalence.holds:
            return f"{what}: {found}; the same within {margin:.0f} %."
        if low > 1 + margin / 100 or high < 1 / (1 + margin / 100):
            return f"{what}: {found}; it differs by more than {margin:.0f} %."
        return f"{what}: {found}; whether it is within {margin:.0f} % is not settled."

    @property
    def row(self) -> dict[str, Any]:
        value, low, high = self.ratio
        return {
            "arm": self.arm,
            "baseline": self.baseline,
            "target": self.target,
            "backend": self.backend,
            "ratio": value,
            "low": low,
            "high": high,
            "level": 0.9,
            "margin": math.exp(self.equivalence.margin) - 1,
            "p": self.equivalence.p,
            "equivalent": self.equivalence.holds,
            "launches": self.log.seeds,
        }


@dataclass(frozen=True)
class Shop:
    """The benchmarks of a study that are complete."""

    study: Study
    store: Store

    @cached_property
    def benchmarks(self) -> tuple[Benchmark, ...]:
        found = (leaf for leaf in self.study.leaves if isinstance(leaf, Benchmark))
        return tuple(leaf for leaf in found if self.store.complete(leaf))

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
                mine = by_model[spec.key(score.predictions.model)]
                found.setdefault(score.target, []).extend(
                    replace(one, model=arm, launch=first + one.launch) for one in mine
                )
            before += len(leaf.models) * leaf.launches
        return found

    @cached_property
    def facts(self) -> dict[tuple[str, str, str], list[Mapping[str, Any]]]:
        """(arm, target, backend) -> what is known of its models."""
        from layover.bench.samples import ABOUT

        found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
        for leaf in self.benchmarks:
            path = self.store.result(leaf) / ABOUT
            told = json.loads(path.read_text(encoding="utf-8"))["contenders"]
            for arm, score, _ in self.measured(leaf):
                key = spec.key(score.predictions.model)
                for one in told:
                    if one["model"] == key:
                        found.setdefault((arm, score.target, one["backend"]), []).append(one)
        return found


def served(study: Study, store: Store) -> tuple[Served, ...]:
    """What every arm costs on every target that was served, language by language, the zero-shot
    mean of its quality beside all of them together. Empty where nothing was."""
    from layover.bench.summary import costs

    shop = Shop(study, store)
    if not shop.benchmarks:
        return ()
    scores = grid(study, measurements(study, store))
    found = []
    for target, samples in shop.samples.items():
        # By distance from the source, as everywhere; a language without labels comes last.
        measured = dict.fromkeys(one.language for one in samples)
        order = list(dict.fromkeys(("", *scores.languages, *measured)))
        for cost in sorted(costs(samples), key=lambda one: order.index(one.language)):
            facts = shop.facts[cost.model, target, cost.backend]
            quality = None
            if scores.has(cost.model, target):
                known = scores.score(cost.model, target)
                quality = known.languages.get(cost.language) if cost.language else known.mean
            found.append(
                Served(
                    arm=cost.model,
                    target=target,
                    cost=cost,
                    memory=max(one["memory"] for one in facts),
                    disk=max(one["disk"] for one in facts),
                    agrees=min(one["agreement"]["same"] for one in facts),
                    quality=quality,
                )
            )
    return tuple(found)


def comparisons(study: Study, store: Store, margin: float = MARGIN) -> tuple[Comparison, ...]:
    """The latency of every arm beside the baseline's, of the smallest requests in all languages:
    the same requests in the same rounds, and launches as what was drawn. `margin` is the share that
    matters: 0.05 calls what lies between 1 / 1.05 and 1.05 the same."""
    from layover.bench.summary import ratio

    found = []
    for target, samples in Shop(study, store).samples.items():
        smallest = min(one.batch for one in samples)
        names = dict.fromkeys(one.contender for one in samples)
        for arm, backend in names:
            if arm == study.baseline:
                continue
            log = ratio(samples, (arm, backend), (study.baseline, backend), smallest)
            found.append(
                Comparison(
                    arm=arm,
                    baseline=study.baseline,
                    target=target,
                    backend=backend,
                    log=log,
                    equivalence=equivalent(log, math.log1p(margin)),
                )
            )
    return tuple(found)
