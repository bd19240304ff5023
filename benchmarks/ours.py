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
from benchmarks.text import tokenizer
from benchmarks.training import Job, watch
from layover.encoders import Folder
from layover.recipe import Recipe, steps
from layover.stage import Made, Resources, Shared, Stage
from layover.tasks.bucc import BUCC
from layover.tasks.task import Data, Examples, Task, Unit
from layover.tasks.types.mining import Mining

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

    def shared(self, thing: Shared[Made]) -> Made:
        return thing.make()

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
        """Of the whole training."""
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
            under_way = training(self.job, model, self.job.corpus(units), chosen, Path(folder))
            try:
                under_way.loop.run()
            except Finished:
                unwatch()
                if self.job.checkpoint:
                    under_way.loop.save()
                    gate.notes["checkpoint"] = folder_size(Path(folder))
                # The end of a training takes memory too.
                under_way.finish()
                raise


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """A training that can be ended before its time."""

    loop: Any
    active: Any
    """The rows in use, where others were left out."""
    job: Job

    def finish(self) -> None:
        """What a training does after its last step: the whole table again, and the model saved."""
        from layover.modeling.save import save
        from layover.training.optimiser import decays

        loop = self.loop
        loop.weights.give_back()
        if self.active is not None:
            self.active.restore(decays(loop.recipe, loop.sampler.steps, loop.steps_kept))
        folder = loop.context.folder / "models"
        save(loop.model, (self.job.what.task,), self.job.what.max_length, folder)


def load(job: Job, task: Task | None = None) -> Any:
    """The encoder under a new head for a task, the job's if no other."""
    from layover.modeling.load import load as load_model

    with tempfile.TemporaryDirectory() as folder:
        context: Any = Outside(folder=Path(folder))
        tasks = [task or job.what.task]
        return load_model(Folder(path=str(job.folder)), tasks, "new", 0, context)


def training(
    job: Job, model: Any, corpus: Sequence[Unit], chosen: Plan, folder: Path, **recipe: Any
) -> UnderWay:
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
    active = trim(model, [job.what.task], [features])
    if active is not None:
        features = active.renumbered(features)
    torch.manual_seed(0)
    loop = module.Loop(
        model,
        [Part(task=job.what.task, units=features)],
        sampler,
        Recipe(duration=steps(sampler.steps), **settings),
        Outside(folder=folder),
    )
    return UnderWay(loop=loop, active=active, job=job)


def predictor(job: Job, units: Sequence[Unit]) -> Any:
    """() -> the logits of each unit, in their order, of a model under a new head."""
    return outputs(job, load(job), units)


def outputs(job: Job, model: Any, units: Sequence[Unit]) -> Any:
    """() -> the logits of each unit, in their order."""
    import layover.inference.predict as inference
    from layover.modeling.features import Features

    task = job.what.task
    ready = _ready(job, model, task)
    features = Features.of(units)
    gc.collect()
    return lambda: inference.run(ready, task.type, features, model)


def _ready(job: Job, model: Any, task: Task) -> Any:
    """A task's head over the encoder, as it predicts."""
    from layover.modeling.memory import device
    from layover.modeling.precision import lower

    ready = model.heads[task.name].to(device()).eval()
    if job.precision == "bfloat16":
        lower(ready)
    return ready


def sentences(job: Job, texts: Sequence[str]) -> list[Unit]:
    """Texts as an embedding task encodes them."""
    found = tokenizer()(list(texts), truncation=True, max_length=128)["input_ids"]
    return [Unit(at, (tuple(ids),), ((),), ()) for at, ids in enumerate(found)]


def encoder(job: Job, texts: Sequence[str]) -> Any:
    """() -> a vector for each text, of the last layer."""
    import layover.inference.predict as inference
    from layover.modeling.features import Features

    model = load(job, BUCC)
    ready = _ready(job, model, BUCC)
    kind = Mining(layers=(ready.config.num_hidden_layers,))
    gc.collect()
    return lambda: inference.run(ready, kind, Features.of(sentences(job, texts)), model)


def batches(units: Sequence[Unit], batch: int, folder: Path) -> Any:
    """(epoch) -> the batches of an epoch, as a training draws and packs them, from features that
    are stored in `folder` and opened anew for each."""
    from layover.modeling.batch import collate
    from layover.modeling.features import Features
    from layover.training.sampler import Sampler

    Features.of(units).save(folder)
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
        features = Features.open(folder)
        for step in range(number * count, (number + 1) * count):
            for _, chosen in sampler.at(step):
                yield collate(features, chosen)

    return epoch


def masked_loss(model: Any, ids: Any, target: Any) -> Any:
    """() -> the loss of a masked language model without its layers by our head, whose gradient is
    computed too, as a training in bfloat16 does. `ids` and `target` are [sequences, length]."""
    import torch

    from layover.modeling.batch import collate
    from layover.modeling.features import Features
    from layover.modeling.heads import HEADS, count
    from layover.modeling.precision import Weights
    from layover.modeling.run import prepare

    prepare(model)
    model.roberta.encoder.layer = torch.nn.ModuleList()
    model.train()
    weights = Weights(model, "bfloat16")
    rows = zip(ids.tolist(), target.tolist(), strict=True)
    features = Features.of(Unit(0, (tuple(row),), ((),), tuple(wanted)) for row, wanted in rows)
    batch = collate(features, range(len(ids)))
    layer = HEADS["lm"]

    def step() -> Any:
        weights.zero_grad()
        loss = layer.loss(layer.logits(model, batch), batch) / count(batch.target)
        loss.backward()
        return loss

    return step
