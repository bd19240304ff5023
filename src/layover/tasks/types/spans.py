"""Span question answering: the answer is a stretch of the context, or there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from unicodedata import category

from layover.errors import DataError, StudyError
from layover.tasks.task import Example, Scored, Tokenizer, Unit, nonempty
from layover.tasks.types.encoding import parts, segments_of


@dataclass(frozen=True, kw_only=True)
class Passage(Example):
    """A question on a context; answers are (text, offset in characters). Where no answer has a
    text, the answer was withheld, unless the question is impossible."""

    texts: ClassVar[tuple[str, ...]] = ("question", "context")
    question: str
    context: str
    answers: tuple[tuple[str, int], ...]
    impossible: bool = False
    """Whether the context is known to hold no answer (Rajpurkar et al. 2018)."""

    @property
    def known(self) -> tuple[tuple[str, int], ...]:
        """The answers that were not withheld."""
        return tuple(answer for answer in self.answers if answer[0].strip())


@dataclass(frozen=True, kw_only=True)
class Spans:
    """The answer as text. A long context becomes overlapping windows (Devlin et al. 2019, 4.2).

    A unit's `alignment` holds, for each token, the start and the end of its characters in the
    context, without white space around them, or -1 and -1 outside it. A training window without
    the answer points at its first token, as the original implementation does.

    A prediction carries its `n_best` texts. With `null`, its score is what the best of them has
    over the first token, which speaks for no answer: the least such score of all windows
    (Devlin et al. 2019, 4.3). Without, every question gets an answer, and the score is infinite.
    """

    head: ClassVar[str] = "span"
    sequences: ClassVar[int] = 1
    predictions: ClassVar[str] = "answer"
    version: ClassVar[int] = 3
    labels: ClassVar[tuple[str, ...]] = ()
    withheld: ClassVar[str] = ""
    stride: int = 128
    """Tokens from the start of a window to that of the next (the original's doc_stride); less
    where windows are so short that they would hardly overlap."""
    question_length: int | None = None
    """Tokens of a question, whose end is cut off behind them (the original: 64). None: a question
    that leaves too little room is refused."""
    max_answer_length: int = 30
    """Tokens of an answer at most."""
    null: bool = False
    """Whether a question may have no answer."""
    n_best: int = 20
    """Different texts that are kept with a prediction, at most."""

    def __post_init__(self) -> None:
        if min(self.max_answer_length, self.n_best, self.stride, self.question_length or 1) < 1:
            raise StudyError(
                f"answers of {self.max_answer_length} tokens, the best {self.n_best}, windows "
                f"every {self.stride} tokens, questions of {self.question_length}: give at least "
                "1 each"
            )

    def check(self, example: Passage) -> None:
        nonempty(example.context, "context")
        nonempty(example.question, "question")
        if not isinstance(example.impossible, bool):
            raise ValueError(f"is_impossible is {example.impossible!r}, expected true or false")
        if example.impossible and example.known:
            raise ValueError(
                f"is said to be impossible, and to have answer {example.known[0][0]!r}"
            )
        if example.impossible and not self.null:
            raise ValueError("is said to be impossible: give the task the type Spans(null=True)")
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
        for part in parts(len(examples)):
            for unit in self._windows(examples[part], tokenizer, max_length):
                yield replace(unit, example=part.start + unit.example)

    def _windows(
        self, examples: Sequence[Passage], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        questions = self._questions(examples, tokenizer)
        units: dict[int, list[Unit]] = {}
        # A tokenizer cuts windows that share so many tokens, whatever room a question leaves.
        for length in sorted({length for _, length in questions}):
            chosen = [at for at, (_, mine) in enumerate(questions) if mine == length]
            overlap = self._overlap(examples[chosen[0]].id, length, tokenizer, max_length)
            encoded = tokenizer(
                [questions[at][0] for at in chosen],
                [examples[at].context for at in chosen],
                truncation="only_second",
                max_length=max_length,
                stride=overlap,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                return_attention_mask=False,
                verbose=False,
            )
            for unit in _units(encoded, examples, chosen):
                units.setdefault(unit.example, []).append(unit)
        for index in range(len(examples)):
            yield from units[index]

    def _questions(
        self, examples: Sequence[Passage], tokenizer: Tokenizer
    ) -> list[tuple[str, int]]:
        """(text, tokens) of each question, after cutting it."""
        texts = [example.question.strip() for example in examples]
        limit = self.question_length
        encoded = tokenizer(
            texts,
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,
        )
        found = []
        for text, ids, offsets in zip(
            texts, encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            if limit is not None and len(ids) > limit:
                text, ids = text[: offsets[limit - 1][1]], ids[:limit]
            found.append((text, len(ids)))
        return found

    def _overlap(self, name: str, question: int, tokenizer: Any, max_length: int) -> int:
        """Tokens that neighbouring windows share beside a question of so many tokens."""
        room = max_length - question - tokenizer.num_special_tokens_to_add(pair=True)
        if room <= max_length // 4:
            raise DataError(
                f"the question of example {name!r} has {question} tokens, which leaves too little "
                f"room for its context in max_length {max_length}: raise max_length, or give the "
                "task's type a question_length to cut it to"
            )
        return max(room - self.stride, room // 4)

    def decode(
        self, examples: Sequence[Passage], units: Sequence[Unit], outputs: Any
    ) -> list[Scored]:
        texts: list[dict[str, float]] = [{} for _ in examples]
        null = [math.inf] * len(examples)
        for unit, logits in zip(units, outputs, strict=True):
            mine, context = texts[unit.example], examples[unit.example].context
            for text, score in self._best(context, unit.alignment, logits).items():
                mine[text] = max(score, mine.get(text, -math.inf))
            null[unit.example] = min(null[unit.example], float(logits[0].sum()))
        return [self._scored(*pair) for pair in zip(texts, null, strict=True)]

    def _best(self, context: str, alignment: tuple[int, ...], logits: Any) -> dict[str, float]:
        """The `n_best` texts of a window, best first, each with the score of its best span."""
        import numpy as np

        bounds = np.array(alignment).reshape(-1, 2)
        scores = _span_scores(logits, bounds, self.max_answer_length)
        starts = np.sort(scores.max(axis=0))[::-1]
        count = self.n_best
        while True:
            # No span is better than all of these but those that are among them.
            chosen = np.flatnonzero((scores >= starts[:count][-1]) & (scores > -np.inf))
            chosen = chosen[np.argsort(-scores.flat[chosen], kind="stable")]
            behind, first = np.divmod(chosen, len(bounds))
            places = (bounds[first, 0], bounds[first + behind, 1], scores.flat[chosen])
            found: dict[str, float] = {}
            for start, end, score in zip(*(column.tolist() for column in places), strict=True):
                found.setdefault(context[start:end], score)
                if len(found) == self.n_best:
                    return found
            if count >= len(starts):
                return found
            # Some texts occur more than once.
            count *= 2

    def _scored(self, texts: dict[str, float], null: float) -> Scored:
        best = sorted(texts.items(), key=lambda item: -item[1])[: self.n_best]
        text, score = best[0] if best else ("", -math.inf)
        return Scored(text, score - null if self.null else math.inf, tuple(best))

    def target(self, example: Passage) -> list[str] | None:
        if example.impossible:
            return [self.withheld]
        return [text for text, _ in example.known] or None

    def chance(self, targets: Sequence[list[str]], score: Callable[[list[str]], float]) -> float:
        return score([self.withheld] * len(targets)) if self.null else math.nan

    def text(self, example: Passage) -> str:
        return f"{example.question}\t{example.context}"


def _units(encoded: Any, examples: Sequence[Passage], chosen: Sequence[int]) -> Iterator[Unit]:
    """The windows of the `chosen` examples."""
    windows = [None, *encoded["overflow_to_sample_mapping"], None]
    segments = segments_of(encoded, len(windows) - 2)
    for window, place in enumerate(windows[1:-1]):
        index = chosen[place]
        example, offsets = examples[index], encoded["offset_mapping"][window]
        opens, closes = windows[window] != place, windows[window + 2] != place
        parts = encoded.sequence_ids(window)
        alignment = _alignment(example.context, offsets, parts, closes)
        target = _target(example, alignment, opens, closes)
        ids = tuple(encoded["input_ids"][window])
        yield Unit(index, (ids,), (segments[window],), target, alignment)


def _alignment(context: str, offsets: Any, parts: Any, closes: bool) -> tuple[int, ...]:
    """The characters of each token of the context. What no token covers belongs to the token
    before, up to white space: a normaliser that composes a letter and its marks (NFKC, as XLM-R's)
    gives the token the place of the letter alone."""
    flat: list[int] = []
    # What follows the last token of a window is known if the window `closes` the context.
    follows = len(context) if closes else 0
    for (start, end), part in zip(reversed(offsets), reversed(parts), strict=True):
        if part != 1:
            flat += (-1, -1)
            continue
        # Some tokenizers count the space before a word to its first token.
        while start < end and context[start].isspace():
            start += 1
        while start < end and context[end - 1].isspace():
            end -= 1
        # C: controls and format characters, Z: separators.
        while start < end < follows and category(context[end])[0] not in "CZ":
            end += 1
        flat += (end, start) if start < end else (-1, -1)
        follows = start
    return tuple(reversed(flat))


def _target(
    example: Passage, alignment: tuple[int, ...], opens: bool, closes: bool
) -> tuple[int, int]:
    """(first token, last token) of the first answer, (0, 0) if this window does not hold it,
    -100 twice if it was withheld. A window that `opens` or `closes` the context has all that is
    before or behind it."""
    if example.impossible:
        return (0, 0)
    if not example.known:
        return (-100, -100)
    text, offset = example.known[0]
    start, end = offset + len(text) - len(text.lstrip()), offset + len(text.rstrip())
    starts, ends = alignment[0::2], alignment[1::2]
    tokens = [position for position, left in enumerate(starts) if left >= 0]
    inside = [position for position in tokens if ends[position] > start and starts[position] < end]
    if not inside:
        return (0, 0)
    # A character at the answer's edge that no token of the middle covers, none covers at all.
    begun = starts[inside[0]] <= start or inside[0] != tokens[0] or opens
    ended = ends[inside[-1]] >= end or inside[-1] != tokens[-1] or closes
    if not (begun and ended):
        return (0, 0)
    # Tokens share a character if they are its bytes, or the parts of a ligature.
    firsts = [position for position in inside if starts[position] <= start] or inside[:1]
    lasts = [position for position in inside if ends[position] >= end] or inside[-1:]
    pairs = ((first, last) for first in firsts for last in lasts if first <= last)
    return min(pairs, key=lambda pair: (ends[pair[1]] - starts[pair[0]], pair[1] - pair[0]))


def _span_scores(logits: Any, bounds: Any, longest: int) -> Any:
    """[longest, length]: the score of the span from each token to the one so many tokens behind
    it, -inf where one of them is not of the context; `logits` and `bounds` are [length, 2]."""
    import numpy as np

    start, end = np.where(bounds[:, :1] >= 0, logits, -np.inf).T
    ends = np.append(end, np.full(longest - 1, -np.inf, end.dtype))
    return start + np.lib.stride_tricks.sliding_window_view(ends, len(start))
