"""A race: contenders in processes of their own, of which one works at a time.

Each loads, warms up and says that it is ready. Then, round by round and in an order drawn anew for
each round, one after the other is told to go, so that whatever else slows the machine down slows
them all.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import random
import resource
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import psutil  # type: ignore[import-untyped]

THREADS = 2
ENVIRONMENT = {
    "OMP_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    # Contenders that wait must not spin.
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "RAYON_NUM_THREADS": str(THREADS),
}
"""Of every contender alike."""


@dataclass(frozen=True, kw_only=True)
class Lap:
    """What one round of a contender took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all its threads and processes."""
    tokens: int
    """Useful ones: without padding."""
    examples: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """A contender's race."""

    name: str
    laps: tuple[Lap, ...]
    growth: int
    """Bytes of resident memory at their peak, over what the loaded model took."""
    notes: Mapping[str, Any]

    def done(self, unit: str = "tokens") -> list[int]:
        """Tokens or examples of each round."""
        return [getattr(lap, unit) for lap in self.laps]

    @property
    def walls(self) -> list[float]:
        """Seconds of each round."""
        return [lap.wall for lap in self.laps]

    def rate(self, unit: str = "tokens") -> float:
        """All of the rounds' tokens or examples over all of their seconds: rounds need not be
        equally long."""
        return sum(self.done(unit)) / sum(self.walls)

    def cpu_rate(self, unit: str = "tokens") -> float:
        """The same per second of CPU time."""
        return sum(self.done(unit)) / sum(lap.cpu for lap in self.laps)


class Finished(BaseException):
    """The race is over. No error, so that nothing on its way catches it."""


@dataclass(kw_only=True)
class Gate:
    """What a contender sees of the race."""

    connection: Connection
    notes: dict[str, Any] = field(default_factory=dict)
    _base: int = 0
    _peak: int = 0
    _wall: float = 0.0
    _cpu: float = 0.0

    def loaded(self) -> None:
        """The model is in memory: what memory grows by counts from here."""
        # The peak so far, of loading, is forgotten.
        _forget_peak()
        self._base = _memory()

    def turn(self, tokens: int = 0, examples: int = 0) -> None:
        """End a round that did so much (the first: the warm-up), and wait for the next.

        Raises `Finished` where there is none.
        """
        if accelerated():
            import torch

            torch.cuda.synchronize()
        wall, cpu = time.perf_counter() - self._wall, _cpu_seconds() - self._cpu
        self._peak = max(self._peak, _peak_memory())
        self.connection.send(Lap(wall=wall, cpu=cpu, tokens=tokens, examples=examples))
        # What idles must not starve the one that works.
        _tidy()
        if not self.connection.recv():
            raise Finished
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def forget(self) -> None:
        """What memory grew to until now is not counted."""
        _tidy()
        _forget_peak()
        self._peak = 0

    @property
    def growth(self) -> int:
        """Bytes; what came after the last round, as the writing of a model, is counted too."""
        return max(0, self._peak - self._base, _peak_memory() - self._base) if self._base else 0


class Contender(Protocol):
    """Something that can race; it is sent to a process of its own."""

    @property
    def name(self) -> str: ...

    def run(self, gate: Gate) -> None:
        """Load, warm up, `gate.turn()`, and then a round before each further turn."""


def race(
    contenders: Sequence[Contender],
    rounds: int,
    say: Callable[[str], None] = lambda text: None,
) -> list[Result]:
    """The result of each contender, in their order. Raises `RuntimeError` with the traceback of
    one that failed, of which the first line says what it was."""
    os.environ.update(ENVIRONMENT)
    context = multiprocessing.get_context("spawn")
    # One starts after the other, so that no warm-up disturbs another.
    lines: list[Connection] = []
    processes = []
    laps: list[list[Lap]] = [[] for _ in contenders]
    ends: list[tuple[int, dict[str, Any]]] = []
    order = random.Random(0)
    try:
        for contender in contenders:
            mine, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, contender))
            process.start()
            theirs.close()
            processes.append(process)
            lines.append(mine)
            _hear(mine, contender.name)
            say(f"{contender.name} is ready")
        for number in range(rounds):
            for index in order.sample(range(len(contenders)), len(contenders)):
                laps[index].append(_tell(lines[index], True, contenders[index].name))
            say(f"round {number + 1} of {rounds}")
        for contender, line in zip(contenders, lines, strict=True):
            ends.append(_tell(line, False, contender.name))
    finally:
        for process in processes:
            process.join(timeout=None if len(ends) == len(contenders) else 0.1)
            if process.is_alive():
                process.kill()
    return [
        Result(name=contender.name, laps=tuple(mine), growth=growth, notes=notes)
        for contender, mine, (growth, notes) in zip(contenders, laps, ends, strict=True)
    ]


def _serve(connection: Connection, contender: Contender) -> None:
    gate = Gate(connection=connection)
    try:
        import torch

        torch.set_num_threads(THREADS)
        contender.run(gate)
    except Finished:
        connection.send((gate.growth, gate.notes))
    except BaseException as error:
        connection.send(RuntimeError(f"{error!r}\n{traceback.format_exc()}"))
    else:
        connection.send(RuntimeError("it ended before the race"))


def _tell(connection: Connection, go: bool, name: str) -> Any:
    """What a contender answers to an order."""
    # What it said before it died, if anything, can still be heard.
    with suppress(BrokenPipeError):
        connection.send(go)
    return _hear(connection, name)


def _hear(connection: Connection, name: str) -> Any:
    try:
        told = connection.recv()
    except (EOFError, ConnectionResetError) as error:
        raise RuntimeError(f"{name}: its process died, perhaps for want of memory") from error
    if isinstance(told, RuntimeError):
        raise RuntimeError(f"{name}: {told}")
    return told


def _tidy() -> None:
    """Give unused memory back."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def accelerated() -> bool:
    """Whether contenders work on a GPU: all do where there is one, and memory is then its."""
    import torch

    return torch.cuda.is_available()


def _memory() -> int:
    """Bytes in use."""
    if not accelerated():
        return _status("VmRSS")
    import torch

    return torch.cuda.memory_allocated()


def _peak_memory() -> int:
    """Bytes in use at most, since that was forgotten."""
    if not accelerated():
        return _status("VmHWM")
    import torch

    return torch.cuda.max_memory_allocated()


def _forget_peak() -> None:
    if accelerated():
        import torch

        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    """Bytes of a field of this process's status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}: memory is measured on Linux only")


def _cpu_seconds() -> float:
    """Of this process and of the workers that it has."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def folder_size(folder: Path) -> int:
    """Bytes of all its files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
