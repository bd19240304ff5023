"""Rows of the comparison: a table for people, a line of JSON for programs, and RESULTS.md."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ENVIRONMENT, THREADS, Contender, Result, race

GIGA = 1e9
PACKAGES = "torch transformers accelerate datasets tokenizers sentence-transformers faiss-cpu numpy"


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Ratios that are aimed at, of ours to a contender's: speed at least, the others at most."""

    speed: float | None = None
    memory: float | None = None
    checkpoint: float | None = None


NO_GOAL = Goal()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One work of one contender beside ours."""

    work: str
    contender: str
    unit: str
    """What rates are of: tokens or examples."""
    rate: float
    """The contender's, per second of wall time, over all rounds."""
    ours: float
    ratio: float
    """Our rate over this one."""
    low: float
    high: float
    """The 95 % interval of the ratio, by a bootstrap over the rounds, in each of which both ran."""
    cpu_ratio: float
    """The same by CPU time."""
    growth: int
    """Bytes of memory at the peak over the loaded model."""
    our_growth: int
    checkpoint: int | None = None
    """Bytes on disk."""
    our_checkpoint: int | None = None
    goal: Goal = NO_GOAL
    rounds: int = 0
    note: str = ""

    @property
    def memory_ratio(self) -> float | None:
        """Our growth over this one."""
        return self.our_growth / self.growth if self.growth else None

    @property
    def checkpoint_ratio(self) -> float | None:
        """Our checkpoint's bytes over this one's."""
        if not self.checkpoint or not self.our_checkpoint:
            return None
        return self.our_checkpoint / self.checkpoint


def row(work: str, peer: Result, ours: Result, goal: Goal, unit: str) -> Row:
    """A contender beside ours, of the same rounds."""
    ratio, low, high = compared(ours.done(unit), ours.walls, peer.done(unit), peer.walls)
    return Row(
        work=work,
        contender=peer.name,
        unit=unit,
        rate=peer.rate(unit),
        ours=ours.rate(unit),
        ratio=ratio,
        low=low,
        high=high,
        cpu_ratio=ours.cpu_rate(unit) / peer.cpu_rate(unit),
        growth=peer.growth,
        our_growth=ours.growth,
        checkpoint=peer.notes.get("checkpoint"),
        our_checkpoint=ours.notes.get("checkpoint"),
        goal=goal,
        rounds=len(peer.laps),
        note=peer.notes.get("note", ""),
    )


def compared(
    ours: Sequence[float],
    our_seconds: Sequence[float],
    done: Sequence[float],
    seconds: Sequence[float],
) -> tuple[float, float, float]:
    """Our rate over another by what was done in each round and how long it took: all done over all
    seconds, and its 95 % interval over resampled rounds."""
    columns = np.array((ours, our_seconds, done, seconds), dtype=float)
    places = np.random.default_rng(0).integers(columns.shape[1], size=(2_000, columns.shape[1]))

    def ratio(sums: Any) -> Any:
        return sums[0] / sums[1] / (sums[2] / sums[3])

    low, high = np.percentile(ratio(columns[:, places].sum(axis=2)), (2.5, 97.5))
    return float(ratio(columns.sum(axis=1))), float(low), float(high)


@dataclass(frozen=True, kw_only=True)
class Duel:
    """Ours against one peer: three that hold a large model would not fit into the memory of a
    laptop."""

    work: str
    peer: Contender
    ours: Contender
    rounds: int
    goal: Goal = NO_GOAL
    unit: str = "tokens"

    def run(self) -> Row:
        """Raises `RuntimeError` where a contender fails."""
        theirs, mine = race([self.peer, self.ours], self.rounds, say=_say)
        found = row(self.work, theirs, mine, self.goal, self.unit)
        _say(" | ".join(cells(found)))
        return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def header(unit: str) -> tuple[str, ...]:
    """Of a table of rows whose rates are of `unit`."""
    return (
        *("work", "contender", f"its {unit}/s", f"our {unit}/s", "ours is", "95 %", "by CPU time"),
        *("its memory growth", "ours", "ratio", "its checkpoint", "ours", "ratio", "goals", "note"),
    )


