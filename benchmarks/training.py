"""What training contenders have in common: the job, and where a round ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.harness import Gate
from benchmarks.models import SHAPES, encoder
from benchmarks.plan import WARM, Plan, plan
from benchmarks.text import ROWS, WORKS, Work, fillers, units, within
from layover.tasks.task import Unit


@dataclass(frozen=True, kw_only=True)
class Job:
    """A fine-tuning to race in."""

    work: str
    shape: str
    precision: Literal["float32", "bfloat16"]
    batch: int
    """Examples of an optimiser step."""
    rounds: int = 0
    steps: int = 0
    """Optimiser steps of a round."""
    checkpoint: bool = False
    """Whether to write one at the end, for its size."""

    @property
    def what(self) -> Work:
        return WORKS[self.work]

    @property
    def folder(self) -> Path:
        return encoder(self.shape)

    @property
    def rows(self) -> int:
        """Of the table of words."""
        return int(SHAPES[self.shape].get("vocab_size", ROWS))

    def units(self) -> list[Unit]:
        """What is trained on."""
        return within(units(self.what), self.rows)

    def corpus(self, known: Sequence[Unit]) -> list[Unit]:
        """The units, and behind them those that stand for the rest of a corpus."""
        more = fillers(known) if self.rows == ROWS and self.what.task.type.head != "lm" else []
        return [*known, *more]

    def plan(self, known: Sequence[Unit], grouped: bool) -> Plan:
        return plan(known, self.batch, self.rounds, self.steps, grouped)


def watch(gate: Gate, chosen: Plan, units: Sequence[Unit]) -> Callable[[], None]:
    """End a round whenever the optimiser has done a round's steps, whoever's loop calls it; the
    result ends the watch."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    done = 0

    def stepped(optimiser: Any, *_: Any) -> None:
        nonlocal done
        done += 1
        # As every loop does next: an idle contender's gradients are another's memory.
        optimiser.zero_grad(set_to_none=True)
        if done == WARM:
            gate.turn()
        elif done > WARM and (done - WARM) % chosen.steps == 0:
            tokens, examples = chosen.done(done, units)
            gate.turn(tokens, examples)

    return register_optimizer_step_post_hook(stepped).remove
