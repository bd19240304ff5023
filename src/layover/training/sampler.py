"""Which units each step trains on: a pure function of the seed and the step.

Nothing is consumed and nothing remembered, so a resumed training seeks to its step. All that is
computed beforehand is how much was drawn of what until the start of each block of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np

BLOCK = 4096
"""Steps whose draws are held at once."""

Draws: TypeAlias = list[tuple[int, list[int]]]
"""(part, positions of its units), each part once."""


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The units of one language of a part, or of a whole part."""

    part: int
    start: int
    """Units of the part before it."""
    size: int
    share: float
    """With what probability it is drawn within its part."""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """At each step one part is drawn, or one for each example (`several`); within the part a
    language is drawn for each example where languages have shares; and of it the next unit, in an
    order that is drawn anew for every pass over it."""

    sizes: tuple[tuple[int, ...], ...]
    """Of each part, the units of each of its languages, which follow each other; a single number
    where no language is drawn."""
    shares: tuple[tuple[float, ...], ...]
    """With what probability each of these is drawn within its part."""
    probabilities: tuple[float, ...]
    """With what probability each part is drawn."""
    batch: int
    steps: int
    seed: int
    several: bool = False
    window: int = 1
    """Steps whose units are drawn together and dealt by length."""
    lengths: tuple[Any, ...] = ()
    """Of each part, the length of each of its units, an array; needed for a window."""

    @cached_property
    def parts(self) -> Any:
        """The part of each step, an array [steps], where a step has one part."""
        if len(self.sizes) == 1:
            return np.zeros(self.steps, dtype=int)
        rng = np.random.default_rng((self.seed, 0))
        return rng.choice(len(self.sizes), size=self.steps, p=self.probabilities)

    def at(self, step: int) -> Draws:
        """What a step, counted from 0, trains on: `batch` units in all."""
        if self.window == 1:
            return self._drawn_at(step)
        number, place = divmod(step, self.window)
        return self._dealt(number)[place]

    @cached_property
    def _dealt(self) -> Callable[[int], list[Draws]]:
        """`_deal`, which remembers the window in use."""
        return lru_cache(1)(self._deal)

    def _deal(self, number: int) -> list[Draws]:
        """A window's steps, each with units of like length: the same units as were drawn, and as
        many of each part a step."""
        first = number * self.window
        steps = range(first, min(first + self.window, self.steps))
        drawn = [dict(self._drawn_at(step)) for step in steps]
        for part in sorted({part for draws in drawn for part in draws}):
            units = np.concatenate([draws.get(part, []) for draws in drawn]).astype(int)
            units = units[np.argsort(self.lengths[part][units], kind="stable")]
            # Or every window would go from short to long.
            rng = np.random.default_rng((self.seed, 4, number, part))
            start = 0
            for place in rng.permutation(len(drawn)).tolist():
                if count := len(drawn[place].get(part, [])):
                    drawn[place][part] = units[start : start + count].tolist()
                    start += count
        return [list(draws.items()) for draws in drawn]

    def _drawn_at(self, step: int) -> Draws:
        block, row = divmod(step, BLOCK)
        counts, before = self._drawn(block)
        found: dict[int, list[int]] = {}
        for number in np.flatnonzero(counts[row]).tolist():
            units = self._units(number, int(before[row, number]), int(counts[row, number]))
            found.setdefault(self._groups[number].part, []).extend(units)
        return list(found.items())

    @cached_property
    def _groups(self) -> list[_Group]:
        """Every language of every part."""
        return [
            _Group(part=part, start=sum(sizes[:number]), size=size, share=share)
            for part, (sizes, shares) in enumerate(zip(self.sizes, self.shares, strict=True))
            for number, (size, share) in enumerate(zip(sizes, shares, strict=True))
        ]

    @cached_property
    def _table(self) -> Any:
        """The share of each group, [groups] where every example is drawn on its own, else of each
        part, [parts, groups]."""
        table = np.zeros((len(self.sizes), len(self._groups)))
        for number, group in enumerate(self._groups):
            table[group.part, number] = group.share
        return np.asarray(self.probabilities) @ table if self.several else table

    def _counts(self, block: int) -> Any:
        """How many units each step of a block draws of each group, [steps, groups]."""
        rng = np.random.default_rng((self.seed, 3, block))
        start, stop = block * BLOCK, min((block + 1) * BLOCK, self.steps)
        if self.several:
            return rng.multinomial(self.batch, self._table, size=stop - start)
        return rng.multinomial(self.batch, self._table[self.parts[start:stop]])

    @cached_property
    def _until(self) -> Any:
        """How many units of each group are drawn before each block, [blocks, groups]."""
        blocks = range(-(-self.steps // BLOCK))
        sums = [self._counts(block).sum(axis=0) for block in blocks]
        return np.cumsum([np.zeros_like(sums[0]), *sums[:-1]], axis=0)

    @cached_property
    def _drawn(self) -> Callable[[int], tuple[Any, Any]]:
        """`_draw`, which remembers the block in use."""
        return lru_cache(1)(self._draw)

    def _draw(self, block: int) -> tuple[Any, Any]:
        """(units that each step draws of each group, and that were drawn before it)."""
        counts = self._counts(block)
        return counts, self._until[block] + np.cumsum(counts, axis=0) - counts

    def _units(self, number: int, first: int, count: int) -> Iterator[int]:
        """`count` units of a group from its draw `first` on, counted over all passes."""
        group = self._groups[number]
        while count:
            epoch, place = divmod(first, group.size)
            taken = self._order(number, epoch)[place : place + count].tolist()
            yield from (group.start + unit for unit in taken)
            first, count = first + len(taken), count - len(taken)

    def _order(self, number: int, epoch: int) -> Any:
        known = self._orders.get(number)
        if known is None or known[0] != epoch:
            rng = np.random.default_rng((self.seed, 1, number, epoch))
            known = (epoch, rng.permutation(self._groups[number].size))
            self._orders[number] = known
        return known[1]

    @cached_property
    def _orders(self) -> dict[int, tuple[int, Any]]:
        """The pass over each group in use, and its order."""
        return {}


def language_shares(sizes: Sequence[int], exponent: float) -> tuple[float, ...]:
    """In proportion to size ** exponent (Conneau and Lample 2019, 3.1); they add up to 1."""
    raw = np.asarray(sizes, dtype=float) ** exponent
    return tuple((raw / raw.sum()).tolist())