def cells(row: Row) -> tuple[str, ...]:
    """A row in words."""
    return (
        row.work,
        row.contender,
        *(f"{rate:,.{0 if rate >= 100 else 1}f}" for rate in (row.rate, row.ours)),
        f"{row.ratio:.2f}x",
        f"{row.low:.2f} to {row.high:.2f}" if row.rounds > 1 else "one round",
        f"{row.cpu_ratio:.2f}x",
        *_sizes(row.growth, row.our_growth, row.memory_ratio),
        *_sizes(row.checkpoint, row.our_checkpoint, row.checkpoint_ratio),
        goals(row),
        row.note,
    )


def _sizes(its: int | None, ours: int | None, ratio: float | None) -> tuple[str, str, str]:
    told = [f"{each / GIGA:.2f} GB" if each is not None else "" for each in (its, ours)]
    return told[0], told[1], "" if ratio is None else f"{ratio:.2f}"


def goals(row: Row) -> str:
    """Each goal, and whether it was met."""
    told = []
    if row.goal.speed is not None:
        told.append(f"{row.goal.speed:.1f}x: {met(row.ratio >= row.goal.speed)}")
    for name, ratio, most in (
        ("memory", row.memory_ratio, row.goal.memory),
        ("checkpoint", row.checkpoint_ratio, row.goal.checkpoint),
    ):
        if most is not None:
            how = "not measured" if ratio is None else met(ratio <= most)
            told.append(f"{name} {most:.1f}: {how}")
    return ", ".join(told)


def met(yes: bool) -> str:
    """In words."""
    return "met" if yes else "not met"


def units(found: Sequence[Row]) -> list[str]:
    """What the rates of rows are of, each once."""
    return list(dict.fromkeys(each.unit for each in found))


def show(found: Sequence[Row], as_json: bool) -> None:
    """Print rows: a table for each unit, or a line of JSON each."""
    for unit in units(found):
        some = [each for each in found if each.unit == unit]
        tell(header(unit), some, list(map(cells, some)), as_json)


def tell(
    header: Sequence[str], found: Sequence[Any], lines: Iterable[Sequence[str]], as_json: bool
) -> None:
    """Print values: a table of their lines, or a line of JSON each."""
    if as_json:
        print("\n".join(json.dumps(record(each)) for each in found), flush=True)
    else:
        table(header, lines)


def alone(about: str, duels: Callable[[int, bool], Sequence[Duel]], rounds: int = 5) -> None:
    """The command of a benchmark of nothing but duels, by (rounds, whether toys)."""
    chosen = options(about, rounds).parse_args()
    show([each.run() for each in duels(chosen.rounds, chosen.quick)], chosen.json)


def record(found: Any) -> dict[str, Any]:
    """A value's fields, and of a row its ratios of memory too."""
    ratios = ("memory_ratio", "checkpoint_ratio")
    return {
        **asdict(found),
        **{name: getattr(found, name) for name in ratios if hasattr(found, name)},
    }


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    made = Table(*header)
    for line in lines:
        made.add_row(*line)
    Console(width=200).print(made)


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    every = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in every)


def machine() -> str:
    """The machine and the versions, in a few lines."""
    names = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    cpu = names[0].partition(": ")[2] if names else platform.processor()
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES.split())
    settings = ", ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu}, {THREADS} threads a contender, "
        f"Python {platform.python_version()}.\n\n{versions}.\n\n"
        f"Environment of every contender: {settings}."
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "not installed"


def options(about: str, rounds: int) -> argparse.ArgumentParser:
    """The options of every benchmark."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", action="store_true", help="a line of JSON a row")
    parser.add_argument("--rounds", type=int, default=rounds, help="%(default)s")
    parser.add_argument("--quick", action="store_true", help="toy sizes: shows that it runs")
    return parser
