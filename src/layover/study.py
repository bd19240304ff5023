"""A study: a question, and the arms whose comparison answers it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from layover.claims import Claim, Coverage
from layover.errors import StudyError
from layover.registry import load_file, raising, unknown
from layover.stage import Stage, closure


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to prepare a model, with the leaves that measure it on every target and seed."""

    name: str
    leaves: tuple[Stage, ...]
    control: bool = False
    """A control is shown beside the arms and never ranked with them."""

    def __post_init__(self) -> None:
        if not self.leaves:
            raise StudyError(f"arm {self.name!r} has no leaves: it measures nothing")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A frozen tree of stages. Equal stages have equal keys and are done once."""

    name: str
    question: str
    arms: tuple[Arm, ...]
    baseline: str
    source: str = "eng"
    """The language that targets are trained in; all others are zero-shot."""
    allow: tuple[str, ...] = ()
    """Findings of the audit that are meant, by the name that it gives them."""
    keep: tuple[str, ...] = ()
    """Arms whose models `layover prune` leaves alone."""
    claims: tuple[Claim | Coverage, ...] = ()
    """What the study's results are to decide."""
    portraits: tuple[Arm, ...] = ()
    """Checkpoints, each with the leaves that measure what training did to its encoder (see
    `layover.portraits`). They are shown beside each other; arms are compared without them."""

    def __post_init__(self) -> None:
        for what, group in (("arms", self.arms), ("portraits", self.portraits)):
            names = [arm.name for arm in group]
            if len(set(names)) != len(names):
                raise StudyError(f"study {self.name!r} has two {what} of one name: {names}")
        self.arm(self.baseline)
        for name in self.keep:
            self.arm(name)

    def arm(self, name: str) -> Arm:
        """The arm called `name`; raises `StudyError` with the nearest names."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise StudyError(unknown("arm", name, [arm.name for arm in self.arms]))

    @property
    def compared(self) -> tuple[Arm, ...]:
        """The arms that are compared with the baseline."""
        return tuple(arm for arm in self.arms if not arm.control and arm.name != self.baseline)

    @cached_property
    def leaves(self) -> tuple[Stage, ...]:
        arms = (*self.arms, *self.portraits)
        return tuple({leaf.key: leaf for arm in arms for leaf in arm.leaves}.values())

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, parents before children, each once."""
        return closure(self.leaves)

    @cached_property
    def by_key(self) -> Mapping[str, Stage]:
        return {stage.key: stage for stage in self.stages}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a study came from: enough for another process to build the same one."""

    file: str
    arguments: tuple[tuple[str, Any], ...] = ()


def load(origin: Origin) -> Study:
    """Run the study file and return its `study(**arguments)`.

    A study file is code: run only those that you trust. Raises `StudyError` with the line that
    failed.
    """
    path = Path(origin.file)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # As for any script; last, so that nothing of ours is hidden by a file of the same name.
        sys.path.append(folder)
    module = load_file(path, f"study {path.resolve()}")
    build = getattr(module, "study", None)
    if not callable(build):
        raise StudyError(f"{path} defines no function study()")
    _check_arguments(build, dict(origin.arguments), path)
    with raising(path):
        study = build(**dict(origin.arguments))
        if not isinstance(study, Study):
            raise StudyError(f"{path}: study() returned {type(study).__name__}, expected a Study")
        _ = study.stages
    return study


def _check_arguments(build: Any, arguments: dict[str, Any], path: Path) -> None:
    known = inspect.signature(build).parameters
    for name in arguments:
        if name not in known:
            raise StudyError(f"{path}: {unknown('argument of study()', name, known)}")
