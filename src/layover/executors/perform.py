"""One stage, from lease to completion record."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from layover.errors import LayoverError, LeaseLost, StoreError
from layover.executors.log import note
from layover.executors.provenance import about
from layover.executors.share import share
from layover.executors.together import together
from layover.lease import Lease
from layover.stage import Made, Resources, Shared, Stage
from layover.store import SCRATCH, Store
from layover.study import Origin
from layover.tasks.task import Data, Examples, load


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a watcher may want to show."""

    key: str
    step: int = 0
    total: int = 0
    numbers: tuple[tuple[str, float], ...] = ()
    message: str = ""

    @property
    def words(self) -> dict[str, Any]:
        """What another process is told, which reads it by `said`."""
        told = asdict(self)
        return {"event": told.pop("key"), **told}

    @staticmethod
    def said(answer: Mapping[str, Any]) -> Event:
        """The event of such `words`."""
        numbers = tuple((name, value) for name, value in answer["numbers"])
        return Event(answer["event"], answer["step"], answer["total"], numbers, answer["message"])


@dataclass(frozen=True, kw_only=True)
class Performing:
    """The `Context` of a stage that runs in this process, on behalf of whoever is told."""

    store: Store
    stage: Stage
    folder: Path
    tell: Callable[[Event], None]

    @property
    def resources(self) -> Resources:
        return self.stage.resources

    def result(self, stage: Stage) -> Path:
        return self.store.result(stage)

    def data(self, data: Data) -> Examples:
        return _examples(self.store, data)

    def shared(self, thing: Shared[Made]) -> Made:
        return share(thing, self.store, self.say)

    def say(self, message: str) -> None:
        self.tell(Event(self.stage.key, message=message))

    def progress(self, step: int, total: int, numbers: Mapping[str, float]) -> None:
        self.tell(Event(self.stage.key, step, total, tuple(numbers.items())))


@dataclass(frozen=True, kw_only=True)
class Running(Performing):
    """Under a lease, and with a log."""

    lease: Lease

    def log(self, message: str) -> None:
        self.lease.check()
        note(self.folder, message)

    def say(self, message: str) -> None:
        self.log(message)
        super().say(message)

    def progress(self, step: int, total: int, numbers: Mapping[str, float]) -> None:
        self.lease.check()
        super().progress(step, total, numbers)


@lru_cache(maxsize=64)
def _examples(store: Store, data: Data) -> Examples:
    """Seeds and arms of a study read the same data: each process parses it once."""
    return load(data, store.result)


def _tidy(folder: Path) -> None:
    """Make the folder of a stage, or leave in it only what a killed one goes on from."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name != SCRATCH and path.is_dir():
            shutil.rmtree(path)
        elif path.is_file() and path.suffix not in (".log", ".jsonl"):
            path.unlink()


def perform(
    stage: Stage, store: Store, tell: Callable[[Event], None], origin: Origin | None = None
) -> None:
    """Run `stage` unless it is complete, under a lease, and publish its result. What goes wrong is
    in the stage's log too. A stage of several processes must be in the study of `origin`."""

    def waits(holder: str) -> None:
        tell(Event(stage.key, message=f"waits for {holder}, which works on it"))

    while True:
        try:
            with store.lease(stage, waits) as lease:
                if not store.complete(stage) and not store.recover(stage, lease):
                    folder = store.work_folder(stage)
                    context = Running(
                        store=store, stage=stage, folder=folder, lease=lease, tell=tell
                    )
                    _run(context, origin)
                return
        except LeaseLost as error:
            # This process slept, say, and another goes on with the stage: wait for that one.
            tell(Event(stage.key, message=str(error)))
        except OSError as error:
            place = error.filename or store.work_folder(stage)
            raise StoreError.refused(f"{place} cannot be used", error) from error


def _run(context: Running, origin: Origin | None) -> None:
    stage, folder, started = context.stage, context.folder, time.time()
    _tidy(folder)
    context.log(f"starts: {stage.label}")
    try:
        used = ""
        if stage.resources.together > 1:
            used = together(context, origin)
        else:
            stage.run(context)
        context.store.publish(stage, about(stage, started, used), context.lease)
    except LeaseLost:
        raise
    except Exception as error:
        ours = isinstance(error, LayoverError)
        # The disk may be full, and then the error itself says more than that no log was written.
        with suppress(OSError):
            note(folder, f"failed: {error}" if ours else f"failed:\n{traceback.format_exc()}")
        raise
