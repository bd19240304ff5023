"""A benchmark from end to end: models and text in, a folder with samples and facts out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from layover import spec
from layover.bench.backends import REFERENCE, backend
from layover.bench.race import Contender, Outcome, Race, Setup
from layover.bench.samples import ABOUT, FILE, write
from layover.bench.trim import trim
from layover.bench.workload import Workload
from layover.encoders import Start
from layover.errors import ModelError
from layover.metrics.metric import Metric
from layover.modeling.folder import about
from layover.modeling.load import folders_of
from layover.stage import Context
from layover.store import write_json
from layover.tasks.task import Data, Examples

TRIMMED = " trimmed"
"""What the trimmed form of a model is called, behind its name."""


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What is compared, and on what."""

    models: Mapping[str, Path]
    """Name -> folder."""
    backends: Sequence[str]
    examples: Examples
    metric: Metric
    max_length: int
    vocabulary: Examples | None = None
    """The text that decides which rows of the word table a trimmed form of each model keeps."""
    keep: str = "alphabet"


def measure(aim: Aim, setup: Setup, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Run the race in `folder`, which gets the samples, the facts and, in `models`, what was
    exported and trimmed. Nothing is left out of it but what failed, which it says."""
    for name in aim.backends:
        backend(name).check()
    # Without the reference nothing can be compared.
    backends = tuple(dict.fromkeys((REFERENCE, *aim.backends)))
    contenders = [
        Contender(model=name, folder=place, backend=each)
        for name, place in aim.models.items()
        for each in backends
    ]
    rows: dict[str, dict[str, int]] = {}
    if aim.vocabulary is not None:
        text = Workload.of(aim.vocabulary, aim.max_length)
        for number, (name, place) in enumerate(aim.models.items()):
            smaller = folder / "models" / f"trimmed-{number}"
            smaller.mkdir(parents=True)
            rows[name + TRIMMED] = trim(place, text, aim.keep, smaller)
            contenders += [
                Contender(model=name + TRIMMED, folder=smaller, backend=each, whole=name)
                for each in backends
            ]
    race = Race(
        contenders=contenders,
        examples=aim.examples,
        metric=aim.metric,
        max_length=aim.max_length,
        setup=setup,
        folder=folder,
        say=say,
    )
    outcome = race.run()
    write(outcome.samples, folder / FILE)
    write_json(folder / ABOUT, _told(aim, setup, outcome, rows))
    return outcome


def _told(aim: Aim, setup: Setup, outcome: Outcome, rows: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": aim.examples.task.name,
        "metric": aim.metric.label,
        "max_length": aim.max_length,
        "setup": asdict(setup),
        "rows": rows,
        "contenders": [
            {"model": model, "backend": name, **asdict(facts)}
            for (model, name), facts in outcome.facts.items()
        ],
    }


class Benchmarking(Protocol):
    """What `layover.stages.Benchmark` declares."""

    @property
    def models(self) -> tuple[Start, ...]: ...
    @property
    def data(self) -> Data: ...
    @property
    def metric(self) -> Metric: ...
    @property
    def backends(self) -> tuple[str, ...]: ...
    @property
    def batches(self) -> tuple[int, ...]: ...
    @property
    def rounds(self) -> int: ...
    @property
    def requests(self) -> int: ...
    @property
    def launches(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def max_length(self) -> int: ...


def benchmark(wanted: Benchmarking, context: Context) -> None:
    """Write samples.parquet and bench.json, in which a model is named by its key and what failed
    under a backend says why. Raises `ModelError` if a reference failed: without it nothing is known
    to be right."""
    models = {
        spec.key(model): folder_for(folders_of(model, context), wanted.data)
        for model in wanted.models
    }
    aim = Aim(
        models=models,
        backends=wanted.backends,
        examples=context.data(wanted.data),
        metric=wanted.metric,
        max_length=wanted.max_length,
    )
    setup = Setup(
        batches=wanted.batches,
        rounds=wanted.rounds,
        requests=wanted.requests,
        launches=wanted.launches,
        threads=wanted.threads,
    )
    with tempfile.TemporaryDirectory() as place:
        outcome = measure(aim, setup, Path(place), context.say)
        for name in (FILE, ABOUT):
            (context.folder / name).write_bytes((Path(place) / name).read_bytes())
    failed = [
        f"{model}: {facts.failure}"
        for (model, name), facts in outcome.facts.items()
        if name == REFERENCE and facts.failure
    ]
    if failed:
        raise ModelError("; ".join(failed))


def folder_for(folders: Sequence[Path], data: Data) -> Path:
    """The one of a model's folders whose head does the task of `data`: of its name, else of its
    kind and labels."""
    named = [folder for folder in folders if about(folder).get("task") == data.task.name]
    kind = data.task.type
    able = [
        folder
        for folder in folders
        if about(folder).get("head") == kind.head
        and set(about(folder).get("labels", ())) == set(kind.labels)
    ]
    for found in (named, able):
        if len(found) == 1:
            return found[0]
    raise ModelError(
        f"{len(able)} of {', '.join(folder.name for folder in folders)} have a head for "
        f"{data.task.name}; one is needed"
    )
