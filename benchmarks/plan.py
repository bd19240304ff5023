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
    """Every contender's rounds are alike in tokens: an epoch's batches are ranked by theirs, the
    steps are taken from evenly spaced ranks, and dealt out to the rounds.

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
    count = rounds * steps
    places = ((np.arange(count) + 0.5) * len(epoch) / count).astype(int)
    # The longest first, each to the round that has the fewest tokens so far and room for it.
    shared: list[list[tuple[int, ...]]] = [[] for _ in range(rounds)]

    def load(round_: list[tuple[int, ...]]) -> tuple[bool, int]:
        return len(round_) == steps, sum(lengths[index] for batch in round_ for index in batch)

    for place in reversed(places.tolist()):
        min(shared, key=load).append(epoch[place])
    warm = [epoch[-1], epoch[len(epoch) // 2]]
    timed = [batch for each in shared for batch in each]
    return Plan(batches=(*warm, *timed), steps=steps)
