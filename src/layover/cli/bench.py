"""The command that measures what models cost to serve."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from layover.cli.catalogue import Include, all_tasks
from layover.cli.shared import DEFAULT_STORE, AsJson, complain, plain
from layover.errors import StudyError

if TYPE_CHECKING:
    from layover.bench.race import Outcome
    from layover.tasks.task import Data, Task

KEPT = "alphabet"


def bench(
    models: Annotated[list[Path], typer.Argument(help="Model folders, compared with each other.")],
    task: Annotated[str, typer.Option(help="The task whose text is served; layover tasks.")],
    split: Annotated[str, typer.Option(help="Of the task's examples.")] = "test",
    languages: Annotated[str, typer.Option(help="Codes, with commas; default: all.")] = "",
    backend: Annotated[
        str, typer.Option(help="Of eager,compile,onnx,onnx-int8; the first is always run.")
    ] = "eager",
    batch: Annotated[str, typer.Option(help="Examples of a request, with commas.")] = "1,32",
    vocabulary: Annotated[
        str, typer.Option(help="Languages to trim the word table to; those alone are served.")
    ] = "",
    keep: Annotated[
        str, typer.Option(help="Rows that stay: of the text's alphabet, or seen in it.")
    ] = KEPT,
    rounds: Annotated[int, typer.Option(help="Of every process.")] = 10,
    requests: Annotated[int, typer.Option(help="Of each size and language in a round.")] = 10,
    launches: Annotated[int, typer.Option(help="How often processes are started.")] = 1,
    threads: Annotated[int, typer.Option(help="Of each process.")] = 1,
    examples: Annotated[int, typer.Option(help="Of each language.")] = 200,
    max_length: Annotated[int, typer.Option(help="Tokens; default: as the model says.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="A new folder for samples and exported models.")
    ] = None,
    include: Include = None,
    as_json: AsJson = False,
) -> None:
    """What models cost to serve on a task's real text: latency, throughput, memory, disk."""
    from layover.bench.benchmark import Aim, measure
    from layover.bench.race import Setup, labels_of
    from layover.tasks.task import Subset, load

    setup = Setup(
        batches=tuple(int(size) for size in _codes(batch, digits=True)),
        rounds=rounds,
        requests=requests,
        launches=launches,
        threads=threads,
    )
    found: Task = all_tasks(include).get(task)
    text = _data(found, split, _codes(vocabulary)) if vocabulary else None
    chosen = _data(found, split, _codes(languages or vocabulary) or found.languages)
    _all_in(chosen, text)
    served = replace(chosen, subset=Subset(size=examples))
    aim = Aim(
        models=_named(models),
        backends=_codes(backend),
        examples=load(served, _no_stage),
        metric=found.metrics[0],
        max_length=max_length or _longest(models),
        vocabulary=None if text is None else load(text, _no_stage),
        keep=keep,
    )
    for place in aim.models.values():
        labels_of(place, found)
    folder = _new(out or DEFAULT_STORE / time.strftime("bench-%Y%m%d-%H%M%S"))
    outcome = measure(aim, setup, folder.resolve(), complain)
    _print(outcome, aim.metric.label, as_json)
    complain(f"samples, facts and exported models: {folder}")
    if any(facts.failure for facts in outcome.facts.values()):
        raise typer.Exit(1)


def _print(outcome: Outcome, metric: str, as_json: bool) -> None:
    from rich.console import Console

    from layover.bench.show import tables

    if as_json:
        for row in _rows(outcome):
            typer.echo(json.dumps(plain(row)))
        return
    console = Console()
    for part in tables(outcome, metric):
        console.print(part)


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    """A row for each model, backend, batch and language ("" for all)."""
    from dataclasses import asdict

    from layover.bench.summary import costs

    rows: list[dict[str, Any]] = []
    for (model, backend), facts in outcome.facts.items():
        known = asdict(facts)
        known |= known.pop("agreement") or {}
        quality = known.pop("quality", {})
        mine = [
            one for one in costs(outcome.samples) if (one.model, one.backend) == (model, backend)
        ]
        rows += [{**asdict(one), **known, "quality": quality.get(one.language)} for one in mine]
        if not mine:
            rows.append({"model": model, "backend": backend, **known})
    return rows


def _codes(text: str, digits: bool = False) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if digits and not (found and all(part.isdigit() for part in found)):
        raise StudyError(f"--batch {text}: expected numbers with commas, such as 1,32")
    return found


def _data(task: Task, split: str, languages: tuple[str, ...]) -> Data:
    from layover.tasks.task import Data

    if not languages:
        raise StudyError(f"{task.name} does not say its languages: name some with --languages")
    return Data(task=task, split=split, languages=languages)


def _all_in(served: Data, text: Data | None) -> None:
    """Whether a model that is trimmed to this text, if any, serves all of these languages."""
    if text and (others := set(served.languages) - set(text.languages)):
        raise StudyError(
            f"--languages {', '.join(sorted(others))}: a model that is trimmed to "
            f"{', '.join(text.languages)} does not serve them; leave them out, or name them in "
            "--vocabulary"
        )


def _new(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise StudyError(f"{folder} holds something: name a new folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _no_stage(stage: Any) -> Path:
    raise StudyError(f"the files of this task are written by {stage.label}: run its study instead")


def _named(models: list[Path]) -> dict[str, Path]:
    """Folders under names as short as tell them apart."""
    for depth in range(1, max(len(path.resolve().parts) for path in models)):
        names = ["/".join(path.resolve().parts[-depth:]) for path in models]
        if len(set(names)) == len(names):
            return {name: path.resolve() for name, path in zip(names, models, strict=True)}
    raise StudyError("the same model folder is named twice: name each once")


def _longest(models: list[Path]) -> int:
    """What all of the models were trained to read; 128 where none says it."""
    from layover.modeling.folder import about
    from layover.stages import READ_LENGTH

    return min((about(path).get("max_length", READ_LENGTH) for path in models), default=READ_LENGTH)
