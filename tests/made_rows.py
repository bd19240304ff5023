"""Studies that are planned only, and rows made up for them: every arm is as good as a test says."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from layover.claims import Claim, Coverage, Verdict
from layover.encoders import XLMR_LARGE, Start, Tiny
from layover.measured import Measurement, grid
from layover.metrics.accuracy import ACCURACY
from layover.recipe import Recipe, steps
from layover.stages import Initial, Phase, Stop, Vocabulary, World, leaves
from layover.study import Arm, Study
from layover.tasks.generated import CODES, SOURCE, Tasks
from layover.tasks.mixture import Mixture
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, Task
from layover.verdicts import judge
from layover.world import Shape

TARGETS = ("NLI", "paraphrase", "choice", "retrieval")
ARMS = ("direct", "nli", "tags", "both", "tags + mlm")
SEEDS = (1, 2, 3)
SIZE = 400

TASKS = Tasks(world=World(shape=Shape(paragraphs=200), seed=0))
TEXT = Data(task=TASKS.text, split="train", languages=CODES)
RECIPE = Recipe(duration=steps(6), learning_rate=5e-4, batch=8)
TOY = Initial(
    shape=Tiny(layers=2, width=128, heads=4), vocabulary=Vocabulary(data=TEXT, size=600), seed=0
)


def train(task: Task, *languages: str) -> Data:
    return Data(task=task, split="train", languages=languages or (SOURCE,), subset=Subset(size=40))


STOPS: Mapping[str, tuple[Stop, ...]] = {
    "direct": (),
    "nli": (train(TASKS.nli),),
    "tags": (train(TASKS.supertags),),
    "both": (Mixture(parts=(train(TASKS.nli), train(TASKS.supertags))),),
    "tags + mlm": (Mixture(parts=(train(TASKS.supertags),), beside=TEXT, ratio=0.5),),
}


def targets() -> tuple[Target, ...]:
    def learned(name: str, task: Task) -> Target:
        test = Data(task=task, split="test", languages=CODES)
        return Target(name=name, train=(train(task),), test=test, metric=ACCURACY)

    return (
        learned("NLI", TASKS.nli),
        learned("paraphrase", TASKS.paraphrase),
        learned("choice", TASKS.choice),
        Target(
            name="retrieval",
            train=(),
            test=Data(task=TASKS.retrieval, split="test", languages=CODES[1:]),
            dev=Data(task=TASKS.retrieval_dev, split="dev", languages=CODES[1:]),
            metric=ACCURACY,
        ),
    )


def study(
    *claims: Claim | Coverage,
    encoder: Start = XLMR_LARGE,
    arms: Iterable[str] = ARMS,
    seeds: Iterable[int] = SEEDS,
    aims: Sequence[Target] = (),
) -> Study:
    """From random weights by way of text; from published ones at once."""
    first: tuple[Stop, ...] = (Phase(data=TEXT),) if encoder is TOY else ()

    def arm(name: str) -> Arm:
        stops = (*first, *STOPS[name])
        found = leaves(encoder, *stops, targets=aims or targets(), recipe=RECIPE, seeds=seeds)
        return Arm(name=name, leaves=found)

    return Study(
        name="made",
        question="Which?",
        arms=tuple(map(arm, arms)),
        baseline="direct",
        source=SOURCE,
        claims=claims,
    )


def row(
    arm: str, target: str, seed: int, points: float, *, noise: float = 0.5, size: int = SIZE
) -> Measurement:
    """60 percent and `points`, with seed noise of `noise` points; difficulty is the examples'."""
    generator = np.random.default_rng(zlib.crc32(f"{arm}/{target}/{seed}".encode()))
    difficulty = np.random.default_rng(zlib.crc32(target.encode())).normal(0, 0.3, (size, 9))
    statistics = {}
    for place, code in enumerate(CODES if target != "retrieval" else CODES[1:]):
        level = 0.6 + points / 100 + generator.normal(0, noise / 100)
        value = level + difficulty[:, place] - difficulty[:, place].mean()
        statistics[code] = np.stack([value, np.ones(size)], axis=1)
    return Measurement(
        arm=arm,
        target=target,
        seed=seed,
        metric="accuracy",
        model_key=f"{arm}{seed}",
        data_key=target,
        chance=50.0,
        variant="",
        clusters=tuple(f"c{place}" for place in range(size)),
        statistics=statistics,
        curve=(),
    )


def rows(
    effects: Mapping[str, float | Mapping[str, float]],
    *,
    seeds: Iterable[int] = SEEDS,
    noise: float = 0.5,
    names: Sequence[str] = TARGETS,
) -> tuple[Measurement, ...]:
    """Arm -> its points above the baseline, on all targets or on each."""
    chosen = tuple(seeds)
    return tuple(
        row(
            arm,
            target,
            seed,
            points[target] if isinstance(points, Mapping) else points,
            noise=noise,
        )
        for arm, points in {"direct": 0.0, **effects}.items()
        for target in names
        for seed in chosen
    )


def verdicts(
    found: Sequence[Measurement], *claims: Claim | Coverage, within: Study | None = None
) -> tuple[Verdict, ...]:
    place = replace(within or study(), claims=claims)
    return judge(place, grid(place, tuple(found)), found)


def verdict(
    found: Sequence[Measurement], claim: Claim | Coverage, within: Study | None = None
) -> Verdict:
    return verdicts(found, claim, within=within)[0]
