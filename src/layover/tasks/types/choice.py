"""Multiple choice: which of several continuations or answers fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover import spec
from layover.tasks.task import Example, Tokenizer, Unit, nonempty
from layover.tasks.types.encoding import encode_texts


@dataclass(frozen=True, kw_only=True)
class Question(Example):
    """A prompt, its options, and the right one's position (None: withheld)."""

    texts: ClassVar[tuple[str, ...]] = ("prompt", "options")
    prompt: str
    options: tuple[str, ...]
    answer: int | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The position of the right option; the number of options may differ between examples."""

    head: ClassVar[str] = "choice"
    predictions: ClassVar[str] = "label"
    version: ClassVar[int] = 1
    labels: ClassVar[tuple[str, ...]] = ()
    truncate: bool = False
    count: int | None = spec.unkeyed(None)
    """How many options every question has; None: two or more."""

    @property
    def sequences(self) -> int | None:
        return self.count

    def check(self, example: Question) -> None:
        count = len(example.options)
        if count < 2 or count != (self.count or count):
            raise ValueError(f"{count} options, expected {self.count or 'two or more'}")
        answer = example.answer
        # A truth value is a number to Python.
        if answer is not None and type(answer) is not int:
            raise ValueError(f"the answer is {answer!r}, expected a number from 0 to {count - 1}")
        if answer is not None and not 0 <= answer < count:
            raise ValueError(f"answer {answer} is not one of the {count} options")
        nonempty(example.prompt, "prompt")
        for option in example.options:
            nonempty(option, "option")

    def encode(
        self, examples: Sequence[Question], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        texts: list[tuple[str, str | None]] = []
        names: list[str] = []
        for example in examples:
            texts += [(example.prompt, option) for option in example.options]
            names += [example.id] * len(example.options)
        encoded = encode_texts(tokenizer, texts, names, max_length, self.truncate)
        for index, example in enumerate(examples):
            group = [next(encoded) for _ in example.options]
            sequences = tuple(ids for ids, _ in group)
            segments = tuple(segment for _, segment in group)
            target = -100 if example.answer is None else example.answer
            yield Unit(index, sequences, segments, (target,))

    def decode(
        self, examples: Sequence[Question], units: Sequence[Unit], outputs: Any
    ) -> list[str]:
        return [str(int(scores.argmax())) for scores in outputs]

    def target(self, example: Question) -> str | None:
        return None if example.answer is None else str(example.answer)

    def chance(self, targets: Sequence[str], score: Callable[[list[str]], float]) -> float:
        """The most frequent position everywhere."""
        return score([Counter(targets).most_common(1)[0][0]] * len(targets))

    def text(self, example: Question) -> str:
        return "\t".join((example.prompt, *example.options))
