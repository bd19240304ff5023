"""The commands about XTREME and XTREME-R: score, submission."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
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

if TYPE_CHECKING:
    from layover.xtreme.score import Scores, TaskScore

BenchmarkName = Annotated[str, typer.Argument(metavar="BENCHMARK", help="xtreme or xtreme-r.")]


def score(
    benchmark: BenchmarkName,
    predictions: Annotated[
        Path, typer.Option(help="A folder with TASK/test-CODE files, or that of one task.")
    ],
    labels: Annotated[Path, typer.Option(help="The same files with the right answers.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Score the languages that are there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The official table of a folder of predictions. See docs/score.md."""
    from rich.console import Console

    from layover.xtreme import score as module
    from layover.xtreme.benchmarks import benchmark as find
    from layover.xtreme.table import Shown

    found = module.score(find(benchmark), predictions, labels, partial=partial)
    if as_json:
        typer.echo(json.dumps(plain(_row(found))))
    else:
        Console().print(Shown(scores=found))


def _row(scores: Scores) -> dict[str, Any]:
    return {
        "benchmark": scores.benchmark.name,
        "overall": scores.overall,
        "categories": dict(scores.categories),
        "tasks": {task.entry.folder: _task(task) for task in scores.tasks},
        "not_measured": dict(scores.unmeasured),
        "partial": scores.partial,
        "notes": list(scores.notes),
    }


def _task(task: TaskScore) -> dict[str, Any]:
    from layover.languages import language

    metrics = (*task.entry.metrics, *task.entry.beside)
    return {
        "score": task.score,
        "metrics": {
            metric.name: {
                "mean": task.mean(metric),
                "languages": {
                    language(code).short: task.values[metric.name][code] for code in task.examples
                },
            }
            for metric in metrics
        },
        "examples": {language(code).short: n for code, n in task.examples.items()},
        "languages": {"scored": len(task.examples), "of": len(task.entry.languages)},
    }


def submission(
    study: StudyFile,
    arm: Annotated[str, typer.Option(help="Whose predictions.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    seed: Annotated[int | None, typer.Option(help="Which of several seeds.")] = None,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    benchmark: Annotated[str, typer.Option(help="xtreme or xtreme-r.")] = "xtreme",
) -> None:
    """Write an arm's predictions in the layout of XTREME's submissions. See docs/score.md."""
    from layover.xtreme.benchmarks import benchmark as find
    from layover.xtreme.folders import shorts
    from layover.xtreme.submission import write_submission

    wanted = find(benchmark)
    value, place = open_results(study, store, arguments)
    written = write_submission(value, place, arm, wanted, out, seed)
    for entry in wanted.entries:
        mine = written.files.get(entry.folder, {})
        lacking = [code for code in entry.languages if code not in mine]
        text = f"{entry.folder:10}{len(mine):3} of {len(entry.languages)} languages"
        typer.echo(f"{text}; without {shorts(lacking)}" if lacking and mine else text)
    for note in written.notes:
        complain(note)
    sides = " ".join(
        f"--{kind} {shlex.quote(str(out / kind))}" for kind in ("predictions", "labels")
    )
    typer.echo(f"layover score {wanted.name} {sides} --partial")
