"""Masked language modelling over 250,002 words: the head alone, and whole steps:
`python -m benchmarks.mlm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.harness import Contender, Gate
from benchmarks.hf import HuggingFace
from benchmarks.models import encoder
from benchmarks.ours import Layover
from benchmarks.show import Row, duels, options, show
from benchmarks.training import Job

RATE = 0.15


@dataclass(frozen=True, kw_only=True)
class Head:
    """Forward and backward of the head alone on random states, as transformers does it (scores of
    every word at every position) or at the masked positions only."""

    shape: str
    tokens: int
    masked_only: bool

    @property
    def name(self) -> str:
        return "Layover" if self.masked_only else "AutoModelForMaskedLM"

    def run(self, gate: Gate) -> None:
        import torch
        import torch.nn.functional as F
        from transformers import AutoModelForMaskedLM

        from layover.modeling.heads import output_head

        model: Any = AutoModelForMaskedLM.from_pretrained(encoder(self.shape), dtype=torch.float32)
        output = output_head(model)
        assert output is not None
        width, rows = model.config.hidden_size, model.config.vocab_size
        del model.roberta.encoder
        generator = torch.Generator().manual_seed(0)
        states = torch.randn(self.tokens, width, generator=generator, requires_grad=True)
        target = torch.randint(4, rows, (self.tokens,), generator=generator)
        chosen = torch.rand(self.tokens, generator=generator) < RATE
        target[~chosen] = -100
        gate.loaded()

        def step() -> None:
            model.zero_grad(set_to_none=True)
            kept = chosen if self.masked_only else slice(None)
            with torch.autocast("cpu", torch.bfloat16):
                scores = output(states[kept])
            # transformers scores in float32 too.
            loss: Any = F.cross_entropy(scores.float(), target[kept])
            loss.backward()

        step()
        gate.turn()
        while True:
            step()
            gate.turn(self.tokens, int(chosen.sum()))


def run(rounds: int, small: bool) -> list[Row]:
    shape = "toy" if small else "base"
    heads: list[Contender] = [
        Head(shape=shape, tokens=1024, masked_only=each) for each in (False, True)
    ]
    found = duels(
        "MLM head, 1024 tokens", heads[:1], heads[1], rounds, {"AutoModelForMaskedLM": 4.0}
    )
    job = Job(
        work="MLM",
        shape=shape,
        precision="bfloat16",
        rounds=rounds,
        steps=1,
        batch=8 if small else 32,
    )
    peers: list[Contender] = [
        HuggingFace(job=job),
        HuggingFace(job=job, grouped=True, micro=job.batch // 2),
    ]
    goals = {"Trainer": 2.0, "Trainer, tuned": 2.0}
    return found + duels("MLM, whole step", peers, Layover(job=job), rounds, goals)


def main() -> None:
    chosen = options(__doc__ or "", 5).parse_args()
    show(run(chosen.rounds, chosen.quick), chosen.json)


if __name__ == "__main__":
    main()
