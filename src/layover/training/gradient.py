"""The gradient of a step, in as many pieces as memory asks for.

The batch of each task in a step is put together as a whole, and masked if it is a language model,
before it is shared out among the processes of a company and cut into pieces. The loss is the same
however it is cut: a task's loss is the mean over its targets, and the step's loss the sum over its
tasks, weighted by their shares of its units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from layover.errors import TrainingError
from layover.inference.masking import mask
from layover.modeling.batch import Batch, collate
from layover.modeling.company import ALONE, Company, OthersLackMemory
from layover.modeling.features import Features
from layover.modeling.heads import HEADS, count
from layover.modeling.load import Model
from layover.modeling.memory import device, out_of_memory, release
from layover.modeling.precision import Weights
from layover.recipe import Recipe
from layover.tasks.task import Task
from layover.training.backward import backward
from layover.training.randomness import random_state, restore
from layover.training.sampler import Draws


@dataclass(frozen=True, kw_only=True)
class Part:
    """One task of a training: its units under its head."""

    task: Task
    units: Features
    names: Sequence[str] = ()
    """The ids of the examples that the units belong to."""


@dataclass(frozen=True, kw_only=True)
class _Whole:
    """The batch of one task in a step, as far as it is this process's, before it is cut."""

    part: int
    batch: Batch
    order: list[int]
    """Its units from short to long, so that those of a piece are alike; none if all are others'."""
    total: int
    """Targets, over all processes."""
    share: float
    """Of the step's units."""
    company: Company
    """Who computes the task's loss together."""


@dataclass(kw_only=True)
class Gradient:
    """Adds the gradients of steps to the heads' parameters."""

    model: Model
    weights: Weights
    parts: Sequence[Part]
    recipe: Recipe
    seed: int
    say: Callable[[str], None]
    company: Company = ALONE
    splits: int = 1
    """Pieces of each of the recipe's accumulation steps: doubled whenever memory is lacking."""

    def add(self, step: int, draws: Draws) -> dict[int, float]:
        """The mean loss of each part in the step, whose gradient is added to the heads'. Both are
        the sums over all processes.

        Raises `TrainingError` if memory does not suffice for one unit.
        """
        wholes = [self._whole(step, place, draws) for place in range(len(draws))]
        while True:
            state = random_state()
            lacks = True
            try:
                losses = [self._backward(whole) for whole in wholes]
                self.company.rows(0)
                break
            except OthersLackMemory:
                lacks, reason = False, "in another process"
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                reason = str(error).strip().partition("\n")[0]
            # Only here, where the error is gone, is what it held free again.
            self.weights.zero_grad()
            release()
            if lacks:
                self.company.lacks()
            self._split(step, reason)
            restore(state)
        # In float32 also where the model computes in bfloat16: nothing is rounded on the way.
        self.company.sum_gradients(list(self.weights.named.values()))
        summed = self.company.sum(losses)
        return {whole.part: loss for whole, loss in zip(wholes, summed, strict=True)}

    def _whole(self, step: int, place: int, draws: Draws) -> _Whole:
        part, chosen = draws[place]
        task, units = self.parts[part].task, self.parts[part].units
        batch = collate(units, chosen)
        if task.type.head == "lm":
            kind: Any = task.type
            batch = mask(batch, self.model.tokenizer, kind.rate, (self.seed, 2, step, place))
        total = max(count(batch.target), 1)
        company = self.company
        if HEADS[task.type.head].joint and len(chosen) < company.size:
            # Too few to meet: they are the first process's.
            company = ALONE
            mine = list(range(len(chosen))) if self.company.first else []
        else:
            mine = company.share(units.sizes[chosen])
        if 0 < len(mine) < len(chosen):
            batch = batch.take(mine)
        return _Whole(
            part=part,
            batch=batch,
            order=np.argsort(units.lengths[np.asarray(chosen)[mine]], kind="stable").tolist(),
            total=total,
            share=len(chosen) / sum(len(every) for _, every in draws),
            company=company,
        )

    def _backward(self, whole: _Whole) -> float:
        """This process's part of the mean loss."""
        if not whole.order:
            return 0.0
        task = self.parts[whole.part].task
        layer, model = HEADS[task.type.head], self.model.heads[task.name]
        pieces = [piece.to(device()) for piece in self._pieces(whole)]

        def forward(piece: Batch) -> Tensor:
            return layer.logits(model, piece)

        return backward(layer, forward, pieces, whole.total, whole.share, whole.company)

    def _pieces(self, whole: _Whole) -> Iterator[Batch]:
        if self._size >= len(whole.order):
            yield whole.batch
            return
        for start in range(0, len(whole.order), self._size):
            yield whole.batch.take(whole.order[start : start + self._size])

    @property
    def _size(self) -> int:
        """Units of a piece at most."""
        return -(-self.recipe.batch // (self.recipe.accumulation * self.splits))

    def _split(self, step: int, reason: str) -> None:
        if self._size == 1:
            raise TrainingError(
                f"step {step + 1}: memory does not suffice for a single example ({reason}): lower "
                f"the recipe's max_length ({self.recipe.max_length}), take a smaller encoder, or "
                "more memory"
            )
        self.splits *= 2
        while self._size > -(-self.recipe.batch // self.company.size):
            # No process has so many.
            self.splits *= 2
        self.say(
            f"step {step + 1}: out of memory; from here on at most {self._size} examples are "
            "computed at once, with the same loss over a step as before"
        )
