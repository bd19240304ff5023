"""How far training moved an encoder's weights, as a stage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from layover import spec
from layover.encoders import Start
from layover.errors import StudyError
from layover.stage import Context, Stage
from layover.stages import Train


@dataclass(frozen=True, kw_only=True)
class Distance(Stage):
    """How far the weights of `model` are from those of `start`, from which it was trained: by
    tensor, and by row of the word table (see `layover.modeling.distance`)."""

    version: ClassVar[int] = 1
    model: Train
    start: Start

    def __post_init__(self) -> None:
        if not self.between:
            raise StudyError(
                f"{self.model.label} is {self.start.label} itself: there is no distance to measure"
            )

    @cached_property
    def between(self) -> tuple[Train, ...]:
        """The trainings that lead from the one to the other, last to first."""
        found: list[Train] = []
        stop: Start = self.model
        while spec.key(stop) != spec.key(self.start):
            if not isinstance(stop, Train):
                raise StudyError(
                    f"{self.model.label} was not trained from {self.start.label}, but from "
                    f"{stop.label}: a distance is from a model to one before it"
                )
            found.append(stop)
            stop = stop.start
        return tuple(found)

    @property
    def label(self) -> str:
        return f"distance {self.model.data.label} (seed {self.model.seed})"

    def run(self, context: Context) -> None:
        from layover.modeling.distance import distance

        distance(self, context)
