"""Layover's side of every race: the only file here that knows its engine."""

from __future__ import annotations

import gc
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import THREADS, Finished, Gate, folder_size
from benchmarks.plan import Plan
from benchmarks.training import Job, watch
from layover.encoders import Folder
from layover.recipe import Recipe, steps
from layover.stage import Resources, Stage
from layover.tasks.task import Data, Examples, Unit

TWO_THREADS = Resources(threads=THREADS)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A context outside any store, in which a training is not interrupted."""

    folder: Path
    resources: Resources = TWO_THREADS

    def result(self, stage: Stage) -> Path:
        raise AssertionError(f"{stage.label} is nobody's parent here")

    def data(self, data: Data) -> Examples:
        raise AssertionError(f"{data.label} is read elsewhere")

    def say(self, message: str) -> None:
        """Nobody listens."""

    def progress(self, step: int, total: int, numbers: Mapping[str, float]) -> None:
        """Nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Draws that were made beforehand, in place of a `Sampler`'s."""

    chosen: Plan
    seed: int = 0

    @property
    def steps(self) -> int:
        return len(self.chosen.batches)

    def at(self, step: int) -> list[tuple[int, list[int]]]:
        return [(0, list(self.chosen.batches[step]))]


@dataclass(frozen=True, kw_only=True)
class Layover:
    """A training as a study runs it, from the loaded model on."""

    job: Job

    @property
    def name(self) -> str:
        return "Layover"

    def run(self, gate: Gate) -> None:
        units = self.job.units()
        chosen = self.job.plan(units, grouped=False)
        model = load(self.job)
        gc.collect()
        gate.loaded()
        unwatch = watch(gate, chosen, units)
        with tempfile.TemporaryDirectory() as folder:
            loop = training(self.job, model, self.job.corpus(units), chosen, Path(folder))
            try:
                loop.run()
            except Finished:
                unwatch()
                if self.job.checkpoint:
                    loop.save()
                    gate.notes["checkpoint"] = folder_size(Path(folder))
                raise


def load(job: Job) -> Any:
    """The encoder under a new head for the job."""
    from layover.modeling.load import load as load_model

    with tempfile.TemporaryDirectory() as folder:
        context: Any = Outside(folder=Path(folder))
        task = job.what.task
        if job.folder.joinpath("tokenizer.json").is_file():
            return load_model(Folder(path=str(job.folder)), [task], "new", 0, context)
        return _without_tokenizer(load_model, job, task, context)


def _without_tokenizer(load_model: Any, job: Job, task: Any, context: Any) -> Any:
    """A small encoder has ids only: the big tokenizer is put beside it once it is loaded."""
    from transformers import AutoTokenizer

    import layover.modeling.load as module
    from benchmarks.text import vocabulary

    found, module._tokenizer = (
        module._tokenizer,
        lambda *_: AutoTokenizer.from_pretrained(vocabulary()),
    )
    try:
        return load_model(Folder(path=str(job.folder)), [task], "new", 0, context)
    finally:
        module._tokenizer = found


def training(
    job: Job, model: Any, corpus: Sequence[Unit], chosen: Plan, folder: Path, **recipe: Any
) -> Any:
    """The loop over a plan's batches; `corpus` holds the units of the plan and what else there
    is."""
    import torch

    import layover.training.loop as module
    from layover.modeling.active import trim
    from layover.modeling.features import Features
    from layover.training.gradient import Part

    # Saving is off on every side.
    module.CHECKPOINT_SECONDS = math.inf
    settings: dict[str, Any] = {
        "learning_rate": 2e-5,
        "warmup": 0.0,
        "batch": job.batch,
        "precision": job.precision,
        "max_length": job.what.max_length,
        **recipe,
    }
    sampler: Any = Planned(chosen=chosen)
    features = Features.of(corpus)
    active = trim(model, [features])
    if active is not None:
        features = active.renumbered(features)
    torch.manual_seed(0)
    return module.Loop(
        model,
        [Part(task=job.what.task, units=features)],
        sampler,
        Recipe(duration=steps(sampler.steps), **settings),
        Outside(folder=folder),
    )


def predictor(job: Job, units: Sequence[Unit]) -> Any:
    """() -> the logits of each unit, in their order, of a model under a new head."""
    return outputs(job, load(job), units)


def outputs(job: Job, model: Any, units: Sequence[Unit]) -> Any:
    """() -> the logits of each unit, in their order."""
    import layover.inference.predict as inference
    from layover.modeling.features import Features
    from layover.modeling.precision import lower

    task = job.what.task
    ready = model.heads[task.name].eval()
    if job.precision == "bfloat16":
        lower(ready)
    features = Features.of(units)
    gc.collect()
    return lambda: inference.run(ready, task.type, features, model)


def sentences(job: Job, texts: Sequence[str]) -> list[Unit]:
    """Texts as an embedding task encodes them."""
    from transformers import AutoTokenizer

    from benchmarks.text import vocabulary

    tokenizer = AutoTokenizer.from_pretrained(vocabulary())
    found = tokenizer(list(texts), truncation=True, max_length=128)["input_ids"]
    return [Unit(at, (tuple(ids),), ((),), ()) for at, ids in enumerate(found)]


@dataclass(frozen=True, kw_only=True)
class LastLayer:
    """The task type of sentence vectors, of which one layer is kept."""

    layers: tuple[int, ...]

    head = "embed"
    labels = ()


def encoder(job: Job, texts: Sequence[str]) -> Any:
    """() -> a vector for each text, of the last layer."""
    import layover.inference.predict as inference
    from layover.modeling.features import Features
    from layover.modeling.load import load as load_model
    from layover.modeling.precision import lower
    from layover.tasks.tatoeba import TATOEBA

    with tempfile.TemporaryDirectory() as folder:
        context: Any = Outside(folder=Path(folder))
        model = load_model(Folder(path=str(job.folder)), [TATOEBA], "new", 0, context)
    ready: Any = model.heads[TATOEBA.name].eval()
    if job.precision == "bfloat16":
        lower(ready)
    kind = LastLayer(layers=(ready.config.num_hidden_layers,))
    gc.collect()
    return lambda: inference.run(ready, kind, Features.of(sentences(job, texts)), model)


def batches(units: Sequence[Unit], batch: int, folder: Path) -> Any:
    """(epoch) -> the batches of an epoch, as a training draws and packs them. They are read from
    memory: `folder` is where they will be stored."""
    from layover.modeling.batch import collate
    from layover.modeling.features import Features
    from layover.training.sampler import Sampler

    features = Features.of(units)
    count = len(units) // batch
    sampler = Sampler(
        sizes=((len(units),),),
        shares=((1.0,),),
        probabilities=(1.0,),
        batch=batch,
        steps=100 * count,
        seed=0,
    )

    def epoch(number: int) -> Any:
        for step in range(number * count, (number + 1) * count):
            for _, chosen in sampler.at(step):
                yield collate(features, chosen)

    return epoch
