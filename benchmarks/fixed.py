"""Requests of one fixed shape: random tokens, nothing padded, as other harnesses time models."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover.tasks.task import Example, Tokenizer, Unit


@dataclass(frozen=True, kw_only=True)
class Random(Example):
    """A sequence of random tokens, which follow from its number."""

    number: int


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A task type whose every example is a sequence of `length` tokens."""

    head: ClassVar[str] = "sequence"
    labels: tuple[str, ...]
    length: int

    def check(self, example: Random) -> None:
        """Any will do."""

    def encode(
        self, examples: Sequence[Random], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        size = len(tokenizer)  # type: ignore[arg-type]
        for index, example in enumerate(examples):
            rng = random.Random(example.number)
            row = tuple(rng.randrange(5, size) for _ in range(self.length))
            yield Unit(index, (row,), ((),), (-100,))

    def decode(self, examples: Sequence[Random], units: Sequence[Unit], outputs: Any) -> list[str]:
        return [self.labels[int(scores.argmax())] for scores in outputs]

    def target(self, example: Random) -> None:
        return None

    def chance(self, targets: Sequence[Any], score: Any) -> float:
        return float("nan")

    def text(self, example: Random) -> str:
        return ""
