"""Span F1 on small sequences, worked out by hand from seqeval 0.0.12's rules."""

from __future__ import annotations

import numpy as np
import pytest

from layover.metrics.spans import SPAN_F1, Span, spans


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O O", []),
        ("B-PER I-PER O B-LOC", [("PER", 0, 1), ("LOC", 3, 3)]),
        ("B-PER B-PER", [("PER", 0, 0), ("PER", 1, 1)]),
        # A span may begin with I-, after O or after another type.
        ("O I-PER I-PER", [("PER", 1, 2)]),
        ("I-PER I-LOC", [("PER", 0, 0), ("LOC", 1, 1)]),
        ("B-PER I-LOC I-LOC O", [("PER", 0, 0), ("LOC", 1, 2)]),
        ("S-PER S-PER", [("PER", 0, 0), ("PER", 1, 1)]),
        ("B-PER I-PER E-PER I-PER", [("PER", 0, 2), ("PER", 3, 3)]),
        # The type is what follows the last hyphen.
        ("B-a-LOC I-b-LOC", [("LOC", 0, 1)]),
        # Without prefixes, a run of equal tags is one span ...
        ("NOUN NOUN VERB", [("NOUN", 0, 1), ("VERB", 2, 2)]),
        ("ADJ NOUN ADJ ADJ", [("ADJ", 0, 0), ("NOUN", 1, 1), ("ADJ", 2, 3)]),
        # ... except for tags that begin with S, each of which stands alone.
        ("SYM SYM SCONJ", [("SYM", 0, 0), ("SYM", 1, 1), ("SCONJ", 2, 2)]),
        # INTJ begins with I: after O it begins a span as any tag does.
        ("INTJ INTJ NOUN", [("INTJ", 0, 1), ("NOUN", 2, 2)]),
    ],
)
def test_spans_are_those_of_seqeval(tags: str, expected: list[Span]) -> None:
    assert spans(tags.split()) == set(expected)


def test_no_tags_are_no_spans() -> None:
    assert spans([]) == set()


def f1(*pairs: tuple[str, str]) -> float:
    sums = [SPAN_F1.statistics(mine.split(), gold.split(), "") for mine, gold in pairs]
    return float(SPAN_F1.combine(np.sum(sums, axis=0)))


def test_a_span_is_right_only_as_a_whole_and_with_its_type() -> None:
    assert f1(("B-PER I-PER O", "B-PER I-PER O")) == 100
    assert f1(("B-PER O O", "B-PER I-PER O")) == 0
    assert f1(("B-LOC I-LOC O", "B-PER I-PER O")) == 0
    assert f1(("B-PER O B-LOC", "B-PER O O")) == pytest.approx(100 * 2 / 3)


def test_f1_is_of_the_whole_set_and_not_a_mean_over_sentences() -> None:
    assert f1(("B-PER O", "B-PER O"), ("O B-LOC", "O O"), ("O O", "B-LOC O")) == 50


def test_one_wrong_word_in_a_run_of_equal_tags_costs_the_whole_run() -> None:
    assert f1(("NOUN NOUN VERB", "NOUN NOUN NOUN")) == 0


def test_nothing_right_is_zero_and_nothing_at_all_is_zero() -> None:
    assert f1(("O O", "B-PER O")) == 0
    assert f1(("O O", "O O")) == 0


def test_scores_of_many_resampled_sums_come_at_once() -> None:
    sums = np.array([[[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]]])
    assert SPAN_F1.combine(sums).tolist() == [[50.0, 100.0]]


def test_missing_statistics_are_not_a_number() -> None:
    assert np.isnan(SPAN_F1.combine(np.full(3, np.nan)))
