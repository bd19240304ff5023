"""Scores of spans on small sequences, worked out by hand from seqeval 0.0.12's rules, and on random
ones, equal to those rules written as a loop over words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layover.metrics.spans import SPAN_F1, SPAN_PRECISION, SPAN_RECALL

Span = tuple[str, int, int]


def spans(tags: Sequence[str]) -> set[Span]:
    """(type, first, last) of every span, as the loop of seqeval 0.0.12's `get_entities` finds them,
    with an O behind each sentence."""
    found: set[Span] = set()
    before, before_type, first = "O", "", 0
    for place, tag in enumerate([*tags, "O"]):
        prefix, kind = tag[0], tag.split("-")[-1]
        ends = (
            before in ("E", "S")
            or (before == "B" and prefix in ("B", "S", "O"))
            or (before == "I" and prefix in ("B", "S", "O"))
            or (before not in ("O", ".") and before_type != kind)
        )
        begins = (
            prefix in ("B", "S")
            or (before in ("E", "S", "O") and prefix in ("E", "I"))
            or (prefix not in ("O", ".") and before_type != kind)
        )
        if ends:
            found.add((before_type, first, place - 1))
        if begins:
            first = place
        before, before_type = prefix, kind
    return found


NER = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "S-LOC", "E-PER"]
POS = ["NOUN", "VERB", "SYM", "SCONJ", "INTJ", "X", "ADJ", "ADP"]
ODD = [
    "O",
    ".",
    ".-A",
    "A",
    "A-",
    "-",
    "B",
    "B-",
    "I",
    "E",
    "S",
    "X-O",
    "B-O",
    "I-O",
    "O-X",
    "B-a-A",
    "I-b-A",
    "é",
]
sentences = st.lists(
    st.one_of(
        st.lists(st.tuples(st.sampled_from(tags), st.sampled_from(tags)), max_size=9)
        for tags in (NER, POS, ODD)
    ),
    max_size=6,
)


@pytest.mark.slow
@given(pairs=sentences)
@settings(max_examples=1500, deadline=None, derandomize=True)
def test_counts_are_those_of_the_loop_over_words(pairs: list[list[tuple[str, str]]]) -> None:
    predictions = [[mine for mine, _ in sentence] for sentence in pairs]
    targets = [[gold for _, gold in sentence] for sentence in pairs]
    expected = []
    for prediction, target in zip(predictions, targets, strict=True):
        mine, gold = spans(prediction), spans(target)
        expected.append([len(mine & gold), len(mine), len(gold)])
    found = SPAN_F1.measure(predictions, targets, [""] * len(pairs))
    assert found[:, :3].tolist() == expected


def test_an_empty_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="a tag is empty: write O for a word outside"):
        SPAN_F1.score([["O", ""]], [["O", "O"]], [""])


def test_a_sentence_has_as_many_predicted_tags_as_words() -> None:
    with pytest.raises(ValueError, match=r"1 tags are predicted for the 2 words .* 'O B-PER'"):
        SPAN_F1.score([["O"], ["O"]], [["O"], ["O", "B-PER"]], ["", ""])


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
    mine, gold = ([side.split() for side in column] for column in zip(*pairs, strict=True))
    return SPAN_F1.score(mine, gold, [""] * len(pairs))


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


def test_precision_is_of_what_is_predicted_and_recall_of_what_is_gold() -> None:
    mine, gold = [["B-PER", "O", "B-LOC"], ["O"]], [["B-PER", "O", "O"], ["O"]]
    assert SPAN_PRECISION.score(mine, gold, ["", ""]) == 50
    assert SPAN_RECALL.score(mine, gold, ["", ""]) == 100
    nothing = [["O", "O", "O"], ["O"]]
    assert SPAN_PRECISION.score(nothing, gold, ["", ""]) == 0
    assert SPAN_RECALL.score(mine, nothing, ["", ""]) == 0
