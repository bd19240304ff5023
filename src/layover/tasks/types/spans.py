"""Span question answering: the answer is a stretch of the context."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover.errors import DataError
from layover.tasks.task import Example, Tokenizer, Unit, nonempty
from layover.tasks.types.encoding import segments_of


@dataclass(frozen=True, kw_only=True)
class Passage(Example):
    """A question on a context; answers are (text, offset in characters)."""

    question: str
    context: str
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Spans:
    """The answer as text. A long context becomes overlapping windows (Devlin et al. 2019, 4.2).

    A unit's `alignment` holds, for each token, the start and the end of its characters in the
    context, or -1 and -1 outside it. A training window without the answer points at its first
    token, as the original implementation does.
    """

    head: ClassVar[str] = "span"
    version: ClassVar[int] = 1
    labels: ClassVar[tuple[str, ...]] = ()
    stride: int = 128
    """Tokens that neighbouring windows share."""
    max_answer_length: int = 30
    """Tokens of an answer at most."""

    def check(self, example: Passage) -> None:
        nonempty(example.context, "context")
        nonempty(example.question, "question")
        for text, start in example.answers:
            found = example.context[start : start + len(text)]
            if text and found != text:
                raise ValueError(
                    f"answer {text!r} is said to start at character {start} of the context, "
                    f"where {found!r} stands"
                )

    def encode(
        self, examples: Sequence[Passage], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        if not examples:
            return
        self._check_room(examples, tokenizer, max_length)
        encoded = tokenizer(
            [example.question.strip() for example in examples],
            [example.context for example in examples],
            truncation="only_second",
            max_length=max_length,
            stride=self._overlap(max_length),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )
        windows = encoded["overflow_to_sample_mapping"]
        segments = segments_of(encoded, len(windows))
        for window, index in enumerate(windows):
            alignment = _alignment(encoded["offset_mapping"][window], encoded.sequence_ids(window))
            ids = tuple(encoded["input_ids"][window])
            target = _target(examples[index], alignment)
            yield Unit(index, (ids,), (segments[window],), target, alignment)

    def _overlap(self, max_length: int) -> int:
        """Tokens that windows share: `stride`, or less where windows are short."""
        return min(self.stride, max_length // 4)

    def _check_room(self, examples: Sequence[Passage], tokenizer: Any, max_length: int) -> None:
        """Each window must bring something new beside the question and what windows share."""
        questions = [example.question.strip() for example in examples]
        encoded = tokenizer(questions, add_special_tokens=False, verbose=False)
        special = tokenizer.num_special_tokens_to_add(pair=True)
        for example, ids in zip(examples, encoded["input_ids"], strict=True):
            if max_length - special - len(ids) <= self._overlap(max_length):
                raise DataError(
                    f"the question of example {example.id!r} has {len(ids)} tokens, which leaves "
                    f"too little room for its context in max_length {max_length}: raise max_length"
                )

    def decode(self, examples: Sequence[Passage], units: Sequence[Unit], outputs: Any) -> list[str]:
        best: list[tuple[float, str]] = [(float("-inf"), "")] * len(examples)
        for unit, logits in zip(units, outputs, strict=True):
            score, first, last = _best_span(logits, unit.alignment, self.max_answer_length)
            if score > best[unit.example][0]:
                start, end = unit.alignment[2 * first], unit.alignment[2 * last + 1]
                best[unit.example] = (score, examples[unit.example].context[start:end])
        return [text for _, text in best]

    def target(self, example: Passage) -> list[str] | None:
        return [text for text, _ in example.answers] or None

    def chance(self, targets: Sequence[list[str]], score: Callable[[list[str]], float]) -> float:
        return float("nan")

    def text(self, example: Passage) -> str:
        return f"{example.question}\t{example.context}"


def _alignment(offsets: Any, parts: Any) -> tuple[int, ...]:
    flat: list[int] = []
    for (start, end), part in zip(offsets, parts, strict=True):
        flat += (start, end) if part == 1 and end > start else (-1, -1)
    return tuple(flat)


def _target(example: Passage, alignment: tuple[int, ...]) -> tuple[int, int]:
    """(first token, last token) of the first answer, (0, 0) if this window does not hold it."""
    if not example.answers or not example.answers[0][0]:
        return (0, 0)
    text, start = example.answers[0]
    end = start + len(text)
    starts, ends = alignment[0::2], alignment[1::2]
    inside = [
        position
        for position, (left, right) in enumerate(zip(starts, ends, strict=True))
        if left >= 0 and right > start and left < end
    ]
    whole = inside and starts[inside[0]] <= start and ends[inside[-1]] >= end
    return (inside[0], inside[-1]) if whole else (0, 0)


def _best_span(logits: Any, alignment: tuple[int, ...], longest: int) -> tuple[float, int, int]:
    """The best (score, first, last) over spans of context tokens; `logits` is [length, 2]."""
    import numpy as np

    inside = np.asarray(alignment[0::2]) >= 0
    start = np.where(inside, logits[:, 0], -np.inf)
    end = np.where(inside, logits[:, 1], -np.inf)
    scores = start[:, None] + end[None, :]
    allowed = np.tril(np.triu(np.ones_like(scores, dtype=bool)), longest - 1)
    scores = np.where(allowed, scores, -np.inf)
    first, last = np.unravel_index(int(scores.argmax()), scores.shape)
    return float(scores[first, last]), int(first), int(last)
