"""What the task types share: turning texts into token sequences that fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from layover.errors import DataError
from layover.tasks.task import Tokenizer

Tokens: TypeAlias = tuple[int, ...]

TOGETHER = 2048
"""Texts that are tokenised at once: enough for all threads, and few beside a data set."""


def parts(count: int) -> Iterator[slice]:
    """What is tokenised at once of `count` texts."""
    for start in range(0, count, TOGETHER):
        yield slice(start, start + TOGETHER)


def encode_texts(
    tokenizer: Tokenizer,
    texts: Sequence[tuple[str, str | None]],
    names: Sequence[str],
    max_length: int,
    truncate: bool,
) -> Iterator[tuple[Tokens, Tokens]]:
    """(ids, segments) of each text or pair, special tokens included, tokenised as they are asked
    for.

    Raises `DataError` for the first that is longer than `max_length`, unless `truncate`.
    """
    if not texts:
        return
    firsts = [first for first, _ in texts]
    seconds = [second for _, second in texts]
    pairs = None if seconds[0] is None else seconds
    odd = next((at for at, text in enumerate(seconds) if (text is None) != (pairs is None)), None)
    if odd is not None:
        raise DataError(
            f"example {names[odd]!r} is {'a pair' if pairs is None else 'a single text'}, unlike "
            f"example {names[0]!r}: a task has either texts or pairs"
        )
    for part in parts(len(texts)):
        encoded = tokenizer(
            firsts[part],
            pairs and pairs[part],
            truncation="longest_first" if truncate else False,
            max_length=max_length if truncate else None,
            return_attention_mask=False,
            verbose=False,
        )
        found = encoded["input_ids"]
        rows = zip(names[part], found, segments_of(encoded, len(found)), strict=True)
        for name, ids, segments in rows:
            if len(ids) > max_length:
                raise too_long(name, len(ids), max_length)
            yield tuple(ids), segments


def segments_of(encoded: Any, count: int) -> Sequence[Tokens]:
    """Token type ids where the encoder has them, else () for each sequence."""
    if "token_type_ids" in encoded:
        return [tuple(row) for row in encoded["token_type_ids"]]
    return [()] * count


def too_long(name: str, length: int, limit: int) -> DataError:
    """The error for an example that does not fit."""
    return DataError(
        f"example {name!r} has {length} tokens and the recipe's max_length is {limit}: raise "
        "max_length, or declare truncate=True on the task's type to cut it"
    )


def special_tokens(tokenizer: Tokenizer) -> tuple[Tokens, Tokens]:
    """The tokens that stand before and after a single sequence."""
    probe = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    for start in range(len(whole) - len(probe) + 1):
        if whole[start : start + len(probe)] == probe:
            return tuple(whole[:start]), tuple(whole[start + len(probe) :])
    raise DataError("the tokenizer does not keep a text together between its special tokens")
