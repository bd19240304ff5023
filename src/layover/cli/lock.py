"""The command that writes `layover.lock`: lock."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from layover import lock
from layover.cli.catalogue import all_encoders, all_tasks
from layover.cli.shared import Argument, complain, origin_of
from layover.encoders import Encoder
from layover.study import load
from layover.tasks.hub import Hub

StudyFile = Annotated[
    Path | None, typer.Argument(help="A study file; without one, all that Layover ships.")
]


def lock_command(study: StudyFile = None, arguments: Argument = None) -> None:
    """Ask the hub for the commits of data sets and encoders, and write them to layover.lock.

    Only what no commit is known of is asked for: what is pinned in code or locked stays as it is.
    """
    place = lock.lock_file()
    known = lock.read(place)
    wanted = _shipped() if study is None else _in(load(origin_of(study, arguments)), set())
    unpinned = {one.repository for one in wanted if one.revision == lock.UNPINNED}
    asked = lock.look_up(unpinned - known.keys())
    for reason in dict.fromkeys(asked.reasons.values()):
        these = [str(one) for one, why in asked.reasons.items() if why == reason]
        stays = "stays" if len(these) == 1 else "stay"
        complain(f"{', '.join(these)} {stays} {lock.UNPINNED}: {reason}")
    if asked.commits:
        lock.write(place, {**known, **asked.commits})
    for one in sorted(unpinned - asked.reasons.keys()):
        typer.echo(f"{one} {asked.commits.get(one) or known[one]}")
    if not unpinned:
        typer.echo("everything is pinned: there is nothing to look up")
    if asked.reasons:
        raise typer.Exit(1 if unpinned - asked.reasons.keys() else 2)


def _shipped() -> Iterator[Encoder | Hub]:
    yield from all_encoders()
    yield from (task.hub for task in all_tasks() if isinstance(task.hub, Hub))


def _in(value: Any, seen: set[int]) -> Iterator[Encoder | Hub]:
    """The encoders and data sets of the hub in what a study computes, at any depth."""
    if isinstance(value, Encoder | Hub):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _in(item, seen)
    elif dataclasses.is_dataclass(value) and id(value) not in seen:
        # Arms share stages: each is looked through once.
        seen.add(id(value))
        for field in dataclasses.fields(value):
            if field.metadata.get("keyed", True):
                yield from _in(getattr(value, field.name), seen)
