"""Answers keep their characters in every script, and a question may have none."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from layover.errors import DataError, StudyError
from layover.metrics.squad import SQUAD_EM
from layover.modeling.vocabulary import learn
from layover.tasks.formats import SquadJson
from layover.tasks.squad import passage as question_of
from layover.tasks.task import Unit
from layover.tasks.types.spans import Passage, Spans, _alignment
from toys import SENTENCES

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
LONG = 512
GOLD = {
    "latin": ("Marie Curie was born in Warsaw in 1867, they say.", "Warsaw"),
    "edges": ("sold  seven red apples \u2028 to them", "  seven red apples \u2028 "),
    "devanagari": ("वह 1867 में वॉरसॉ में पैदा हुई थीं।", "वॉरसॉ में"),
    "vietnamese, composed": ("bà sinh ra ở Việt Nam năm ấy", "Việt Nam"),
    "vietnamese, decomposed": (
        "ba\u0300 sinh ra o\u031b\u0309 Vie\u0323\u0302t Le\u0323\u0302 a\u0302\u0301y",
        "Vie\u0323\u0302t Le\u0323\u0302",
    ),
    "arabic with diacritics": ("قَالَ الرَّجُلُ ذَلِكَ فِي مَدِينَةِ وَارْسُو", "الرَّجُلُ"),
    "hebrew with points": ("בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם", "בָּרָא אֱלֹהִים"),
    "full width": ("the ＡＢＣ bank in ２０２０", "ＡＢＣ"),
    "ligatures": ("a ﬁne ㎏ of ½ coﬀee … and №7", "ﬁne ㎏"),
    "jamo": ("\u1112\u1161\u11ab\u1100\u1173\u11af 서울 \u1112\u1161\u11ab", "서울"),
    "thai": ("มารีเกิดที่กรุงวอร์ซอในปีนั้น", "กรุงวอร์ซอ"),
    "chinese": ("居里夫人生于华沙，后来去了巴黎。", "华沙"),
    "emoji": ("my family 👩‍👩‍👧 and 👍🏽 is ❤️ here", "👩‍👩‍👧 and 👍🏽 is ❤️"),
    "invisible": ("\ufeffa\u200bb soft\u00adhy می\u200cخواهم \u202bcd\u202c.", "می\u200cخواهم"),
}
CONTEXTS = sorted(context for context, _ in GOLD.values())


def passage(context: str, answer: str, start: int | None = None, **changes: Any) -> Passage:
    at = context.index(answer) if start is None else start
    example = Passage(
        id="e7", cluster="e7", question="the girl?", context=context, answers=((answer, at),)
    )
    return replace(example, **changes)


def unanswerable(context: str) -> Passage:
    return passage(context, "", 0, answers=(), impossible=True)


def unigram(folder: Path) -> Any:
    """Like XLM-R's: normalises by NFKC, so that texts change their lengths."""
    learn(CONTEXTS * 3, 500, 1.0, folder)
    return AutoTokenizer.from_pretrained(folder)


