"""From stored examples to batches, with nothing trained: `python -m benchmarks.data`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import ours
from benchmarks.harness import Gate
from benchmarks.hf import collator, dataset
from benchmarks.show import Duel, Goal, alone
from benchmarks.text import NLI
from benchmarks.training import Job
from layover.tasks.task import Unit

BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """An epoch over the NLI examples, `times` over."""

    times: int

    @property
    def job(self) -> Job:
        return Job(work=NLI.name, shape="base", precision="float32", batch=BATCH)

    def units(self) -> list[Unit]:
        return self.job.units() * self.times


def serve(gate: Gate, batches: Callable[[int], Any], size: Callable[[Any], int]) -> None:
    """An epoch a round, each in an order of its own; `size` counts the examples of a batch."""
    gate.loaded()
    number = 0
    while True:
        gate.turn(examples=sum(map(size, batches(number))))
        number += 1


@dataclass(frozen=True, kw_only=True)
class Loader:
    """A DataLoader over a tokenised `datasets.Dataset` on disk, with a padding collator."""

    epoch: Epoch
    workers: int = 0

    @property
    def name(self) -> str:
        return f"DataLoader over datasets, {self.workers} workers"

    def run(self, gate: Gate) -> None:
        import torch
        from datasets import load_from_disk
        from torch.utils.data import DataLoader

        units = self.epoch.units()
        with tempfile.TemporaryDirectory() as folder:
            dataset(units, self.epoch.job).save_to_disk(folder)
            table = load_from_disk(folder)
            loader: Any = DataLoader(
                table,
                batch_size=BATCH,
                shuffle=True,
                collate_fn=collator(self.epoch.job),
                num_workers=self.workers,
                persistent_workers=self.workers > 0,
                generator=torch.Generator().manual_seed(0),
            )
            serve(gate, lambda number: loader, lambda batch: len(batch["input_ids"]))


@dataclass(frozen=True, kw_only=True)
class Packed:
    """Our stored features, in batches without padding."""

    epoch: Epoch

    name = "Layover"

    def run(self, gate: Gate) -> None:
        units = self.epoch.units()
        with tempfile.TemporaryDirectory() as folder:
            batches = ours.batches(units, BATCH, Path(folder))
            serve(gate, batches, lambda batch: len(batch.sizes))


def duels(rounds: int, small: bool) -> list[Duel]:
    epoch = Epoch(times=1 if small else 3)
    return [
        Duel(
            work="stored text to batches, warm",
            peer=Loader(epoch=epoch, workers=workers),
            ours=Packed(epoch=epoch),
            rounds=rounds,
            goal=Goal(speed=8.0),
            unit="examples",
        )
        for workers in (0, 2)
    ]


if __name__ == "__main__":
    alone(__doc__ or "", duels)
