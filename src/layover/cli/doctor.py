"""The command that looks at data: doctor."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layover.cli.catalogue import Include, all_tasks
from layover.cli.shared import DEFAULT_STORE, Argument, AsJson, StoreFolder, open_study
from layover.doctor import cells_of, examine
from layover.doctor.cell import Cell
from layover.doctor.checkup import Watcher
from layover.doctor.of_study import cells_of_study, guard
from layover.doctor.show import as_values, shown
from layover.errors import StudyError, UnknownName

if TYPE_CHECKING:
    from rich.console import Console

StudyArgument = Annotated[
    Path | None, typer.Argument(help="A study file, to look only at what it reads.")
]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="The folder of the data, instead of LAYOVER_DATA.")
]
TaskName = Annotated[
    list[str] | None, typer.Option("--task", help="Look only at this one; may be repeated.")
]

UNBROKEN = 100_000
"""Columns of what is no terminal."""


def doctor(
    study: StudyArgument = None,
    data: DataFolder = None,
    task: TaskName = None,
    include: Include = None,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    as_json: AsJson = False,
) -> None:
    """What is there of the tasks' data, and what is wrong with it; ends with 1 if anything is."""
    from rich.console import Console

    if data is not None:
        if not data.is_dir():
            raise StudyError(f"--data {data}: there is no such folder")
        os.environ["LAYOVER_DATA"] = str(data)
    loaded = open_study(study, store, arguments) if study else None
    if loaded and (task or include):
        raise StudyError(
            "give either a study or --task and --include: a study says itself what it reads"
        )
    cells = cells_of_study(loaded[0]) if loaded else _cells(task, include)
    health = examine(cells, _watch(Console(stderr=True)))
    guarded = guard(*loaded) if loaded else None
    if as_json:
        typer.echo(json.dumps(as_values(health, guarded), ensure_ascii=False))
    else:
        # What is searched and cut by other programs has one line for each of its own.
        console = Console() if Console().is_terminal else Console(width=UNBROKEN)
        for part in shown(health, guarded):
            console.print(part)
    raise typer.Exit(1 if health.wrong or (guarded and guarded.wrong) else 0)


def _cells(names: list[str] | None, include: list[Path] | None) -> Iterator[Cell]:
    registry = all_tasks(include)
    try:
        tasks = [registry.get(name) for name in names] if names else registry
    except UnknownName as error:
        raise UnknownName(f"{error}; --include FILE adds the tasks of a file") from error
    for task in tasks:
        yield from cells_of(task)


def _watch(console: Console) -> Watcher:
    """A line on a terminal, and nothing elsewhere."""
    started = time.monotonic()

    def watch(cell: Cell, done: int, total: int) -> None:
        if console.is_terminal and total:
            clock = time.monotonic() - started
            line = f"{100 * done / total:3.0f} % of {total / 1e6:.0f} MB, {clock:.0f} s: "
            line += f"{cell.task.name} {cell.split} {cell.language}"
            end = "" if done < total else "\r"
            print(f"\r\x1b[K{line if end == '' else ''}", end=end, file=console.file, flush=True)

    return watch