def bytewise(folder: Path) -> Any:
    """Like GPT-2's: no normaliser, bytes of a character may part, spaces belong to words."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<pad>"]
    made.train_from_iterator(
        CONTEXTS * 3,
        trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    made.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<s> $A </s>",
                pair="<s> $A </s> $B:1 </s>:1",
                special_tokens=[("<s>", 0), ("</s>", 1)],
            ),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


@pytest.fixture(scope="module", params=[unigram, bytewise])
def any_tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return request.param(tmp_path_factory.mktemp("passages") / "vocabulary")


def oracle(unit: Unit) -> Any:
    """The output of a head that has learned this unit."""
    scores = np.zeros((len(unit.sequences[0]), 2), np.float32)
    scores[unit.target[0], 0] = scores[unit.target[1], 1] = 9.0
    return scores


def answered(kind: Spans, examples: list[Passage], tokenizer: Any, limit: int = LONG) -> list[str]:
    units = list(kind.encode(examples, tokenizer, limit))
    found = kind.decode(examples, units, [oracle(unit) for unit in units])
    return [item.prediction for item in found]


def first_token(unit: Unit) -> int:
    """The position of the first token of the context."""
    return next(at for at, left in enumerate(unit.alignment[::2]) if left >= 0)


def characters(unit: Unit) -> list[tuple[int, int]]:
    """The characters of each token of the context."""
    pairs = zip(unit.alignment[::2], unit.alignment[1::2], strict=True)
    return [pair for pair in pairs if pair[0] >= 0]


# Offsets


@pytest.mark.parametrize("name", GOLD)
def test_an_answer_of_whole_words_comes_back(any_tokenizer: Any, name: str) -> None:
    context, answer = GOLD[name]
    kind, example = Spans(max_answer_length=LONG), passage(context, answer)
    kind.check(example)
    (found,) = answered(kind, [example], any_tokenizer)
    if name in ("thai", "chinese"):
        assert answer in found, "where there are no spaces, a token may hold more"
    else:
        assert found == answer.strip()


@given(name=st.sampled_from(CONTEXTS), start=st.floats(0, 1), length=st.integers(1, 25))
@QUICK
def test_an_answer_comes_back_but_for_the_rest_of_its_first_and_last_token(
    any_tokenizer: Any, name: str, start: float, length: int
) -> None:
    at = int(start * (len(name) - 1))
    answer = name[at : at + length]
    (unit,) = Spans().encode([passage(name, answer, at)], any_tokenizer, LONG)
    tokens = characters(unit)
    wanted = [
        place
        for place in range(at, at + len(answer))
        if any(left <= place < right for left, right in tokens)
    ]
    assume(wanted)
    low, high = wanted[0], wanted[-1] + 1
    (found,) = answered(Spans(max_answer_length=LONG), [passage(name, answer, at)], any_tokenizer)
    start, end = min(
        (
            (left, right)
            for at, (left, _) in enumerate(tokens)
            for _, right in tokens[at:]
            if left <= low and right >= high
        ),
        key=lambda pair: pair[1] - pair[0],
    )
    assert found == name[start:end]
    if not any(left < edge < right for left, right in tokens for edge in (low, high)):
        assert found == name[low:high]


@pytest.mark.parametrize("name", GOLD)
def test_every_visible_character_belongs_to_a_token_and_white_space_to_none(
    any_tokenizer: Any, name: str
) -> None:
    context, answer = GOLD[name]
    (unit,) = Spans().encode([passage(context, answer)], any_tokenizer, LONG)
    covered = {place for left, right in characters(unit) for place in range(left, right)}
    seen = {at for at, one in enumerate(context) if one.isprintable() and one != " "}
    assert seen <= covered
    edges = {context[place] for a, b in characters(unit) for place in (a, b - 1)}
    assert not any(edge.isspace() for edge in edges)


@pytest.mark.parametrize(("limit", "stride"), [(36, 1), (37, 7), (44, 40)])
@pytest.mark.parametrize("name", ["latin", "devanagari", "vietnamese, decomposed", "chinese"])
def test_an_answer_as_long_as_the_overlap_lies_in_a_window(
    any_tokenizer: Any, name: str, limit: int, stride: int
) -> None:
    kind = Spans(stride=stride, max_answer_length=LONG)
    asked = any_tokenizer(passage("a", "a").question, add_special_tokens=False)["input_ids"]
    longest = kind._overlap("", len(asked), any_tokenizer, limit)
    size = len(any_tokenizer(GOLD[name][0], add_special_tokens=False)["input_ids"])
    # What follows the last answer and the windows that hold a part of it would only take time.
    context = " ".join([GOLD[name][0]] * min(20, 2 + (60 + longest) // size))
    (whole,) = kind.encode([passage(context, context)], any_tokenizer, 4096)
    opening = first_token(whole)
    starts, ends = whole.alignment[2 * opening : -2 : 2], whole.alignment[2 * opening + 1 : -2 : 2]
    for first, left in enumerate(starts[:60]):
        right = max(ends[first : first + longest])
        if left < 0:  # white space
            continue
        spaced = len(context[:left].rstrip()), len(context) - len(context[right:].lstrip())
        example = passage(context, context[slice(*spaced)], spaced[0])
        units = list(kind.encode([example], any_tokenizer, limit))
        assert len(units) > 1 and any(unit.target != (0, 0) for unit in units)
        for unit in units:
            start, end = unit.alignment[2 * unit.target[0]], unit.alignment[2 * unit.target[1] + 1]
            assert unit.target == (0, 0) or (start <= left and right <= end)
        (found,) = answered(kind, [example], any_tokenizer, limit)
        assert context[left:right] in found


@pytest.mark.parametrize("question", ["Who?", "Who was it that ruled the land in the year 1902?"])
def test_windows_start_every_so_many_tokens_whatever_the_question(
    any_tokenizer: Any, question: str
) -> None:
    context = GOLD["latin"][0] * 20
    asked = replace(passage(context, context[:5], 0), question=question)
    (whole,) = Spans().encode([asked], any_tokenizer, 4096)
    units = list(Spans(stride=11).encode([asked], any_tokenizer, 72))
    opening = first_token(whole)
    for number, unit in enumerate(units):
        start = unit.alignment[2 * first_token(unit)]
        assert start == whole.alignment[2 * (opening + 11 * number)]


def test_units_are_in_the_order_of_their_examples_whatever_their_questions(
    any_tokenizer: Any,
) -> None:
    context = GOLD["latin"][0] * 9
    asked = [
        replace(passage(context, context[:5], 0), question=question)
        for question in ("Who was it that ruled?", "Who?", "Who was it?", "Who ruled?")
    ]
    units = list(Spans().encode(asked, any_tokenizer, 64))
    assert [unit.example for unit in units] == sorted(unit.example for unit in units)
    for number, example in enumerate(asked):
        alone = list(Spans().encode([example], any_tokenizer, 64))
        mine = [unit for unit in units if unit.example == number]
        assert [unit.sequences for unit in mine] == [unit.sequences for unit in alone]


def test_a_long_question_is_refused_or_cut_where_that_is_declared(any_tokenizer: Any) -> None:
    context = GOLD["latin"][0]
    long = replace(passage(context, context[:5], 0), question="who was it " * 40)
    with pytest.raises(DataError, match="give the task's type a question_length"):
        list(Spans().encode([long], any_tokenizer, 64))
    (cut,) = Spans(question_length=7).encode([long], any_tokenizer, 4096)
    (whole,) = Spans().encode([long], any_tokenizer, 4096)
    special = set(any_tokenizer.all_special_ids)
    kept, asked = (
        [token for token in unit.sequences[0][: first_token(unit)] if token not in special]
        for unit in (cut, whole)
    )
    assert len(kept) == 7 and kept == asked[:7]


def test_a_window_holds_no_characters_of_the_next_one(any_tokenizer: Any) -> None:
    context = GOLD["chinese"][0].replace("。", "，") * 20
    (whole,) = Spans().encode([passage(context, "华沙")], any_tokenizer, 4096)
    ends = dict(characters(whole))
    units = list(Spans().encode([passage(context, "华沙")], any_tokenizer, 60))
    assert len(units) > 1
    assert all(right <= ends[left] for unit in units for left, right in characters(unit))


def test_what_no_token_covers_may_stand_around_an_answer(any_tokenizer: Any) -> None:
    context = "\u200bbank\u200b"
    (unit,) = Spans().encode([passage(context, context)], any_tokenizer, LONG)
    assert unit.target == (first_token(unit), len(unit.alignment) // 2 - 2)


def test_a_tokens_spaces_are_not_its_answer() -> None:
    offsets, parts = [(0, 0), (0, 2), (2, 4), (4, 6), (6, 8)], [None, 0, 1, 1, 1]
    found = _alignment("abcd e    ", offsets, parts, True)
    assert found == (-1, -1, -1, -1, 2, 4, 5, 6, -1, -1)
    assert _alignment("ab c ", [(0, 3), (3, 5)], [1, 1], True) == (0, 2, 3, 4)


# No answer


def test_an_impossible_question_points_at_the_first_token_everywhere(tokenizer: Any) -> None:
    examples = [unanswerable(" ".join(SENTENCES))]
    units = list(Spans(null=True).encode(examples, tokenizer, 40))
    assert len(units) > 1 and {unit.target for unit in units} == {(0, 0)}
    assert Spans(null=True).target(examples[0]) == [""]


@pytest.mark.parametrize("answers", [(), (("", 0),), ((" ", 3),)])
@pytest.mark.parametrize("null", [True, False])
def test_a_withheld_answer_is_neither_learned_nor_scored(
    tokenizer: Any, null: bool, answers: tuple[tuple[str, int], ...]
) -> None:
    kind, example = Spans(null=null), passage("the girl", "", 0, answers=answers)
    kind.check(example)
    (unit,) = kind.encode([example], tokenizer, LONG)
    assert unit.target == (-100, -100)
    assert kind.target(example) is None


def test_the_score_is_what_an_answer_has_over_the_least_first_token(tokenizer: Any) -> None:
    kind = Spans(null=True)
    examples = [unanswerable(" ".join(SENTENCES)), unanswerable(SENTENCES[0])]
    units = list(kind.encode(examples, tokenizer, 40))
    outputs = [np.zeros((len(unit.sequences[0]), 2), np.float32) for unit in units]
    mine = [at for at, unit in enumerate(units) if unit.example == 0]
    for at, (null, answer) in zip(mine[:3], ((4.0, 1.0), (3.0, 2.0), (5.0, 2.5)), strict=True):
        outputs[at][0] = (null - 1.5, 1.5)
        outputs[at][-2, 0] = answer
    for at in mine[3:]:
        outputs[at][0] = 9.0
    found, other = kind.decode(examples, units, outputs)
    assert (found.score, other.score) == (2.5 - 3.0, 0.0)
    start, end = units[mine[2]].alignment[-4:-2]
    assert found.prediction == examples[0].context[start:end] == found.candidates[0][0]
    assert kind.withheld == ""


def test_without_null_every_question_is_answered(tokenizer: Any) -> None:
    example = passage(SENTENCES[0], "seven")
    (unit,) = Spans().encode([example], tokenizer, LONG)
    output = np.full((len(unit.sequences[0]), 2), -9.0)
    output[0] = 99.0
    (found,) = Spans().decode([example], [unit], [output])
    assert found.score == math.inf and found.prediction != ""


# The best texts


def by_hand(kind: Spans, example: Passage, units: list[Unit], outputs: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for unit, scores in zip(units, outputs, strict=True):
        starts, ends = unit.alignment[::2], unit.alignment[1::2]
        for first in range(len(starts)):
            for last in range(first, min(first + kind.max_answer_length, len(starts))):
                if starts[first] >= 0 and ends[last] >= 0:
                    text = example.context[starts[first] : ends[last]]
                    score = float(scores[first, 0] + scores[last, 1])
                    found[text] = max(score, found.get(text, -math.inf))
    return found


@pytest.mark.parametrize(("longest", "n_best"), [(1, 1), (1, 4), (30, 20), (4, 2000)])
def test_the_best_texts_are_those_of_a_search_through_all_spans(
    tokenizer: Any, longest: int, n_best: int
) -> None:
    kind = Spans(max_answer_length=longest, n_best=n_best, null=True)
    example = passage("seven red apples and " * 20, "seven")
    units = list(kind.encode([example], tokenizer, 100))
    assert len(units) > 1
    rng = np.random.default_rng(longest)
    outputs = [rng.normal(size=(len(unit.sequences[0]), 2)).astype(np.float32) for unit in units]
    (found,) = kind.decode([example], units, outputs)
    every = by_hand(kind, example, units, outputs)
    expected = sorted(every.items(), key=lambda item: -item[1])[:n_best]
    assert [text for text, _ in found.candidates] == [text for text, _ in expected]
    assert [score for _, score in found.candidates] == [score for _, score in expected]
    assert found.prediction == expected[0][0]
    least = min(float(scores[0].sum()) for scores in outputs)
    assert found.score == expected[0][1] - least


def test_a_context_that_the_tokenizer_does_not_see_has_no_answer(tokenizer: Any) -> None:
    for null, score in ((True, -math.inf), (False, math.inf)):
        kind, example = Spans(null=null), passage("\u200b", "", 0)
        units = list(kind.encode([example], tokenizer, LONG))
        outputs = [np.zeros((len(unit.sequences[0]), 2)) for unit in units]
        (found,) = kind.decode([example], units, outputs)
        assert (found.prediction, found.score, found.candidates) == ("", score, ())


def test_guessing_that_there_is_no_answer_is_the_chance_of_null() -> None:
    def share(predictions: list[str]) -> float:
        return 100.0 * predictions.count("") / 4

    assert Spans(null=True).chance([[""]] * 4, share) == 100
    assert math.isnan(Spans().chance([["a"]] * 4, share))


@pytest.mark.parametrize("wrong", [{"n_best": 0}, {"max_answer_length": 0}, {"stride": 0}])
def test_sizes_that_allow_no_answer_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(StudyError, match="give at least 1 each"):
        Spans(**wrong)  # type: ignore[arg-type]


# Real questions


@pytest.mark.slow
@pytest.mark.real
def test_gold_answers_of_xquad_come_back_in_every_language(real_data: Path, tmp_path: Path) -> None:
    texts = [
        line
        for path in sorted((real_data / "mlm").glob("*.txt"))
        for line in path.read_text(encoding="utf-8").split("\n")[:3000]
    ]
    learn(texts, 20_000, 0.9995, tmp_path / "vocabulary")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "vocabulary")
    # Of the best texts, more than one would be sorted out of as many spans as score nothing.
    kind = Spans(max_answer_length=128, n_best=1)
    for path in sorted((real_data / "xquad").glob("xquad.*.json")):
        examples = [question_of(row) for row in SquadJson().read((path,), None)]
        gold = [answer for ((answer, _),) in (example.answers for example in examples)]
        found = answered(kind, examples, tokenizer, 384)
        assert len(found) == 1_190
        assert all(answer.strip() in text for text, answer in zip(found, gold, strict=True))
        pairs = list(zip(found, gold, strict=True))
        assert np.mean([text == answer for text, answer in pairs]) > 0.97, path.name
        exact = SQUAD_EM.score(found, [[answer] for answer in gold], [""] * len(gold))
        # Chinese punctuation is none of SQuAD's, and Chinese words are not parted by spaces.
        assert exact > (97.5 if "zh" in path.name else 99), path.name
