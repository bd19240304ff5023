"""The commands about one study: run, compare, report, where, prune; and predict."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from layover.changes import remember
from layover.cli.shared import (
    DEFAULT_STORE,
    Argument,
    AsJson,
    StoreFolder,
    StudyFile,
    checked,
    complain,
    open_results,
    origin_of,
    pairs,
)
from layover.errors import LayoverError, ModelError, StoreError, StudyError, UnknownName
from layover.executors.execute import plan
from layover.registry import unknown
from layover.report.formats import WRITERS, Format
from layover.running import Kind, Where, complete, mending
from layover.stage import Stage, closure
from layover.stages import Score, Train
from layover.store import Store
from layover.study import Study


def run(
    study: StudyFile,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    workers: Annotated[int, typer.Option(help="Processes or jobs; 0: as many as fit.")] = 0,
    executor: Annotated[Kind, typer.Option(help="Where stages run.")] = Kind.process,
    slurm: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for the jobs of --executor slurm.")
    ] = None,
) -> None:
    """Do what is missing, then print the comparison."""
    origin = origin_of(study, arguments)
    value, place = checked(origin), Store(store)
    if slurm and executor is not Kind.slurm:
        raise StudyError(f"--slurm is for --executor slurm, and this is {executor.value}")
    where = Where(kind=executor, workers=workers, options=pairs("--slurm", slurm))
    if plan(value, place).todo:
        remember(value, place)
    else:
        typer.echo(f"all {len(value.stages)} stages of {value.name} are done")

    def act() -> None:
        if not complete(value, place, origin, where, complain):
            raise typer.Exit(1)
        _compare(value, place)

    mending(act, complain)


def _compare(study: Study, store: Store, target: str = "", form: Format = Format.table) -> None:
    from rich.console import Console

    from layover.report.table import table
    from layover.results import report as gather

    found = gather(study, store)
    names = [one.name for one in found.targets]
    if target and target not in names:
        raise UnknownName(unknown("target", target, names))
    if form is Format.table:
        Console().print(table(found, target))
    else:
        typer.echo(WRITERS[form](found, target))


def compare(
    study: StudyFile,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    target: Annotated[str, typer.Option(help="One target, language by language.")] = "",
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.table,
    as_json: AsJson = False,
) -> None:
    """Paired differences from the baseline, with 95 % intervals."""
    value, place = open_results(study, store, arguments)
    _compare(value, place, target, Format.json if as_json else form)


def report(
    study: StudyFile,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    out: Annotated[Path | None, typer.Option(help="The HTML file.")] = None,
) -> None:
    """Write one self-contained HTML file."""
    from layover.report.html import render
    from layover.results import report as gather

    value, place = open_results(study, store, arguments)
    path = out or store / f"{value.name}.html"
    settings = "".join(f" --set {shlex.quote(item)}" for item in arguments or ())
    commands = tuple(
        f"layover {verb} {shlex.quote(str(study))} --store {shlex.quote(str(store))}{settings}"
        for verb in ("run", "report")
    )
    try:
        path.write_text(render(gather(value, place, commands)), encoding="utf-8")
    except OSError as error:
        raise LayoverError(
            f"the report cannot be written to {path}: {error.strerror}; name another place with "
            "--out"
        ) from error
    typer.echo(str(path))


def where(
    study: StudyFile,
    arm: str,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    as_json: AsJson = False,
) -> None:
    """The folders of an arm's models."""
    value, place = open_results(study, store, arguments)
    rows = []
    for leaf in value.arm(arm).leaves:
        if not isinstance(leaf, Score) or not isinstance(leaf.predictions.model, Stage):
            continue
        model = leaf.predictions.model
        models = place.result_folder(model) / "models"
        for path in sorted(item.parent for item in models.glob("*/config.json")):
            rows.append((leaf.target, getattr(model, "seed", None), str(path)))
    for row in rows:
        named = dict(zip(("target", "seed", "model"), row, strict=True))
        typer.echo(json.dumps(named) if as_json else "\t".join(map(str, row)))
    if not rows:
        raise StudyError(f"{arm} has no model in {store}: it was not run yet, or was pruned")


def predict(
    model: Annotated[Path, typer.Argument(help="A model's folder, as `layover where` prints it.")],
    source: Annotated[Path, typer.Option("--input", help="New text; see docs/tutorial.md.")],
    out: Annotated[Path | None, typer.Option(help="A file for the answers.")] = None,
) -> None:
    """Predictions of a trained model for new text."""
    from layover.inference.new_text import predict_file

    if not (model / "config.json").is_file():
        raise ModelError(f"{model} is not a model folder: it has no config.json")
    answers = list(predict_file(model, source))
    if out is None:
        for answer in answers:
            typer.echo(answer)
        return
    try:
        out.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
    except OSError as error:
        raise LayoverError(f"{out} cannot be written: {error.strerror}") from error


def prune(study: StudyFile, store: StoreFolder = DEFAULT_STORE, arguments: Argument = None) -> None:
    """Delete models and encoded data that no missing result needs, and what killed runs left
    behind.

    The arms in a study's `keep` keep theirs.
    """
    value, place = open_results(study, store, arguments)
    needed = {stage.key for stage in plan(value, place).todo}
    kept = {s.key for name in value.keep for s in closure(value.arm(name).leaves)}
    consumers: dict[str, list[Stage]] = {}
    for stage in value.stages:
        for parent in stage.parents:
            consumers.setdefault(parent.key, []).append(stage)
    freed = 0
    try:
        for stage in value.stages:
            busy = any(child.key in needed for child in consumers.get(stage.key, ()))
            if isinstance(stage, Train) and stage.key not in kept and not busy:
                freed += place.evict(stage)
            freed += place.clear(stage)
        if not needed:
            freed += place.forget()
        freed += place.sweep()
    except OSError as error:
        raise StoreError.refused(f"{store} cannot be pruned", error) from error
    typer.echo(f"freed {freed / 1e6:.1f} MB; what is needed again will be trained again")
