"""A study of one training that several processes do together, one of which may be disturbed."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from layover.encoders import Folder
from layover.recipe import steps
from layover.stage import Resources
from layover.stages import Train
from layover.study import Arm, Study
from layover.tasks.sources import Locator, Row
from toys import SENTENCES
from trainable import RECIPE, TAGS

AT = 4
"""The step, from 0, at which something happens."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """A source of a few sentences, which can be part of a key."""

    texts: tuple[str, ...] = SENTENCES * 2

    def rows(self, locate: Locator, split: str, language: str) -> Iterator[Row]:
        for number, text in enumerate(self.texts):
            yield Row(f"text {number + 1}", {"row": number, "text": text}, language)

    def fingerprint(self, split: str, language: str) -> object:
        return split, language

    def missing(self, split: str, language: str) -> tuple[str, ...]:
        return ()


def study(encoder: str, place: str = "", does: str = "", processes: int = 2) -> Study:
    """`place` is a folder in which each process says who it is."""
    stage = Train(
        start=Folder(path=encoder),
        data=replace(TAGS, task=replace(TAGS.task, source=Texts())),
        recipe=replace(RECIPE, batch=5, duration=steps(8)),
        seed=3,
        resources=Resources(processes=processes),
    )
    if sys.argv[0].endswith("rank.py"):
        disturb(Path(place), does)
    return Study(
        name="shared",
        question="Is it the same?",
        arms=(Arm(name="only", leaves=(stage,)),),
        baseline="only",
    )


def disturb(place: Path, does: str) -> None:
    from layover.modeling.company import company
    from layover.training import loop

    loop.CHECKPOINT_SECONDS = -1.0
    usual = loop.Loop._step
    (place / f"{os.getpid()}.pid").touch()

    def step(self: Any, number: int, draws: Any) -> Any:
        rank, once = company().rank, place / "once"
        dies = does == "die" or (does == "die once" and not once.exists())
        if number == AT and rank == 1 and dies:
            once.touch()
            print("the last words", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        if number == AT and (rank, does) == (1, "fail"):
            raise ZeroDivisionError("a fault in the middle")
        if number == AT and (rank, does) == (0, "orphan") and not once.exists():
            once.touch()
            os.kill(os.getppid(), signal.SIGKILL)
            signal.pause()
        if number == AT and does == "wait":
            (place / "waits").touch()
            signal.pause()
        return usual(self, number, draws)

    loop.Loop._step = step
