"""Studies made up of chance, of which the truth is known: what intervals are calibrated on.

A model of an arm and a seed is right on an example in a language if a sum of normal effects is
above zero (a probit model): what the language is like, what the arm does to it, what the seed did
to this arm, on all targets, on this one and in each language, how hard the example is everywhere,
in this language and for this arm, and chance. So seeds, languages and parallel examples err
together as they do in a study; and what an arm truly scores is a normal distribution function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from layover.stats import Clustered, Estimates

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Nature:
    """Standard deviations of the effects, in those of chance.

    Those of seeds and languages are such that differences vary as in the demo study: see
    `components`, and `python -m benchmarks.calibration --components FILE --store FOLDER`.
    """

    common: float = 0.10
    """Of a seed on all arms alike: what pairing takes away."""
    seed: float = 0.05
    """Of a seed on an arm, on all targets alike."""
    target: float = 0.05
    """The same on each target."""
    seed_language: float = 0.09
    """The same in each language."""
    language: float = 0.10
    """Of an arm in a language."""
    item: float = 0.8
    """Of an example, in all languages."""
    example: float = 0.5
    """The same in each language."""
    taste: float = 0.3
    """Of an arm on an example, under all seeds: what more seeds do not take away."""

    @cached_property
    def scale(self) -> float:
        """The standard deviation of everything but language and arm."""
        every = (self.common, self.seed, self.target, self.seed_language)
        examples = (self.item, self.example, self.taste)
        return float(np.sqrt(1 + sum(one**2 for one in (*every, *examples))))

    def truth(self, levels: Array) -> Array:
        """The percent that levels truly score, over all seeds and examples."""
        return np.asarray(100 * stats.norm.cdf(levels / self.scale))

    def effect(self, points: float, level: float = 0.3) -> float:
        """What raises the score of a level by so many points."""
        if not points:
            return 0.0

        def lacking(far: float) -> float:
            low, high = self.truth(np.array([level, level + far]))
            return float(high - low - points)

        return float(optimize.brentq(lacking, -5, 5))


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a study measures: arm 0 is the baseline."""

    nature: Nature = Nature()
    effects: tuple[float, ...] = (0.0, 0.0)
    """Of each arm, on top of what languages make of it."""
    seeds: int = 5
    languages: int = 8
    clusters: int = 400
    shared: bool = True
    """All seeds have one test set, else each its own."""
    level: float = 0.3

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(f"l{place:02}" for place in range(self.languages))


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """One target of a study, as it came out."""

    arms: tuple[tuple[Clustered, ...], ...]
    """Of each arm, one a seed."""
    truth: Array
    """[arms], in percent: over all seeds and examples, in these languages."""
    everywhere: Array
    """[arms], in percent: in all languages of which these are a draw."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chance:
    """Draws outcomes of a design, of one target after the other of a study."""

    design: Design
    generator: np.random.Generator
    name: str = ""
    """Of the study: test sets of equal names are the same."""

    @cached_property
    def _moves(self) -> tuple[Array, Array]:
        """[seeds] and [arms, seeds]: what seeds do on all targets."""
        nature, seeds = self.design.nature, self.design.seeds
        common = self.generator.normal(0, nature.common, seeds)
        return common, self.generator.normal(0, nature.seed, (len(self.design.effects), seeds))

    def target(self, place: int = 0, effects: Sequence[float] | None = None) -> Outcome:
        """The outcome on a target, of which an arm may have another effect."""
        design, nature, draw = self.design, self.design.nature, self.generator.normal
        given = np.array(design.effects if effects is None else effects)
        size = len(given), design.seeds, design.languages
        bent = draw(0, nature.language, (size[0], size[2]))
        bent[0] = 0.0  # The languages differ by what an arm changes in them.
        levels = design.level + given[:, None] + bent
        common, moves = self._moves
        level = levels[:, None, :] + (common + moves)[..., None]
        level = level + draw(0, nature.target, size[:2])[..., None]
        level = level + draw(0, nature.seed_language, size)
        arms: list[list[Clustered]] = [[] for _ in given]
        made: tuple[Array, Array] | None = None
        for seed in range(design.seeds):
            if made is None or not design.shared:
                made = self._examples(len(given))
            for arm, rows in enumerate(arms):
                hard = made[0] + made[1][arm][:, None] + level[arm, seed]
                right = draw(0, 1, hard.shape) < hard
                test = f"{self.name} {place}" if design.shared else f"{self.name} {place} {seed}"
                rows.append(self._measured(seed, test, right))
        wide = np.hypot(nature.scale, np.where(np.arange(len(given)) > 0, nature.language, 0))
        return Outcome(
            arms=tuple(map(tuple, arms)),
            truth=nature.truth(levels).mean(axis=1),
            everywhere=100 * stats.norm.cdf((design.level + given) / wide),
        )

    def _examples(self, arms: int) -> tuple[Array, Array]:
        """[clusters, languages] and [arms, clusters]: how easy they are."""
        nature, size, draw = self.design.nature, self.design.clusters, self.generator.normal
        item = draw(0, nature.item, (size, 1))
        easy = item + draw(0, nature.example, (size, self.design.languages))
        return easy, draw(0, nature.taste, (arms, size))

    def _measured(self, seed: int, test: str, right: NDArray[np.bool_]) -> Clustered:
        rows = np.stack([right, np.ones_like(right)], axis=2).astype(np.float64)
        return Clustered(
            seed=seed,
            data_key=test,
            clusters=tuple(map(str, range(len(right)))),
            statistics={code: rows[:, place] for place, code in enumerate(self.design.codes)},
        )


def components(cells: Sequence[Estimates]) -> dict[str, float]:
    """What makes differences vary, as standard deviations in points, of cells in which every seed
    has a test set of its own: variances are averaged over the cells, since many are near zero."""
    found: dict[str, list[float]] = {}
    for cell in cells:
        mean, each = cell.mean, [cell.languages[code] for code in cell.mean.languages]
        n = mean.seeds
        examples = n * mean.fixed
        seed = n * mean.spread - examples
        both = float(np.mean([n * one.spread - n * one.fixed for one in each]))
        for name, variance in {
            "seed": seed,
            "seed in a language": both - seed,
            "language": mean.between * len(mean.languages),
            "examples": examples,
        }.items():
            found.setdefault(name, []).append(variance)
    return {name: max(0.0, float(np.mean(each))) ** 0.5 for name, each in found.items()}
