"""Which batches a training contender runs: a sample of an epoch that stands for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layover.tasks.task import Unit

WARM = 2
"""Batches before the first round: the longest, which sets the peak of memory, and a middling
one."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The batches of a training, of which the first `WARM` are not timed."""

    batches: tuple[tuple[int, ...], ...]
    """Positions of units."""
    steps: int
    """Of a round."""

    @property
    def order(self) -> list[int]:
        """The units of all batches, one batch after the other."""
        return [index for batch in self.batches for index in batch]

    def done(self, step: int, units: Sequence[Unit]) -> tuple[int, int]:
        """(useful tokens, units) of the round that ends with `step` steps done."""
        chosen = [index for batch in self.batches[step - self.steps : step] for index in batch]
        return sum(tokens(units[index]) for index in chosen), len(chosen)


def tokens(unit: Unit) -> int:
    """Of all of a unit's sequences."""
    return sum(map(len, unit.sequences))


def plan(units: Sequence[Unit], batch: int, rounds: int, steps: int, grouped: bool) -> Plan:
    """Every contender's rounds are alike in tokens: an epoch's batches are ranked by theirs, and
    the steps are taken from evenly spaced ranks, a round's from one end to the other.

    With `grouped` the epoch is put together by Trainer's own length grouping, else at random.
    """
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    lengths = [tokens(unit) for unit in units]
    torch.manual_seed(1)
    order = (
        get_length_grouped_indices(lengths, batch)  # type: ignore[no-untyped-call]
        if grouped
        else torch.randperm(len(units)).tolist()
    )
    whole = range(0, len(order) - batch + 1, batch)
    epoch = [tuple(order[at : at + batch]) for at in whole]
    epoch.sort(key=lambda chosen: sum(lengths[index] for index in chosen))
    places = np.linspace(0, len(epoch) - 1, rounds * steps + 2).round().astype(int)[1:-1]
    chosen = [epoch[place] for place in places]
    warm = [epoch[-1], epoch[len(epoch) // 2]]
    timed = [batch for number in range(rounds) for batch in chosen[number::rounds]]
    return Plan(batches=(*warm, *timed), steps=steps)
