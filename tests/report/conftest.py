"""A made-up study: seven arms, a control, four targets, six languages, four seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from layover.grid import Grid
from layover.report import Arm, Cell, Language, LayerCurve, Report, Target, Training
from layover.stats import Estimates, Sample, by_seed, samples

LANGUAGES = (
    Language(code="qal", name="Alvic", distance=0.0, source=True),
    Language(code="qco", name="Corvic", distance=0.3),
    Language(code="qbe", name="Belic", distance=0.15),
    Language(code="qde", name="Delvic", distance=0.5),
    Language(code="qel", name="Elvic", distance=0.7),
    Language(code="qfe", name="Fenric", distance=0.9),
)
CODES = tuple(language.code for language in LANGUAGES)
TARGETS = (
    Target(name="POS", metric="accuracy", chance=12.0),
    Target(name="NER", metric="F1"),
    Target(name="XQuAD", metric="F1", chance=4.0),
    Target(name="retrieval", metric="accuracy", chance=0.2),
)
EFFECTS = {
    "direct": (0, 0, 0, 0),
    "ccg": (6, 4, 0.5, -9),
    "squad": (0.3, 1, 9, -4),
    "xnli": (-0.5, 0.4, 1.5, -2),
    "hellaswag": (-3, -1, -2.5, -6),
    "multi": (4, 3, 7, -5),
    "ccg+mlm": (5, 3.5, 0.5, 3),
    "no pretraining": (-30, -35, -25, -44),
}
LEVELS = (84, 70, 60, 55)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A made-up measurement."""

    seed: int | None
    data_key: str
    clusters: tuple[str, ...]
    statistics: dict[str, np.ndarray]


def accuracy(sums: np.ndarray) -> np.ndarray:
    return 100 * sums[..., 0] / sums[..., 1]


def measure(generator: np.random.Generator, arm: str, target: int, seed: int) -> Made:
    """200 examples whose difficulty is shared by all arms of a seed."""
    size = 200
    difficulty = np.random.default_rng([seed, target]).random((size, len(CODES)))
    statistics = {}
    for i, language in enumerate(LANGUAGES):
        level = LEVELS[target] + EFFECTS[arm][target] * (0.4 + language.distance)
        level += generator.normal(0, 0.8) - 40 * language.distance**1.2
        noisy = 0.8 * difficulty[:, i] + 0.2 * generator.random(size)
        right = noisy < max(level, 0.5) / 100
        statistics[language.code] = np.stack([right, np.ones(size)], axis=1).astype(np.float64)
    return Made(
        seed=seed,
        data_key=f"world {seed} {target}",
        clusters=tuple(f"c{i}" for i in range(size)),
        statistics=statistics,
    )


def study(arms: tuple[str, ...] = tuple(EFFECTS), seeds: int = 4, targets: int = 4) -> Report:
    generator = np.random.default_rng(0)
    found = {
        (arm, t): [measure(generator, arm, t, seed) for seed in range(seeds)]
        for arm in arms
        for t in range(targets)
    }
    roles = {"direct": "baseline", "no pretraining": "control"}
    names = [target.name for target in TARGETS[:targets]]
    made: dict[tuple[str, str], Sample] = {}
    for t, name in enumerate(names):
        mine = [item for arm in arms for item in found[arm, t]]
        runs = samples(mine, accuracy, replicates=300)
        for place, arm in enumerate(arms):
            made[arm, name] = by_seed(runs[place * seeds : (place + 1) * seeds])
    grid = Grid(samples=made, languages=CODES, source=CODES[0])
    compared = [arm for arm in arms if arm not in roles]
    return Report(
        study="demo",
        question="Does intermediate training in the source language help in the languages that "
        "have no labels?\n\nA generated family of six languages; it demonstrates the machinery, "
        "not the findings of a paper.",
        arms=tuple(Arm(name=arm, role=roles.get(arm, "arm")) for arm in arms),
        targets=TARGETS[:targets],
        languages=LANGUAGES,
        differences=tuple(
            Cell(arm=arm, target=name, estimates=grid.difference(arm, "direct", name))
            for arm in compared
            for name in names
        ),
        means=tuple(
            Cell(
                arm=arm,
                target="",
                estimates=Estimates(
                    mean=grid.mean(arm, "direct", names),
                    languages={CODES[0]: grid.mean(arm, "direct", names, CODES[0])},
                ),
            )
            for arm in compared
        ),
        scores=tuple(
            Cell(arm=arm, target=name, estimates=grid.score(arm, name))
            for arm in arms
            for name in names
        ),
        layers=tuple(layers(generator, arm, seed) for arm in arms for seed in range(seeds)),
        trainings=tuple(trainings(generator, arms, seeds)),
        provenance={
            "Layover": "0.1.0 at 3f2a91c, clean",
            "Packages": "python 3.11.9, torch 2.13.0, transformers 5.13.1, numpy 2.4.6",
            "Machine": "4 cores, x86_64, Linux 6.8; one thread per worker, 4 workers",
            "Seeds": "0, 1, 2, 3: world, vocabulary, pretraining, fine-tuning",
            "Stages": "212 of 212 done, of which 64 trainings; sharing saved 68 trainings",
            "Wall time": "4 min 41 s",
        },
        commands=("layover run studies/demo.py --workers 4", "layover report studies/demo.py"),
    )


def layers(generator: np.random.Generator, arm: str, seed: int) -> LayerCurve:
    points = []
    for layer in range(5):
        for language in LANGUAGES:
            level = 55 - 40 * language.distance - 8 * abs(layer - 2) + EFFECTS[arm][3]
            for rest, more in (("", 0), (", centred", 9)):
                value = max(level + more + generator.normal(0, 1), 0.2)
                points.append((f"layer {layer}{rest}", language.code, value))
    return LayerCurve(
        arm=arm, target="retrieval", seed=seed, chosen="layer 2, centred", points=tuple(points)
    )


def trainings(generator: np.random.Generator, arms: tuple[str, ...], seeds: int) -> list[Training]:
    found = []
    phases = [("MLM", "direct"), *((arm, arm) for arm in arms[1:-1]), *(("POS", a) for a in arms)]
    for phase, arm in phases:
        for seed in range(seeds):
            steps = np.arange(0, 2000, 10)
            loss = 3 * np.exp(-steps / 500) + 0.6 + generator.normal(0, 0.05, len(steps))
            dev = 85 - 60 * np.exp(-steps[::20] / 400) + generator.normal(0, 0.5, 10)
            found.append(
                Training(
                    phase=phase,
                    arm=arm,
                    seed=seed,
                    loss=tuple(zip(steps.tolist(), loss.tolist(), strict=True)),
                    dev=tuple(zip(steps[::20].tolist(), dev.tolist(), strict=True)),
                    metric="accuracy",
                )
            )
    return found


@pytest.fixture(scope="session")
def demo() -> Report:
    return study()


@pytest.fixture(scope="session")
def made() -> Callable[..., Report]:
    return study
