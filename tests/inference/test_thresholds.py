"""A threshold on scores is the best one where it is fixed, and is carried to other examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layover.encoders import Folder
from layover.inference.rows import Rows
from layover.inference.table import Table
from layover.metrics.metric import Each, Metric, ratio
from layover.metrics.squad import SQUAD2_EM, SQUAD2_F1
from layover.stages import World, evaluate
from layover.tasks.generated import Tasks
from layover.tasks.target import Target
from layover.tasks.task import Data
from layover.tasks.types.spans import Spans

ANSWERS = ("", "cat", "dog", "cat dog")


def f1(sums: Any) -> Any:
    """Of (right, predicted, true): not a mean over examples, and undefined without any."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return 200.0 * sums[..., 0] / (sums[..., 1] + sums[..., 2])


def counted(prediction: str, target: Sequence[str], language: str) -> tuple[float, ...]:
    right = prediction != "" and prediction in target
    return float(right), float(prediction != ""), float(target != [""])


SET_F1 = Metric(name="set F1", statistics=Each(counted), combine=f1)
items = st.lists(
    st.tuples(
        st.sampled_from([-2.0, -0.5, 0.0, 0.25, 0.25, 1.0, 3.0]),
        st.sampled_from(ANSWERS),
        st.sampled_from(ANSWERS),
        st.sampled_from(["eng", "deu"]),
    ),
    min_size=1,
    max_size=25,
)
Item = tuple[float, str, str | None, str]


def rows(chosen: Sequence[Item], variant: str = "") -> Rows:
    ids = [str(number) for number in range(len(chosen))]
    return Rows(
        example_id=ids,
        cluster_id=ids,
        language=[language for *_, language in chosen],
        variant=[variant] * len(chosen),
        prediction=[prediction for _, prediction, _, _ in chosen],
        target=[None if target is None else [target] for _, _, target, _ in chosen],
        score=[score for score, *_ in chosen],
    )


def table(chosen: Sequence[Item], metric: Metric = SQUAD2_EM, variant: str = "") -> Table:
    return Table.of(rows(chosen, variant), metric, Spans())


def reached(chosen: Sequence[Item], metric: Metric, threshold: float) -> float:
    """The metric over all of them at a threshold, by hand."""
    kept = [prediction if score >= threshold else "" for score, prediction, _, _ in chosen]
    targets = [None if target is None else [target] for _, _, target, _ in chosen]
    value = metric.score(kept, targets, [language for *_, language in chosen])
    return -1.0 if math.isnan(value) else value


