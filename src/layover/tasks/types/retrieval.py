"""Sentence retrieval: each query's translation is sought among the candidates of its language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover.tasks.task import Example, Tokenizer, Unit, nonempty
from layover.tasks.types.encoding import encode_texts


@dataclass(frozen=True, kw_only=True)
class Bitext(Example):
    """Line i of both files: a query, a candidate, and where the query's own candidate stands."""

    texts: ClassVar[tuple[str, ...]] = ("query", "candidate")
    query: str
    candidate: str
    gold: int | None
    """The line of the candidate that translates the query (None: withheld)."""


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Nearest neighbour by cosine, as XTREME scores Tatoeba: English sentences are the queries.

    A unit is a group of two, query and candidate. Decoding happens over whole pools, in
    `layover.inference.retrieve`.
    """

    head: ClassVar[str] = "embed"
    sequences: ClassVar[int] = 2
    predictions: ClassVar[str] = "label"
    search: ClassVar[str] = "nearest"
    version: ClassVar[int] = 1
    labels: ClassVar[tuple[str, ...]] = ()
    index: str = ""
    """The FAISS index that neighbours are looked for with (`layover.inference.indexed`), which may
    miss some; "" searches exactly."""
    truncate: bool = False

    def check(self, example: Bitext) -> None:
        nonempty(example.query, "query")
        nonempty(example.candidate, "candidate")

    def encode(
        self, examples: Sequence[Bitext], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        texts: list[tuple[str, str | None]] = []
        for example in examples:
            texts += [(example.query, None), (example.candidate, None)]
        names = [example.id for example in examples for _ in range(2)]
        encoded = encode_texts(tokenizer, texts, names, max_length, self.truncate)
        for index, example in enumerate(examples):
            (query, left), (candidate, right) = next(encoded), next(encoded)
            gold = -100 if example.gold is None else example.gold
            yield Unit(index, (query, candidate), (left, right), (gold,))

    def decode(self, examples: Sequence[Bitext], units: Sequence[Unit], outputs: Any) -> list[str]:
        return [str(int(found)) for found in outputs]

    def target(self, example: Bitext) -> str | None:
        return None if example.gold is None else str(example.gold)

    def chance(self, targets: Sequence[str], score: Callable[[list[str]], float]) -> float:
        """Any candidate of the pool."""
        return 100.0 / len(targets)

    def text(self, example: Bitext) -> str:
        return f"{example.query}\t{example.candidate}"
