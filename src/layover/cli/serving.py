"""The command that says what a study's arms cost to serve."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from layover.cli.shared import (
    DEFAULT_STORE,
    Argument,
    AsJson,
    StoreFolder,
    StudyFile,
    complain,
    open_results,
    plain,
)
from layover.errors import StudyError

if TYPE_CHECKING:
    from layover.report import Cost


def serving(
    study: StudyFile,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="The smallest difference in latency that matters, in percent.",
            show_default="the benchmark's",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a study's arms cost to serve: whether their latency differs, and quality by time."""
    from layover.latency import comparisons
    from layover.serving import failures, served

    if margin is not None and not 0 < margin < math.inf:
        raise StudyError(
            f"--margin {margin:g}: name the smallest difference that matters, in percent above 0"
        )
    value, place = open_results(study, store, arguments)
    found = served(value, place)
    answers = comparisons(value, place, None if margin is None else margin / 100)
    for failure in failures(value, place):
        complain(failure)
    if not found:
        raise StudyError(f"{value.name} has no benchmark that is complete: run it, or add one")
    if as_json:
        for row in (*(one.row for one in answers), *map(_row, found)):
            typer.echo(json.dumps(plain(row)))
        return
    from rich.console import Console

    from layover.report.cost_tables import table

    console = Console()
    for answer in answers:
        console.print(answer.sentence, highlight=False)
    for part in table(found):
        console.print(part)


def _row(cost: Cost) -> dict[str, Any]:
    """Flat, with the ends of what has an interval."""
    row: dict[str, Any] = {"arm": cost.model, "per_millisecond": cost.per_millisecond}
    for name in (each.name for each in fields(cost) if each.name != "model"):
        found = getattr(cost, name)
        row[name] = getattr(found, "estimate", found)
        if hasattr(found, "estimate"):
            row |= {f"{name}_{end}": getattr(found, end) for end in ("low", "high")}
    return row
