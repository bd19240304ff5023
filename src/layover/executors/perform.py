"""One stage, from lease to completion record."""

from __future__ import annotations

import importlib.metadata
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from layover.errors import StoreError
from layover.stage import Resources, Stage
from layover.store import Store
from layover.tasks.task import Data, Examples, load

LOG = "stage.log"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a watcher may want to show."""

    key: str
    step: int = 0
    total: int = 0
    numbers: tuple[tuple[str, float], ...] = ()
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Running:
    """The `Context` of a stage that runs in this process."""

    store: Store
    stage: Stage
    folder: Path
    resources: Resources
    tell: Callable[[Event], None]

    def result(self, stage: Stage) -> Path:
        return self.store.result(stage)

    def data(self, data: Data) -> Examples:
        return _examples(self.store, data)

    def log(self, message: str) -> None:
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {message}\n")

    def say(self, message: str) -> None:
        self.log(message)
        self.tell(Event(self.stage.key, message=message))

    def progress(self, step: int, total: int, numbers: Mapping[str, float]) -> None:
        self.tell(Event(self.stage.key, step, total, tuple(numbers.items())))


@lru_cache(maxsize=64)
def _examples(store: Store, data: Data) -> Examples:
    """Seeds and arms of a study read the same data: each process parses it once."""
    return load(data, store.result)


def perform(stage: Stage, store: Store, tell: Callable[[Event], None]) -> None:
    """Run `stage` unless it is complete, under a lease, and publish its result."""
    with store.lease(stage):
        if store.complete(stage):
            return
        folder = store.work_folder(stage)
        started = time.time()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            context = Running(
                store=store, stage=stage, folder=folder, resources=stage.resources, tell=tell
            )
            context.log(f"starts: {stage.label}")
            stage.run(context)
            store.publish(stage, about(stage, started))
        except OSError as error:
            raise StoreError(f"{stage.label}: {error}") from error


def about(stage: Stage, started: float) -> dict[str, Any]:
    """What the record of a stage says beside its files."""
    return {
        "stage": type(stage).__name__,
        "key": stage.key,
        "label": stage.label,
        "parents": [parent.key for parent in stage.parents],
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "resources": asdict(stage.resources),
        "host": socket.gethostname(),
        "device": device(),
        "commit": commit(),
        "python": platform.python_version(),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("layover", "torch", "transformers", "numpy")
        },
    }


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the checkout that Layover runs from, with a + where files have changed since;
    "" for an installed package."""
    package = Path(__file__).parent.parent
    git = ["git", "-C", str(package)]
    try:
        tracked = subprocess.run([*git, "ls-files", "errors.py"], capture_output=True, text=True)
        if not tracked.stdout:
            return ""
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        changed = subprocess.run([*git, "status", "--porcelain", "."], capture_output=True)
    except OSError:
        return ""
    return head.stdout.strip() + ("+" if changed.stdout else "")


@lru_cache(maxsize=1)
def processor() -> str:
    """The processor's name, which decides the last bits of a sum."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def device() -> str:
    """The accelerator, or the processor where torch has none or was not needed."""
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return processor()
