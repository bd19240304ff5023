"""The processes that train one model together, each on its share of every step (torch).

All draw the same step and hold the same weights. What they have to know of each other goes
through a `Company`: whose turn it is to write, who lacks memory, outputs that meet in a loss, and
the sum of the gradients. A process that trains alone is a company of one, for which all of this is
nothing.

What is exchanged between processors goes over gloo, also beside accelerators: a process whose
accelerator is full must still be able to say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from layover.errors import TrainingError
from layover.modeling.memory import out_of_memory

WAIT = timedelta(hours=2)
"""How long the others wait for one of them, which may be measuring the model. One that died is
noticed at once, by whoever started them."""
BUCKET = 1 << 23
"""Numbers that are summed at once."""
LACKING = -1
"""Said instead of a number of rows by who has too little memory."""


class Deserted(TrainingError):
    """Another process of the company does not answer any more; what became of it says why."""


class OthersLackMemory(Exception):
    """Another process has too little memory for its part of a step."""


@dataclass(frozen=True, kw_only=True)
class Company:
    """Process `rank` of `size`, numbered from 0."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and measures."""
        return self.rank == 0

    def seed(self, seed: int) -> int:
        """That of this process's dropout: each draws its own, and the first what it would alone."""
        if self.first:
            return seed
        return int(np.random.default_rng((seed, 5, self.rank)).integers(2**62))

    def share(self, weights: Sequence[int]) -> list[int]:
        """The positions of this process's share of some items, in order: all processes' shares
        weigh about the same, and together they are everything."""
        loads = [(0, rank) for rank in range(self.size)]
        mine: list[int] = []
        for item in np.argsort(-np.asarray(weights), kind="stable").tolist():
            load, rank = min(loads)
            loads[loads.index((load, rank))] = (load + int(weights[item]), rank)
            if rank == self.rank:
                mine.append(item)
        return sorted(mine)

    def told(self, numbers: Sequence[float]) -> list[float]:
        """The numbers that the first process gives."""
        if self.size == 1:
            return list(numbers)
        given = torch.tensor(numbers, dtype=torch.float64)
        with _together():
            dist.broadcast(given, 0)
        return given.tolist()

    def each(self, number: int) -> list[int]:
        """The number that each process gives."""
        if self.size == 1:
            return [number]
        found = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with _together():
            dist.all_gather(found, torch.tensor([number]))
        return [int(each) for each in found]

    def rows(self, number: int) -> list[int]:
        """The number that each process gives; raises `OthersLackMemory` if one calls `lacks`."""
        found = self.each(number)
        if LACKING in found:
            raise OthersLackMemory
        return found

    def lacks(self) -> None:
        """Say, in place of the next `rows`, that this process has too little memory."""
        self.each(LACKING)

    def sum(self, numbers: Sequence[float]) -> list[float]:
        """The sums, over all processes, of the numbers that they give."""
        if self.size == 1:
            return list(numbers)
        summed = torch.tensor(numbers, dtype=torch.float64)
        with _together():
            dist.all_reduce(summed)
        return summed.tolist()

    def gather(self, mine: Tensor) -> list[Tensor]:
        """The rows [n, ...] that each process gives, of which it may have none; all else of their
        shape is the same. Raises `OthersLackMemory` as `rows` does."""
        counts = self.rows(len(mine))
        if self.size == 1:
            return [mine]
        given, found = _room(mine, counts)
        # From here on all have the room.
        self.rows(0)
        with _together():
            dist.all_gather(found, given)
        return [each[:count] for each, count in zip(found, counts, strict=True)]

    def sum_gradients(self, weights: Sequence[nn.Parameter]) -> None:
        """Put the sum of all processes' gradients into each one's. A weight that has one in no
        process stays without."""
        if self.size == 1:
            return
        has = self.sum([float(weight.grad is not None) for weight in weights])
        found: list[Tensor] = []
        for weight, count in zip(weights, has, strict=True):
            if count and weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            if weight.grad is not None:
                found.append(weight.grad)
        for bucket in _buckets(found):
            flat = bucket[0] if len(bucket) == 1 else torch.cat([each.flatten() for each in bucket])
            with _together():
                dist.all_reduce(flat)
            if len(bucket) == 1:
                continue
            parts = flat.split([each.numel() for each in bucket])
            for each, part in zip(bucket, parts, strict=True):
                each.copy_(part.view_as(each))


ALONE = Company()


def join(rank: int, size: int, meeting: Path, gpus: bool) -> None:
    """Make this process one of a company, which meets by way of the file `meeting`."""
    if gpus:
        torch.cuda.set_device(rank)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if gpus else "gloo",
        init_method=meeting.resolve().as_uri(),
        rank=rank,
        world_size=size,
        timeout=WAIT,
    )


def leave() -> None:
    """End what `join` began."""
    dist.destroy_process_group()


def company() -> Company:
    """The one that this process has joined, or itself alone."""
    if not dist.is_initialized():
        return ALONE
    return Company(rank=dist.get_rank(), size=dist.get_world_size())


def _room(mine: Tensor, counts: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
    """What this process gives, [most rows, ...], and room for what each gives."""
    given = mine.new_zeros(max(counts), *mine.shape[1:])
    given[: len(mine)] = mine
    return given, [torch.empty_like(given) for _ in counts]


@contextmanager
def _together() -> Iterator[None]:
    """Whatever ends an exchange, but for too little memory here, is that another process has left
    it."""
    try:
        yield
    except RuntimeError as error:
        if out_of_memory(error):
            raise
        words = str(error).strip().partition("\n")[0]
        raise Deserted(f"another process of this training does not answer ({words})") from error


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors in groups of one kind that are worth an exchange each."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        full = sum(each.numel() for each in bucket) + tensor.numel() > BUCKET
        if bucket and (full or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket
