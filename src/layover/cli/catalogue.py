"""The commands about what Layover ships: tasks, encoders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from layover import encoders as published
from layover.cli.shared import AsJson
from layover.encoders import LADDER, Encoder, Tiny
from layover.errors import StudyError
from layover.registry import Registry, load_file
from layover.tasks.joined import hubs
from layover.tasks.task import Task

Name = Annotated[str, typer.Argument(help="One of them, in full.")]
Include = Annotated[
    list[Path] | None, typer.Option("--include", help="A Python file with more of them.")
]

Markdown = Annotated[bool, typer.Option("--markdown", help="As a page of documentation.")]


def tasks(
    name: Name = "",
    include: Include = None,
    as_json: AsJson = False,
    markdown: Markdown = False,
) -> None:
    """The tasks that Layover ships, or all about one."""
    if markdown and as_json:
        raise StudyError("--markdown and --json: a list has one form, choose one of the two")
    registry = all_tasks(include)
    if markdown:
        from layover.report.catalogue import markdown as page

        typer.echo(page([registry.get(name)] if name else list(registry)), nl=False)
        return
    _list(registry, name, as_json, _task_row)


def encoders(name: Name = "", include: Include = None, as_json: AsJson = False) -> None:
    """The published encoders that Layover names, or all about one; and shapes to train from
    scratch."""
    _list(all_encoders(include), name, as_json, _encoder_row)
    for shape in () if name else LADDER:
        row = _shape_row(shape)
        typer.echo(json.dumps(row) if as_json else _line(row))


def all_tasks(include: list[Path] | None = None) -> Registry:
    """Those of Layover, of installed packages, and of some files."""
    registry = Registry(Task, "task")
    registry.include_entry_points("layover.tasks")
    return _with(registry, include)


def all_encoders(include: list[Path] | None = None) -> Registry:
    """Those of Layover and of some files."""
    registry = Registry(Encoder, "encoder")
    registry.include(published)
    return _with(registry, include)


def _with(registry: Registry, paths: list[Path] | None) -> Registry:
    for path in paths or ():
        registry.include(load_file(path, f"included {path.resolve()}"))
    return registry


def _list(
    registry: Registry, name: str, as_json: bool, row_of: Callable[[Any], dict[str, Any]]
) -> None:
    """Print a line an entry, or every field of one entry."""
    rows = [row_of(entry) for entry in ([registry.get(name)] if name else registry)]
    for row in rows:
        if as_json:
            typer.echo(json.dumps(row, ensure_ascii=False))
        elif name:
            typer.echo("\n".join(f"{field:11}{_plain(value)}" for field, value in row.items()))
        else:
            typer.echo(_line(row))


def _line(row: dict[str, Any]) -> str:
    first, second, *_ = row.values()
    return f"{first:18}{second}"


def _plain(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    # What has spaces in it would run into its neighbours.
    return (", " if any(" " in str(item) for item in value) else " ").join(map(str, value))


def _task_row(task: Task) -> dict[str, Any]:
    from layover.report.catalogue import import_line

    there = hubs(task.hub)
    return {
        "name": task.name,
        "summary": task.summary,
        "import": import_line(task),
        "type": type(task.type).__name__,
        "labels": task.type.labels,
        "languages": task.languages,
        "splits": task.splits,
        "metrics": tuple(metric.label for metric in task.metrics),
        "files": getattr(task.source, "paths", ()),
        "withheld": getattr(task.source, "labels", ""),
        "home": task.home,
        "hub": ", ".join(dict.fromkeys(f"{hub.id} {hub.config}".strip() for hub in there)),
        "revision": ", ".join(dict.fromkeys(hub.commit for hub in there)),
        "sizes": tuple(f"{split} {n:,}" for split, n in task.sizes),
        "contains": task.contains,
        "licence": task.licence,
        "source": task.citation,
    }


def _encoder_row(encoder: Encoder) -> dict[str, Any]:
    known = encoder.dimensions
    size = known.parameters if known else None
    told = "size unknown until it is downloaded"
    if size:
        told = f"{_millions(size.total)}, {_millions(size.body)} without the word table"
    return {
        "name": encoder.name,
        "about": f"{encoder.hub}: {told}",
        "parameters": size and size.total,
        "body": size and size.body,
        "hub": encoder.hub,
        "revision": encoder.commit,
        "licence": encoder.licence,
    }


def _shape_row(shape: Tiny) -> dict[str, Any]:
    body = shape.with_words(vocabulary=0).parameters.total
    told = f"to train from scratch: {_millions(body)} without the word table"
    return {"name": shape.label, "about": told, "body": body}


def _millions(count: int) -> str:
    return f"{count / 1e6:.3g} M"
