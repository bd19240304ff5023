"""A `Train` stage: from its declaration to a trained model on disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import nn

from layover.encoders import Start
from layover.errors import StudyError, TrainingError
from layover.inference import predict as inference
from layover.inference.rows import Rows
from layover.inference.table import Table
from layover.modeling.active import trim
from layover.modeling.checkpointing import checkpoint_layers
from layover.modeling.company import company
from layover.modeling.encode import Encoded, encoded
from layover.modeling.features import Features
from layover.modeling.load import Model, load
from layover.modeling.save import save
from layover.recipe import Check, HeadPolicy, Recipe, Selection
from layover.stage import Context
from layover.tasks.mixture import Mixture, parts_of
from layover.tasks.task import Data, Examples
from layover.training.gradient import Part
from layover.training.loop import Loop, Selector
from layover.training.optimiser import decays
from layover.training.sampler import Sampler, language_shares


class Training(Protocol):
    """What `layover.stages.Train` declares."""

    @property
    def start(self) -> Start: ...
    @property
    def data(self) -> Data | Mixture: ...
    @property
    def recipe(self) -> Recipe: ...
    @property
    def seed(self) -> int: ...
    @property
    def head(self) -> HeadPolicy: ...
    @property
    def selection(self) -> Selection | None: ...


def train(wanted: Training, context: Context) -> None:
    """Train and write `models/<task>` for each head."""
    torch.set_num_threads(context.resources.threads)
    recipe = wanted.recipe
    data = parts_of(wanted.data)
    tasks = tuple(part.task for part in data)
    model = load(wanted.start, tasks, wanted.head, wanted.seed, context)
    context.say(model.handoff)
    if context.resources.checkpointing:
        for head in model.heads.values():
            checkpoint_layers(head)
    inference.check_length(model, recipe.max_length)
    read = [_learnable(part, model, recipe, context) for part in data]
    sampler = _sampler(wanted, read)
    measured = _measured(wanted.selection, model, recipe, context)
    parts = [
        Part(task=task, units=each.units, names=each.names)
        for task, each in zip(tasks, read, strict=True)
    ]
    used = [part.units for part in parts] + [each.units for each in measured]
    active = trim(model, tasks, used)
    if active is not None:
        model = replace(model, rows=active.digest)
        context.say(active.told)
        parts = [replace(part, units=active.renumbered(part.units)) for part in parts]
        measured = [replace(each, units=active.renumbered(each.units)) for each in measured]
    # Dropout draws from here on; the heads were drawn from the same seed.
    mine = company()
    torch.manual_seed(mine.seed(wanted.seed))
    loop = Loop(model, parts, sampler, recipe, context, mine)
    loop.run(_selector(wanted.selection, measured, model, context))
    if not mine.first:
        return
    if active is not None:
        active.restore(decays(recipe, sampler.steps, loop.steps_kept))
    save(model, tasks, recipe.max_length, context.folder / "models")


def _learnable(data: Data, model: Model, recipe: Recipe, context: Context) -> Encoded:
    """Data to train on; raises `TrainingError` for what nothing can be learned of."""
    read = encoded(data, model.tokenizer, recipe.max_length, context)
    units, head = read.units, data.task.type.head
    if head != "lm" and not (units.target.values != -100).any():
        raise TrainingError(f"{data.label} {data.split}: its labels were withheld, none to learn")
    owners = np.repeat(units.examples, units.target.lengths)
    alone = owners[units.target.values == -100]
    if len(alone) and head in ALONE:
        raise TrainingError(
            f"{data.label} {data.split}: {len(alone)} of {len(units)} examples, such as "
            f"{read.names[alone[0]]!r}, {ALONE[head]}"
        )
    return read


WITHHELD = "have no label: give them theirs, or leave them out of the files"
ALONE = {
    "sequence": WITHHELD,
    "choice": WITHHELD,
    "dual": "are a query or a candidate alone: a dual encoder trains on pairs",
}
"""What is said of examples without a target, by the heads that cannot train on them."""


def _sampler(wanted: Training, read: Sequence[Encoded]) -> Sampler:
    data, recipe = wanted.data, wanted.recipe
    exponents = [part.exponent for part in parts_of(data)]
    sizes = [
        (len(each.units),) if exponent is None else each.sizes
        for each, exponent in zip(read, exponents, strict=True)
    ]
    totals = [sum(size) for size in sizes]
    if isinstance(data, Mixture):
        probabilities = data.probabilities(totals)
        epoch = data.steps_per_epoch(totals, recipe.batch)
    else:
        probabilities, epoch = (1.0,), -(-totals[0] // recipe.batch)
    return Sampler(
        sizes=tuple(sizes),
        shares=tuple(map(language_shares, sizes, (exponent or 0.0 for exponent in exponents))),
        probabilities=probabilities,
        batch=recipe.batch,
        steps=recipe.duration.steps(epoch),
        seed=wanted.seed,
        several=isinstance(data, Mixture) and data.each_step == "several",
        window=recipe.window,
        lengths=tuple(each.units.lengths for each in read),
    )


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A data set that the model is measured on while it trains."""

    data: Data
    examples: Examples
    units: Features


def _measured(
    selection: Selection | None, model: Model, recipe: Recipe, context: Context
) -> list[_Measured]:
    """The data of a selection's checks, each once."""
    found: list[_Measured] = []
    for check in selection.checks if selection else ():
        data = check.data
        # Compared and not hashed: what a source is made of need not be hashable.
        if data in [each.data for each in found]:
            continue
        examples = _labelled(data, model, context)
        units = encoded(data, model.tokenizer, recipe.max_length, context).units
        found.append(_Measured(data=data, examples=examples, units=units))
    return found


def _labelled(data: Data, model: Model, context: Context) -> Examples:
    """Examples to measure by; raises `StudyError` for a task without a head, or without labels."""
    task = data.task
    if task.name not in model.heads:
        raise StudyError(
            f"the selection measures {task.name}, which is not trained here; there are heads for "
            f"{', '.join(model.heads)}"
        )
    examples = context.data(data)
    for example, code in zip(examples.items, examples.languages, strict=True):
        if task.type.target(example) is None:
            raise StudyError(
                f"the selection needs labels, which {task.name} {data.split} withholds in {code} "
                f"(example {example.id!r})"
            )
    return examples


def _selector(
    selection: Selection | None, measured: Sequence[_Measured], model: Model, context: Context
) -> Selector | None:
    if selection is None:
        return None
    said: set[str] = set()

    def once(message: str) -> None:
        """Every measurement finds anew what memory allows."""
        if message not in said:
            context.say(message)
        said.add(message)

    watch = inference.Watch(say=once)

    def rows(each: _Measured, heads: nn.ModuleDict) -> Rows:
        task = each.data.task
        outputs = inference.run(heads[task.name], task.type, each.units, model, watch=watch)
        return inference.rows(each.examples, each.units, outputs)

    def measure(heads: nn.ModuleDict) -> list[float]:
        found = [rows(each, heads) for each in measured]
        places = [each.data for each in measured]
        return [_score(found[places.index(check.data)], check) for check in selection.checks]

    return Selector(selection=selection, measure=measure)


def _score(rows: Rows, check: Check) -> float:
    """The mean over the languages, in percent; NaN if one has none."""
    scores = Table.of(rows, check.metric, check.data.task.type).above({}).means().values()
    return float(np.mean([math.nan if score is None else score for score in scores]))
