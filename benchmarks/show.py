"""Rows of the comparison: a table for people, a line of JSON for programs, and RESULTS.md."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterable, Sequence
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
class Row:
    """One work of one contender beside ours."""

    work: str
    contender: str
    rate: float
    """Per second of wall time: the median over the rounds."""
    unit: str
    ratio: float
    """Our rate over this one: the median over the rounds, in each of which both ran."""
    low: float
    high: float
    """The 95 % interval of the ratio, by a bootstrap over the rounds."""
    goal: float | None = None
    """The ratio that is aimed at."""
    cpu_ratio: float | None = None
    """The same by CPU time."""
    growth: int | None = None
    """Bytes of memory at the peak over the loaded model."""
    memory: float | None = None
    """Our growth over this one."""
    checkpoint: int | None = None
    """Bytes on disk."""
    rounds: int = 0
    note: str = ""


def rows(
    work: str,
    results: Sequence[Result],
    goals: dict[str, float] | None = None,
    unit: str = "tokens",
    note: str = "",
) -> list[Row]:
    """A row for each contender, compared with the last, which is ours."""
    ours = results[-1]
    found = []
    for result in results:
        ratios = np.array(ours.rates(unit)) / np.array(result.rates(unit))
        low, high = interval(ratios)
        found.append(
            Row(
                work=work,
                contender=result.name,
                rate=result.rate(unit),
                unit=unit,
                ratio=float(np.median(ratios)),
                low=low,
                high=high,
                goal=(goals or {}).get(result.name),
                cpu_ratio=ours.cpu_rate / result.cpu_rate,
                growth=result.growth or None,
                memory=ours.growth / result.growth if result.growth else None,
                checkpoint=result.notes.get("checkpoint"),
                rounds=len(result.laps),
                note=result.notes.get("note", note),
            )
        )
    return found


def interval(ratios: Any) -> tuple[float, float]:
    """95 % of the medians of resampled rounds."""
    rng = np.random.default_rng(0)
    draws = rng.choice(ratios, size=(2_000, len(ratios)))
    low, high = np.percentile(np.median(draws, axis=1), (2.5, 97.5))
    return float(low), float(high)


def duels(
    work: str,
    peers: Sequence[Contender],
    ours: Contender,
    rounds: int,
    goals: dict[str, float] | None = None,
    unit: str = "tokens",
) -> list[Row]:
    """Ours against one peer after the other: three that hold a large model would not fit into the
    memory of a laptop."""
    found: list[Row] = []
    for peer in peers:
        results = race([peer, ours], rounds, say=_say)
        both = rows(work, results, goals, unit)
        # A long run that is cut short has said this much.
        _say(" | ".join(cells(both[0])))
        found = [*found[:-1], *both]
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


HEADER = (
    *("work", "contender", "per second", "ours is", "95 %", "goal", "by CPU time"),
    *("memory growth", "ours/it", "checkpoint", "note"),
)


def cells(row: Row) -> tuple[str, ...]:
    """A row in words."""
    return (
        row.work,
        row.contender,
        f"{row.rate:,.{0 if row.rate >= 100 else 1}f} {row.unit}",
        f"{row.ratio:.2f}x",
        f"{row.low:.2f} to {row.high:.2f}" if row.rounds > 1 else "",
        f"{row.goal:.1f}x" if row.goal else "",
        f"{row.cpu_ratio:.2f}x" if row.cpu_ratio else "",
        f"{row.growth / GIGA:.2f} GB" if row.growth else "",
        f"{row.memory:.2f}" if row.memory else "",
        f"{row.checkpoint / GIGA:.2f} GB" if row.checkpoint else "",
        row.note,
    )


def show(found: Sequence[Row], as_json: bool) -> None:
    """Print rows: a table, or a line of JSON each."""
    if as_json:
        for row in found:
            print(json.dumps(asdict(row)))
        return
    table(HEADER, map(cells, found))


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