@given(chosen=items, metric=st.sampled_from([SQUAD2_EM, SQUAD2_F1, SET_F1]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_threshold_is_better_than_the_one_that_is_found(
    chosen: list[Item], metric: Metric
) -> None:
    bars = [*sorted({score for score, *_ in chosen}), math.inf]
    found = table(chosen, metric).thresholds()
    for language in ("", *{language for *_, language in chosen}):
        mine = [item for item in chosen if language in ("", item[3])]
        best = max(reached(mine, metric, bar) for bar in bars)
        assert reached(mine, metric, found["", language]) == pytest.approx(best)
        if metric is not SQUAD2_F1:  # whose thirds add up differently in another order
            equal = [bar for bar in bars if reached(mine, metric, bar) == best]
            kept = sum(score >= found["", language] for score, *_ in mine)
            assert kept == min(sum(score >= bar for score, *_ in mine) for bar in equal)


def test_a_threshold_lies_halfway_between_two_scores() -> None:
    chosen: list[Item] = [(4.0, "cat", "cat", "eng"), (1.0, "dog", "", "eng")]
    assert table(chosen).thresholds() == {("", "eng"): 2.5, ("", ""): 2.5}


def test_equal_scores_stand_or_fall_together() -> None:
    chosen: list[Item] = [(1.0, "cat", "cat", "eng"), (1.0, "dog", "", "eng")]
    chosen += [(1.0, "cat", "cat", "eng"), (0.0, "dog", "", "eng")]
    assert table(chosen).thresholds()["", "eng"] == 0.5
    kept = table(chosen).above(table(chosen).thresholds())
    assert kept.statistics[:, 0].tolist() == [1, 0, 1, 1]


def test_all_are_withheld_where_that_is_best_and_none_where_that_is() -> None:
    wrong: list[Item] = [(float(n), "cat", "", "eng") for n in range(3)]
    right: list[Item] = [(float(n) - 9, "cat", "cat", "eng") for n in range(3)]
    for chosen in (wrong, right):
        found = table(chosen).thresholds()
        assert table(chosen).above(found).means() == {("", "eng"): 100.0}
    assert table(wrong).thresholds()["", "eng"] > 2.0
    assert table(right).thresholds()["", "eng"] <= -9.0


def test_a_threshold_is_carried_and_languages_without_one_have_that_of_all() -> None:
    dev: list[Item] = [(5.0, "cat", "cat", "eng"), (3.0, "dog", "", "eng")]
    dev += [(2.0, "cat", "cat", "deu"), (-1.0, "dog", "", "deu")]
    found = table(dev).thresholds()
    assert found["", "eng"] == 4.0 and found["", "deu"] == 0.5
    test: list[Item] = [(3.5, "cat", "cat", code) for code in ("eng", "deu", "fra")]
    means = table(test).above(found).means()
    assert means == {
        ("", "eng"): 0.0,
        ("", "deu"): 100.0,
        ("", "fra"): 100.0 * (found["", ""] <= 3.5),
    }
    without = {key: value for key, value in found.items() if key[1]}
    negative: list[Item] = [(-0.1, "cat", "cat", "fra"), (0.0, "cat", "cat", "fra")]
    assert table(negative).above(without).means() == {("", "fra"): 50.0}, "0 where none is given"


def test_variants_have_thresholds_of_their_own() -> None:
    high: list[Item] = [(9.0, "cat", "cat", "eng"), (7.0, "dog", "", "eng")]
    low: list[Item] = [(1.0, "cat", "cat", "eng"), (-1.0, "dog", "", "eng")]
    both = Table.of(Rows.joined([rows(high, "layer 1"), rows(low, "layer 2")]), SQUAD2_EM, Spans())
    found = both.thresholds()
    assert (found["layer 1", "eng"], found["layer 2", "eng"]) == (8.0, 0.0)
    assert both.above(found).means() == {("layer 1", "eng"): 100.0, ("layer 2", "eng"): 100.0}


def test_unknown_targets_fix_no_threshold_and_are_not_counted() -> None:
    dev: list[Item] = [(1.0, "cat", "cat", "eng"), (0.0, "dog", "", "eng")]
    dev += [(-5.0, "cat", None, "eng"), (3.0, "cat", None, "deu")]
    found = table(dev).thresholds()
    assert found == {("", "eng"): 0.5, ("", ""): 0.5}
    kept = table(dev).above(found)
    assert kept.means() == {("", "eng"): 100.0, ("", "deu"): None}
    assert (kept.count("eng"), kept.count("deu")) == (2, 0)


def test_what_is_always_predicted_is_never_withheld() -> None:
    sure: list[Item] = [(math.inf, "cat", "", "eng"), (math.inf, "cat", "cat", "eng")]
    found = table(sure).thresholds()
    assert found == {("", "eng"): 0.0, ("", ""): 0.0}
    assert table(sure).above({("", ""): 1e9}).means() == {("", "eng"): 50.0}


def test_without_scores_nothing_is_withheld() -> None:
    plain = rows([(1.0, "cat", "", "eng")])
    plain.score.clear()
    made = Table.of(
        plain, Metric(name="m", statistics=SQUAD2_EM.statistics, combine=ratio), Spans()
    )
    assert made.thresholds() == {}
    assert made.above({("", ""): 9.0}) is made


def test_a_target_fixes_its_threshold_on_its_dev_set_if_it_has_one() -> None:
    tasks = Tasks(world=World(seed=0))
    train, dev = (
        Data(task=tasks.spans2, split=split, languages=("qal",)) for split in ("train", "dev")
    )
    test = Data(task=tasks.spans2_test, split="test", languages=("qal", "qfe"))
    for fixed in (dev, None):
        target = Target(name="QA", train=(train,), test=test, metric=SQUAD2_F1, dev=fixed)
        (leaf,) = evaluate(Folder(path="any"), target)
        assert (leaf.choose and leaf.choose.data) == fixed
