"""Which batches a training contender runs: a sample of an epoch that stands for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

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
    """All rounds together have the epoch's mean of tokens a step, whoever put it together: its
    batches are ranked by theirs, the steps are taken from evenly spaced ranks, moved within their
    ranks until the sum is right, and dealt out to the rounds.

    With `grouped` the epoch is put together by Trainer's own length grouping, else at random.
    """
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    lengths = [tokens(unit) for unit in units]
    torch.manual_seed(1)
    order = (
        get_length_grouped_indices(lengths, batch)
        if grouped
        else torch.randperm(len(units)).tolist()
    )
    whole = range(0, len(order) - batch + 1, batch)
    epoch = [tuple(order[at : at + batch]) for at in whole]
    epoch.sort(key=lambda chosen: sum(lengths[index] for index in chosen))
    sums = np.array([sum(lengths[index] for index in chosen) for chosen in epoch])
    count = rounds * steps
    places = balanced(sums, count, count * batch * float(np.mean(lengths)))
    # The longest first, each to the round that has the fewest tokens so far and room for it.
    shared: list[list[tuple[int, ...]]] = [[] for _ in range(rounds)]

    def load(round_: list[tuple[int, ...]]) -> tuple[bool, int]:
        return len(round_) == steps, sum(lengths[index] for batch in round_ for index in batch)

    for place in reversed(places):
        min(shared, key=load).append(epoch[place])
    warm = [epoch[-1], epoch[len(epoch) // 2]]
    timed = [batch for each in shared for batch in each]
    return Plan(batches=(*warm, *timed), steps=steps)


def balanced(sums: Any, count: int, goal: float) -> list[int]:
    """The places of `count` of the ascending `sums`, one of each of as many equal ranges, whose
    total is as near to `goal` as exchanges within the ranges bring it."""
    edges = np.linspace(0, len(sums), count + 1)
    ranges = [range(int(low), max(int(low) + 1, int(high))) for low, high in pairwise(edges)]
    places = [each[len(each) // 2] for each in ranges]
    while True:
        lacking = goal - sum(int(sums[place]) for place in places)
        left = {
            (at, other): abs(lacking - (int(sums[other]) - int(sums[place])))
            for at, (place, each) in enumerate(zip(places, ranges, strict=True))
            for other in each
        }
        (at, other), least = min(left.items(), key=lambda item: item[1])
        if least >= abs(lacking):
            return places
        places[at] = other
