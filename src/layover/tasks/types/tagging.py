"""Tagging: a label for every word of a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover.errors import DataError
from layover.tasks.task import Example, Tokenizer, Unit, check_label, nonempty
from layover.tasks.types.encoding import parts, special_tokens


@dataclass(frozen=True, kw_only=True)
class Sentence(Example):
    """Words and their tags (None: withheld)."""

    texts: ClassVar[tuple[str, ...]] = ("words",)
    words: tuple[str, ...]
    tags: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """One of `labels` for each word; the first token of a word carries its label.

    A sentence that is too long is split between words, so that no word is dropped: a word
    without tokens becomes the unknown token, and one longer than a whole unit loses its end
    only. A unit's `alignment` holds the position of each word's first token.
    """

    head: ClassVar[str] = "token"
    sequences: ClassVar[int] = 1
    predictions: ClassVar[str] = "tags"
    version: ClassVar[int] = 1
    labels: tuple[str, ...]
    """() where only the files know them: these can be read then, but not learned."""

    def check(self, example: Sentence) -> None:
        for index, word in enumerate(example.words):
            nonempty(word, f"word {index + 1}")
        if example.tags is not None and len(example.tags) != len(example.words):
            raise ValueError(f"{len(example.tags)} tags for {len(example.words)} words")
        for tag in (example.tags if self.labels else None) or ():
            check_label(tag, self.labels)

    def encode(
        self, examples: Sequence[Sentence], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        if not self.labels:
            raise DataError("this task has no labels yet: give its type those of its files")
        before, after = special_tokens(tokenizer)
        room = max_length - len(before) - len(after)
        numbers = {label: number for number, label in enumerate(self.labels)}
        for index, (example, pieces) in enumerate(
            zip(examples, _pieces(examples, tokenizer), strict=True)
        ):
            start = 0
            while start < len(pieces):
                end, length = start, 0
                while end < len(pieces) and length + min(len(pieces[end]), room) <= room:
                    length += min(len(pieces[end]), room)
                    end += 1
                targets = [-100] * (end - start)
                if example.tags is not None:
                    targets = [numbers[tag] for tag in example.tags[start:end]]
                yield _unit(
                    index, [word[:room] for word in pieces[start:end]], targets, before, after
                )
                start = end

    def decode(
        self, examples: Sequence[Sentence], units: Sequence[Unit], outputs: Any
    ) -> list[list[str]]:
        predictions: list[list[str]] = [[] for _ in examples]
        for unit, scores in zip(units, outputs, strict=True):
            best = scores[list(unit.alignment)].argmax(axis=-1)
            predictions[unit.example] += [self.labels[int(label)] for label in best]
        return predictions

    def target(self, example: Sentence) -> list[str] | None:
        return None if example.tags is None else list(example.tags)

    def chance(
        self, targets: Sequence[list[str]], score: Callable[[list[list[str]]], float]
    ) -> float:
        """The most frequent tag everywhere."""
        tag = Counter(tag for tags in targets for tag in tags).most_common(1)[0][0]
        return score([[tag] * len(tags) for tags in targets])

    def text(self, example: Sentence) -> str:
        return " ".join(example.words)


def _pieces(examples: Sequence[Sentence], tokenizer: Any) -> Iterator[list[list[int]]]:
    """For each sentence, the tokens of each of its words."""
    for part in parts(len(examples)):
        sentences = [list(example.words) for example in examples[part]]
        encoded = tokenizer(
            sentences,
            is_split_into_words=True,
            add_special_tokens=False,
            return_attention_mask=False,
            verbose=False,
        )
        for index, (words, ids) in enumerate(zip(sentences, encoded["input_ids"], strict=True)):
            pieces: list[list[int]] = [[] for _ in words]
            for token, word in zip(ids, encoded.word_ids(index), strict=True):
                pieces[word].append(token)
            yield [piece or [tokenizer.unk_token_id] for piece in pieces]


def _unit(
    index: int,
    words: list[list[int]],
    targets: list[int],
    before: tuple[int, ...],
    after: tuple[int, ...],
) -> Unit:
    ids, labels, first = list(before), [-100] * len(before), []
    for word, target in zip(words, targets, strict=True):
        first.append(len(ids))
        ids += word
        labels += [target] + [-100] * (len(word) - 1)
    ids += after
    labels += [-100] * len(after)
    return Unit(index, (tuple(ids),), ((),), tuple(labels), tuple(first))
