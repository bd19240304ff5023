"""Ranking: the candidates that answer a query, by the vectors of a dual encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from layover.tasks.task import Example, Tokenizer, Unit, nonempty
from layover.tasks.types.encoding import Tokens, encode_texts


@dataclass(frozen=True, kw_only=True)
class Match(Example):
    """A query, a candidate, or a pair of them, which is what one trains on.

    A candidate answers a query where its `answers` hold one of the query's `wanted`: the ids of
    questions (LAReQA) or of entities (Mewsli-X).
    """

    texts: ClassVar[tuple[str, ...]] = ("query", "candidate", "context")
    query: str | None = None
    wanted: tuple[str, ...] | None = ()
    """What the query asks for; None if withheld."""
    candidate: str | None = None
    context: str | None = None
    """Text around the candidate, which is encoded beside it."""
    name: str = ""
    """The candidate's own; equal names are one candidate."""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """A dual encoder: one encoder for both sides, trained to tell a query's candidate from those
    of the step's other pairs (XTREME-R's LAReQA and Mewsli-X, Ruder et al. 2021).

    A unit is a group of one, or of two in a pair. Ranking happens over whole pools, in
    `layover.inference.rank`; a prediction is a list of candidates, best first.
    """

    head: ClassVar[str] = "dual"
    sequences: ClassVar[int] = 2
    predictions: ClassVar[str] = "ranking"
    search: ClassVar[str] = "rank"
    version: ClassVar[int] = 1
    labels: ClassVar[tuple[str, ...]] = ()
    pooling: Literal["first", "mean"] = "first"
    """The vector of a text: its first token's state in the last layer, or the mean of all."""
    scale: float = 20.0
    """What cosines are multiplied by when training begins; it is learned (XTREME-R: 100)."""
    pool: Literal["language", "all"] = "language"
    """Which candidates a query ranks: those of its language, or of all languages together."""
    query_length: int | None = None
    """Tokens of a query, where that is less than the recipe's `max_length`."""
    candidate_length: int | None = None
    index: str = ""
    """The FAISS index that neighbours are looked for with (`layover.inference.indexed`), which may
    miss some; "" searches exactly."""
    truncate: bool = False

    def check(self, example: Match) -> None:
        if example.query is None and example.candidate is None:
            raise ValueError("neither a query nor a candidate")
        if example.query is not None:
            nonempty(example.query, "query")
        if example.candidate is not None:
            nonempty(example.candidate, "candidate")
            nonempty(example.name, "candidate's name")

    def encode(
        self, examples: Sequence[Match], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        """The target of a pair is its candidate's number, by which equal ones are told."""
        queries = [(item.id, item.query, None) for item in examples if item.query is not None]
        candidates = [
            (item.id, item.candidate, item.context)
            for item in examples
            if item.candidate is not None
        ]
        asked = self._encoded(queries, tokenizer, min(self.query_length or max_length, max_length))
        offered = self._encoded(
            candidates, tokenizer, min(self.candidate_length or max_length, max_length)
        )
        numbers: dict[str, int] = {}
        for index, example in enumerate(examples):
            sides = [(example.query, asked), (example.candidate, offered)]
            group = [next(texts) for text, texts in sides if text is not None]
            number = numbers.setdefault(example.name, len(numbers)) if len(group) == 2 else -100
            sequences, segments = zip(*group, strict=True)
            yield Unit(index, sequences, segments, (number,))

    def _encoded(
        self, texts: Sequence[tuple[str, str, str | None]], tokenizer: Tokenizer, length: int
    ) -> Iterator[tuple[Tokens, Tokens]]:
        names = [name for name, *_ in texts]
        pairs = [(first, second) for _, first, second in texts]
        return encode_texts(tokenizer, pairs, names, length, self.truncate)

    def decode(
        self, examples: Sequence[Match], units: Sequence[Unit], outputs: Any
    ) -> list[list[str]]:
        """`outputs` are the names that `layover.inference.rank` found for each query."""
        return [list(names) for names in outputs]

    def target(self, example: Match) -> list[str] | None:
        """What is asked for; which candidates answer it depends on the pool."""
        return None if example.wanted is None else list(example.wanted)

    def chance(self, targets: Sequence[Any], score: Callable[[list[Any]], float]) -> float:
        """It depends on the size of the pool, which no target tells."""
        return math.nan

    def text(self, example: Match) -> str:
        """A pair and its query are the same question; a candidate asks nothing."""
        return example.query or ""
