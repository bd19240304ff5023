"""Simulated studies, analysed: how often intervals hold the truth, how often what is not there is
found, and how often what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.simulated import Chance, Design, Nature, Outcome
from layover.metrics.metric import ratio
from layover.report import Arm, Cell, Report, Target
from layover.report.report import BEST
from layover.stats import (
    ERROR,
    Estimates,
    Interval,
    Measured,
    Points,
    Sample,
    by_seed,
    chosen,
    contrast,
    curve,
    detectable,
    difference,
    mean_over_targets,
    samples,
    settling,
    slope_difference,
    widened,
)

Array = NDArray[np.float64]
Bounds = tuple[float, float]
REPLICATES = 500
"""Resamples of each simulated test: fewer than the 2000 of a study, so that many can be had."""
SEEDS = (1, 2, 3, 5, 10)


def sampled(outcome: Outcome, seeds: int | None = None) -> tuple[Sample, ...]:
    """The sample of each arm, under the first so many seeds."""
    rows = [one for arm in outcome.arms for one in arm[:seeds]]
    runs = samples(rows, ratio, REPLICATES)
    each = len(rows) // len(outcome.arms)
    return tuple(by_seed(runs[start : start + each]) for start in range(0, len(runs), each))


def first(sample: Sample, seeds: int) -> Sample:
    return {seed: sample[seed] for seed in list(sample)[:seeds]}


# The intervals that are compared: each of what was found, and of [seeds, replicates] of it.


def over_examples(found: Interval, drawn: Array) -> Bounds:
    return percentiles(drawn.mean(axis=0))


def hierarchical(found: Interval, drawn: Array) -> Bounds:
    seeds = np.random.default_rng(0).integers(0, len(drawn), drawn.shape)
    return percentiles(np.take_along_axis(drawn, seeds, axis=0).mean(axis=0))


def over_seeds(found: Interval, drawn: Array) -> Bounds:
    if found.seeds < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf(0.975, found.seeds - 1) * np.sqrt(found.spread)
    return found.estimate - half, found.estimate + half


def ours(found: Interval, drawn: Array) -> Bounds:
    return found.low, found.high


CANDIDATES: Mapping[str, Callable[[Interval, Array], Bounds]] = {
    "bootstrap over examples": over_examples,
    "bootstrap over seeds and examples": hierarchical,
    "t over seeds": over_seeds,
    "ours": ours,
}


def percentiles(drawn: Array) -> Bounds:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def resampled(arm: Sample, baseline: Sample, codes: Sequence[str]) -> Array:
    """[seeds, replicates], the difference on resampled examples."""
    rows = [
        np.mean([arm[seed].drawn[code] - baseline[seed].drawn[code] for code in codes], axis=0)
        for seed in arm
    ]
    return np.stack(rows)


class Share:
    """How often something held, of how many."""

    def __init__(self) -> None:
        self.held: list[bool] = []

    def add(self, holds: bool) -> None:
        self.held.append(bool(holds))

    @property
    def value(self) -> float:
        return float(np.mean(self.held)) if self.held else float("nan")

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} %" if self.held else "–"


def repeated(design: Design, times: int, start: int = 0) -> Iterator[Chance]:
    for number in range(start, start + times):
        generator = np.random.default_rng([number, design.seeds, design.clusters])
        yield Chance(design=design, generator=generator, name=f"{number}")


def coverage(
    times: int, shared: bool, seeds: Sequence[int] = SEEDS
) -> dict[tuple[str, int], tuple[Share, float]]:
    """(candidate, seeds) -> how often it held the truth, and its median half-width in points."""
    design = Design(effects=(0.0, Nature().effect(2.0)), seeds=max(seeds), shared=shared)
    held = {(name, n): Share() for name in CANDIDATES for n in seeds}
    wide: dict[tuple[str, int], list[float]] = {cell: [] for cell in held}
    for chance in repeated(design, times):
        outcome = chance.target()
        baseline, arm = sampled(outcome)
        truth = float(outcome.truth[1] - outcome.truth[0])
        drawn = resampled(arm, baseline, design.codes)
        for n in seeds:
            found = contrast(difference((first(arm, n), first(baseline, n)), design.codes))
            for name, candidate in CANDIDATES.items():
                low, high = candidate(found, drawn[:n])
                if low == low:
                    held[name, n].add(low <= truth <= high)
                    wide[name, n].append((high - low) / 2)
    return {
        cell: (share, float(np.median(wide[cell])) if wide[cell] else float("nan"))
        for cell, share in held.items()
    }


def over_languages(times: int, count: int, seeds: Sequence[int]) -> dict[int, tuple[Share, Share]]:
    """Seeds -> how often the interval over languages, and the one over seeds and examples, held the
    truth in all languages of which these are a draw."""
    design = Design(effects=(0.0, Nature().effect(2.0)), seeds=max(seeds), languages=count)
    held = {n: (Share(), Share()) for n in seeds}
    for chance in repeated(design, times):
        outcome = chance.target()
        baseline, arm = sampled(outcome)
        truth = float(outcome.everywhere[1] - outcome.everywhere[0])
        for n, (wide, narrow) in held.items():
            found = contrast(difference((first(arm, n), first(baseline, n)), design.codes))
            low, high = found.over_languages
            wide.add(low <= truth <= high)
            narrow.add(found.low <= truth <= found.high)
    return held


def page(chance: Chance, targets: int) -> Report:
    """A study as its page has it: every arm on every target, the means, and the best choice."""
    codes = chance.design.codes
    baseline, *arms = (f"arm {place}" for place in range(len(chance.design.effects)))
    names = [f"target {place}" for place in range(targets)]
    pairs: dict[str, list[tuple[Sample, Sample]]] = {name: [] for name in (*arms, "best")}
    for place in range(targets):
        outcome = chance.target(place)
        candidates = dict(zip(arms, outcome.arms[1:], strict=True))
        picked = chosen(candidates, combine=ratio, languages=codes).measured
        base, *rest = sampled(replace(outcome, arms=(*outcome.arms, picked)))
        for mine, sample in zip(pairs.values(), rest, strict=True):
            mine.append((sample, base))

    def cell(arm: str, target: str, found: Interval) -> Cell:
        return Cell(arm=arm, target=target, estimates=Estimates(mean=found, languages={}))

    means = {
        name: mean_over_targets([(pair, codes) for pair in mine]) for name, mine in pairs.items()
    }
    return Report(
        study="simulated",
        question="",
        arms=(Arm(name=baseline, role="baseline"), *(Arm(name=arm) for arm in arms)),
        targets=tuple(Target(name=name, metric="") for name in names),
        languages=(),
        differences=tuple(
            cell(arm, name, contrast(difference(pair, codes)))
            for arm in arms
            for name, pair in zip(names, pairs[arm], strict=True)
        ),
        means=tuple(cell(arm, "", means[arm]) for arm in arms),
        best=widened(means["best"]),
        best_of=tuple(arms),
    )


def families(
    times: int, seeds: int, points: float = 0.0, arms: int = 10, targets: int = 9
) -> dict[str, Share]:
    """Of all that a page tests, of a study in which a third of the arms have an effect if any: how
    often there is a false finding, of the right side or not, and how many effects are found."""
    effect = Nature().effect(points)
    true = [f"arm {place + 1}" for place in range(arms // 3 if points else 0)]
    effects = (0.0, *(effect * (place < len(true)) for place in range(arms)))
    plain = Nature(language=0.0)  # An arm does nothing anywhere, or the same everywhere.
    design = Design(nature=plain, effects=effects, seeds=seeds, languages=2, clusters=300)
    names = ("any, as they are", "any, Holm", "each", "means found", "cells found")
    shares = {name: Share() for name in names}
    for chance in repeated(design, times):
        plainly, corrected = [], []
        for family in page(chance, targets).families:
            for place, cell in family.cells.items():
                sign = family.signs.get(place, 0)
                effective = place[0] in true or (place == BEST and bool(true))
                if not effective or cell.estimate < 0:
                    plainly.append(cell.sign != 0)
                    corrected.append(sign != 0)
                if not effective:
                    shares["each"].add(cell.sign != 0)
                elif place != BEST:
                    shares["cells found" if place[1] else "means found"].add(sign != 0)
        shares["any, as they are"].add(any(plainly))
        shares["any, Holm"].add(any(corrected))
    return shares


def power(times: int, seeds: int, points: Sequence[float]) -> dict[float, tuple[Share, Share]]:
    """Points of effect -> how often it is found by itself, and as one of a family of ten."""
    shares: dict[float, tuple[Share, Share]] = {}
    for effect in points:
        nature = Nature(language=0.0)
        design = Design(nature=nature, effects=(0.0, nature.effect(effect)), seeds=seeds)
        alone, in_family = Share(), Share()
        for chance in repeated(design, times):
            baseline, arm = sampled(chance.target())
            found = contrast(difference((arm, baseline), design.codes))
            alone.add(found.low > 0)
            in_family.add(found.at(1 - ERROR / 10)[0] > 0)
        shares[effect] = alone, in_family
    return shares


def promised(times: int, seeds: int) -> tuple[float, Share]:
    """The median `detectable` difference of such a study, and how often it is found if true."""
    nature = Nature(language=0.0)
    design = Design(nature=nature, effects=(0.0, 0.0), seeds=seeds)
    least = []
    for chance in repeated(design, times):
        baseline, arm = sampled(chance.target())
        least.append(detectable(contrast(difference((arm, baseline), design.codes))))
    middle = float(np.median(least))
    return middle, power(times, seeds, [middle])[middle][0]


def settled(times: int, seeds: int, points: float) -> tuple[Share, float, Share]:
    """Of studies that left an effect open: how often a number of seeds could be given, its median,
    and how often with so many more seeds the effect was settled."""
    nature = Nature(language=0.0, taste=0.1)
    effects = (0.0, nature.effect(points))
    design = Design(nature=nature, effects=effects, seeds=60, clusters=200)
    given, held = Share(), Share()
    more: list[int] = []
    for chance in repeated(design, times):
        baseline, arm = sampled(chance.target())
        pilot = contrast(difference((first(arm, seeds), first(baseline, seeds)), design.codes))
        if pilot.sign:
            continue
        wanted = settling(pilot)
        given.add(wanted is not None)
        if wanted is not None:
            more.append(wanted)
        if wanted is not None and wanted + seeds <= design.seeds:
            whole = first(arm, seeds + wanted), first(baseline, seeds + wanted)
            held.add(contrast(difference(whole, design.codes)).sign > 0)
    return given, float(np.median(more)) if more else float("nan"), held


def optimism(times: int, seeds: int) -> dict[str, tuple[float, Share]]:
    """By how many points the best of ten equal arms seems better than they are, and how often its
    interval holds the truth: chosen and measured on the same, and cross-fitted."""
    design = Design(nature=Nature(language=0.0), effects=(0.0,) * 11, seeds=seeds, languages=4)
    gains: dict[str, list[float]] = {"the same": [], "cross-fitted": []}
    held = {name: Share() for name in gains}
    for chance in repeated(design, times):
        baseline, *arms = chance.target().arms
        names = {f"{place}": arm for place, arm in enumerate(arms)}
        picked = chosen(names, combine=ratio, languages=design.codes).measured
        rows: list[Measured] = [*baseline, *picked, *(one for arm in arms for one in arm)]
        runs = samples(rows, ratio, REPLICATES)
        base, best, *each = (by_seed(runs[at : at + seeds]) for at in range(0, len(runs), seeds))
        naive = [contrast(difference((one, base), design.codes)) for one in each]
        cross = widened(contrast(difference((best, base), design.codes)))
        for name, found in {
            "the same": max(naive, key=lambda one: one.estimate),
            "cross-fitted": cross,
        }.items():
            gains[name].append(found.estimate)
            held[name].add(found.sign == 0)
    return {name: (float(np.mean(each)), held[name]) for name, each in gains.items()}


SIZES = (1, 2, 4, 8, 16)
CURVES = {
    "logarithm": {"start": 1.0, "doubling": 1.0},
    "power": {"ceiling": 8.0, "missing": 7.0, "rate": 0.7},
}


def curves(times: int, seeds: int) -> dict[str, Share]:
    """How often the parameters of each law, and the difference of the two slopes, are held."""
    log, power_law = CURVES["logarithm"], CURVES["power"]
    true = [log["start"] + log["doubling"] * np.log2(size) for size in SIZES]
    true += [
        power_law["ceiling"] - power_law["missing"] * size ** -power_law["rate"] for size in SIZES
    ]
    nature = Nature(language=0.0)
    effects = (0.0, *map(nature.effect, true))
    design = Design(nature=nature, effects=effects, seeds=seeds, languages=4, clusters=1000)
    slopes = [float(np.polyfit(np.log2(SIZES), part, 1)[0]) for part in (true[:5], true[5:])]
    names = [f"{law}, {name}" for law, known in CURVES.items() for name in known]
    held = {name: Share() for name in (*names, "difference of slopes")}
    for chance in repeated(design, times):
        baseline, *arms = sampled(chance.target())
        sums = [difference((arm, baseline), design.codes) for arm in arms]
        points: list[Points] = [
            dict(zip(SIZES, part, strict=True)) for part in (sums[:5], sums[5:])
        ]
        for law, mine in (("logarithm", points[0]), ("power", points[1])):
            found = curve(mine, law)  # type: ignore[arg-type]
            for name, value in CURVES[law].items():
                held[f"{law}, {name}"].add(found.low[name] <= value <= found.high[name])
        apart = slope_difference(*points)
        held["difference of slopes"].add(apart.low <= slopes[0] - slopes[1] <= apart.high)
    return held
