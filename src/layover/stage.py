"""A stage: one unit of work with declared inputs, and what it sees while it runs.

A stage is a frozen value that holds its parents, so a study cannot contain a cycle or refer to
something that does not exist. Its key names its result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from layover import spec
from layover.errors import StudyError

if TYPE_CHECKING:
    from layover.tasks.task import Data, Examples


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a stage asks of the machine. It is recorded, and never part of a key."""

    threads: int = 1
    """Of each process."""
    gpus: int = 0
    """On one machine. A training has a process for each of them."""
    processes: int = 1
    """Processes that train together on a machine without accelerators."""
    checkpointing: bool = False
    """Compute what is inside an encoder's layers again for the gradient instead of keeping it: a
    training needs less memory and more time, and has the same numbers."""

    def __post_init__(self) -> None:
        if self.threads < 1 or self.gpus < 0 or self.processes < 1:
            raise StudyError(
                f"{self.threads} threads, {self.gpus} GPUs and {self.processes} processes run "
                "nothing: at least 1, 0 and 1 are needed"
            )
        if self.gpus and self.processes > 1:
            raise StudyError(
                f"{self.gpus} GPUs and {self.processes} processes: declare gpus alone, each of "
                "which gets a process, or processes alone, which run on processors"
            )

    @property
    def together(self) -> int:
        """Processes that train together."""
        return max(self.gpus, self.processes)

    @property
    def cores(self) -> int:
        """Processors for all threads of all processes."""
        return self.threads * self.together


ONE_THREAD = Resources()

Made = TypeVar("Made")


class Kept(Protocol):
    """What a store keeps under a key."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str:
        """Kind and key: its folder."""

    @property
    def label(self) -> str:
        """A few words for people."""

    @property
    def room(self) -> str:
        """The folder of a store that holds all of its kind."""


class Shared(Kept, Protocol[Made]):
    """What stages have in common without declaring it: made by the first that needs it, and again
    wherever it is gone. Its key says all that it follows from."""

    def make(self) -> Made: ...
    def save(self, made: Made, folder: Path) -> None: ...
    def open(self, folder: Path) -> Made:
        """What was saved; raises `OSError` or `ValueError` where it is not whole."""


class Context(Protocol):
    """What a running stage may use, and nothing besides."""

    @property
    def folder(self) -> Path:
        """Where the stage writes; kept when it is killed, so that it can go on."""

    @property
    def resources(self) -> Resources: ...

    def result(self, stage: Stage) -> Path:
        """The folder of a parent's result, its files checked against their digests."""

    def data(self, data: Data) -> Examples:
        """Checked examples."""

    def shared(self, thing: Shared[Made]) -> Made:
        """What was saved by whichever process made it first, or what is made now."""

    def say(self, message: str) -> None:
        """A line for the stage's log and for whoever watches."""

    def progress(self, step: int, total: int, numbers: Mapping[str, float]) -> None:
        """How far the stage is, and its latest numbers."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Base of all stages. A subclass adds fields and `run`, and raises `version` when what it
    writes for the same fields changes."""

    version: ClassVar[int] = 1
    divisible: ClassVar[bool] = False
    """Whether several processes can do it together."""
    room: ClassVar[str] = "results"
    resources: Resources = spec.unkeyed(ONE_THREAD)

    @cached_property
    def key(self) -> str:
        """The name of this stage's result."""
        return spec.digest(spec.fields(self, type(self).__name__))

    @cached_property
    def name(self) -> str:
        """Kind and key: the folder of the result."""
        return f"{type(self).__name__.lower()}-{self.key}"

    @property
    def label(self) -> str:
        """A few words for people."""
        return type(self).__name__.lower()

    @cached_property
    def parents(self) -> tuple[Stage, ...]:
        """The stages held in this stage's fields, at any depth, each key once."""
        found: dict[str, Stage] = {}
        for part in _inside(self):
            for stage in stages_in(part):
                found.setdefault(stage.key, stage)
        return tuple(found.values())

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Data files that this stage itself (not its parents) needs and that are not there."""
        return tuple(dict.fromkeys(_missing_in(self, top=True)))

    def run(self, context: Context) -> None:
        """Do the work and write the result into `context.folder`."""
        raise NotImplementedError

    def __canonical__(self) -> object:
        return ("stage", self.key)


def closure(stages: Iterator[Stage] | tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The given stages and all their ancestors, each key once, parents before children."""
    ordered: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.key not in ordered:
            for parent in stage.parents:
                visit(parent)
            ordered[stage.key] = stage

    for stage in stages:
        visit(stage)
    return tuple(ordered.values())


def stages_in(value: Any) -> Iterator[Stage]:
    """The stages held in a value's fields, not their parents."""
    if isinstance(value, Stage):
        yield value
        return
    for part in _inside(value):
        yield from stages_in(part)


def _missing_in(value: Any, top: bool = False) -> Iterator[str]:
    if isinstance(value, Stage) and not top:
        return
    if hasattr(value, "missing_files"):
        yield from value.missing_files()
        return
    for part in _inside(value):
        yield from _missing_in(part)


def _inside(value: Any) -> Iterator[Any]:
    """The items of a tuple, or the keyed fields of a value."""
    if isinstance(value, tuple):
        yield from value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.metadata.get("keyed", True):
                yield getattr(value, field.name)
