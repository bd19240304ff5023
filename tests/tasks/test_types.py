"""Every task type: perfect outputs decode to the targets, nothing is lost, and what does not fit
is refused with the example and the lever named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layover.errors import DataError
from layover.metrics.accuracy import ACCURACY, WORD_ACCURACY
from layover.metrics.metric import Metric
from layover.tasks.task import TaskType, Unit
from layover.tasks.types import encoding
from layover.tasks.types.choice import Choice, Question
from layover.tasks.types.classification import Classification, Labelled
from layover.tasks.types.mining import Line, Mining
from layover.tasks.types.ranking import Match, Ranking
from layover.tasks.types.retrieval import Bitext, Retrieval
from layover.tasks.types.spans import Passage, Spans
from layover.tasks.types.tagging import Sentence, Tagging
from layover.tasks.types.text import MaskedText, Text
from toys import SENTENCES

LONG = 64
TAGS = ("A", "B", "C")
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
QUICK = settings(max_examples=40, deadline=None, derandomize=True)

words_and_tags = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(WORDS), st.text(min_size=1, max_size=30).filter(str.strip)),
        st.sampled_from(TAGS),
    ),
    min_size=1,
    max_size=60,
)


def labelled(text: str, pair: str | None = None, label: str | None = "B") -> Labelled:
    return Labelled(id="e7", cluster="e7", text=text, pair=pair, label=label)


def question(*options: str, answer: int | None = 0, prompt: str = "the girl") -> Question:
    return Question(id="e7", cluster="e7", prompt=prompt, options=options, answer=answer)


def sentence(words: Sequence[str], tags: Sequence[str] | None) -> Sentence:
    return Sentence(
        id="e7", cluster="e7", words=tuple(words), tags=None if tags is None else tuple(tags)
    )


def line(text: str, side: Any = "source") -> Line:
    return Line(id="e7", cluster="e7", side=side, text=text)


def match(**parts: str) -> Match:
    return Match(id="e7", cluster="e7", **parts)  # type: ignore[arg-type]


def passage(context: str, answer: str, asked: str = "did the girl buy apples?") -> Passage:
    start = context.index(answer)
    return Passage(
        id="e7", cluster="e7", question=asked, context=context, answers=((answer, start),)
    )


def bitext(query: str, candidate: str, gold: int | None = 0) -> Bitext:
    return Bitext(id="e7", cluster="e7", query=query, candidate=candidate, gold=gold)


def perfect(kind: TaskType, unit: Unit) -> Any:
    """The output of a head that has learned this unit."""
    if kind.head == "token":
        return np.arange(len(kind.labels)) == np.array(unit.target)[:, None]
    if kind.head == "span":
        scores = np.zeros((len(unit.sequences[0]), 2))
        scores[unit.target[0], 0] = scores[unit.target[1], 1] = 9.0 if unit.target[0] else 0.0
        return scores
    if kind.head == "embed":
        return unit.target[0]
    size = len(kind.labels) or len(unit.sequences)
    return np.arange(size) == unit.target[0]


def encode(
    kind: TaskType, examples: Sequence[Any], tokenizer: Any, limit: int = LONG
) -> list[Unit]:
    units = list(kind.encode(examples, tokenizer, limit))
    assert all(len(ids) <= limit for unit in units for ids in unit.sequences)
    assert [unit.example for unit in units] == sorted(unit.example for unit in units)
    return units


ROUND_TRIPS: dict[str, tuple[TaskType, list[Any]]] = {
    "one text": (
        Classification(labels=TAGS),
        [labelled(text, label=tag) for text, tag in zip(SENTENCES, TAGS * 2, strict=True)],
    ),
    "pair": (
        Classification(labels=TAGS),
        [labelled(text, "a girl", tag) for text, tag in zip(SENTENCES, TAGS * 2, strict=True)],
    ),
    "tags": (
        Tagging(labels=TAGS),
        [sentence(text.split(), (TAGS * 9)[: len(text.split())]) for text in SENTENCES],
    ),
    "choice": (
        Choice(),
        [question("red", "old", answer=1), question("red", "old", "tall", "a", answer=2)],
    ),
    "spans": (
        Spans(),
        [passage(SENTENCES[0], "seven red apples"), passage(SENTENCES[2], "1902")],
    ),
    "retrieval": (Retrieval(), [bitext("old", "tall", 1), bitext("girl", "young", 0)]),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_perfect_outputs_decode_to_the_targets(tokenizer: Any, name: str) -> None:
    kind, examples = ROUND_TRIPS[name]
    units = encode(kind, examples, tokenizer)
    found = kind.decode(examples, units, [perfect(kind, unit) for unit in units])
    targets = [kind.target(example) for example in examples]
    if kind.head == "span":
        assert [[item.prediction] for item in found] == targets
    else:
        assert found == targets


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_no_examples_are_no_units(tokenizer: Any, name: str) -> None:
    assert encode(ROUND_TRIPS[name][0], [], tokenizer) == []


def test_withheld_labels_are_no_targets(tokenizer: Any) -> None:
    cases: list[tuple[TaskType, Any]] = [
        (Classification(labels=TAGS), labelled("the girl", label=None)),
        (Tagging(labels=TAGS), sentence(["the", "girl"], None)),
        (Choice(), question("red", "old", answer=None)),
        (Retrieval(), Bitext(id="1", cluster="1", query="a", candidate="b", gold=None)),
        (Spans(), Passage(id="1", cluster="1", question="a", context="b", answers=(("", 0),))),
    ]
    for kind, example in cases:
        kind.check(example)
        (unit,) = encode(kind, [example], tokenizer)
        assert set(unit.target) == {-100}
        assert kind.target(example) is None


@given(sentences=st.lists(words_and_tags, min_size=1, max_size=4), limit=st.integers(4, 24))
@QUICK
def test_no_word_of_a_long_sentence_is_dropped(
    tokenizer: Any, sentences: list[list[tuple[str, str]]], limit: int
) -> None:
    kind = Tagging(labels=TAGS)
    examples = [sentence(*zip(*pairs, strict=True)) for pairs in sentences]
    units = encode(kind, examples, tokenizer, limit)
    found = kind.decode(examples, units, [perfect(kind, unit) for unit in units])
    assert found == [list(example.tags or ()) for example in examples]


def test_only_the_first_token_of_a_word_carries_its_tag(tokenizer: Any) -> None:
    (unit,) = encode(Tagging(labels=TAGS), [sentence(["unbelievable", "girl"], "BC")], tokenizer)
    assert [tag for tag in unit.target if tag != -100] == [1, 2]
    assert [unit.target[position] for position in unit.alignment] == [1, 2]
    assert len(unit.target) == len(unit.sequences[0]) > 5


def test_a_word_without_tokens_becomes_the_unknown_token(tokenizer: Any) -> None:
    words = ["a", "\u200b", "girl"]
    (unit,) = encode(Tagging(labels=TAGS), [sentence(words, TAGS)], tokenizer)
    known = tokenizer(words[::2], add_special_tokens=False)["input_ids"]
    assert unit.sequences[0][1:-1] == (*known[0], tokenizer.unk_token_id, *known[1])
    assert [unit.target[position] for position in unit.alignment] == [0, 1, 2]


@given(
    words=st.lists(st.sampled_from(WORDS), min_size=30, max_size=150),
    start=st.floats(0, 0.9),
    length=st.integers(1, 5),
    limit=st.integers(32, 64),
)
@QUICK
def test_the_answer_in_a_long_context_is_found_in_one_of_its_windows(
    tokenizer: Any, words: list[str], start: float, length: int, limit: int
) -> None:
    kind = Spans(stride=16, max_answer_length=40)
    first = int(start * len(words))
    gold = " ".join(words[first : first + length])
    offset = len(" ".join([*words[:first], ""]))
    example = Passage(
        id="1", cluster="1", question="a girl", context=" ".join(words), answers=((gold, offset),)
    )
    kind.check(example)
    units = encode(kind, [example], tokenizer, limit)
    assert any(unit.target != (0, 0) for unit in units)
    (found,) = kind.decode([example], units, [perfect(kind, unit) for unit in units])
    assert found.prediction == gold


def test_every_character_of_a_long_context_is_in_a_window(tokenizer: Any) -> None:
    context = " ".join(SENTENCES * 5)
    units = encode(Spans(), [passage(context, "1902")], tokenizer, 48)
    assert len(units) > 3
    covered = {
        character
        for unit in units
        for left, right in zip(unit.alignment[::2], unit.alignment[1::2], strict=True)
        if left >= 0
        for character in range(left, right)
    }
    assert {at for at, character in enumerate(context) if character != " "} <= covered


def test_questions_of_any_length_leave_room_for_the_context_or_are_refused(tokenizer: Any) -> None:
    context = " ".join(SENTENCES)
    refused = []
    for count in range(1, 40):
        asked = passage(context, "1902", asked=" ".join(["girl"] * count))
        try:
            units = encode(Spans(), [asked], tokenizer, 40)
        except DataError as error:
            assert "leaves too little room for its context in max_length 40" in str(error)
            refused.append(count)
            continue
        ends = {end for unit in units for end in unit.alignment[1::2]}
        assert max(ends) == len(context) and all(len(unit.sequences[0]) <= 40 for unit in units)
    assert 1 not in refused and refused == list(range(refused[0], 40))


def test_a_window_without_the_answer_points_at_its_first_token(tokenizer: Any) -> None:
    units = encode(Spans(), [passage(" ".join(SENTENCES), "seven red")], tokenizer, 40)
    assert units[0].target != (0, 0)
    assert units[-1].target == (0, 0)


def test_a_predicted_span_lies_in_the_context_and_is_not_too_long(tokenizer: Any) -> None:
    kind = Spans(max_answer_length=4)
    example = passage(SENTENCES[0], "seven")
    (unit,) = encode(kind, [example], tokenizer)
    rng = np.random.default_rng(0)
    for _ in range(20):
        (made,) = kind.decode([example], [unit], [rng.normal(size=(len(unit.sequences[0]), 2))])
        assert made.prediction in example.context
        ids = tokenizer(made.prediction, add_special_tokens=False)["input_ids"]
        assert 1 <= len(ids) <= 5
    backwards = np.zeros((len(unit.sequences[0]), 2))
    backwards[-3, 0] = backwards[-8, 1] = 9.0
    (made,) = kind.decode([example], [unit], [backwards])
    assert made.prediction != ""


def test_a_long_text_goes_on_in_further_rows_or_keeps_its_beginning(tokenizer: Any) -> None:
    texts = [Text(id=str(n), cluster=str(n), text=" ".join(SENTENCES)) for n in range(2)]
    whole = tokenizer(texts[0].text, add_special_tokens=False)["input_ids"]
    rows = encode(MaskedText(), texts, tokenizer, 20)
    mine = [token for unit in rows if unit.example == 0 for token in unit.sequences[0][1:-1]]
    assert mine == whole
    starts = encode(MaskedText(beginnings=True), texts, tokenizer, 20)
    assert [unit.example for unit in starts] == [0, 1]
    assert list(starts[0].sequences[0][1:-1]) == whole[:18]


def test_losses_of_masked_tokens_add_up_over_a_text(tokenizer: Any) -> None:
    texts = [Text(id=str(n), cluster=str(n), text=" ".join(SENTENCES)) for n in range(2)]
    units = encode(MaskedText(), texts, tokenizer, 20)
    sums = MaskedText().decode(texts, units, [(2.0, 1)] * len(units))
    share = len(units) / 2
    assert sums == [[2.0 * share, share]] * 2


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        (Classification(labels=TAGS), labelled("girl " * 99)),
        (Classification(labels=TAGS), labelled("girl", "tower " * 99)),
        (Choice(), question("old", "tall " * 99)),
        (Retrieval(), bitext("girl", "tower " * 99)),
    ],
)
def test_a_text_that_is_too_long_is_refused_by_name_unless_it_may_be_cut(
    tokenizer: Any, kind: Any, example: Any
) -> None:
    with pytest.raises(DataError, match=r"example 'e7' has \d+ tokens .* 64: raise max_length, or"):
        encode(kind, [example], tokenizer)
    (unit,) = encode(type(kind)(**{**vars(kind), "truncate": True}), [example], tokenizer)
    assert max(map(len, unit.sequences)) == LONG


def test_the_longer_text_of_a_pair_is_cut(tokenizer: Any) -> None:
    kind = Classification(labels=TAGS, truncate=True)
    (unit,) = encode(kind, [labelled("the girl", "tower " * 99)], tokenizer)
    short = tokenizer("the girl")["input_ids"]
    assert list(unit.sequences[0][: len(short)]) == short


def test_a_question_that_leaves_no_room_is_refused(tokenizer: Any) -> None:
    asked = passage(SENTENCES[0], "seven", asked="girl " * 60)
    with pytest.raises(DataError, match=r"question of example 'e7' has \d+ .*raise max_length"):
        encode(Spans(), [asked], tokenizer)


@pytest.mark.parametrize(
    ("kind", "example", "message"),
    [
        (Classification(labels=TAGS), labelled("a", label="D"), "'D' is not one of A, B, C"),
        (Classification(labels=TAGS), labelled("a", label=""), "'' is not one of A, B, C"),
        (Classification(labels=TAGS), labelled(" "), "the text is empty"),
        (Tagging(labels=TAGS), sentence(["a", "b"], ["A", "D"]), "'D' is not one of A, B, C"),
        (Tagging(labels=TAGS), sentence(["a", ""], ["A", "B"]), "the word 2 is empty"),
        (Choice(), question("a"), "1 options, expected two or more"),
        (Choice(), question("a", "b", answer=2), "answer 2 is not one of the 2 options"),
        (Choice(), question("a", "b", answer=-1), "answer -1 is not one of the 2 options"),
        (Choice(), question("a", "  "), "the option is empty"),
        (Spans(), passage(" ", " "), "the context is empty"),
        (Spans(), passage("a b", "b", asked=""), "the question is empty"),
        (MaskedText(), Text(id="1", cluster="1", text="\t"), "the text is empty"),
        (Retrieval(), bitext("", "b"), "the query is empty"),
        (Retrieval(), bitext("a", ""), "the candidate is empty"),
        (Mining(), line(" "), "the sentence is empty"),
        (Mining(), line("a", side="left"), "side 'left' is neither 'source' nor 'target'"),
        (Ranking(), match(), "neither a query nor a candidate"),
        (Ranking(), match(query=""), "the query is empty"),
        (Ranking(), match(query="a", candidate=" ", name="c"), "the candidate is empty"),
        (Ranking(), match(candidate="a"), "the candidate's name is empty"),
    ],
)
def test_what_is_wrong_with_an_example_is_said(kind: TaskType, example: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind.check(example)


def test_an_answer_that_is_not_where_it_is_said_to_be_is_refused() -> None:
    wrong = Passage(id="1", cluster="1", question="a", context="the girl", answers=(("girl", 3),))
    with pytest.raises(
        ValueError, match=r"'girl' is said to start at character 3 .* ' gir' stands"
    ):
        Spans().check(wrong)


def test_guessing_gives_what_the_most_frequent_label_gives() -> None:
    def scored(metric: Metric, targets: Sequence[Any]) -> Any:
        def score(guesses: list[Any]) -> float:
            return metric.score(guesses, targets, [""] * len(targets))

        return score

    flat = ["A", "B", "B", "C"]
    tags = [["A", "B"], ["B"], ["C"]]
    assert Classification(labels=TAGS).chance(flat, scored(ACCURACY, flat)) == 50
    assert Tagging(labels=TAGS).chance(tags, scored(WORD_ACCURACY, tags)) == 50
    assert Choice().chance(["0", "1", "1", "1"], scored(ACCURACY, ["0", "1", "1", "1"])) == 75
    assert Retrieval().chance(["0"] * 50, scored(ACCURACY, [])) == 2
    for kind in (Spans(), Mining(), Ranking()):
        assert np.isnan(kind.chance([], scored(ACCURACY, [])))


def test_texts_and_pairs_do_not_mix(tokenizer: Any) -> None:
    kind = Classification(labels=TAGS)
    for examples in ([labelled("a"), labelled("a", "b")], [labelled("a", "b"), labelled("a")]):
        with pytest.raises(DataError, match="a task has either texts or pairs"):
            encode(kind, examples, tokenizer)


@pytest.mark.parametrize("tags", ["A", "ABC"])
def test_every_word_has_one_tag(tags: str) -> None:
    with pytest.raises(ValueError, match=f"{len(tags)} tags for 2 words"):
        Tagging(labels=TAGS).check(sentence(["a", "b"], tags))


def test_pairs_queries_and_candidates_are_groups_of_their_texts(tokenizer: Any) -> None:
    examples = [
        match(query="the girl", candidate="the tower", name="c1"),
        match(candidate="the river", name="c2"),
        match(query="a tall man"),
        match(query="apples", candidate="the tower", name="c1"),
    ]
    units = encode(Ranking(), examples, tokenizer)
    said = [[tokenizer.decode(ids, skip_special_tokens=True) for ids in u.sequences] for u in units]
    assert said == [
        ["the girl", "the tower"],
        ["the river"],
        ["a tall man"],
        ["apples", "the tower"],
    ]
    targets = [unit.target[0] for unit in units]
    assert targets[0] == targets[3] >= 0, "equal candidates are known to be equal"
    assert targets[1:3] == [-100, -100]


def test_a_candidate_is_read_beside_its_context(tokenizer: Any) -> None:
    (unit,) = encode(Ranking(), [match(candidate="apples", context="red", name="c")], tokenizer)
    assert list(unit.sequences[0]) == tokenizer("apples", "red")["input_ids"]


def test_queries_and_candidates_have_lengths_of_their_own(tokenizer: Any) -> None:
    kind = Ranking(query_length=5, candidate_length=9, truncate=True)
    long = " ".join(SENTENCES[:3])
    (unit,) = encode(kind, [match(query=long, candidate=long, name="c")], tokenizer)
    assert [len(ids) for ids in unit.sequences] == [5, 9]
    (unit,) = kind.encode([match(query=long, candidate=long, name="c")], tokenizer, 7)
    assert [len(ids) for ids in unit.sequences] == [5, 7], "the recipe's length is the limit"
    with pytest.raises(DataError, match=r"'e7' has \d+ tokens and .* 5"):
        encode(Ranking(query_length=5), [match(query=long)], tokenizer)


MANY: dict[str, tuple[TaskType, list[Any]]] = {
    **ROUND_TRIPS,
    "passages": (
        Spans(stride=9),
        [
            passage(" ".join(SENTENCES[at:]), "tall tower", "where? " + "old " * (at % 3))
            for at in (1, 0, 1, 0, 1)
        ],
    ),
    "paragraphs": (
        MaskedText(),
        [Text(id="e7", cluster="e7", text=" ".join(SENTENCES[at:])) for at in (0, 5, 2, 4, 1)],
    ),
    "ranked": (
        Ranking(),
        [match(query=text, candidate=text, name=text[:5]) for text in SENTENCES * 2],
    ),
}


@pytest.mark.parametrize("name", MANY)
def test_units_do_not_depend_on_how_many_texts_are_tokenised_at_once(
    name: str, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, examples = MANY[name]
    whole = encode(kind, examples, tokenizer, 48)
    monkeypatch.setattr(encoding, "TOGETHER", 2)
    assert encode(kind, examples, tokenizer, 48) == whole


def test_examples_are_tokenised_as_their_units_are_asked_for(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "TOGETHER", 2)
    asked: list[int] = []

    def counting(texts: list[str], *rest: Any, **options: Any) -> Any:
        asked.append(len(texts))
        return tokenizer(texts, *rest, **options)

    kind = Classification(labels=TAGS)
    units = kind.encode([labelled(text) for text in SENTENCES[:5]], counting, LONG)
    found = [(next(units).example, sum(asked)) for _ in range(5)]
    assert found == [(0, 2), (1, 2), (2, 4), (3, 4), (4, 5)]
