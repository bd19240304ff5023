"""Classification of a text or of a pair of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover import spec
from layover.tasks.task import Example, Tokenizer, Unit, check_label, nonempty
from layover.tasks.types.encoding import encode_texts


@dataclass(frozen=True, kw_only=True)
class Labelled(Example):
    """A text, or a pair, and its label (None: withheld)."""

    texts: ClassVar[tuple[str, ...]] = ("text", "pair")
    text: str
    pair: str | None = None
    label: str | None


@dataclass(frozen=True, kw_only=True)
class Classification:
    """One of `labels` for each text or pair."""

    head: ClassVar[str] = "sequence"
    sequences: ClassVar[int] = 1
    predictions: ClassVar[str] = "label"
    version: ClassVar[int] = 1
    labels: tuple[str, ...]
    truncate: bool = False
    """Cut the longer text of what does not fit, instead of refusing it."""
    pairs: bool = spec.unkeyed(False)
    """Whether every example is a pair."""

    def check(self, example: Labelled) -> None:
        check_label(example.label, self.labels)
        nonempty(example.text, "text")
        # One of Quora's questions is empty, so that much is allowed.
        if (self.pairs or example.pair is not None) and not isinstance(example.pair, str):
            raise ValueError(f"the second text is {example.pair!r}, expected text")

    def encode(
        self, examples: Sequence[Labelled], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        texts = [(example.text, example.pair) for example in examples]
        ids = [example.id for example in examples]
        encoded = encode_texts(tokenizer, texts, ids, max_length, self.truncate)
        for index, (example, (tokens, segments)) in enumerate(zip(examples, encoded, strict=True)):
            target = -100 if example.label is None else self.labels.index(example.label)
            yield Unit(index, (tokens,), (segments,), (target,))

    def decode(
        self, examples: Sequence[Labelled], units: Sequence[Unit], outputs: Any
    ) -> list[str]:
        return [self.labels[int(scores.argmax())] for scores in outputs]

    def target(self, example: Labelled) -> str | None:
        return example.label

    def chance(self, targets: Sequence[str], score: Callable[[list[str]], float]) -> float:
        """The most frequent label everywhere."""
        return score([Counter(targets).most_common(1)[0][0]] * len(targets))

    def text(self, example: Labelled) -> str:
        return f"{example.text}\t{example.pair or ''}"
