"""Nothing is measured on what chose it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from made import LANGUAGES, made, ratio

from layover.errors import ResultError
from layover.stats import Clustered, chosen, score
from layover.stats.choice import widened
from layover.stats.interval import interval


def choose(candidates: dict[str, list[Clustered]], folds: int = 5) -> object:
    return chosen(candidates, folds, combine=ratio, languages=LANGUAGES)


def equals(seeds: int, arms: int, generator: np.random.Generator) -> dict[str, list[Clustered]]:
    """Arms of which none is better, with noise from examples and, if they are several, seeds."""
    spread = 0.05 if seeds > 1 else 0.0
    return {
        f"arm {arm}": [
            made(
                {code: list(0.5 + move + generator.normal(0, 0.5, 60)) for code in LANGUAGES}, seed
            )
            for seed, move in enumerate(generator.normal(0, spread, seeds))
        ]
        for arm in range(arms)
    }


def mean(runs: Sequence[Clustered]) -> float:
    """The estimate of `score`, without its interval, which takes most of the time."""
    sums = [[run.statistics[code].sum(axis=0) for code in LANGUAGES] for run in runs]
    return float(ratio(np.array(sums)).mean())


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_best_of_equals_is_not_better_than_they_are(seeds: int) -> None:
    generator = np.random.default_rng(1)
    naive, honest = [], []
    for _ in range(150):
        candidates = equals(seeds, 8, generator)
        naive.append(max(mean(arm) for arm in candidates.values()))
        picked = chosen(candidates, combine=ratio, languages=LANGUAGES)
        honest.append(mean(picked.measured))
    assert honest[-1] == pytest.approx(score(picked.measured, LANGUAGES, ratio).mean.estimate)
    assert np.mean(naive) > 53
    assert 49 < np.mean(honest) < 51


def test_where_one_is_best_it_is_taken_whole() -> None:
    good, bad = made({"aaa": [1.0, 0.9] * 20}), made({"aaa": [0.1, 0.2] * 20})
    picked = chosen({"bad": [bad], "good": [good]}, combine=ratio, languages=("aaa",))
    assert picked.names == ("good",)
    assert len(picked.picks) == 5
    (one,) = picked.measured
    assert (one.statistics["aaa"] == good.statistics["aaa"]).all()
    assert (one.seed, one.data_key, one.clusters) == (0, "data", good.clusters)


def test_a_fold_does_not_choose_for_itself() -> None:
    """Each candidate is right on half of the clusters only, and so is picked for the other."""
    size = 40
    steady = made({"aaa": [0.5] * size})
    halves = chosen({"a": [steady], "b": [steady]}, 2, combine=ratio, languages=("aaa",))
    assert halves.names == ("a",)
    fold = _fold(size)
    first, second = (made({"aaa": list(np.where(fold == side, 1.0, 0.0))}) for side in (0, 1))
    picked = chosen({"first": [first], "second": [second]}, 2, combine=ratio, languages=("aaa",))
    assert picked.picks == ((0, 0, "second"), (0, 1, "first"))
    assert score(picked.measured, ("aaa",), ratio).mean.estimate == 0


def _fold(size: int) -> np.ndarray:
    """Which of two folds the clusters are in: a candidate that is good nowhere but on one cluster
    is picked where that cluster is not."""
    fold = np.zeros(size, dtype=int)
    for place in range(size):
        row = [0.0] * size
        row[place] = 1.0
        picked = chosen(
            {"none": [made({"aaa": [0.001] * size})], "one": [made({"aaa": row})]},
            2,
            combine=ratio,
            languages=("aaa",),
        )
        fold[place] = next(at for _, at, name in picked.picks if name == "none")
    assert sorted(fold) == [0] * (size // 2) + [1] * (size // 2)
    return fold


def test_a_lucky_seed_does_not_choose_itself() -> None:
    def arm(*levels: float) -> list[Clustered]:
        return [made({"aaa": [level] * 20}, seed) for seed, level in enumerate(levels)]

    candidates = {"lucky in 0": arm(0.8, 0.1, 0.1), "steady": arm(0.5, 0.5, 0.5)}
    picked = chosen(candidates, combine=ratio, languages=("aaa",))
    values = [rows.statistics["aaa"][:, 0].mean() for rows in picked.measured]
    assert values == pytest.approx([0.5, 0.5, 0.5])
    assert {name for seed, _, name in picked.picks if seed == 0} == {"steady"}


def test_only_seeds_and_languages_that_all_have_take_part() -> None:
    whole = [made({"aaa": [1.0] * 9, "bbb": [0.0] * 9}, seed) for seed in range(3)]
    part = [made({"aaa": [0.5] * 9}, seed) for seed in (1, 2, 3)]
    picked = chosen({"whole": whole, "part": part}, combine=ratio, languages=LANGUAGES)
    assert [one.seed for one in picked.measured] == [1, 2]
    assert all(list(one.statistics) == ["aaa"] for one in picked.measured)
    assert picked.names == ("whole",)
    apart = chosen({"whole": whole, "none": []}, combine=ratio, languages=LANGUAGES)
    assert apart.measured == apart.picks == ()


def test_a_model_without_seed_is_a_candidate_of_every_seed() -> None:
    seeded = [made({"aaa": [0.1] * 9}, seed) for seed in range(2)]
    fixed = [made({"aaa": [0.9] * 9}, None)]
    picked = chosen({"seeded": seeded, "fixed": fixed}, combine=ratio, languages=("aaa",))
    assert [one.seed for one in picked.measured] == [0, 1]
    assert picked.names == ("fixed",)


def test_the_order_of_seeds_and_of_a_test_does_not_matter() -> None:
    candidates = equals(3, 4, np.random.default_rng(2))
    turned = {name: arm[::-1] for name, arm in candidates.items()}
    one, other = (chosen(each, combine=ratio, languages=LANGUAGES) for each in (candidates, turned))
    assert one.picks == other.picks


def test_a_cluster_is_in_the_same_fold_wherever_it_stands() -> None:
    candidates = equals(1, 3, np.random.default_rng(2))
    mixed = np.random.default_rng(3).permutation(60)

    def moved(one: Clustered) -> Clustered:
        rows = {code: table[mixed] for code, table in one.statistics.items()}
        clusters = tuple(one.clusters[place] for place in mixed)
        return Clustered(seed=one.seed, data_key=one.data_key, clusters=clusters, statistics=rows)

    turned = {name: [moved(one) for one in arm] for name, arm in candidates.items()}
    one, other = (chosen(each, combine=ratio, languages=LANGUAGES) for each in (candidates, turned))
    assert one.picks == other.picks
    assert (one.measured[0].statistics["aaa"][mixed] == other.measured[0].statistics["aaa"]).all()


def test_a_choice_that_cannot_be_made_is_refused() -> None:
    one, other = made({"aaa": [1.0] * 9}), made({"aaa": [1.0] * 8})
    with pytest.raises(ResultError, match="0 candidates in 5 folds"):
        chosen({}, combine=ratio, languages=("aaa",))
    with pytest.raises(ResultError, match="in 1 folds"):
        chosen({"one": [one]}, 1, combine=ratio, languages=("aaa",))
    with pytest.raises(ResultError, match="'one' and 'other' were tested on different examples"):
        chosen({"one": [one], "other": [other]}, combine=ratio, languages=("aaa",))
    with pytest.raises(ResultError, match="9 test clusters for 10 folds"):
        chosen({"one": [one]}, 10, combine=ratio, languages=("aaa",))
    with pytest.raises(ResultError, match="0 of the languages measured"):
        chosen({"one": [one]}, combine=ratio, languages=("zzz",))
    lonely = made({"aaa": [1.0] + [math.nan] * 8})
    with pytest.raises(ResultError, match="too few test examples"):
        chosen({"one": [lonely]}, combine=ratio, languages=("aaa",))


def test_what_seeds_chose_for_each_other_covers_the_truth() -> None:
    """Candidates that are equally good: each seed's value is of the one best under the others."""
    generator = np.random.default_rng(0)
    for seeds in (3, 10):
        held = plain = 0
        for _ in range(300):
            values = generator.normal(size=(4, seeds))
            rest = (values.sum(axis=1, keepdims=True) - values).argmax(axis=0)
            found = interval(enumerate(values[rest, np.arange(seeds)]), shared=0.0, fixed=0.0)
            held += widened(found).sign == 0
            plain += found.sign == 0
        assert held >= 0.93 * 300 and held > plain, (seeds, held, plain)
