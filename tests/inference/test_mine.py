"""Mining gives exactly what its definition gives, in whatever blocks and order."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_search import in_blocks, of_few_directions

from layover.errors import DataError, StudyError
from layover.inference import search, vectors
from layover.inference.mine import margin_pairs, mine
from layover.inference.rows import Rows
from layover.inference.table import Table
from layover.metrics.mining import PAIR_F1
from layover.stage import Stage
from layover.tasks.bucc import BUCC
from layover.tasks.task import Data, Examples, Subset, load
from layover.tasks.types.mining import Line, Mining


def nowhere(stage: Stage) -> Path:
    raise AssertionError("these files are not a stage's")


Vector = Sequence[float]


def dot(one: Vector, other: Vector) -> float:
    return sum(x * y for x, y in zip(one, other, strict=True))


def by_definition(source: Sequence[Vector], target: Sequence[Vector]) -> list[tuple[int, float]]:
    """(partner or -1, score) of each source vector, from all products, one by one."""

    def near(vector: Vector, others: Sequence[Vector]) -> list[int]:
        order = sorted(range(len(others)), key=lambda at: (-dot(vector, others[at]), at))
        return order[:4]

    ahead = [near(vector, target) for vector in source]
    back = [near(vector, source) for vector in target]
    one = [sum(dot(v, target[at]) for at in n) / len(n) for v, n in zip(source, ahead, strict=True)]
    two = [sum(dot(v, source[at]) for at in n) / len(n) for v, n in zip(target, back, strict=True)]

    def margin(left: int, right: int) -> float:
        mean = (one[left] + two[right]) / 2
        return dot(source[left], target[right]) / mean if mean > 0 else -math.inf

    pairs = {(at, max(n, key=lambda to: margin(at, to))) for at, n in enumerate(ahead)}
    pairs |= {(max(n, key=lambda to: margin(to, at)), at) for at, n in enumerate(back)}
    found = [(-1, -math.inf)] * len(source)
    taken = set()
    for left, right in sorted(pairs, key=lambda pair: (-margin(*pair), *pair)):
        if found[left][0] < 0 and right not in taken and margin(left, right) > -math.inf:
            found[left] = (right, margin(left, right))
            taken.add(right)
    return found


def random_vectors(count: int, width: int, seed: int) -> Any:
    return vectors.unit(np.random.default_rng(seed).normal(size=(count, width)))


@pytest.fixture(params=[(2048, 4096, 32), (3, 2, 1), (5, 7, 2)])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "DENSE", 0)
    in_blocks(monkeypatch, *request.param)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "m"), [(30, 41), (41, 30), (3, 9), (9, 2), (1, 1)])
def test_pairs_are_those_of_the_definition(n: int, m: int, seed: int, blocks: None) -> None:
    base = random_vectors(max(n, m), 6, seed)
    noise = 0.6 * random_vectors(max(n, m), 6, seed + 100)
    source, target = base[:n], vectors.unit(base + noise)[:m]
    expected = by_definition(source.tolist(), target.tolist())
    found = margin_pairs(source, target)
    assert found.partner.tolist() == [partner for partner, _ in expected]
    assert found.score.tolist() == pytest.approx([score for _, score in expected])


@pytest.mark.parametrize("seed", range(8))
def test_ties_go_to_what_stands_first(seed: int, blocks: None) -> None:
    source, target = of_few_directions(12, seed), of_few_directions(17, seed + 100)
    expected = by_definition(source.tolist(), target.tolist())
    found = margin_pairs(source, target)
    assert list(zip(found.partner.tolist(), found.score.tolist(), strict=True)) == expected


def test_pairs_do_not_depend_on_the_order_of_the_lines() -> None:
    rng = np.random.default_rng(5)
    source, target = random_vectors(40, 5, 1), random_vectors(50, 5, 2)
    left, right = rng.permutation(40), rng.permutation(50)
    partner = margin_pairs(source, target).partner
    moved = margin_pairs(source[left], target[right]).partner
    back = [right[at] if at >= 0 else -1 for at in moved]
    assert dict(zip(left.tolist(), back, strict=True)) == dict(enumerate(partner))
    assert (partner >= 0).sum() > 0


def test_a_target_is_given_once() -> None:
    partner = margin_pairs(random_vectors(80, 3, 3), random_vectors(20, 3, 4)).partner
    given = partner[partner >= 0]
    assert len(given) == len(set(given.tolist())) > 10


def test_a_pair_that_only_the_way_back_proposes_is_found() -> None:
    # Both sources like target 0 best; target 1 likes source 1, and is left over for it.
    source = vectors.unit(np.array([[1.0, 0.0], [1.0, 0.3]]))
    target = vectors.unit(np.array([[1.0, 0.05], [0.2, 1.0]]))
    assert margin_pairs(source, target).partner.tolist() == [0, 1]


def line(side: str, name: str, text: str, gold: tuple[str, ...] | None = None) -> Line:
    return Line(id=name, cluster=name, side=side, text=text, gold=gold)  # type: ignore[arg-type]


LINES = (
    line("source", "s1", "eins", ("t1",)),
    line("source", "s2", "zwei", ("t2", "t3")),
    line("source", "s3", "eins", ("t1",)),
    line("source", "s4", "vier", ()),
    line("target", "t1", "one"),
    line("target", "t2", "two"),
    line("target", "t3", "two"),
)
ALL_LAYERS = Mining()
STATES = {
    "eins": (1.0, 0.1, 0.0),
    "zwei": (0.0, 1.0, 0.1),
    "vier": (0.3, 0.3, 1.0),
    "one": (1.0, 0.0, 0.0),
    "two": (0.1, 1.0, 0.0),
}


def mined(lines: Sequence[Line], kind: Mining = ALL_LAYERS, layers: int = 2) -> Rows:
    examples = Examples(replace(BUCC, type=kind), tuple(lines), ("deu",) * len(lines))
    return mine(examples, (), [np.array([[STATES[one.text]] * layers]) for one in lines])


def test_lines_of_equal_text_are_one_sentence_and_get_all_of_its_pairs() -> None:
    rows = mined(LINES)
    assert rows.example_id[:4] == ["s1", "s2", "s3", "s4"]
    assert rows.prediction[:4] == [["t1"], ["t2", "t3"], ["t1"], []]
    assert rows.target[:4] == [["t1"], ["t2", "t3"], ["t1"], []]
    assert rows.score[0] == rows.score[2] > 1
    assert rows.score[3] == -math.inf


def test_repeating_a_line_changes_no_score() -> None:
    again = (*LINES, line("target", "t9", "one"), line("source", "s9", "zwei", ("t2", "t3")))
    before, after = mined(LINES), mined(again)
    assert before.score[:4] == after.score[:4]
    assert after.prediction[0] == ["t1", "t9"] and after.prediction[4] == ["t2", "t3"]


def test_every_layer_is_mined_raw_and_centred_under_its_own_number() -> None:
    assert list(dict.fromkeys(mined(LINES).variant)) == [
        f"layer {layer}, {treatment}" for layer in (0, 1) for treatment in ("raw", "centred")
    ]
    one = mined(LINES, Mining(layers=(14,)), layers=1)
    assert list(dict.fromkeys(one.variant)) == ["layer 14, raw", "layer 14, centred"]


def test_the_neighbours_of_a_line_are_told_best_first_with_their_margins() -> None:
    rows = mined(LINES)
    assert rows.candidates[0] == ["t1", "t2"]
    assert rows.candidate_scores[0] == sorted(rows.candidate_scores[0], reverse=True)
    assert rows.candidate_scores[0][0] == pytest.approx(rows.score[0])


def test_a_side_without_lines_is_refused() -> None:
    with pytest.raises(DataError, match="bucc in deu has no lines on its target side"):
        mined(LINES[:4])


def test_mined_data_cannot_be_cut() -> None:
    with pytest.raises(StudyError, match="bucc cannot be cut to 5"):
        Data(task=BUCC, split="dev", languages=("zho",), subset=Subset(size=5))


@pytest.mark.real
def test_vectors_that_bring_buccs_pairs_together_mine_its_gold(real_data: Path) -> None:
    examples = load(Data(task=BUCC, split="dev", languages=("zho",)), nowhere)
    assert len(examples) == 8_624 + 13_589
    rng = np.random.default_rng(0)
    own = rng.normal(size=(len(examples), 64)).astype(np.float32)
    text = {item.id: item.text for item in examples.items}
    meaning: dict[str, Any] = {}
    for item, vector in zip(examples.items, own, strict=True):
        meaning.setdefault(item.text, vector)
    for item in examples.items:
        for translation in item.gold or ():
            meaning[item.text] = meaning[text[translation]]
    noisy = [meaning[item.text] + 0.3 * rng.normal(size=64) for item in examples.items]
    rows = mine(examples, (), [vector[None, None] for vector in noisy])
    table = Table.of(rows, PAIR_F1, Mining())
    found = table.above(table.thresholds()).means()
    assert found["layer 0, raw", "zho"] == pytest.approx(100, abs=0.5)


def by_pairs(kept: set[tuple[str, str]], gold: set[tuple[str, str]]) -> float:
    """F1 as XTREME counts it."""
    right = len(kept & gold)
    if not right:
        return 0.0
    precision, recall = right / len(kept), right / len(gold)
    return 100 * 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("seed", range(4))
def test_the_threshold_is_the_one_that_gives_the_best_f1_over_sets_of_pairs(seed: int) -> None:
    rng = random.Random(seed)
    count = 40
    names = [f"s{at}" for at in range(count)]
    score = [round(rng.uniform(0.8, 1.4), 2) for _ in names]
    right = [rng.random() < one - 0.6 for one in score]
    prediction = [[f"t{at}"] for at in range(count)]
    target = [
        [f"t{at}"] if good else ([f"u{at}"] if rng.random() < 0.3 else [])
        for at, good in enumerate(right)
    ]
    rows = Rows(
        example_id=names,
        cluster_id=names,
        language=["deu"] * count,
        variant=["layer 0, raw"] * count,
        prediction=prediction,
        target=target,
        score=score,
    )

    def pairs(lists: list[list[str]], bar: float = -math.inf) -> set[tuple[str, str]]:
        return {
            (name, one)
            for name, found, value in zip(names, lists, score, strict=True)
            for one in found
            if value >= bar
        }

    gold = pairs(target)
    table = Table.of(rows, PAIR_F1, Mining())
    bars = table.thresholds()
    best = max(by_pairs(pairs(prediction, bar), gold) for bar in score)
    assert table.above(bars).means() == {("layer 0, raw", "deu"): pytest.approx(best)}
    assert by_pairs(pairs(prediction, bars["layer 0, raw", "deu"]), gold) == pytest.approx(best)
