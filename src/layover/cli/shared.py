"""What the commands share: their options, and what those stand for."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from layover.errors import StoreError, StudyError
from layover.store import Store
from layover.study import Origin, Study, load

StudyFile = Annotated[Path, typer.Argument(help="A study file: Python that defines study().")]
StoreFolder = Annotated[Path, typer.Option("--store", help="Where results are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Argument = Annotated[
    list[str] | None, typer.Option("--set", help="NAME=VALUE for study(), VALUE in JSON.")
]
Miniature = Annotated[
    bool, typer.Option("--miniature", help="The study's small form: --set miniature=true.")
]
DEFAULT_STORE = Path("runs")


def with_miniature(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes arguments of a study, with a short form of the commonest of them."""
    given = inspect.signature(command, eval_str=True)
    if "arguments" not in given.parameters:
        return command

    @wraps(command)
    def extended(*, miniature: bool = False, **options: Any) -> None:
        if miniature:
            options["arguments"] = [*(options["arguments"] or ()), "miniature=true"]
        command(**options)

    own = inspect.Parameter(
        "miniature", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Miniature
    )
    every = (*given.parameters.values(), own)
    extended.__signature__ = given.replace(parameters=every)  # type: ignore[attr-defined]
    extended.__annotations__ = {one.name: one.annotation for one in every}
    return extended


def origin_of(file: Path, arguments: list[str] | None) -> Origin:
    return Origin(file=str(file.resolve()), arguments=pairs("--set", arguments))


def pairs(option: str, items: list[str] | None) -> tuple[tuple[str, Any], ...]:
    pairs: list[tuple[str, Any]] = []
    for item in items or ():
        name, equals, value = item.partition("=")
        if not equals:
            raise StudyError(f"{option} {item}: expected NAME=VALUE")
        try:
            pairs.append((name, json.loads(value)))
        except ValueError:
            pairs.append((name, value))
    return tuple(pairs)


def open_study(file: Path, store: Path, arguments: list[str] | None) -> tuple[Study, Store]:
    """To look at results only."""
    return checked(origin_of(file, arguments)), Store(store, read_only=True)


def checked(origin: Origin) -> Study:
    """The study, whose claims name only what it has; else `StudyError`."""
    from layover.evidence import check_claims

    study = load(origin)
    check_claims(study)
    return study


def open_results(file: Path, store: Path, arguments: list[str] | None) -> tuple[Study, Store]:
    study, place = open_study(file, store, arguments)
    if not place.exists:
        raise StoreError(
            f"{store} holds no results: name the store that the study was run with (--store), or "
            "run the study first"
        )
    return study, place


def complain(message: str) -> None:
    typer.echo(message, err=True)


def plain(value: Any) -> Any:
    """A value for JSON, which has neither NaN nor infinity: what was not measured is null."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
