"""Before any speed: ours computes what Trainer and the stock model compute.

`python -m benchmarks.equality` trains both on the same examples in the same steps, in float32
without dropout, and compares every loss; compares the logits of both; and shows both loss curves in
bfloat16 on a task that can be learned.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks import evaluate, ours
from benchmarks.harness import ENVIRONMENT
from benchmarks.hf import HuggingFace, dataset, head
from benchmarks.plan import Plan
from benchmarks.show import options
from benchmarks.training import Job
from layover.tasks.task import Unit

LOSS, LOGITS = 1e-4, 1e-4
"""The largest difference allowed, in float32."""
SHOWN = 8
"""Points of a curve."""


@dataclass(frozen=True, kw_only=True)
class Equality:
    """Two computations beside each other."""

    what: str
    difference: float
    """The largest."""
    allowed: float | None
    """None where it is only shown."""
    theirs: tuple[float, ...] = ()
    mine: tuple[float, ...] = ()

    @property
    def holds(self) -> bool:
        return self.allowed is None or self.difference <= self.allowed


def losses(
    job: Job, steps: int, rate: float, units: list[Unit] | None = None
) -> tuple[list[float], list[float]]:
    """Of each step: Trainer's and ours, from the same weights on the same examples."""
    known = units or job.units()
    places = np.random.default_rng(0).permutation(len(known))[: steps * job.batch]
    chosen = Plan(batches=tuple(map(tuple, places.reshape(steps, job.batch).tolist())), steps=steps)
    model = head(job, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    table = dataset([known[index] for index in chosen.order], job)
    with tempfile.TemporaryDirectory() as folder:
        theirs = _trainer_losses(job, model, table, steps, rate, Path(folder))
    loaded = ours.load(job)
    mine_model = loaded.heads[job.what.task.name]
    for name, value in mine_model.state_dict().items():
        value.copy_(start[name])
    for module in mine_model.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    with tempfile.TemporaryDirectory() as folder:
        loop = ours.training(job, loaded, known, chosen, Path(folder), learning_rate=rate)
        loop.run()
        entries = [json.loads(line) for line in loop.log.read_text().splitlines()]
    return theirs, [entry["loss"] for entry in entries]


def _trainer_losses(
    job: Job, model: Any, table: Any, steps: int, rate: float, folder: Path
) -> list[float]:
    found: list[float] = []
    peer = HuggingFace(job=job)
    trainer = peer.trainer(model, table, steps, folder, learning_rate=rate)
    usual = trainer.compute_loss

    def compute(*args: Any, **kwargs: Any) -> Any:
        loss = usual(*args, **kwargs)
        found.append(float(loss.detach()))
        return loss

    # Trainer's own log is rounded.
    trainer.compute_loss = compute
    trainer.train()
    return found


def logits(shape: str, precision: Literal["float32", "bfloat16"], size: int) -> float:
    """The largest difference between Trainer.predict's logits and ours."""
    test = evaluate.Test(shape=shape, size=size, precision=precision)
    units = test.units()
    loaded = ours.load(test.job)
    mine_model = loaded.heads[test.job.what.task.name]
    for name, value in head(test.job).state_dict().items():
        mine_model.state_dict()[name].copy_(value)
    theirs = evaluate.predictor(evaluate.Predictor(test=test), units)()
    found = ours.outputs(test.job, loaded, units)()
    return float(np.abs(np.stack(found) - theirs).max())


def learnable(job: Job) -> list[Unit]:
    """Units whose class is which of three words they hold."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(4_000):
        label = int(rng.integers(3))
        words = rng.integers(100, min(job.rows, 600), int(rng.integers(5, 40)))
        words[int(rng.integers(len(words)))] = 50 + label
        found.append(Unit(number, ((0, *words.tolist(), 2),), ((),), (label,)))
    return found


def even(known: list[Unit], length: int = 48) -> list[Unit]:
    """Windows cut to one length: the stock head lets padding take part in its softmax, so that its
    loss depends on what else is in the batch, and ours does not."""
    return [
        replace(unit, sequences=((*unit.sequences[0][: length - 1], 2),), target=(at % 20, 40))
        for at, unit in enumerate(known)
        if len(unit.sequences[0]) >= length
    ]


def check(small: bool) -> list[Equality]:
    """Every equality; those that do not hold are among them."""
    os.environ.update(ENVIRONMENT)
    shape, steps = ("toy", 5) if small else ("tiny", 20)
    found = []
    for work, batch in (("NLI", 16), ("QA", 4), ("tagging", 16)):
        job = _job(work, shape, "float32", batch)
        known = even(job.units()) if work == "QA" else None
        theirs, mine = losses(job, steps, 1e-3, known)
        found.append(_compare(f"losses of {steps} steps, {work}, float32", theirs, mine, LOSS))
    found.append(
        Equality(
            what="logits, 15 languages, float32",
            difference=logits(shape, "float32", 2),
            allowed=LOGITS,
        )
    )
    job = _job("NLI", shape, "bfloat16", 32)
    theirs, mine = losses(job, 20 if small else 120, 1e-3, learnable(job))
    found.append(_compare("losses in bfloat16, a task to be learned", theirs, mine, None))
    return found


def _job(work: str, shape: str, precision: Literal["float32", "bfloat16"], batch: int) -> Job:
    return Job(work=work, shape=shape, precision=precision, rounds=0, steps=0, batch=batch)


def _compare(what: str, theirs: list[float], mine: list[float], allowed: float | None) -> Equality:
    places = np.linspace(0, len(mine) - 1, SHOWN).round().astype(int).tolist()
    return Equality(
        what=what,
        difference=float(np.abs(np.array(theirs) - np.array(mine)).max()),
        allowed=allowed,
        theirs=tuple(theirs[place] for place in places),
        mine=tuple(mine[place] for place in places),
    )


HEADER = ("equal", "largest difference", "allowed", "Trainer's curve", "ours")


def cells(found: Equality) -> tuple[str, ...]:
    return (
        found.what,
        f"{found.difference:.1e}",
        f"{found.allowed:.0e}" if found.allowed else "shown only",
        " ".join(f"{value:.3f}" for value in found.theirs),
        " ".join(f"{value:.3f}" for value in found.mine),
    )


def main() -> None:
    from benchmarks.show import table

    chosen = options(__doc__ or "", 1).parse_args()
    found = check(chosen.quick)
    if chosen.json:
        print("\n".join(json.dumps(asdict(each)) for each in found))
    else:
        table(HEADER, map(cells, found))
    if not all(each.holds for each in found):
        raise SystemExit("not equal: no speed is worth comparing")


if __name__ == "__main__":
    main()
