"""A made-up study: seven arms, a control, four targets, six languages, four seeds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from layover.claims import Claim, Verdict, gain
from layover.grid import Grid
from layover.report import (
    Arm,
    Cell,
    Cost,
    Curve,
    Language,
    LayerCurve,
    Point,
    Report,
    Target,
    Training,
)
from layover.stats import Bounds, Estimates, Interval, Sample, by_seed, samples

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


def about(estimate: float, error: float) -> Interval:
    """An interval of four seeds in five languages."""
    half = 1.96 * error
    return Interval(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        error=error,
        by_seed=tuple((seed, estimate) for seed in range(4)),
        examples=1000,
        languages=CODES[1:],
    )


def curve(arm: str, most: float, axis: str = "training examples") -> Curve:
    places = (250, 1000, 4000, 16000)
    values = [most - 40 / place**0.5 for place in places]
    return Curve(
        arm=arm,
        target="POS",
        axis=axis,
        points=tuple(
            Point(at=place, value=about(value, 0.4), label=f"tiny {place}" if "par" in axis else "")
            for place, value in zip(places, values, strict=True)
        ),
        law="power law with floor",
        line=tuple((x, v, v - 0.5, v + 0.5) for x, v in zip(places, values, strict=True)),
        slope=about(0.4, 0.1),
        against="squad",
        contrast=about(-0.2, 0.3),
        told=f"{arm} gains 0.40 points a doubling.",
    )


def cost(model: str, backend: str, language: str, batch: int = 1) -> Cost:
    base = (2.0 + len(model) / 4) * batch**0.6 / (2 if backend == "onnx" else 1)
    p50, p95, p99 = (
        Bounds(estimate=x * base, low=0.97 * x * base, high=1.04 * x * base) for x in (1, 1.3, 1.8)
    )
    return Cost(
        model=model,
        backend=backend,
        language=language,
        batch=batch,
        p50=p50,
        p95=p95,
        p99=p99,
        throughput=Bounds(estimate=1000 * batch / base, low=math.nan, high=math.nan),
        tokens=18.5,
        memory=2.1e8,
        disk=4.4e7,
        agrees=0.998,
        quality=about(60 + len(model), 1.2),
    )


def verdicts() -> tuple[Verdict, ...]:
    def claim(text: str) -> Claim:
        whole = (gain("ccg", "POS", over="direct"),)
        return Claim(text=text, source="Phang et al. 2020, table 2", contrasts=whole)

    ends = ((1.0, 5.0),)
    found = {
        "found": (about(3.0, 1.0),),
        "intervals": ends,
        "levels": (0.975,),
        "level": 0.975,
        "confidence": 0.99,
    }
    return (
        Verdict(claim=claim("CCG helps."), verdict="supported", here="supported",
                notes=("ccg: seed 9 left out",), **found),  # type: ignore[arg-type]
        Verdict(claim=claim("CCG helps by 10."), verdict="contradicted", here="contradicted",
                **found),  # type: ignore[arg-type]
        Verdict(claim=claim("MNLI helps."), verdict="not tested", here="not tested",
                missing=("mnli on POS",)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def grown() -> Report:
    """The study with all that a study may have."""
    return replace(
        study(),
        best=about(5.0, 0.5),
        best_of=("ccg", "squad"),
        curves=tuple(curve(arm, most) for arm, most in (("ccg", 6.0), ("squad", 2.0))),
        sizes=(curve("xnli", 3.0, "parameters without the word table"),),
        costs=tuple(
            cost(model, backend, language, batch)
            for model in ("ccg", "squad", "a model by itself")
            for backend in ("eager", "onnx")
            for language in CODES
            for batch in (1, 32)
        ),
        verdicts=verdicts(),
    )


@pytest.fixture(scope="session")
def demo() -> Report:
    return study()


@pytest.fixture(scope="session")
def made() -> Callable[..., Report]:
    return study
