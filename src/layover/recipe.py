"""How a model is trained: everything but the data and the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from layover.errors import StudyError
from layover.metrics.metric import Metric
from layover.tasks.task import Data

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
    """Examples an optimiser step, over all its accumulation steps."""
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
    """bfloat16 is autocast: the weights stay float32."""
    trainable: Literal["all"] = "all"

    def __post_init__(self) -> None:
        if self.batch < 1 or self.accumulation < 1 or self.max_length < MIN_LENGTH:
            raise StudyError(
                f"batch {self.batch}, accumulation {self.accumulation} and max_length "
                f"{self.max_length} train nothing: at least 1, 1 and {MIN_LENGTH} are needed"
            )
        if self.batch % self.accumulation:
            raise StudyError(
                f"batch {self.batch} cannot be split into {self.accumulation} equal parts"
            )


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Early stopping, and which checkpoint is the best: on what data, by which metric.

    The model is measured every `every` steps, on the mean over the languages of `data`; training
    ends after `patience` measurements without a better one, and the best one's weights are kept.
    """

    version: ClassVar[int] = 1
    data: Data
    metric: Metric
    every: int
    patience: int = 5

    def __post_init__(self) -> None:
        if self.every < 1 or self.patience < 1:
            raise StudyError(
                f"a selection every {self.every} steps with patience {self.patience} trains "
                "nothing: both must be 1 or more"
            )
