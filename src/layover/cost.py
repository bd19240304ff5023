"""What a study costs, before anything is read or trained.

Work is counted as Kaplan et al. (2020, 2.1) do: 6 N floating-point operations for each token that
is trained on, and 2 N for each that is predicted, N being the encoder's weights without its table
of words. Attention over long texts and the head are left out, and so is the output layer of masked
language modelling, which with a large vocabulary is a good part of its work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from layover.dimensions import Parameters
from layover.encoders import Start
from layover.factors import encoder_name, parameters, phases
from layover.recipe import Recipe
from layover.stage import Stage, closure
from layover.stages import Benchmark, Predict, Score, Train
from layover.study import Study
from layover.tasks.mixture import Mixture, parts_of
from layover.tasks.task import Data

FORWARD = 2
TRAINING = 6
"""Floating-point operations for each weight and token."""
BYTES = 4
"""Of a weight that is saved."""

PHASES = ("language model", "intermediate", "target", "prediction", "serving")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Work:
    """So much of it."""

    trainings: int = 0
    steps: int = 0
    """Of optimisers."""
    tokens: int = 0
    """Of all sequences that go through an encoder."""
    requests: int = 0
    """That served models answer, warming up aside."""
    flops: float = 0.0
    """Floating-point operations."""
    saved: int = 0
    """Bytes of the models, which have an encoder for each head."""

    def __add__(self, other: Work) -> Work:
        names = [field.name for field in fields(self)]
        return Work(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, kw_only=True)
class Price:
    """What stages cost, by phase."""

    phases: Mapping[str, Work]
    unknown: tuple[str, ...]
    """What would have to be known to price the rest, each once; what depends on it is not in the
    numbers."""

    @property
    def total(self) -> Work:
        total = Work()
        for work in self.phases.values():
            total += work
        return total


def price(study: Study, stages: Iterable[Stage], tokens: int = 0) -> Price:
    """What the trainings, predictions and benchmarks among `stages` of a study cost.

    `tokens` is the mean length of a sequence. Without it, or where it is longer, every sequence
    counts as long as its recipe lets it be: the price is then the most that it can be, but for
    texts that are split into several sequences.
    """
    named = _phases(study)
    found = {phase: Work() for phase in PHASES}
    unknown: dict[str, None] = {}
    for stage in stages:
        found[named.get(stage.key, "intermediate")] += _Reader(tokens, unknown).work(stage)
    return Price(phases=found, unknown=tuple(unknown))


def kept(study: Study) -> tuple[Stage, ...]:
    """What `layover prune` leaves alone when all is done."""
    return closure(tuple(leaf for name in study.keep for leaf in study.arm(name).leaves))


def at_once(study: Study) -> int:
    """Bytes of the models that lie on disk together, at most, where `layover prune` is called after
    every stage, in the order of the study: what must be free even then."""
    order = {stage.key: number for number, stage in enumerate(study.stages)}
    last = {parent.key: order[stage.key] for stage in study.stages for parent in stage.parents}
    stays = {stage.key for stage in kept(study)}
    saved = {one.key: _Reader(0, {}).work(one).saved for one in study.stages}
    held = most = 0
    for stage in study.stages:
        held += saved[stage.key]
        most = max(most, held)
        done = {one.key for one in stage.parents if last[one.key] == order[stage.key]}
        held -= sum(saved[key] for key in done - stays)
    return most


def _phases(study: Study) -> dict[str, str]:
    """Key -> phase. A training that is of several, in several arms, counts in the first of them."""
    named: dict[str, str] = {}
    for leaf in study.leaves:
        if isinstance(leaf, Score):
            found = phases(leaf)
            trainings = (found.language_model, found.intermediate, found.target)
            for phase, members in zip(PHASES, trainings, strict=False):
                for training in members:
                    named.setdefault(training.key, phase)
    for stage in study.stages:
        if isinstance(stage, Predict | Benchmark):
            named[stage.key] = "prediction" if isinstance(stage, Predict) else "serving"
    return named


class _Reader:
    """Prices stages, and notes in `unknown` why one has no price."""

    def __init__(self, tokens: int, unknown: dict[str, None]) -> None:
        self.tokens, self.unknown = tokens, unknown

    def work(self, stage: Stage) -> Work:
        """None of it for what runs no encoder, or is not known."""
        if isinstance(stage, Train):
            return self.training(stage)
        if isinstance(stage, Predict):
            return self.prediction(stage)
        return self.serving(stage) if isinstance(stage, Benchmark) else Work()

    def training(self, stage: Train) -> Work:
        parts = parts_of(stage.data)
        recipe = stage.recipe
        size = self._weights(stage.start)
        saved = len(parts) * BYTES * size.total if size else 0
        known = Work(trainings=1, saved=saved)
        steps = self._steps(stage.data, recipe)
        # A step draws from parts by chance: the longest group of sequences is the most it can be.
        groups = [self._group(part) for part in parts]
        if steps is None or None in groups:
            return known
        longest = max(group for group in groups if group is not None)
        learned = steps * recipe.batch * longest * self._length(recipe.max_length)
        checked = self._checked(stage, steps)
        body = size.body if size else 0
        return known + Work(
            steps=steps,
            tokens=learned + checked,
            flops=float(body) * (TRAINING * learned + FORWARD * checked),
        )

    def prediction(self, stage: Predict) -> Work:
        size = self._weights(stage.model)
        tokens = self._read(stage.data, stage.max_length)
        return Work(tokens=tokens, flops=float(size.body if size else 0) * FORWARD * tokens)

    def serving(self, stage: Benchmark) -> Work:
        """What is exported and what warms up is left out."""
        from layover.bench.backends import REFERENCE

        turns = len(stage.data.languages) * stage.requests * stage.rounds * stage.launches
        turns *= len({REFERENCE, *stage.backends})
        group = self._group(stage.data) or 0
        tokens = turns * sum(stage.batches) * group * self._length(stage.max_length)
        sizes = [self._weights(model) for model in stage.models]
        return Work(
            requests=len(sizes) * turns * len(stage.batches),
            tokens=len(sizes) * tokens,
            flops=float(FORWARD) * tokens * sum(size.body for size in sizes if size),
        )

    def _checked(self, stage: Train, steps: int) -> int:
        """Tokens that are read to choose a checkpoint, should training not end early."""
        if stage.selection is None:
            return 0
        # Checks of the same data are read off the same outputs.
        each: list[Data] = []
        for check in stage.selection.checks:
            if check.data not in each:
                each.append(check.data)
        length = stage.recipe.max_length
        return steps // stage.selection.every * sum(self._read(data, length) for data in each)

    def _read(self, data: Data, longest: int) -> int:
        """Tokens of the examples whose number is known."""
        group, size = self._group(data), self._size(data)
        if size is None:
            size = sum(data.task.size(data.split, code) or 0 for code in data.languages)
        return size * (group or 0) * self._length(longest)

    def _steps(self, data: Data | Mixture, recipe: Recipe) -> int | None:
        if recipe.duration.unit == "steps":
            return recipe.duration.steps(1)
        sizes = [self._size(part) for part in parts_of(data)]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            return None
        if isinstance(data, Mixture):
            return recipe.duration.steps(data.steps_per_epoch(known, recipe.batch))
        return recipe.duration.steps(-(-known[0] // recipe.batch))

    def _length(self, longest: int) -> int:
        return min(self.tokens, longest) if self.tokens else longest

    def _size(self, data: Data) -> int | None:
        codes = data.languages
        lacking = [code for code in codes if data.task.size(data.split, code) is None]
        where = f" in {len(lacking)} of {len(codes)} languages" if len(lacking) < len(codes) else ""
        return self._noted(data.size, f"examples of {data.task.name} {data.split}{where}")

    def _group(self, data: Data) -> int | None:
        """Sequences of an example."""
        sequences = getattr(data.task.type, "sequences", 1)
        return self._noted(sequences, f"options of a question of {data.task.name}")

    def _weights(self, start: Start) -> Parameters | None:
        return self._noted(parameters(start), f"weights of {encoder_name(start)}")

    def _noted(self, value: T | None, what: str) -> T | None:
        if value is None:
            self.unknown[what] = None
        return value
