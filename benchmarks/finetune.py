"""Fine-tuning against Trainer: `python -m benchmarks.finetune [--work NLI] [--json]`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.harness import accelerated, race
from benchmarks.hf import HuggingFace
from benchmarks.ours import Layover
from benchmarks.show import NO_GOAL, Duel, Goal, options, show, table
from benchmarks.training import Job


@dataclass(frozen=True, kw_only=True)
class Race:
    """A fine-tuning, and what the peers are tuned to."""

    name: str
    job: Job
    micro: int
    """The best micro-batch of the tuned peer, by `--search`."""
    goals: dict[str, Goal]
    stock: bool = True


SEARCHED = {8: 300, 16: 385, 32: 432}
"""The tuned peer's tokens a second of NLI by micro-batch, of which the races take the best:
`--search` on 2026-11-21. Tagging's sequences are shorter still, QA's steps hold 8 examples, the
tiny encoder's 32 are computed at once."""
WORKERS = (0, 2)
"""Loader workers that `--search` tries."""


def goals(stock: float, tuned: float, checkpoint: float | None = None) -> dict[str, Goal]:
    """Of speed, and those of memory beside them."""
    return {
        "Trainer": Goal(speed=stock, memory=0.4, checkpoint=checkpoint),
        "Trainer, tuned": Goal(speed=tuned, memory=0.5, checkpoint=checkpoint),
    }


def races(rounds: int, shape: str = "base") -> tuple[Race, ...]:
    """Those of the table of goals, and float32 beside them."""
    # A step takes seconds on two threads, and milliseconds on a GPU.
    few = 50 if accelerated() else 2

    def job(work: str, shape: str, batch: int, steps: int, **more: object) -> Job:
        settings = {"precision": "bfloat16", "checkpoint": False, **more}
        return Job(work=work, shape=shape, batch=batch, rounds=rounds, steps=steps, **settings)  # type: ignore[arg-type]

    return (
        Race(
            name="NLI",
            job=job("NLI", shape, 32, few, checkpoint=True),
            micro=32,
            goals=goals(2.5, 1.3, 0.4),
        ),
        Race(
            name="QA",
            job=job("QA", shape, 8, few),
            micro=8,
            goals=goals(2.2, 1.2),
        ),
        Race(name="tagging", job=job("tagging", shape, 32, few), micro=32, goals={}),
        Race(
            name="tiny",
            job=job("NLI", "tiny", 32, 40),
            micro=32,
            goals=goals(2.8, 1.5),
        ),
        Race(
            name="NLI, float32",
            job=job("NLI", shape, 32, few, precision="float32"),
            micro=32,
            goals={},
            stock=False,
        ),
    )


def quick(rounds: int) -> tuple[Race, ...]:
    """Toys: that everything runs."""
    job = Job(
        work="NLI", shape="toy", precision="bfloat16", batch=8, rounds=rounds, steps=3,
        checkpoint=True,
    )  # fmt: skip
    return (Race(name="toy", job=job, micro=4, goals={}),)


def duels(race_: Race) -> list[Duel]:
    """Of one race."""
    tuned = HuggingFace(job=race_.job, grouped=True, micro=race_.micro)
    stock = [HuggingFace(job=race_.job)] if race_.stock else []
    return [
        Duel(
            work=f"fine-tuning, {race_.name}",
            peer=peer,
            ours=Layover(job=race_.job),
            rounds=race_.job.rounds,
            goal=race_.goals.get(peer.name, NO_GOAL),
        )
        for peer in [*stock, tuned]
    ]


def search(race_: Race) -> Iterator[tuple[str, str, str, str]]:
    """(race, micro-batch, loader workers, tokens a second) of the tuned peer, alone."""
    for micro in (8, 16, 32):
        for workers in WORKERS:
            if race_.job.batch % micro == 0:
                tuned = HuggingFace(job=race_.job, grouped=True, micro=micro, workers=workers)
                (result,) = race([tuned], race_.job.rounds)
                yield race_.name, str(micro), str(workers), f"{result.rate():.0f}"


def headline(rounds: int, small: bool) -> list[Duel]:
    """Of the races with goals; the others run by name."""
    every = quick(rounds) if small else [each for each in races(rounds) if each.goals]
    return [duel for each in every for duel in duels(each)]


def main() -> None:
    parser = options(__doc__ or "", 5)
    parser.add_argument("--work", default="", help="one race only, by its name")
    parser.add_argument("--shape", default="base", help="base or large, of all but the tiny one")
    parser.add_argument("--search", action="store_true", help="the peer's best micro-batch")
    chosen = parser.parse_args()
    every = quick(chosen.rounds) if chosen.quick else races(chosen.rounds, chosen.shape)
    for each in every:
        if chosen.work in ("", each.name):
            if chosen.search:
                table(("race", "micro-batch", "workers", "tokens/s"), search(each))
            else:
                show([duel.run() for duel in duels(each)], chosen.json)


if __name__ == "__main__":
    main()
