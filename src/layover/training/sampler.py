"""Which units each step trains on: a pure function of the seed and the step.

Nothing is consumed and nothing remembered, so a resumed training seeks to its step at no cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """At each step one part is drawn, and its next `batch` units in an order that is drawn anew
    for every pass over the part."""

    sizes: tuple[int, ...]
    """Units of each part."""
    probabilities: tuple[float, ...]
    batch: int
    steps: int
    seed: int

    @cached_property
    def parts(self) -> Any:
        """The part of each step, an array [steps]."""
        if len(self.sizes) == 1:
            return np.zeros(self.steps, dtype=int)
        rng = np.random.default_rng((self.seed, 0))
        return rng.choice(len(self.sizes), size=self.steps, p=self.probabilities)

    @cached_property
    def _turns(self) -> Any:
        """How often the part of each step was drawn before it, an array [steps]."""
        turns = np.zeros(self.steps, dtype=int)
        for part in range(len(self.sizes)):
            mine = self.parts == part
            turns[mine] = np.arange(int(mine.sum()))
        return turns

    def at(self, step: int) -> tuple[int, list[int]]:
        """(part, positions of its units) for a step counted from 0."""
        part = int(self.parts[step])
        size = self.sizes[part]
        first = int(self._turns[step]) * self.batch
        places = range(first, first + self.batch)
        return part, [int(_order(self.seed, part, at // size, size)[at % size]) for at in places]


@lru_cache(maxsize=16)
def _order(seed: int, part: int, epoch: int, size: int) -> Any:
    return np.random.default_rng((seed, 1, part, epoch)).permutation(size)


def steps_per_epoch(sizes: Sequence[int], batch: int) -> int:
    """Steps in which every part could be seen once."""
    return sum(-(-size // batch) for size in sizes)
