"""MLQA's exact match and F1 (Lewis et al. 2020, section 4.1): SQuAD v1.1's, after a normalisation
of the language that the answer is in, which is the context's.

Only MLQA's seven languages have one, and others are refused, as in the original: English articles
and spaces would be wrong there without being noticed.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from operator import eq
from typing import Any

from layover.metrics.metric import Metric, mean_ratio, ratio
from layover.metrics.squad import Predictions, Targets, best, both, overlap


class _Punctuation(dict[int, int | None]):
    """A table for `str.translate`, filled as characters turn up: without ASCII's punctuation and
    symbols, and without all that Unicode calls punctuation."""

    def __missing__(self, point: int) -> int | None:
        mark = chr(point)
        marks = mark in string.punctuation or unicodedata.category(mark).startswith("P")
        self[point] = None if marks else point
        return self[point]


def _words(words: str) -> tuple[re.Pattern[str], str]:
    return re.compile(rf"\b(?:{words.replace(' ', '|')})\b"), " "


_PUNCTUATION = _Punctuation()
_RULES = {
    # The original takes the article away wherever its letters stand, within words too.
    "arb": (re.compile("ال"), " "),
    "deu": _words("ein eine einen einem eines einer der die das den dem des"),
    "eng": _words("a an the"),
    "hin": None,
    "spa": _words("un una unos unas el la los las"),
    "vie": _words("của là cái chiếc những"),
    # A word is a Chinese character, or what stands between two or between spaces.
    "zho": (re.compile("([\u4e00-\u9fa5])"), r" \1 "),
}
"""By language, what is replaced and by what: articles, except in Hindi and Chinese."""


def normalise(text: str, language: str) -> str:
    """Lower case, no punctuation, none of the language's articles, single spaces."""
    bare = text.lower().translate(_PUNCTUATION)
    if rule := _RULES[language]:
        pattern, put = rule
        bare = pattern.sub(put, bare)
    return " ".join(bare.split())


def best_f1(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    return best(overlap, normalise, predictions, targets, languages)


def exact(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    return best(eq, normalise, predictions, targets, languages)


def f1_and_exact(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    return both(best_f1(predictions, targets, languages), exact(predictions, targets, languages))


MLQA_F1 = Metric(
    predictions="answer",
    name="MLQA F1",
    statistics=best_f1,
    languages=tuple(_RULES),
    combine=ratio,
    summary="words (in Chinese characters) shared with the best of the gold answers, equal to "
    "MLQA's mlqa_evaluation_v1.py",
)
MLQA_EM = Metric(
    predictions="answer",
    name="MLQA EM",
    statistics=exact,
    languages=tuple(_RULES),
    combine=ratio,
    summary="answers equal to a gold answer after the language's normalisation, equal to MLQA's "
    "mlqa_evaluation_v1.py",
)
MLQA_BOTH = Metric(
    predictions="answer",
    name="MLQA F1 and EM",
    statistics=f1_and_exact,
    languages=tuple(_RULES),
    combine=mean_ratio,
    summary="the mean of MLQA F1 and MLQA EM, which XTREME averages over tasks",
)
