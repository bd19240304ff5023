"""Encoded examples as ragged arrays: what batches are made of."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np

from layover.tasks.task import Unit


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different lengths, one behind the other."""

    values: Any
    """[sum of the lengths]"""
    starts: Any
    """int64 [rows + 1]: where each row begins, and where the last one ends."""

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> Ragged:
        values, starts = array("i"), array("q", [0])
        for row in rows:
            values.extend(row)
            starts.append(len(values))
        return cls(np.frombuffer(values, np.int32), np.frombuffer(starts, np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> Any:
        """int64 [rows]."""
        return np.diff(self.starts)

    def row(self, number: int) -> Any:
        return self.values[self.starts[number] : self.starts[number + 1]]

    def take(self, rows: Any) -> Ragged:
        """The rows at these positions, in this order."""
        lengths = self.lengths[rows]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        shift = np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Ragged(self.values[shift + np.arange(starts[-1])], starts)


@dataclass(frozen=True, eq=False, kw_only=True)
class Features(Sequence[Unit]):
    """U units of a data set, whose groups hold S sequences of T tokens together."""

    tokens: Ragged
    """The ids of each of the S sequences, special tokens included."""
    segments: Ragged | None
    """Their token type ids, for encoders that have them."""
    groups: Any
    """int64 [U + 1]: the first sequence of each unit, and S."""
    examples: Any
    """int32 [U]: the position of the example that a unit belongs to."""
    target: Ragged
    """Of each unit: class, choice, (start, end), or one label a token; -100 where there is none."""
    alignment: Ragged
    """Of each unit: what decoding needs."""

    @classmethod
    def of(cls, units: Iterable[Unit]) -> Features:
        kept = list(units)
        segments = [row for unit in kept for row in unit.segments]
        return cls(
            tokens=Ragged.of(row for unit in kept for row in unit.sequences),
            segments=Ragged.of(segments) if segments and all(segments) else None,
            groups=np.cumsum([0, *(len(unit.sequences) for unit in kept)]),
            examples=np.array([unit.example for unit in kept], np.int32),
            target=Ragged.of(unit.target for unit in kept),
            alignment=Ragged.of(unit.alignment for unit in kept),
        )

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, at: int) -> Unit: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Unit]: ...
    def __getitem__(self, at: int | slice) -> Unit | Sequence[Unit]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        at %= len(self)
        rows = range(self.groups[at], self.groups[at + 1])
        return Unit(
            example=int(self.examples[at]),
            sequences=tuple(tuple(self.tokens.row(row).tolist()) for row in rows),
            segments=tuple(
                tuple(self.segments.row(row).tolist()) if self.segments else () for row in rows
            ),
            target=tuple(self.target.row(at).tolist()),
            alignment=tuple(self.alignment.row(at).tolist()),
        )

    @cached_property
    def lengths(self) -> Any:
        """int64 [U]: tokens of each unit's longest sequence."""
        return np.maximum.reduceat(self.tokens.lengths, self.groups[:-1])

    @cached_property
    def sizes(self) -> Any:
        """int64 [U]: tokens of all of each unit's sequences."""
        return np.diff(self.tokens.starts[self.groups])
