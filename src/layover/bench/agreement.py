"""Whether a backend says what the reference says, before anyone looks at how fast it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from layover.inference.predict import rows
from layover.inference.table import Table
from layover.metrics.metric import Metric
from layover.tasks.task import Examples, Unit

CLOSE = 1e-4
"""Difference that rounding explains, in units of the largest number of the reference."""

Verdict: TypeAlias = Literal["reference", "equal", "approximate", "differs"]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What one backend says to every example: one output a unit, and what follows from them."""

    outputs: Sequence[Any]
    predictions: Sequence[Any]
    quality: Mapping[str, float]
    """Language -> score in percent; NaN where no labels are known."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A backend beside the reference, on the same examples."""

    verdict: Verdict
    difference: float
    """The largest, of any score."""
    scale: float
    """The largest number of the reference."""
    same: float
    """Share of the examples with the same prediction."""
    quality: Mapping[str, float]

    @property
    def timed(self) -> bool:
        """What differs without having said so is another model, whose speed says nothing."""
        return self.verdict != "differs"


def answers(
    examples: Examples, units: Sequence[Unit], outputs: Sequence[Any], metric: Metric
) -> Answers:
    """Predictions and their scores from outputs, one a unit."""
    found = rows(examples, units, outputs)
    means = Table.of(found, metric, examples.task.type).above({}).means()
    quality = {code: math.nan if value is None else value for (_, code), value in means.items()}
    return Answers(outputs=outputs, predictions=found.prediction, quality=quality)


def agreement(reference: Answers, mine: Answers, *, exact: bool, bits: bool = False) -> Agreement:
    """How far `mine` are from the reference: equal within rounding where they are `exact`, to the
    bit where that is promised."""
    pairs = list(zip(reference.outputs, mine.outputs, strict=True))
    if any(one.shape != other.shape for one, other in pairs):
        difference = math.inf
    else:
        # The largest of numbers of which one is not a number is not one, and is not close.
        difference = float(np.max([np.abs(one - other).max() for one, other in pairs]))
    scale = float(np.max([np.abs(one).max() for one, _ in pairs]))
    equal = difference == 0 if bits else difference <= CLOSE * scale
    if mine is reference:
        verdict: Verdict = "reference"
    elif not exact and math.isfinite(difference):
        verdict = "approximate"
    else:
        verdict = "equal" if equal else "differs"
    predicted = zip(reference.predictions, mine.predictions, strict=True)
    same = [one == other for one, other in predicted]
    return Agreement(
        verdict=verdict,
        difference=difference,
        scale=scale,
        same=sum(same) / len(same),
        quality=mine.quality,
    )
