"""SQuAD's exact match and F1: v1.1's (Rajpurkar et al. 2016), which XTREME applies to XQuAD and
TyDiQA in every language, and v2.0's (Rajpurkar et al. 2018), where "" is an answer, namely none.
English normalisation, words between white space. A prediction of None, a question left out, scores
0, as in v1.1's script; v2.0's scores the others only, which a target of None does."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from operator import eq
from typing import Any, TypeAlias

from layover.metrics.metric import Metric, mean_ratio, ratio

Predictions: TypeAlias = Sequence[str | None]
Targets: TypeAlias = Sequence[Sequence[str]]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str, language: str = "eng") -> str:
    """Lower case, no ASCII punctuation, no English articles, single spaces; in any language."""
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def overlap(prediction: str, answer: str) -> float:
    """F1 of the words of two normalised texts; 0 where one has none."""
    mine, gold = prediction.split(), answer.split()
    same = sum((Counter(mine) & Counter(gold)).values())
    return 2.0 * same / (len(mine) + len(gold)) if same else 0.0


def overlap_or_none(prediction: str, answer: str) -> float:
    """As `overlap`, but texts without words are equal to each other."""
    return overlap(prediction, answer) if prediction and answer else float(prediction == answer)


def best(
    compare: Callable[[str, str], float],
    normal: Callable[[str, str], str],
    predictions: Predictions,
    targets: Targets,
    languages: Sequence[str],
) -> Any:
    """[n, 2]: (what `compare` gives a prediction and the best of its gold answers, 1). Both are
    compared as `normal(text, language)`, which each text is made once."""
    import numpy as np

    normal = cache(normal)
    found = [
        0.0
        if mine is None
        else max((compare(normal(mine, code), normal(text, code)) for text in gold), default=0.0)
        for mine, gold, code in zip(predictions, targets, languages, strict=True)
    ]
    return np.stack([np.array(found, dtype=np.float64), np.ones(len(found))], axis=1)


def best_f1(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    return best(overlap, normalise, predictions, targets, languages)


def exact(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    return best(eq, normalise, predictions, targets, languages)


def f1_and_exact(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    return both(best_f1(predictions, targets, languages), exact(predictions, targets, languages))


def both(f1: Any, same: Any) -> Any:
    """[n, 3], (F1, exact match, 1), of an [n, 2] of each as `best` gives them."""
    import numpy as np

    return np.column_stack([f1[:, 0], same])


def best_f1_or_none(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    """As `best_f1`, but texts without words are equal to each other, and to nothing else."""
    return best(overlap_or_none, normalise, predictions, _worded(targets), languages)


def exact_or_none(predictions: Predictions, targets: Targets, languages: Sequence[str]) -> Any:
    """As `exact`, but answers without words count only where there are no others."""
    return best(eq, normalise, predictions, _worded(targets), languages)


def _worded(targets: Targets) -> Targets:
    return [[text for text in gold if normalise(text)] or [""] for gold in targets]


SQUAD_F1 = Metric(
    predictions="answer",
    name="SQuAD F1",
    statistics=best_f1,
    combine=ratio,
    summary="words shared with the best of the gold answers, equal to SQuAD's evaluate-v1.1.py "
    "(XQuAD and TyDiQA in XTREME)",
)
SQUAD_EM = Metric(
    predictions="answer",
    name="SQuAD EM",
    statistics=exact,
    combine=ratio,
    summary="answers equal to a gold answer after normalisation, equal to SQuAD's evaluate-v1.1.py "
    "(XQuAD and TyDiQA in XTREME)",
)
SQUAD_BOTH = Metric(
    predictions="answer",
    name="SQuAD F1 and EM",
    statistics=f1_and_exact,
    combine=mean_ratio,
    summary="the mean of SQuAD F1 and SQuAD EM, which XTREME averages over tasks",
)
SQUAD2_F1 = Metric(
    predictions="answer",
    name="SQuAD 2 F1",
    statistics=best_f1_or_none,
    combine=ratio,
    summary="words shared with the best of the gold answers, all or nothing where there is none, "
    "equal to SQuAD's evaluate-v2.0.py",
)
SQUAD2_EM = Metric(
    predictions="answer",
    name="SQuAD 2 EM",
    statistics=exact_or_none,
    combine=ratio,
    summary="answers equal to a gold answer after normalisation, and none where there is none, "
    "equal to SQuAD's evaluate-v2.0.py",
)
