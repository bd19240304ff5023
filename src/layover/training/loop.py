"""The training loop.

One optimiser step: draw the step's tasks and their units, add up the gradient (see `gradient`),
clip, step. Everything random follows from the seed and the step, or is saved in the checkpoint, so
a training that was killed ends in the same bits as one that was not. That is promised on
processors: on CUDA the backward pass of flash attention and sums by index add numbers in an order
that changes from run to run (torch's deterministic algorithms are not asked for).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from layover.errors import TrainingError
from layover.modeling.company import ALONE, Company
from layover.modeling.load import Model
from layover.modeling.memory import device
from layover.modeling.precision import Weights
from layover.recipe import Recipe, Selection
from layover.stage import Context
from layover.training import checkpoint, randomness
from layover.training.checkpoint import Position
from layover.training.gradient import Gradient, Part
from layover.training.optimiser import optimiser, schedule, word_tables
from layover.training.randomness import random_state, restore
from layover.training.sampler import Draws, Sampler

CHECKPOINT_SECONDS = 60.0
REPORT_SECONDS = 0.5
LOG_POINTS = 200
"""Steps that a training logs at most, evenly spread."""
NAMED = 8
"""Examples that an error names at most."""


@dataclass(frozen=True, kw_only=True)
class Selector:
    """Measures a model in training: (heads) -> the score of each of the selection's checks, in
    percent."""

    selection: Selection
    measure: Callable[[nn.ModuleDict], Sequence[float]]


class Loop:
    """One training under way."""

    def __init__(
        self,
        model: Model,
        parts: Sequence[Part],
        sampler: Sampler,
        recipe: Recipe,
        context: Context,
        company: Company = ALONE,
    ) -> None:
        self.model, self.parts, self.sampler = model, parts, sampler
        self.recipe, self.context, self.company = recipe, context, company
        self.heads = model.heads.to(device())
        self.weights = Weights(self.heads, recipe.precision)
        self.optimiser = optimiser(self.weights.named, word_tables(self.heads), recipe)
        self.schedule = schedule(self.optimiser, recipe, sampler.steps)
        self.position = Position(step=0)
        self.scratch = context.folder / "scratch"
        self.log = context.folder / "log.jsonl"
        self.gradient = Gradient(
            model=model,
            weights=self.weights,
            parts=parts,
            recipe=recipe,
            seed=sampler.seed,
            say=context.say,
            company=company,
        )

    def run(self, selector: Selector | None = None) -> None:
        """Train to the end, or until the selection's patience is over, and leave the weights of
        the best or the last step in the model.

        Raises `TrainingError` when a loss, the gradient or a weight is not a finite number: the
        last checkpoint stays as it is. Also when memory does not suffice for one example.
        """
        self._resume()
        self.heads.train()
        meter = _Meter(self.context, self.sampler.steps, self.position.step)
        saved = time.monotonic()
        stride = max(1, self.sampler.steps // LOG_POINTS)
        while self.position.step < self.sampler.steps and not self._patience_over(selector):
            step = self.position.step
            rate = self.schedule.get_last_lr()[0]
            draws = self.sampler.at(step)
            losses = self._step(step, draws)
            self.position = replace(self.position, step=step + 1, splits=self.gradient.splits)
            meter.add(step + 1, self._mean(draws, losses), self._tokens(draws))
            if step % stride == 0 or step + 1 == self.sampler.steps:
                for part, loss in losses.items():
                    self._write(step=step + 1, task=self._name(part), loss=loss, rate=rate)
            if selector and (step + 1) % selector.selection.every == 0:
                meter.scores = self._select(selector)
            # One clock for all.
            if any(self.company.told([time.monotonic() - saved > CHECKPOINT_SECONDS])):
                self.save()
                saved = time.monotonic()
        if self.position.best_score is not None and self.company.first:
            checkpoint.restore_best(self.scratch, self.position, self.weights.state)
            self.context.say(
                f"keeps the weights of step {self.position.best_step}, the best by "
                f"{selector.selection.label if selector else 'its selection'}: "
                f"{self.position.best_score:.2f}"
            )
        self._check_weights()
        self.weights.give_back()
        self.heads.eval()

    @property
    def steps_kept(self) -> int:
        """Steps that the weights in the model have behind them."""
        position = self.position
        return position.step if position.best_score is None else position.best_step

    def _step(self, step: int, draws: Draws) -> dict[int, float]:
        """The mean loss of each part in one optimiser step."""
        losses = self.gradient.add(step, draws)
        norm = float(nn.utils.clip_grad_norm_(self.weights.named.values(), self.recipe.clip))
        if not all(map(math.isfinite, (*losses.values(), norm))):
            raise TrainingError(self._not_finite(step, draws, losses, norm))
        self.optimiser.step()
        self.schedule.step()
        self.weights.zero_grad()
        self.weights.refresh()
        return losses

    def _name(self, part: int) -> str:
        return self.parts[part].task.name

    def _mean(self, draws: Draws, losses: dict[int, float]) -> float:
        """The step's loss: the parts', weighted by their units."""
        total = sum(len(chosen) for _, chosen in draws)
        return sum(losses[part] * len(chosen) / total for part, chosen in draws)

    def _tokens(self, draws: Draws) -> int:
        return sum(int(self.parts[part].units.sizes[chosen].sum()) for part, chosen in draws)

    def _not_finite(self, step: int, draws: Draws, losses: dict[int, float], norm: float) -> str:
        owners = [
            self.parts[part].names[self.parts[part].units.examples[index]]
            for part, chosen in draws
            for index in chosen
            if self.parts[part].names
        ]
        names = list(dict.fromkeys(owners))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return (
            f"step {step + 1} of {self.sampler.steps} on {', '.join(map(self._name, losses))}: the "
            f"loss is {', '.join(map(str, losses.values()))} and the gradient's norm {norm}. Lower "
            f"the learning rate ({self.recipe.learning_rate}) or raise the warm-up "
            f"({self.recipe.warmup}); the log is in {self.log}. The step's examples: "
            f"{', '.join(names[:NAMED])}{more}"
        )

    def _check_weights(self) -> None:
        """Raise `TrainingError` if a weight is not a finite number: a step that was itself finite
        may have gone too far."""
        wrong = [name for name, item in self.weights.state.items() if not item.isfinite().all()]
        if wrong:
            raise TrainingError(
                f"after step {self.position.step} of {self.sampler.steps}, {len(wrong)} weights "
                f"are not finite numbers ({', '.join(wrong[:3])}). Lower the learning rate "
                f"({self.recipe.learning_rate}); the log is in {self.log}"
            )

    def _patience_over(self, selector: Selector | None) -> bool:
        return selector is not None and self.position.waited >= selector.selection.patience

    def _select(self, selector: Selector) -> dict[str, float]:
        """The score of each check, by its label."""
        self._check_weights()
        self.heads.eval()
        state = random_state()
        selection, step = selector.selection, self.position.step
        measured: Sequence[float] = [0.0] * len(selection.checks)
        if self.company.first:
            measured = [float(score) for score in selector.measure(self.heads)]
        scores = self.company.told(measured)
        restore(state)
        self.heads.train()
        for check, score in zip(selection.checks, scores, strict=True):
            if math.isnan(score):
                raise TrainingError(
                    f"{check.label} is not a number, so no checkpoint is better than another: "
                    "choose other data to select by"
                )
            where = {"task": check.data.task.name, "data": check.place}
            self._write(step=step, **where, dev=score, metric=check.metric.label)
        worth, best = selection.worth(scores), self.position.best_score
        if len(scores) > 1:
            self._write(step=step, aggregate=selection.aggregate, dev=worth)
        if best is None or worth > best:
            written = ""
            if self.company.first:
                written = checkpoint.save_best(self.scratch, step, self.weights.state)
            self.position = replace(
                self.position, best_score=worth, best_step=step, best_sha256=written, waited=0
            )
        else:
            self.position = replace(self.position, waited=self.position.waited + 1)
        # The best weights and the position must not contradict each other after a kill.
        self.save()
        if self.company.first:
            checkpoint.forget_others(self.scratch, self.position.best_step)
        return dict(zip((check.label for check in selection.checks), scores, strict=True))

    def save(self) -> None:
        """Write a checkpoint, of weights that training can go on from."""
        self._check_weights()
        state = checkpoint.as_state(self.position, self.schedule.state_dict(), self.model.rows)
        drawn = randomness.gathered(self.company)
        if self.company.first:
            place = self.scratch / "checkpoint"
            checkpoint.save(place, self.weights.state, self.optimiser, drawn, state)

    def _resume(self) -> None:
        place = self.scratch / "checkpoint"
        state, why = checkpoint.load(
            place, self.weights.state, self.optimiser, self.company, self.model.rows
        )
        self.weights.refresh()
        self._agree(state)
        if why:
            self.context.say(why)
        if state is None:
            if self.company.first:
                self.log.unlink(missing_ok=True)
            return
        self.position = checkpoint.position_of(state)
        self.gradient.splits = self.position.splits
        self.schedule.load_state_dict({**self.schedule.state_dict(), **state["schedule"]})
        # A schedule sets the optimiser's rates only when it steps.
        for group, rate in zip(
            self.optimiser.param_groups, self.schedule.get_last_lr(), strict=True
        ):
            group["lr"] = rate
        if self.company.first:
            _keep_log(self.log, self.position.step)
        self.context.say(f"goes on at step {self.position.step} of {self.sampler.steps}")

    def _agree(self, state: dict[str, Any] | None) -> None:
        """Raise `TrainingError` if processes do not go on from the same step."""
        steps = self.company.each(0 if state is None else checkpoint.position_of(state).step)
        if len(set(steps)) > 1:
            raise TrainingError(
                f"the processes of this training found checkpoints of the steps {steps} in "
                f"{self.scratch}: all must see the same files"
            )

    def _write(self, **entry: Any) -> None:
        if not self.company.first:
            return
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _keep_log(log: Path, step: int) -> None:
    """Drop log lines from after the checkpoint, which will be written again, and one that a kill
    cut short."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    kept = [line for line in whole if json.loads(line)["step"] <= step]
    log.write_text("".join(kept), encoding="utf-8")


class _Meter:
    """Smoothed loss, speed and remaining time, passed on to whoever watches."""

    def __init__(self, context: Context, total: int, step: int) -> None:
        self.context, self.total = context, total
        self.first, self.started = step, time.monotonic()
        self.told = 0.0
        self.loss: float | None = None
        self.tokens = 0
        self.scores: dict[str, float] = {}
        """Of the last measurement."""

    def add(self, step: int, loss: float, tokens: int) -> None:
        self.loss = loss if self.loss is None else 0.95 * self.loss + 0.05 * loss
        self.tokens += tokens
        now = time.monotonic()
        if now - self.told < REPORT_SECONDS and step < self.total:
            return
        self.told = now
        spent = max(now - self.started, 1e-9)
        numbers = {
            "loss": self.loss,
            "tokens_per_second": self.tokens / spent,
            "remaining": spent / (step - self.first) * (self.total - step),
            **self.scores,
        }
        self.context.progress(step, self.total, numbers)
