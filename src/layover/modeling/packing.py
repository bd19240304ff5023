"""Where the sequences of a batch lie among its tokens, and which of them are computed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

WASTE = 0.25
"""Share of a block that may be padding. Less gives more and smaller blocks."""


@dataclass(frozen=True, eq=False)
class Block:
    """n sequences of nearly the same length, padded to l tokens."""

    sequences: Tensor
    """int64 [n]: which they are; S for a row of padding."""
    tokens: Tensor
    """int64 [n, l]: where their tokens lie; T for padding."""
    total: int
    """T, the tokens of the batch."""

    @cached_property
    def real(self) -> Tensor:
        """bool [n, l]: what is not padding."""
        return self.tokens < self.total

    @property
    def tight(self) -> Block:
        """The same without rows and columns of nothing but padding."""
        rows, columns = self.real.any(dim=1), self.real.any(dim=0)
        return Block(self.sequences[rows], self.tokens[rows][:, columns], self.total)

    def rows(self, heads: int) -> Tensor:
        """int64 [n * heads * l]: where each head of the tokens lies among `heads` rows a token."""
        return self._once(("rows", heads), lambda: _heads(self.tokens, heads))

    def firsts(self, heads: int) -> Tensor:
        """int64 [n * heads]: the same for one row a sequence."""
        return self._once(("firsts", heads), lambda: _heads(self.sequences[:, None], heads))

    def bias(self, heads: int, dtype: torch.dtype) -> Tensor:
        """[n * heads, 1, l]: what is added to scores: 0 where there is a token, and where there is
        padding so little that nothing of them is left."""
        return self._once(
            ("bias", heads, dtype),
            lambda: _bias(self.real[:, None, :], dtype).repeat_interleave(heads, dim=0),
        )

    def near(self, window: int, dtype: torch.dtype) -> Tensor:
        """[l, l]: the same for the tokens that are no further away than `window`."""

        def make() -> Tensor:
            place = torch.arange(self.tokens.shape[1], device=self.tokens.device)
            return _bias((place[:, None] - place[None, :]).abs() <= window, dtype)

        return self._once(("near", window, dtype), make)

    def _once(self, key: Any, make: Callable[[], Tensor]) -> Tensor:
        """All layers of an encoder ask for the same."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    @cached_property
    def _known(self) -> dict[Any, Tensor]:
        return {}

    def to(self, device: torch.device) -> Block:
        return Block(self.sequences.to(device), self.tokens.to(device), self.total)


@dataclass(frozen=True, eq=False)
class Packing:
    """S sequences of T tokens together. Behind them stand some tokens of padding, at least one, so
    that batches of nearly the same size have the same."""

    lengths: tuple[int, ...]
    device: torch.device = field(default=torch.device("cpu"))

    @cached_property
    def counts(self) -> Tensor:
        """int64 [S]: the tokens of each sequence."""
        return torch.tensor(self.lengths).to(self.device)

    @cached_property
    def starts(self) -> Tensor:
        """int64 [S + 1]: the first token of each sequence, and of the padding."""
        return F.pad(self.counts.cumsum(0), (1, 0))

    @cached_property
    def cumulative(self) -> Tensor:
        """int32 [S + 1], as kernels for ragged attention take them."""
        return self.starts.int()

    @cached_property
    def owners(self) -> Tensor:
        """int64 [T]: the sequence of each token."""
        each = torch.arange(len(self.lengths), device=self.device)
        return each.repeat_interleave(self.counts, output_size=self.total)

    @cached_property
    def places(self) -> Tensor:
        """int64 [T]: the place of each token within its sequence, from 0."""
        return torch.arange(self.total, device=self.device) - self.starts[self.owners]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The sequences in blocks of little padding, each of one of few sizes."""
        return tuple(block.to(self.device) for block in _blocks(np.array(self.lengths)))

    @cached_property
    def tight(self) -> tuple[Block, ...]:
        """The same without the padding that makes sizes few."""
        return tuple(block.tight for block in self.blocks)

    @cached_property
    def whole(self) -> Tensor:
        """int64 [S, longest]: where the tokens of each sequence lie; T for padding."""
        place = torch.arange(self.longest, device=self.device)[None, :]
        return torch.where(place < self.counts[:, None], self.starts[:-1, None] + place, self.total)

    @property
    def total(self) -> int:
        return sum(self.lengths)

    @property
    def filled(self) -> int:
        """Tokens with the padding behind them."""
        return int(_rounded(np.array(self.total + 1), 5))

    @property
    def longest(self) -> int:
        return max(self.lengths)

    def to(self, device: torch.device) -> Packing:
        return self if device == self.device else Packing(self.lengths, device)


def packing(lengths: Any) -> Packing:
    """For sequences of these lengths, an array [S]."""
    return Packing(tuple(lengths.tolist()))


def _blocks(lengths: Any) -> Iterator[Block]:
    order = np.argsort(lengths, kind="stable")
    starts = np.cumsum(lengths) - lengths
    padded = _rounded(lengths[order], 3, 8)
    first = 0
    while first < len(order):
        # As many as fit before padding all of them to the last one's length wastes too much.
        real = np.cumsum(padded[first:])
        whole = padded[first:] * np.arange(1, len(real) + 1)
        count = int(np.flatnonzero(real >= (1 - WASTE) * whole)[-1]) + 1
        chosen = order[first : first + count]
        yield _block(chosen, lengths, starts, int(padded[first + count - 1]))
        first += count


def _block(chosen: Any, lengths: Any, starts: Any, longest: int) -> Block:
    total = int(lengths.sum())
    spare = int(_rounded(np.array(len(chosen)), 3)) - len(chosen)
    mine = np.pad(lengths[chosen], (0, spare))
    first = np.pad(starts[chosen], (0, spare))
    place = np.arange(longest)[None, :]
    tokens = np.where(place < mine[:, None], first[:, None] + place, total)
    sequences = np.pad(chosen, (0, spare), constant_values=len(lengths))
    return Block(torch.from_numpy(sequences), torch.from_numpy(tokens), total)


def _bias(seen: Tensor, dtype: torch.dtype) -> Tensor:
    bias = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    return bias.masked_fill_(~seen, torch.finfo(dtype).min / 4)


def _heads(rows: Tensor, heads: int) -> Tensor:
    """[n, l] as [n * heads * l], for `heads` numbers a row."""
    each = torch.arange(heads, device=rows.device)[None, :, None]
    return (rows[:, None, :] * heads + each).flatten()


def _rounded(numbers: Any, bits: int, least: int = 1) -> Any:
    """Up to numbers of few bits, by less than 1 / 2**bits: on processors, kernels are made anew for
    every size, which takes longer than a small one runs."""
    step = np.maximum(2 ** np.maximum(np.floor(np.log2(numbers)) - bits, 0), least)
    return (np.ceil(numbers / step) * step).astype(np.int64)
