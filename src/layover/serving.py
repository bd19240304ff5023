"""From the benchmarks of a study to what its arms cost to serve.

An arm is all its models: each start of each model's processes is one launch of the arm. Where one
of its models failed under a backend, nothing is said of the arm under that backend.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from layover import spec
from layover.factors import measured_seed
from layover.grid import Grid
from layover.measured import grid, measurements
from layover.report.report import Cost
from layover.stages import Benchmark, Score
from layover.stats import (
    Interval,
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
