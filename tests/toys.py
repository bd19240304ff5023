"""Toys that tests of data, training and models share: a tokenizer, small encoders, a context."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from layover.encoders import Tiny
from layover.modeling.initial import write_random
from layover.modeling.vocabulary import learn
from layover.stage import ONE_THREAD, Made, Resources, Shared, Stage
from layover.tasks.sources import Locator, Row
from layover.tasks.task import Data, Examples
from layover.tasks.task import load as load_examples

SENTENCES = (
    "the old fisher sold seven red apples to a young girl",
    "a girl saw the tall tower near the river",
    "the bridge over the river was built in the year 1902",
    "seven fishers never saw the old bridge",
    "did the young girl buy red apples, or green ones?",
    "a tall man walked to the market near the tower.",
)


def write_vocabulary(folder: Path) -> Path:
    """A tokenizer like XLM-R's that knows the words of `SENTENCES`."""
    learn(SENTENCES * 3, 120, 0.9999, folder)
    return folder


def write_encoder(vocabulary: Path, folder: Path, *, dropout: float = 0.0, width: int = 16) -> Path:
    """A small XLM-R with random weights."""
    shape = Tiny(layers=2, width=width, heads=2, positions=64, dropout=dropout)
    write_random(shape, vocabulary, 0, folder)
    return folder


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A source whose rows stand in the test, the same ones for every split."""

    table: tuple[tuple[str, tuple[Any, ...]], ...]

    def rows(self, locate: Locator, split: str, language: str) -> Iterator[Row]:
        for index, value in enumerate(dict(self.table).get(language, ())):
            yield Row(f"memory/{language}:{index + 1}", {"row": index, **value}, language)

    def fingerprint(self, split: str, language: str) -> object:
        return (split, language)

    def missing(self, split: str, language: str) -> tuple[str, ...]:
        return ()


def memory(**table: list[dict[str, Any]]) -> Memory:
    """Language code -> rows."""
    return Memory(table=tuple((code, tuple(rows)) for code, rows in table.items()))


class Killed(Exception):
    """Stands for a process that ends in the middle of a stage."""


def killer(at: int) -> Callable[[int], None]:
    """What to watch a `Toy` by, for it to end at a step."""

    def watch(step: int) -> None:
        if step == at:
            raise Killed

    return watch


LACKING = "CUDA out of memory. Tried to allocate 20.00 MiB"
"""What torch says of too little memory."""


@dataclass(kw_only=True)
class Toy:
    """A context outside any store, which remembers what it was told."""

    folder: Path
    resources: Resources = ONE_THREAD
    watch: Callable[[int], None] = lambda step: None
    """Called at every report of progress."""
    said: list[str] = field(default_factory=list)

    def result(self, stage: Stage) -> Path:
        raise AssertionError(f"{stage.label} is nobody's parent here")

    def data(self, data: Data) -> Examples:
        return load_examples(data, self.result)

    def shared(self, thing: Shared[Made]) -> Made:
        return thing.make()

    def say(self, message: str) -> None:
        self.said.append(message)

    def progress(self, step: int, total: int, numbers: Mapping[str, float]) -> None:
        self.watch(step)
