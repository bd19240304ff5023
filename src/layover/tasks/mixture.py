"""Several data sets in one training, and which of them each step draws from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from layover.errors import StudyError
from layover.tasks.task import Data


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """At every step one part is drawn, and all examples of the step come from it (as in jiant).

    `proportional`: by number of examples; `uniform`: all parts alike; `explicit`: by `weights`.
    An epoch is as many steps as all parts together need to be seen once. Every task has its own
    head; the encoder is shared.
    """

    version: ClassVar[int] = 1
    parts: tuple[Data, ...]
    sampling: Literal["proportional", "uniform", "explicit"] = "proportional"
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        names = [part.task.name for part in self.parts]
        if len(names) < 2 or len(set(names)) != len(names):
            raise StudyError(f"a mixture needs two or more different tasks, not {names}")
        if (self.sampling == "explicit") != bool(self.weights):
            raise StudyError("weights go with sampling='explicit', and only with it")
        if self.weights and (len(self.weights) != len(names) or min(self.weights) <= 0):
            raise StudyError(
                f"a mixture of {len(names)} tasks needs {len(names)} positive weights, "
                f"not {self.weights}"
            )

    def probabilities(self, sizes: Sequence[int]) -> tuple[float, ...]:
        """The share of steps of each part, given their numbers of examples; they add up to 1."""
        raw: Sequence[float] = {
            "proportional": sizes,
            "uniform": [1.0] * len(sizes),
            "explicit": self.weights,
        }[self.sampling]
        return tuple(value / sum(raw) for value in raw)

    def missing_files(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.missing_files()

    @property
    def label(self) -> str:
        return "+".join(part.label for part in self.parts)


def parts_of(data: Data | Mixture) -> tuple[Data, ...]:
    """The data sets of a training: one, or those of a mixture."""
    return data.parts if isinstance(data, Mixture) else (data,)
