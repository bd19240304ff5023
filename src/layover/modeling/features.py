"""Encoded examples as ragged arrays: what batches are made of.

They are saved as one NumPy file a column, in the smallest integers that hold it, and opened by
mapping the files into memory: all processes of a machine then share one copy.
"""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np

from layover.tasks.task import Unit

Item = TypeVar("Item", covariant=True)

INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "int64")


class Rows:
    """Rows of numbers that become a `Ragged`, one after another."""

    def __init__(self) -> None:
        self._values, self._starts = array("i"), array("q", [0])

    def add(self, row: Sequence[int]) -> None:
        self._values.extend(row)
        self._starts.append(len(self._values))

    def ragged(self) -> Ragged:
        values = np.frombuffer(self._values, np.int32)
        return Ragged(values, np.frombuffer(self._starts, np.int64))


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different lengths, one behind the other."""

    values: Any
    """[sum of the lengths], integers of any width."""
    starts: Any
    """int64 [rows + 1]: where each row begins, and where the last one ends."""

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> Ragged:
        found = Rows()
        for row in rows:
            found.add(row)
        return found.ragged()

    @classmethod
    def open(cls, folder: Path, name: str) -> Ragged:
        """What was saved under this name, mapped into memory."""
        return cls(_opened(folder, f"{name}.values"), _opened(folder, f"{name}.starts"))

    def save(self, folder: Path, name: str) -> None:
        """Write it, each value in as few bytes as hold all of them."""
        np.save(folder / f"{name}.values.npy", self.values.astype(_narrowest(self.values)))
        np.save(folder / f"{name}.starts.npy", self.starts)

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
        items, starts = places(self.starts, rows)
        return Ragged(self.values[items], starts)


def places(starts: Any, rows: Any) -> tuple[Any, Any]:
    """Where the items of some rows lie, int64 [items], and where each row's begin among these.
    It looks at these rows only, however many there are."""
    chosen = np.asarray(rows)
    first = starts[chosen]
    ends = np.zeros(len(chosen) + 1, np.int64)
    lengths = starts[chosen + 1] - first
    np.cumsum(lengths, out=ends[1:])
    return np.arange(ends[-1]) + np.repeat(first - ends[:-1], lengths), ends


class Columns(Sequence[Item]):
    """Items that are put together from arrays when one is asked for."""

    @abstractmethod
    def item(self, at: int) -> Item:
        """The one at a position that there is."""

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | Sequence[Item]:
        found = range(len(self))[at]
        return self.item(found) if isinstance(found, int) else [self.item(each) for each in found]


@dataclass(frozen=True, eq=False, kw_only=True)
class Features(Columns[Unit]):
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
        """Reads the units one by one, so that no more than their numbers are in memory."""
        tokens, segments, target, alignment = Rows(), Rows(), Rows(), Rows()
        groups, examples = array("q", [0]), array("i")
        for unit in units:
            for row in unit.sequences:
                tokens.add(row)
            for row in unit.segments:
                segments.add(row)
            target.add(unit.target)
            alignment.add(unit.alignment)
            groups.append(groups[-1] + len(unit.sequences))
            examples.append(unit.example)
        types = segments.ragged()
        return cls(
            tokens=tokens.ragged(),
            segments=types if len(types) and types.lengths.all() else None,
            groups=np.frombuffer(groups, np.int64),
            examples=np.frombuffer(examples, np.int32),
            target=target.ragged(),
            alignment=alignment.ragged(),
        )

    def save(self, folder: Path) -> None:
        """Write one file a column into a folder, for `open`."""
        for each in fields(self):
            column = getattr(self, each.name)
            if isinstance(column, Ragged):
                column.save(folder, each.name)
            elif column is not None:
                np.save(folder / f"{each.name}.npy", column)

    @classmethod
    def open(cls, folder: Path) -> Features:
        """What `save` wrote, mapped into memory. Raises `OSError` or `ValueError` where it is not
        there or not whole."""
        typed = (folder / "segments.values.npy").exists()
        return cls(
            tokens=Ragged.open(folder, "tokens"),
            segments=Ragged.open(folder, "segments") if typed else None,
            groups=_opened(folder, "groups"),
            examples=_opened(folder, "examples"),
            target=Ragged.open(folder, "target"),
            alignment=Ragged.open(folder, "alignment"),
        )

    def __len__(self) -> int:
        return len(self.examples)

    def item(self, at: int) -> Unit:
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


def _narrowest(values: Any) -> str:
    """The smallest integers that hold all of these."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    return next(
        kind for kind in INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
    )


def _opened(folder: Path, name: str) -> Any:
    """An array that was saved, mapped into memory."""
    # A map is a class of its own, whose every slice costs more than an array's.
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
