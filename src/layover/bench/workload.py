"""What is served: a task's examples language by language, drawn into requests, as padded arrays.

Nothing here needs torch, so that a backend without it can be measured without it.
"""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from layover.errors import DataError
from layover.registry import load_file
from layover.tasks.task import Examples, TaskType, Unit

Example: TypeAlias = Any


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """S sequences of U units of some examples, as models of transformers take them."""

    ids: Any
    """int64 [S, l], padded to the longest."""
    mask: Any
    """int64 [S, l], 0 where there is padding."""
    segments: Any
    """int64 [S, l], token type ids; None where the encoder has none."""
    groups: tuple[int, ...]
    """Sequences of each of the U units."""

    @property
    def tokens(self) -> int:
        """Without padding."""
        return int(self.mask.sum())


def padded(units: Sequence[Unit], padding: int) -> Inputs:
    """The sequences of units, padded to the longest with the token `padding`."""
    rows = [row for unit in units for row in unit.sequences]
    types = [row for unit in units for row in unit.segments]
    length = max(map(len, rows))
    ids = np.full((len(rows), length), padding, np.int64)
    mask = np.zeros_like(ids)
    segments = np.zeros_like(ids) if any(types) else None
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
        if segments is not None:
            segments[number, : len(row)] = types[number]
    groups = tuple(len(unit.sequences) for unit in units)
    return Inputs(ids=ids, mask=mask, segments=segments, groups=groups)


def split(head: str, raw: Any, inputs: Inputs) -> list[Any]:
    """Of each unit what its task type decodes: `raw` is [S, ...], a score for each sequence or each
    of its tokens."""
    if head == "choice":
        return np.split(raw, np.cumsum(inputs.groups)[:-1])
    if head == "sequence":
        return list(raw)
    lengths = inputs.mask.sum(axis=1)
    return [row[:length] for row, length in zip(raw, lengths.tolist(), strict=True)]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Examples of one task in some languages; the same for every model that is compared."""

    kind: TaskType
    examples: tuple[tuple[str, tuple[Example, ...]], ...]
    """Language -> its examples."""
    max_length: int

    @classmethod
    def of(cls, examples: Examples, max_length: int) -> Workload:
        languages = dict.fromkeys(examples.languages)
        each = tuple(
            (
                code,
                tuple(
                    item
                    for item, mine in zip(examples.items, examples.languages, strict=True)
                    if mine == code
                ),
            )
            for code in languages
        )
        return cls(kind=examples.task.type, examples=each, max_length=max_length)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(code for code, _ in self.examples)

    def check(self, batches: Sequence[int]) -> None:
        """Raise `DataError` where a language has too few examples for a batch."""
        for code, items in self.examples:
            if len(items) < max(batches):
                raise DataError(
                    f"{code} has {len(items)} examples, and a batch of {max(batches)} was asked: "
                    "take more examples or smaller batches"
                )

    def requests(self, batch: int, turn: int, count: int) -> list[tuple[str, list[Example]]]:
        """The requests of a turn: `count` of every language, of `batch` examples each, in an order
        of their own. They depend on the turn only, so all that is compared answers the same."""
        rng = random.Random(f"requests:{turn}:{batch}")
        found = [
            (code, rng.sample(items, batch)) for code, items in self.examples for _ in range(count)
        ]
        rng.shuffle(found)
        return found

    def save(self, path: Path) -> None:
        """Write it for a process of ours on this machine."""
        named = {
            name: sys.modules[name].__file__
            for name in _modules(self)
            if name.partition(".")[0] != "layover"
        }
        with path.open("wb") as file:
            # The classes of a study file can be found again only if that file is loaded first.
            pickle.dump(named, file)
            pickle.dump(self, file)

    @staticmethod
    def open(path: Path) -> Workload:
        """What `save` wrote. Loads the files that define its classes."""
        with path.open("rb") as file:
            for name, source in pickle.load(file).items():
                if name not in sys.modules:
                    load_file(Path(source), name)
            found: Workload = pickle.load(file)
        return found


def _modules(work: Workload) -> set[str]:
    classes = {type(work.kind), *(type(item) for _, items in work.examples for item in items)}
    return {cls.__module__ for cls in classes if cls.__module__ in sys.modules}
