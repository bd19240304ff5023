"""SQuAD v1.1's exact match and F1 (Rajpurkar et al. 2016), which XTREME applies to XQuAD and
TyDiQA in every language: English normalisation, words between white space."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from layover.metrics.metric import Metric, ratio

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces."""
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def _overlap(prediction: str, answer: str) -> float:
    mine, gold = normalise(prediction).split(), normalise(answer).split()
    same = sum((Counter(mine) & Counter(gold)).values())
    return 2.0 * same / (len(mine) + len(gold)) if same else 0.0


def best_f1(prediction: str, target: Sequence[str], language: str) -> tuple[float, ...]:
    return (max((_overlap(prediction, answer) for answer in target), default=0.0), 1.0)


def exact(prediction: str, target: Sequence[str], language: str) -> tuple[float, ...]:
    mine = normalise(prediction)
    return (float(any(mine == normalise(answer) for answer in target)), 1.0)


SQUAD_F1 = Metric(
    name="SQuAD F1",
    statistics=best_f1,
    combine=ratio,
    summary="words shared with the best of the gold answers (XQuAD, TyDiQA in XTREME)",
)
SQUAD_EM = Metric(
    name="SQuAD EM",
    statistics=exact,
    combine=ratio,
    summary="answers equal to a gold answer after normalisation (XQuAD, TyDiQA in XTREME)",
)
