"""Masked language modelling over 250,002 words: the head alone, and whole steps:
`python -m benchmarks.mlm`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import Gate
from benchmarks.hf import HuggingFace
from benchmarks.models import encoder
from benchmarks.ours import Layover, masked_loss
from benchmarks.show import Duel, Goal, alone
from benchmarks.training import Job

LENGTH = 128


@dataclass(frozen=True, kw_only=True)
class Head:
    """Forward and backward of a masked language model without its layers: what transformers does,
    with scores of every word at every position, or what our head does."""

    shape: str
    sequences: int
    ours: bool

    @property
    def name(self) -> str:
        return "Layover" if self.ours else "AutoModelForMaskedLM"

    def run(self, gate: Gate) -> None:
        import torch
        from transformers import AutoModelForMaskedLM

        model: Any = AutoModelForMaskedLM.from_pretrained(encoder(self.shape), dtype=torch.float32)
        for weight in model.parameters():
            # Weights that are mapped from their file take memory once they are read.
            weight.sum()
        gate.loaded()
        generator = torch.Generator().manual_seed(0)
        rows = model.config.vocab_size
        ids = torch.randint(4, rows - 1, (self.sequences, LENGTH), generator=generator)
        chosen = torch.rand(ids.shape, generator=generator) < 0.15
        target = ids.masked_fill(~chosen, -100)
        step = (masked_loss if self.ours else stock_loss)(model, ids, target)
        step()
        gate.turn()
        while True:
            step()
            gate.turn(ids.numel(), len(ids))


def stock_loss(model: Any, ids: Any, target: Any) -> Callable[[], Any]:
    """() -> the loss, whose gradient is computed too, as Trainer does with bf16."""
    import torch

    model.roberta.encoder.layer = torch.nn.ModuleList()
    model.train()

    def step() -> Any:
        model.zero_grad(set_to_none=True)
        with torch.autocast(ids.device.type, torch.bfloat16):
            loss = model(input_ids=ids, labels=target).loss
        loss.backward()
        return loss

    return step


def duels(rounds: int, small: bool) -> list[Duel]:
    shape = "toy" if small else "base"
    heads = [Head(shape=shape, sequences=8, ours=each) for each in (False, True)]
    head = Duel(
        work=f"MLM head, {8 * LENGTH} tokens",
        peer=heads[0],
        ours=heads[1],
        rounds=rounds,
        goal=Goal(speed=4.0),
    )
    job = Job(
        work="MLM",
        shape=shape,
        precision="bfloat16",
        rounds=rounds,
        steps=1,
        # Trainer's logits of 32 sequences, and their gradient, do not fit beside ours into 24 GB.
        batch=8 if small else 16,
    )
    stock, tuned = HuggingFace(job=job), HuggingFace(job=job, grouped=True, micro=job.batch // 2)
    whole = [
        Duel(work="MLM, whole step", peer=peer, ours=Layover(job=job), rounds=rounds, goal=goal)
        for peer, goal in (
            (stock, Goal(speed=2.0, memory=0.4)),
            (tuned, Goal(speed=2.0, memory=0.5)),
        )
    ]
    return [head, *whole]


if __name__ == "__main__":
    alone(__doc__ or "", duels)
