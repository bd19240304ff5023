"""How a model is trained: everything but the data and the seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from layover.errors import StudyError
from layover.metrics.metric import Metric
from layover.tasks.task import Data, check_metric

MIN_LENGTH = 8
"""Room for the special tokens of a pair and a word of each."""


@dataclass(frozen=True, kw_only=True)
class Duration:
    """How long: a number of epochs (passes over the data) or of optimiser steps."""

    amount: float
    unit: Literal["epochs", "steps"]

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise StudyError(f"a duration of {self.amount} {self.unit} trains nothing")

    def steps(self, steps_per_epoch: int) -> int:
        """Optimiser steps, at least one."""
        total = self.amount * (steps_per_epoch if self.unit == "epochs" else 1)
        return max(1, round(total))


def epochs(amount: float) -> Duration:
    return Duration(amount=amount, unit="epochs")


def steps(amount: int) -> Duration:
    return Duration(amount=amount, unit="steps")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """AdamW (Loshchilov and Hutter 2019) with linear warm-up and linear decay to zero."""

    version: ClassVar[int] = 1
    duration: Duration
    learning_rate: float
    embedding_rate: float = 1.0
    """Multiplies the learning rate of the word table."""
    batch: int = 32
    """Examples an optimiser step, over all its accumulation steps and tasks."""
    accumulation: int = 1
    """Forward and backward passes an optimiser step."""
    warmup: float = 0.1
    """Share of the steps in which the rate rises."""
    weight_decay: float = 0.0
    """Not applied to biases and normalisation."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    max_length: int = 128
    """Tokens of a sequence, special tokens included."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: the encoder computes with rounded copies of the weights, which stay float32 and are
    trained in it."""
    trainable: Literal["all"] = "all"

    def __post_init__(self) -> None:
        if self.batch < 1 or self.accumulation < 1 or self.max_length < MIN_LENGTH:
            raise StudyError(
                f"batch {self.batch}, accumulation {self.accumulation} and max_length "
                f"{self.max_length} train nothing: at least 1, 1 and {MIN_LENGTH} are needed"
            )
        if self.learning_rate < 0 or not 0 <= self.warmup <= 1 or self.clip <= 0:
            raise StudyError(
                f"learning_rate {self.learning_rate}, warmup {self.warmup}, clip {self.clip}: "
                "needed are a rate of 0 or more, a share of the steps, and a norm above 0"
            )
        if self.batch % self.accumulation:
            raise StudyError(
                f"batch {self.batch} cannot be split into {self.accumulation} equal parts"
            )


@dataclass(frozen=True, kw_only=True)
class Check:
    """One measurement of a model in training: the mean of `metric` over the languages of `data`,
    which must be of a task that is trained."""

    data: Data
    metric: Metric

    def __post_init__(self) -> None:
        check_metric(self.metric, self.data)

    @property
    def label(self) -> str:
        return f"{self.metric.label} on {self.place}"

    @property
    def place(self) -> str:
        """The data, in words."""
        codes = self.data.languages
        named = ", ".join(codes) if len(codes) < 4 else f"{len(codes)} languages"
        return f"{self.data.label} {self.data.split} ({named})"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Early stopping, and which checkpoint is the best: on what data, by which metrics.

    The model is measured every `every` steps. A checkpoint is worth the `aggregate` of its checks'
    scores in percent: their mean (as in jiant), or the least of them. Training ends after
    `patience` measurements without a better one, and the best one's weights are kept, those of all
    tasks at once.
    """

    version: ClassVar[int] = 2
    checks: tuple[Check, ...]
    every: int
    patience: int = 5
    aggregate: Literal["mean", "least"] = "mean"

    def __post_init__(self) -> None:
        if self.every < 1 or self.patience < 1 or not self.checks:
            raise StudyError(
                f"a selection by {len(self.checks)} checks every {self.every} steps with patience "
                f"{self.patience} trains nothing: all must be 1 or more"
            )
        if any(self.checks.count(check) > 1 for check in self.checks):
            raise StudyError(f"a selection by {self.label} counts a check twice")

    def worth(self, scores: Sequence[float]) -> float:
        """The aggregate of the checks' scores; NaN if one of them is."""
        if any(math.isnan(score) for score in scores):
            return math.nan
        return min(scores) if self.aggregate == "least" else sum(scores) / len(scores)

    @property
    def label(self) -> str:
        """What a checkpoint is chosen by, in words."""
        names = ", ".join(check.label for check in self.checks)
        return names if len(self.checks) == 1 else f"the {self.aggregate} of {names}"


@dataclass(frozen=True, kw_only=True)
class Carry:
    """The head that a phase goes on with, where its name alone does not say it.

    Labels are matched by name, so their order may differ, and labels that the new task lacks are
    left behind.
    """

    version: ClassVar[int] = 1
    task: str = ""
    """The task whose head it is; empty: the one of the same name, or the only one of its kind."""
    labels: tuple[tuple[str, str], ...] = ()
    """(label of the new task, label of the old one) where their names differ."""

    def __post_init__(self) -> None:
        new = [name for name, _ in self.labels]
        if len(set(new)) != len(new):
            raise StudyError(f"labels carried twice: {', '.join(new)} must differ")


HeadPolicy: TypeAlias = Literal["new", "carry"] | Carry
"""Whether the heads of a phase are drawn anew or go on from the phase before."""
