"""Exact nearest neighbours, of one side or of both at once, from one pass over the products.

A product of two vectors is the float32 number nearest to their exact inner product, whatever the
block, the number of threads or the order in which pairs are met, so that equal vectors are equally
near and of equals the first can be told. Nearly all pairs are far below their vectors' best: cheap
products with a known bound on their error (`_Screen`) find the few that may not be, and only those
are computed as said. Where too many may not be, a block is computed as said in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from layover.errors import ModelError
from layover.inference.indexed import indexed
from layover.modeling.memory import device

ROWS, COLUMNS, GROUP = 2048, 4096, 32
"""The size of a block of products, and of the groups in it of which first the best is looked at."""
DENSE = 1 << 16
"""Up to this many pairs nothing is screened."""
CROWDED = 16
"""A block is computed in full if more than one in so many of its pairs would have to be."""
HALVED = 1 << 23
"""From so many pairs on it pays to halve vectors before they are multiplied."""

Found: TypeAlias = tuple[Any, Any]
"""(products, float32, and positions, int64), both [n, count], best first and of equals the first"""


def nearest(queries: Any, pool: Any, count: int, index: str = "") -> Found:
    """The `count` nearest of `pool` [m, width] to each query [n, width], fewer if there are fewer.

    Vectors are of length 1 or 0. Beside what is given and found, memory holds half a copy of both
    sides (where products are screened in bfloat16), 8 bytes for each that is found, and a block:
    4 bytes for each of ROWS x COLUMNS pairs, and several times that if most of them tie. With
    `index` a FAISS index of that description is searched instead. Raises `ModelError` for vectors
    that are no numbers.
    """
    count = min(count, len(pool))
    if index:
        return indexed(queries, pool, count, index)
    return _search(queries, pool, count, 0)[0]


def both_ways(source: Any, target: Any, count: int, index: str = "") -> tuple[Found, Found]:
    """The `count` nearest targets of each source and the other way round, for the price of one;
    else as `nearest`."""
    if index:
        return nearest(source, target, count, index), nearest(target, source, count, index)
    return _search(source, target, min(count, len(target)), min(count, len(source)))


def _search(left: Any, right: Any, ahead: int, behind: int) -> tuple[Found, Found]:
    one, two = (
        torch.from_numpy(np.require(side, requirements=["C", "W"])) for side in (left, right)
    )
    for side in (one, two):
        if not torch.isfinite(side.sum()):
            raise ModelError("there are vectors that are not numbers: the model has diverged")
    screens = [] if len(one) * len(two) <= DENSE else list(_screens(one, two))
    with torch.device(device()) as place:
        rows, columns = _Best(len(one), ahead), _Best(len(two), behind)
        for top in _spans(len(one), ROWS):
            for across in _spans(len(two), COLUMNS):
                block = _Block(one[top].to(place), two[across].to(place), top, across)
                if not any(block.screened(screen, rows, columns) for screen in screens):
                    block.whole(rows, columns)
    return rows.found(), columns.found()


def _spans(count: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


NOTHING, PADDING = -4.0, -16.0
"""Less than any product of vectors of length 1, and less than what could pass for such."""


class _Best:
    """The best `count` pairs of each of `size` vectors so far.

    A pair is one number: its product above, what is left to the end of the line below, so that
    the greater pair is the better one, and of equal products the one that stands first.
    """

    def __init__(self, size: int, count: int) -> None:
        self.count = count
        self.keys = _keys(torch.full((size, count), NOTHING), torch.arange(count))

    def least(self, span: slice) -> torch.Tensor:
        """The least of the best products of each vector of a span."""
        return _products(self.keys[span, -1])

    def offer(self, span: slice, owner: torch.Tensor, keys: torch.Tensor) -> None:
        """Pairs, each with its vector's place in the span, in any order."""
        owner, order = owner.sort()
        touched, counts = torch.unique_consecutive(owner, return_counts=True)
        if not len(touched):
            return
        line = torch.arange(len(touched)).repeat_interleave(counts)
        place = torch.arange(len(owner)) - (counts.cumsum(0) - counts)[line]
        table = torch.full((len(touched), int(counts.max())), torch.iinfo(torch.int64).min)
        table[line, place] = keys[order]
        self.take(touched + span.start, table)

    def take(self, which: Any, table: torch.Tensor) -> None:
        """A line of new pairs for each vector of `which`."""
        both = torch.cat([self.keys[which], table], dim=1)
        self.keys[which] = both.topk(self.count, dim=1).values

    def found(self) -> Found:
        keys = self.keys.cpu()
        return _products(keys).numpy(), (LAST - (keys & LAST)).numpy()


