"""Bitext mining: which lines of two texts translate each other, where most lines do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from layover.tasks.task import Example, Scored, Tokenizer, Unit, nonempty
from layover.tasks.types.encoding import encode_texts


@dataclass(frozen=True, kw_only=True)
class Line(Example):
    """One line of one side."""

    texts: ClassVar[tuple[str, ...]] = ("text",)
    side: Literal["source", "target"]
    text: str
    gold: tuple[str, ...] | None = None
    """For a source line the ids of its translations, () if it has none; None if withheld."""


@dataclass(frozen=True, kw_only=True)
class Mining:
    """Margin-based mining (Artetxe and Schwenk 2019, "Margin-based parallel corpus mining"), as
    XTREME mines BUCC 2018.

    A unit is a group of one. The pairs are found over both whole sides of a language, in
    `layover.inference.mine`; a prediction is the list of a source line's translations.
    """

    head: ClassVar[str] = "embed"
    sequences: ClassVar[int] = 1
    predictions: ClassVar[str] = "pairs"
    search: ClassVar[str] = "mine"
    version: ClassVar[int] = 1
    labels: ClassVar[tuple[str, ...]] = ()
    withheld: ClassVar[tuple[str, ...]] = ()
    layers: tuple[int, ...] = ()
    """The layers whose states are kept, 0 the embeddings; () keeps all. Half a million lines of a
    large encoder fit in memory only layer by layer."""
    index: str = ""
    """The FAISS index that neighbours are looked for with (`layover.inference.indexed`), which may
    miss some; "" searches exactly."""
    truncate: bool = False

    def check(self, example: Line) -> None:
        nonempty(example.text, "sentence")
        if example.side not in ("source", "target"):
            raise ValueError(f"side {example.side!r} is neither 'source' nor 'target'")

    def encode(
        self, examples: Sequence[Line], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        texts = [(example.text, None) for example in examples]
        names = [example.id for example in examples]
        encoded = encode_texts(tokenizer, texts, names, max_length, self.truncate)
        for index, (tokens, segments) in enumerate(encoded):
            yield Unit(index, (tokens,), (segments,), (-100,))

    def decode(self, examples: Sequence[Line], units: Sequence[Unit], outputs: Any) -> list[Scored]:
        """`outputs` are what `layover.inference.mine` found for each source line."""
        return list(outputs)

    def target(self, example: Line) -> list[str] | None:
        return None if example.gold is None else list(example.gold)

    def chance(self, targets: Sequence[Any], score: Callable[[list[Any]], float]) -> float:
        """Guessed pairs are as good as never right, but how many to guess is open."""
        return math.nan

    def text(self, example: Line) -> str:
        return example.text if example.side == "source" else ""
