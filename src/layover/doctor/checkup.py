"""Look at all data of several tasks, in several processes, and put together what was found."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

from layover.doctor.cell import Cell, Seen, files_of, look
from layover.doctor.problem import COPIED, Problem
from layover.languages import known
from layover.leaks import WHOLE, Leak, Place, Prints, leaks
from layover.tasks.lines import place_of
from layover.tasks.task import TRAINING, Task

if TYPE_CHECKING:
    import numpy as np

WORTH_PROCESSES = 2**23
"""Bytes of files from which on several processes are faster than one."""

ENOUGH = 20
"""Examples from which on it is no chance that they are those of another language."""

Watcher = Callable[[Cell, int, int], None]
"""Hears of each cell that was looked at: how many bytes are done, of how many."""


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """What was found of one task."""

    task: Task
    seen: tuple[Seen, ...]
    """Those splits and languages that were looked for, in the task's order."""

    @property
    def there(self) -> tuple[Seen, ...]:
        return tuple(one for one in self.seen if not one.missing)

    @property
    def absent(self) -> tuple[Seen, ...]:
        return tuple(one for one in self.seen if one.missing)

    @property
    def files(self) -> tuple[int, int]:
        """(found, expected)"""
        expected = sum(one.files for one in self.seen)
        return expected - sum(len(one.missing) for one in self.seen), expected

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.seen)

    @property
    def wrong(self) -> bool:
        return any(problem.wrong for one in self.seen for problem in one.problems)


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was found of all of them."""

    checkups: tuple[Checkup, ...]

    @property
    def wrong(self) -> bool:
        return any(checkup.wrong for checkup in self.checkups)

    @cached_property
    def leaks(self) -> tuple[Leak, ...]:
        """What data that a model may have seen share with those that it is measured on."""
        prints: dict[Place, dict[str, Prints]] = {}
        for checkup in self.checkups:
            for one in checkup.there:
                if one.prints is not None and len(one.prints):
                    place = Place(task=checkup.task.name, split=one.split)
                    prints.setdefault(place, {})[one.language] = one.prints
        tasks = {checkup.task.name: checkup.task for checkup in self.checkups}
        seen = [place for place in prints if _is_seen(tasks[place.task], place.split)]
        measured = [place for place in prints if _is_measured(tasks[place.task], place.split)]
        files = {
            place: {
                path for code in found for path in files_of(tasks[place.task], place.split, code)
            }
            for place, found in prints.items()
        }
        # Two tasks may read one file: nobody needs to be told that they share it.
        return tuple(
            leak
            for leak in leaks(seen, measured, prints)
            if not files[leak.seen] & files[leak.measured]
        )


def _is_seen(task: Task, split: str) -> bool:
    """Whether one trains on it, or selects by it. Raw text has no labels to leak."""
    return split != "test" and task.type.head != "lm"


def _is_measured(task: Task, split: str) -> bool:
    """The last split of a task is what it is measured on, where that is not for training."""
    return split == task.splits[-1] and split not in TRAINING


def cells_of(task: Task, source: str = "eng") -> Iterator[Cell]:
    """The splits and languages in which a task has data. One trains in the source language:
    training data in others are looked at where they are, and are not missed where not; nor is
    anything of a task that has no languages of its own, such as raw text."""
    for split in task.splits:
        for code in task.languages or known():
            needed = split not in TRAINING or code == source or source not in task.languages
            if (needed and task.languages) or any(
                os.path.lexists(path) for path in files_of(task, split, code)
            ):
                yield Cell(task=task, split=split, language=code)


def examine(cells: Iterable[Cell], watch: Watcher = lambda cell, done, total: None) -> Health:
    """Read everything that is there of the cells, in as many processes as there are cores."""
    order = list(cells)
    sizes = [_size(cell) for cell in order]
    seen: dict[int, Seen] = {}
    done = 0
    for index, found in _looked(order, sizes):
        seen[index] = found
        done += sizes[index]
        watch(order[index], done, sum(sizes))
    by_task: dict[str, tuple[Task, list[Seen]]] = {}
    for index, cell in enumerate(order):
        by_task.setdefault(cell.task.name, (cell.task, []))[1].append(seen[index])
    return Health(
        checkups=tuple(
            Checkup(task=task, seen=tuple(_compared(task, found)))
            for task, found in by_task.values()
        )
    )


def _compared(task: Task, found: Sequence[Seen]) -> Iterator[Seen]:
    """What was seen, with what is the same in two languages of a split."""
    texts = {at: text for at, one in enumerate(found) if len(text := _texts(one)) >= ENOUGH}
    copies: list[list[Problem]] = [[] for _ in found]
    for pair in combinations(texts, 2):
        # Where one of them is the source language, the other is the copy.
        of, at = sorted(pair, key=lambda index: (found[index].language != "eng", index))
        if found[of].split == found[at].split:
            copies[at] += _copy(task, found[at], found[of], texts[at], texts[of])
    for one, more in zip(found, copies, strict=True):
        yield replace(one, problems=(*one.problems, *more))


def _texts(seen: Seen) -> np.ndarray:
    """The hashes of what is said in it, each once."""
    import numpy as np

    hashes = np.unique(seen.prints.parts[WHOLE] if seen.prints else np.zeros(0, np.uint64))
    return hashes[hashes != 0]


def _copy(
    task: Task, seen: Seen, other: Seen, mine: np.ndarray, theirs: np.ndarray
) -> Iterator[Problem]:
    import numpy as np

    shared = int(np.isin(mine, theirs, assume_unique=True).sum())
    here, there = (files_of(task, seen.split, one.language) for one in (seen, other))
    if here != there and shared > COPIED.wrong * len(mine):
        names = [place_of(path) for path in (*here[:1], *there[:1])]
        what = f"{' and '.join(names)}: the same text as {other.language}"
        yield Problem(kind=COPIED, count=shared, of=len(mine), places=(what,))


def _size(cell: Cell) -> int:
    paths = files_of(cell.task, cell.split, cell.language)
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))


_CELLS: Sequence[Cell] = ()


def _looked(order: Sequence[Cell], sizes: Sequence[int]) -> Iterator[tuple[int, Seen]]:
    """The largest first, so that no process is left with one of them at the end."""
    global _CELLS
    todo = sorted(range(len(order)), key=lambda index: -sizes[index])
    workers = min(len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1, len(todo))
    if sum(sizes) < WORTH_PROCESSES or workers < 2:
        yield from ((index, look(order[index])) for index in todo)
        return
    # A task of a study file cannot be sent to another process. A fork has it.
    _CELLS = order
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_look, todo)


def _look(index: int) -> tuple[int, Seen]:
    return index, look(_CELLS[index])
