"""Trainings that are the same in one process and in several.

    python companies.py ENCODERS OUT RANK SIZE

does all of `CASES` as process RANK of SIZE, and leaves in OUT/CASE what each process ended with.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from layover.encoders import Folder
from layover.modeling import active
from layover.modeling import company as meeting
from layover.modeling.company import company, join
from layover.recipe import Recipe, steps
from layover.stages import Train
from layover.tasks.mixture import Mixture
from layover.tasks.task import Data
from layover.training import train as module
from layover.training.loop import Loop
from toys import LACKING, Toy
from trainable import (
    BOTH,
    CHOICES,
    CLASSES,
    EACH,
    PAIRS,
    SELECTION,
    SPANS,
    TAGS,
    TEXTS,
    TWO,
    limit,
    snapshot,
)

STEPS = 10
# A batch of five over two processes is never even.
RECIPE = Recipe(
    duration=steps(STEPS), learning_rate=1e-2, batch=5, warmup=0.3, max_length=40, weight_decay=0.1
)
ALL = Mixture(parts=(TAGS, CLASSES, PAIRS), each_step="several", beside=TEXTS, ratio=0.3)


def case(data: Data | Mixture, encoder: str = "calm", **others: Any) -> Train:
    recipe = replace(
        RECIPE, **{name: others.pop(name) for name in (*others,) if hasattr(RECIPE, name)}
    )
    return Train(start=Folder(path=encoder), data=data, recipe=recipe, seed=0, **others)


CASES: dict[str, Train] = {
    "sequence": case(CLASSES),
    "token": case(TAGS),
    "span": case(SPANS),
    "choice": case(CHOICES),
    "lm": case(TEXTS),
    "dual": case(PAIRS),
    "dual in pieces": case(PAIRS, batch=12, accumulation=4),
    "one task a step": case(BOTH, batch=3),
    "several tasks a step": case(EACH),
    "small parts of a step": case(ALL, batch=4),
    "one unit": case(CLASSES, batch=1),
    "one pair": case(PAIRS, batch=1),
    "in pieces": case(TAGS, batch=6, accumulation=3),
    "selection": case(CLASSES, selection=SELECTION),
    "two checks": case(Mixture(parts=(CLASSES, TAGS)), selection=TWO),
    "rows in use": case(CLASSES),
    "bfloat16": case(TAGS, precision="bfloat16"),
    "memory": case(TAGS, batch=8),
    "memory of pairs": case(PAIRS, batch=8),
    "dropout": case(TAGS, "noisy"),
    "dropout again": case(TAGS, "noisy"),
}
MEETING = "memory to meet"
CASES[MEETING] = case(PAIRS, batch=8)
TOKENS = {"memory": 45, "memory of pairs": 20}
"""How many one of two processes has memory for."""


def short_once(patch: pytest.MonkeyPatch) -> None:
    """The room for what all give is lacking, in this process and once."""
    usual = meeting._room

    def lacking(*given: Any) -> Any:
        patch.setattr(meeting, "_room", usual)
        raise RuntimeError(LACKING)

    patch.setattr(meeting, "_room", lacking)


def do(name: str, encoders: Path, out: Path, patch: pytest.MonkeyPatch) -> list[str]:
    """Do one of the cases. Leaves models and log.jsonl as the stage does, and the weights in this
    process; returns what was said."""
    mine = company()
    stage = CASES[name]
    stage = replace(stage, start=Folder(path=str(encoders / stage.start.path)))
    context = Toy(folder=out / name)
    context.folder.mkdir(parents=True, exist_ok=True)
    if name == "rows in use":
        patch.setattr(active, "WORTH", 1.0)
    if name in TOKENS and mine.rank == 1:
        limit(patch, TOKENS[name])
    if name == MEETING and mine.rank == 1:
        short_once(patch)

    class Kept(Loop):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            for group in self.optimiser.param_groups:
                # By its usual one, Adam steps as far for a gradient that is rounding alone, such as
                # that of the biases of keys, as for any other.
                group["eps"] = 1e-2

        def run(self, *given: Any) -> None:
            super().run(*given)
            save_file(snapshot(self.heads), context.folder / f"rank-{mine.rank}.safetensors")

    patch.setattr(module, "Loop", Kept)
    stage.run(context)
    return context.said


def main(encoders: Path, out: Path, rank: int, size: int) -> None:
    join(rank, size, out / "meeting", gpus=False)
    for name in CASES:
        with pytest.MonkeyPatch.context() as patch:
            said = do(name, encoders, out, patch)
            (out / name / f"said-{rank}.txt").write_text("\n".join(said), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
