"""Lines are read off the chains, and say what their values were made to say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any

import numpy as np
import pytest

from layover.claims import per_doubling, score
from layover.curves import by_examples, by_size
from layover.encoders import LADDER
from layover.errors import ResultError
from layover.factors import factors
from layover.grid import Grid
from layover.metrics.accuracy import ACCURACY
from layover.recipe import Recipe, epochs
from layover.stages import Initial, Score, Vocabulary, leaves
from layover.stats import Clustered, by_seed, samples
from layover.study import Arm, Study
from layover.tasks.axes import same_total
from layover.tasks.mlm import MLM
from layover.tasks.mnli import MNLI
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset
from layover.tasks.xnli import XNLI

RECIPE = Recipe(duration=epochs(1), learning_rate=1e-3)
TEXT = Data(task=MLM, split="train", languages=("eng",))
SIZES = (100, 200, 400, 800, 1_600)
SEEDS = (1, 2, 3)
CLUSTERS = 400


def target(name: str) -> Target:
    train = Data(task=MNLI, split="train", languages=("eng",), subset=Subset(size=10 * len(name)))
    test = Data(task=XNLI, split="test", languages=("deu", "rus"))
    return Target(name=name, train=(train,), test=test, metric=ACCURACY)


def start(shape: Any, seed: int = 0) -> Initial:
    return Initial(shape=shape, vocabulary=Vocabulary(data=TEXT, size=500), seed=seed)


def measured(study: Study, truth: Callable[[Score, str], float]) -> Grid:
    """A grid in which every score is a draw around the truth, in percent."""
    found: dict[tuple[str, str], list[Any]] = {}
    for name in dict.fromkeys(leaf.target for leaf in study.leaves if isinstance(leaf, Score)):
        made, cells = [], []
        for arm in study.arms:
            for leaf in arm.leaves:
                if not isinstance(leaf, Score) or leaf.target != name:
                    continue
                level = truth(leaf, arm.name) / 100
                rng = np.random.default_rng((leaf.seed or 0, len(name)))
                right = (rng.random((2, CLUSTERS)) < level).astype(float)
                rows = {
                    code: np.stack([one, np.ones(CLUSTERS)], axis=1)
                    for code, one in zip(("deu", "rus"), right, strict=True)
                }
                made.append(
                    Clustered(
                        seed=leaf.seed,
                        data_key=f"{name} {leaf.seed}",
                        clusters=tuple(map(str, range(CLUSTERS))),
                        statistics=rows,
                    )
                )
                cells.append((arm.name, name))
        for cell, run in zip(cells, samples(made, of), strict=True):
            found.setdefault(cell, []).append(run)
    held = {cell: by_seed(runs) for cell, runs in found.items()}
    return Grid(samples=held, languages=("eng", "deu", "rus"), source="eng")


def of(sums: Any) -> Any:
    return 100 * sums[..., 0] / sums[..., 1]


def grown() -> Study:
    """XNLI in English and in two other languages, in growing amounts."""

    def arm(name: str, *stops: Any) -> Arm:
        reached = leaves(
            start(LADDER[1]),
            *stops,
            targets=(target("one"), target("second")),
            recipe=RECIPE,
            seeds=SEEDS,
        )
        return Arm(name=name, leaves=reached)

    kinds = {"English": ("eng",), "others": ("deu", "rus")}
    more = [
        arm(f"{kind} {size}", same_total(XNLI, codes, Subset(size=size)))
        for kind, codes in kinds.items()
        for size in reversed(SIZES)
    ]
    arms = (arm("direct"), *more)
    return Study(name="grown", question="?", baseline="direct", arms=arms)


def points(leaf: Score, arm: str) -> float:
    """50 %, and with more data 4 points more for each doubling in English, 1 in others."""
    size = factors(leaf).examples or 0
    if not size:
        return 50
    return 50 + (4 if "English" in arm else 1) * math.log2(size / 100)


def test_arms_that_differ_in_their_examples_alone_are_a_line() -> None:
    study = grown()
    found = by_examples(study, measured(study, points))
    assert [(one.arm, one.target) for one in found] == [
        (where, name) for where in ("English", "others") for name in ("", "one", "second")
    ]
    for one in found:
        assert [point.at for point in one.points] == list(SIZES)
        assert len(one.line) > 10 and one.line[0][0] == SIZES[0]
        assert one.told.startswith("By this law every doubling adds +")
        assert (one.law, one.gains) == ("logarithm", ())
        assert one.arms == tuple(f"{one.arm} {size}" for size in SIZES)


def test_a_line_whose_arms_have_no_words_of_their_own_in_common_is_named_by_its_factors() -> None:
    study = grown()
    arms = tuple(changed(arm, name=arm.name.replace("English", "more")) for arm in study.arms)
    arms = tuple(changed(arm, name=arm.name.replace("others", "more at")) for arm in arms)
    named = changed(study, arms=arms)
    found = by_examples(named, measured(named, lambda leaf, arm: 50))
    assert {one.arm for one in found} == {"more", "more at"}
    taken = changed(named, arms=(*arms, changed(arms[0], name="more", control=True)))
    found = by_examples(taken, measured(taken, lambda leaf, arm: 50))
    assert {one.arm for one in found} == {"xnli in English", "more at"}


def test_two_numbers_of_examples_are_no_line() -> None:
    study = grown()
    few = changed(study, arms=(study.arms[0], *study.arms[1:3], *study.arms[-3:]))
    found = by_examples(few, measured(few, points))
    assert {one.arm for one in found} == {"others"}


def test_a_law_with_a_ceiling_says_its_first_and_last_doubling() -> None:
    study = grown()

    def bent(leaf: Score, arm: str) -> float:
        size = factors(leaf).examples or 0
        return 90 - 40 * (size / 100) ** -1.0 if size else 40

    one, *_ = by_examples(study, measured(study, bent))
    assert one.law == "power law with ceiling"
    (first, early), (last, late) = one.gains
    assert (first, last) == (SIZES[0], SIZES[-1] / 2)
    assert early.estimate == pytest.approx(20, abs=2) and late.estimate < 4
    assert one.told.startswith("By this law a doubling adds from 100 examples +")


def test_a_line_has_the_slope_that_it_was_made_with_and_the_difference_to_english() -> None:
    study = grown()
    english, others = [one for one in by_examples(study, measured(study, points)) if not one.target]
    assert english.slope and others.slope and others.contrast
    assert english.slope.estimate == pytest.approx(4, abs=0.5)
    assert others.slope.estimate == pytest.approx(1, abs=0.5)
    assert (others.against, english.against) == ("English", "")
    assert others.contrast.estimate == pytest.approx(others.slope.estimate - english.slope.estimate)
    assert others.contrast.high < 0


def test_a_size_that_was_not_measured_is_named_and_the_others_stay() -> None:
    study = grown()
    table = measured(study, points)
    held = {
        cell: sample for cell, sample in table.samples.items() if cell != ("English 100", "one")
    }
    found = by_examples(study, changed(table, samples=held))
    known = {(one.arm, one.target): one for one in found}
    assert len(known) == 6
    for target in ("", "one"):
        line = known["English", target]
        assert [point.at for point in line.points] == [200, 400, 800, 1_600]
        assert line.told.endswith("Not measured: English 100.")
        # The slopes that are compared are over the sizes of both.
        whole = by_examples(study, table)
        (same,) = [one for one in whole if (one.arm, one.target) == ("others", target)]
        assert known["others", target].slope == same.slope
        assert known["others", target].contrast != same.contrast
    assert "Not measured" not in known["English", "second"].told


def test_arms_that_differ_in_more_are_no_line() -> None:
    study = grown()
    few = changed(study, arms=(study.arms[0], study.arms[1], study.arms[-1]))
    assert by_examples(few, measured(few, points)) == ()
    assert by_size(study, measured(study, points)) == ()


def sized(largest: int = 100) -> Study:
    """Amounts of data up to the largest, in English and others, with encoders of five sizes."""

    def arm(name: str, *stops: Any) -> Arm:
        reached = [
            leaf
            for shape in LADDER[:5]
            for leaf in leaves(
                start(shape),
                *stops,
                targets=(target(f"one, {shape.label}"),),
                recipe=RECIPE,
                seeds=SEEDS,
            )
        ]
        return Arm(name=name, leaves=tuple(reached))

    arms = [arm("direct")]
    for size in range(100, largest + 1, 100):
        more = f" {size}" if size > 100 else ""
        for name, codes in (("English", ("eng",)), ("others", ("deu", "rus"))):
            arms.append(arm(name + more, same_total(XNLI, codes, Subset(size=size))))
    return Study(name="sized", question="?", baseline="direct", arms=tuple(arms))


def rising(leaf: Score, arm: str) -> float:
    """English adds 5 points. The gap is 12 at first, 1 less for each doubling of the weights."""
    known = factors(leaf).parameters
    assert known is not None
    if arm == "direct":
        return 50
    if arm == "English":
        return 55
    return 67 - math.log2(known.body / LADDER[0].with_words(0).parameters.body)


def test_arms_of_several_encoders_are_lines_over_their_sizes_with_the_gap_to_english() -> None:
    study = sized()
    found = by_size(study, measured(study, rising))
    assert [one.arm for one in found] == ["others − English", "English", "others"]
    bodies = [shape.with_words(500).parameters.body for shape in LADDER[:5]]
    assert all([point.at for point in one.points] == bodies for one in found)
    gap = found[0]
    assert gap.points[0].value.estimate == pytest.approx(12, abs=2)
    assert gap.slope and gap.slope.estimate == pytest.approx(-1, abs=0.3)
    assert gap.told.startswith("Rank correlation with size −")


def test_arms_of_several_encoders_are_no_line_over_examples() -> None:
    # So many that two of them share an encoder, whichever is taken for an arm's own.
    study = sized(largest=600)
    assert by_examples(study, measured(study, rising)) == ()


def test_the_gain_per_doubling_of_claims_is_the_slope_over_the_logarithm_of_the_size() -> None:
    found = per_doubling({size: score(f"arm {size}", "one") for size in SIZES})
    values = {f"arm {size}": 7 + 3 * math.log2(size) for size in SIZES}
    assert sum(w * values[str(one.arm)] for w, one in found.terms) == pytest.approx(3)
    assert sum(weight for weight, _ in found.terms) == pytest.approx(0, abs=1e-12)
    for few in ({}, {100: score("arm", "one")}, {0: score("arm", "one"), 1: score("arm", "two")}):
        with pytest.raises(ResultError, match="needs two sizes"):
            per_doubling(few)
