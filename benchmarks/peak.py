"""What share of the processor's matrix speed training and evaluation reach:
`python -m benchmarks.peak`.

The peak is measured at the encoder's own shapes, in the same race as the work, so that whatever
slows the machine slows both. The work's operations are counted by formula: those
that are done, and none for padding.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from benchmarks import evaluate
from benchmarks.harness import Contender, Gate, Result, accelerated, race
from benchmarks.models import SHAPES
from benchmarks.ours import Layover
from benchmarks.plan import WARM
from benchmarks.show import compared, met, options, tell
from benchmarks.training import Job
from layover.tasks.task import Unit

ROWS = 1024
"""Tokens of a measured product: about those of a training step."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The fraction of the peak that a work reaches."""

    work: str
    flops: float
    """Those done a second, padding not counted."""
    peak: float
    """Operations a second of the products alone."""
    share: float
    low: float
    high: float
    goal: float | None = None


@dataclass(frozen=True, kw_only=True)
class Products:
    """The matrix products of one layer, forward: a round reports their operations as tokens."""

    width: int
    precision: Literal["float32", "bfloat16"]

    @property
    def name(self) -> str:
        return f"products in {self.precision}"

    def run(self, gate: Gate) -> None:
        import torch

        kind = getattr(torch, self.precision)
        width = self.width
        shapes = [(width, width)] * 4 + [(width, 4 * width), (4 * width, width)]
        place = "cuda" if accelerated() else "cpu"
        pairs = [
            (
                torch.randn(ROWS, inner, dtype=kind, device=place),
                torch.randn(inner, outer, dtype=kind, device=place),
            )
            for inner, outer in shapes
        ]
        operations = sum(2 * ROWS * inner * outer for inner, outer in shapes)
        gate.loaded()
        times = 0
        while True:
            start, times = time.perf_counter(), 0
            while time.perf_counter() - start < 1.0:
                for left, right in pairs:
                    torch.mm(left, right)
                times += 1
                if accelerated():
                    torch.cuda.synchronize()
            gate.turn(times * operations, times)


def forward(unit: Unit, shape: str) -> float:
    """Operations of the encoder on one unit of a classification that are done: products with
    weights, and attention's two. Of the last layer, keys and values of every token, and the rest of
    the first alone."""
    settings = SHAPES[shape]
    width, layers = settings["hidden_size"], settings["num_hidden_layers"]
    length = sum(map(len, unit.sequences))
    # 4 products of width x width and 2 of width x 4 width; 2 of length x length x width.
    whole = 2 * 12 * length * width**2 + 4 * length**2 * width
    last = 2 * (2 * length + 10) * width**2 + 4 * length * width
    return float((layers - 1) * whole + last)


def shares(rounds: int, small: bool, shape: str = "base") -> list[Share]:
    """Of training and of evaluation, ours."""
    shape = "toy" if small else shape
    width = SHAPES[shape]["hidden_size"]
    found = []
    for precision in ("bfloat16",) if small else ("bfloat16", "float32"):
        job = Job(work="NLI", shape=shape, precision=precision, rounds=rounds, steps=1, batch=32)  # type: ignore[arg-type]
        size, count = (4, 2) if small else (400, 3)
        test = evaluate.Test(shape=shape, size=size, runs=count, precision=job.precision)
        works: list[Contender] = [Layover(job=job), evaluate.LayoverPredictor(test=test)]
        peak = Products(width=width, precision=job.precision)
        results = race([peak, *works], rounds)
        trained = job.units()
        chosen = job.plan(trained, grouped=False)
        steps = [
            3.0 * sum(forward(trained[index], shape) for index in batch)
            for batch in chosen.batches[WARM:]
        ]
        each = sum(forward(unit, shape) for unit in test.units())
        names = (f"training, {precision}", f"evaluation, {precision}")
        goals = (0.60, 0.65) if precision == "bfloat16" else (None, None)
        for name, result, done, goal in zip(
            names, results[1:], (steps, [each] * rounds), goals, strict=True
        ):
            found.append(replace(_share(name, results[0], result, done), goal=goal))
    return found


def _share(work: str, peak: Result, result: Result, operations: Sequence[float]) -> Share:
    share, low, high = compared(operations, result.walls, peak.done(), peak.walls)
    return Share(
        work=work,
        flops=sum(operations) / sum(result.walls),
        peak=peak.rate(),
        share=share,
        low=low,
        high=high,
    )


HEADER = ("work", "GFLOP/s done", "GFLOP/s of the products", "share", "95 %", "goal")


def cells(share: Share) -> tuple[str, ...]:
    return (
        share.work,
        f"{share.flops / 1e9:.0f}",
        f"{share.peak / 1e9:.0f}",
        f"{share.share:.0%}",
        f"{share.low:.0%} to {share.high:.0%}",
        f"{share.goal:.0%}: {met(share.share >= share.goal)}" if share.goal else "",
    )


def main() -> None:
    parser = options(__doc__ or "", 5)
    parser.add_argument("--shape", default="base", help="base or large")
    chosen: Any = parser.parse_args()
    found = shares(chosen.rounds, chosen.quick, chosen.shape)
    tell(HEADER, found, map(cells, found), chosen.json)


if __name__ == "__main__":
    main()
