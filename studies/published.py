"""What the studies of published encoders share: recipes by target, and what they ask of a machine.

No study by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from layover.encoders import Start
from layover.recipe import Recipe, epochs, steps
from layover.stage import Resources
from layover.stages import Score, Stop, leaves
from layover.tasks.plain import plain
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset
from layover.tasks.xnli import XNLI

PAPER = Recipe(duration=steps(8_192), learning_rate=1e-5, precision="bfloat16")
"""Intermediate training: a step for 32 of the most examples, at the rate of Phang et al. (2020)."""
TAGGERS = replace(PAPER, duration=epochs(10), learning_rate=2e-5)
"""As XTREME trains them (its scripts; Hu et al. 2020)."""
QUESTIONS = replace(TAGGERS, duration=epochs(2), learning_rate=3e-5, batch=16, max_length=384)
TUNED = {
    "xnli": replace(TAGGERS, duration=epochs(5)),
    "xquad": QUESTIONS,
    "tydiqa": QUESTIONS,
}
"""Likewise, by target."""

GPU = Resources(threads=4, gpus=1)


def tuned(targets: Iterable[Target], names: Sequence[str]) -> tuple[Target, ...]:
    """Those of the names, with their recipes."""
    return tuple(
        replace(one, recipe=TUNED.get(one.name, TAGGERS) if one.train else None)
        for one in targets
        if one.name in names
    )


def on_hub(target: Target) -> Target:
    """A target with the rows of the hub, where they are there."""

    def there(data: Data) -> Data:
        return replace(data, task=data.task.on_hub()) if data.task.hub else data

    return replace(target, train=tuple(map(there, target.train)), test=there(target.test))


def reached(
    start: Start, *stops: Stop, targets: Iterable[Target], seeds: Iterable[int]
) -> tuple[Score, ...]:
    """The targets by way of `stops`, on a GPU."""
    return leaves(
        start,
        *stops,
        targets=targets,
        recipe=TAGGERS,
        seeds=seeds,
        resources=GPU,
        precision="bfloat16",
    )


def sentences() -> Data:
    """What portraits are made on: sentences that are parallel in XNLI's languages, each once, and
    that nothing is trained on."""
    hypotheses = plain(XNLI.on_hub(), "pair")
    return Data(task=hypotheses, split="test", languages=XNLI.languages, subset=Subset(size=1_000))