LAST = (1 << 32) - 1


def _keys(products: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    # Of the bits of two floats those of the greater are the greater integer if neither is
    # negative; of negative ones all but the sign are turned. Adding 0 makes -0 into 0.
    return _turned((products + 0.0).view(torch.int32)).long() << 32 | (LAST - positions)


def _products(keys: torch.Tensor) -> torch.Tensor:
    return _turned((keys >> 32).int()).view(torch.float32)


def _turned(bits: torch.Tensor) -> torch.Tensor:
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


@dataclass(frozen=True, kw_only=True)
class _Screen:
    """Two sides whose products, cheap to compute, differ from `shift` below the true ones by at
    most `error`, and by the share `rounding` of themselves."""

    left: torch.Tensor
    right: torch.Tensor
    shift: float
    error: float
    rounding: float

    def under(self, products: torch.Tensor) -> torch.Tensor:
        """The least that is true of what is measured so, or is measured of what is so."""
        return products - self.rounding * products.abs() - self.error


def _screens(left: torch.Tensor, right: torch.Tensor) -> Iterator[_Screen]:
    """The cheapest first."""
    if len(left) * len(right) >= HALVED and _halves():
        yield _halved(left, right)
    left, right = left.float(), right.float()
    # Elsewhere it may have been allowed that float32 is multiplied in less.
    coarse = 0.0 if torch.get_float32_matmul_precision() == "highest" else 2.0**-7
    each = 1.1 * (left.shape[1] + 4) * ULP + coarse
    error = each * _longest(left) * _longest(right)
    yield _Screen(left=left, right=right, shift=0.0, error=error, rounding=0.0)


def _halves() -> bool:
    """Whether products of bfloat16 are much faster here, and summed in float32."""
    return device().type == "cpu" and torch.cpu._is_avx512_bf16_supported()


ULP = 2.0**-24


def _longest(side: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(side, dim=1).max())


def _halved(left: torch.Tensor, right: torch.Tensor) -> _Screen:
    """Both sides in bfloat16, less their means.

    x.y = (x-p).(y-q) + (x-p).q + p.(y-q) + p.q. Vectors of sentences lie close together, and what
    is left without the means p and q is short, and so is what rounding takes from it. The second
    and third terms are two numbers a vector, kept in two parts each against ones on the other
    side; the last is the shift.
    """
    p, q = (side.mean(dim=0, dtype=torch.float64) for side in (left, right))
    one, two = _Half.of(left, p, q, 0), _Half.of(right, q, p, 1)
    products = one.length * two.length + one.offset + two.offset
    error = one.lost * two.length + one.length * two.lost + one.lost_offset + two.lost_offset
    error += 2 * (one.vectors.shape[1] + 4) * ULP * products + 4 * ULP
    return _Screen(
        left=one.vectors,
        right=two.vectors,
        shift=float(p @ q),
        error=error,
        rounding=2.0**-8 * 1.01,
    )


@dataclass(frozen=True, kw_only=True)
class _Half:
    vectors: torch.Tensor
    length: float
    lost: float
    offset: float
    lost_offset: float

    @staticmethod
    def of(side: torch.Tensor, mean: torch.Tensor, other: torch.Tensor, place: int) -> _Half:
        width = side.shape[1]
        vectors = torch.zeros((len(side), -(-(width + 4) // 32) * 32), dtype=torch.bfloat16)
        length, lost, offset, lost_offset = [], [], [], []
        for span in _spans(len(side), ROWS):
            exact = side[span].double() - mean
            vectors[span, :width] = exact
            kept = vectors[span, :width].double()
            apart = exact @ other
            high = apart.bfloat16()
            low = (apart - high).bfloat16()
            ones = torch.ones_like(apart)
            parts = (high, low, ones, ones)
            for at, part in enumerate(parts if place == 0 else parts[2:] + parts[:2]):
                vectors[span, width + at] = part
            length += [_longest(kept), _longest(exact)]
            lost.append(_longest(exact - kept))
            offset.append(float(apart.abs().max()))
            lost_offset.append(float((apart - high.double() - low.double()).abs().max()))
        return _Half(
            vectors=vectors,
            length=max(length),
            lost=max(lost),
            offset=max(offset),
            lost_offset=max(lost_offset),
        )


@dataclass(frozen=True)
class _Block:
    """The pairs of a span of one side and a span of the other."""

    left: torch.Tensor
    right: torch.Tensor
    top: slice
    across: slice

    def whole(self, rows: _Best, columns: _Best) -> None:
        """Offer all pairs."""
        two = self.right.double().T
        across = torch.arange(self.across.start, self.across.stop)
        for span in _spans(len(self.left), STRIP):
            top = slice(self.top.start + span.start, self.top.start + span.stop)
            products = (self.left[span].double() @ two).float()
            rows.take(top, _keys(products, across))
            if columns.count:
                down = torch.arange(top.start, top.stop)
                columns.take(self.across, _keys(products.T, down))

    def screened(self, screen: _Screen, rows: _Best, columns: _Best) -> bool:
        """Offer the pairs that may be among the best of their rows or columns, unless there are
        many: then none, and False."""
        cheap = self._cheap(screen)
        height, width = cheap.shape
        strips = cheap.view(height, GROUP, width // GROUP)
        found = _passing(strips, rows, self.top, screen, 1)
        if found is None:
            return False
        line, place, strip = found
        ahead = line, place * strips.shape[2] + strip
        behind = line[:0], line[:0]
        if columns.count:
            groups = cheap.view(height // GROUP, GROUP, width)
            found = _passing(groups, columns, self.across, screen, 0)
            if found is None:
                return False
            behind = found[0] * GROUP + found[1], found[2]
        products = self._exact(*(torch.cat(pair) for pair in zip(ahead, behind, strict=True)))
        there, back = products.split([len(ahead[0]), len(behind[0])])
        rows.offer(self.top, ahead[0], _keys(there, ahead[1] + self.across.start))
        columns.offer(self.across, behind[1], _keys(back, behind[0] + self.top.start))
        return True

    def _cheap(self, screen: _Screen) -> torch.Tensor:
        """[rows, columns], both filled up to whole groups."""
        place = self.left.device
        one, two = screen.left[self.top].to(place), screen.right[self.across].to(place).T
        size = [-(-count // GROUP) * GROUP for count in (one.shape[0], two.shape[1])]
        if size == [one.shape[0], two.shape[1]]:
            return one @ two
        products = torch.full(size, PADDING, dtype=one.dtype)
        products[: one.shape[0], : two.shape[1]] = one @ two
        return products

    def _exact(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        found = [torch.empty(0)]
        for one, two in zip(rows.split(PAIRS), columns.split(PAIRS), strict=True):
            ours = self.left.index_select(0, one).double()
            theirs = self.right.index_select(0, two).double()
            found.append(torch.linalg.vecdot(ours, theirs).float())
        return torch.cat(found)


STRIP, PAIRS = 256, 256
"""Rows of a block that are computed in full, and pairs that are computed, at a time."""


def _passing(
    groups: torch.Tensor, best: _Best, span: slice, screen: _Screen, way: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """Places of the numbers in `groups` [a, GROUP, b] that may be among the best of their line,
    which is a place in a (`way` 1) or in b (0); None if they are many."""
    highest = groups.amax(dim=1).float()
    least = best.least(span) - screen.shift
    count = min(best.count, highest.shape[way])
    if count == best.count and bool((best.least(span) == NOTHING).any()):
        kept = highest.topk(count, dim=way).values.select(way, count - 1)
        least = torch.maximum(least, screen.under(kept[: len(least)]))
    floor = torch.full((highest.shape[1 - way],), torch.inf)
    floor[: len(least)] = screen.under(least)
    lines, others = torch.nonzero(highest >= floor.unsqueeze(way), as_tuple=True)
    if len(lines) * GROUP > groups.numel():
        return None
    floors = floor[lines if way else others]
    group, place = torch.nonzero(groups[lines, :, others].float() >= floors[:, None], as_tuple=True)
    if len(group) * CROWDED > groups.numel():
        return None
    return lines[group], place, others[group]
