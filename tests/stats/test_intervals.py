"""Intervals cover the truth, resample what belongs together, and are never certain for free."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from made import LANGUAGES, found, made, ratio, sample
from scipy import stats as reference

from layover.errors import ResultError
from layover.stats import (
    Clustered,
    Interval,
    Sample,
    estimates,
    mean_over_targets,
    paired_difference,
    score,
)


def test_estimates_are_the_hand_computed_scores_and_differences() -> None:
    arm = [made({"aaa": [1, 1, 1, 0], "bbb": [1, 0, 0, 0]})]
    baseline = [made({"aaa": [1, 0, 0, 0], "bbb": [1, 1, 0, 0]})]
    assert score(arm, LANGUAGES, ratio).languages["aaa"].estimate == 75
    found = paired_difference(arm, baseline, LANGUAGES, ratio)
    assert found.languages["aaa"].estimate == 50
    assert found.languages["bbb"].estimate == -25
    assert found.mean.estimate == 12.5
    assert (found.mean.seeds, found.mean.examples, found.mean.languages) == (1, 8, LANGUAGES)


def test_one_seed_gives_the_standard_error_over_examples_and_says_so() -> None:
    row = [1.0] * 60 + [0.0] * 40
    found = score([made({"aaa": row})], ("aaa",), ratio).mean
    assert found.error == pytest.approx(100 * math.sqrt(0.6 * 0.4 / 100), rel=0.05)
    assert found.high - found.estimate == pytest.approx(1.96 * found.error, rel=1e-3)
    assert found.over == "examples"


def test_seeds_with_their_own_test_sets_give_the_t_interval_over_seeds() -> None:
    generator = np.random.default_rng(1)
    runs = [
        made({"aaa": list(generator.normal(level, 0.1, 400))}, seed, f"world {seed}")
        for seed, level in enumerate((0.1, 0.5, 0.9))
    ]
    found = score(runs, ("aaa",), ratio).mean
    low, high = reference.t.interval(
        0.95,
        2,
        np.mean([v for _, v in found.by_seed]),
        reference.sem([v for _, v in found.by_seed]),
    )
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.over == "seeds and examples"
    assert found.examples == 1200


def test_seeds_with_one_test_set_do_not_average_its_examples_away() -> None:
    row = list(np.random.default_rng(2).normal(0, 1, 200))
    runs = [made({"aaa": row}, seed) for seed in range(8)]
    found = score(runs, ("aaa",), ratio).mean
    alone = score(runs[:1], ("aaa",), ratio).mean
    assert found.error == pytest.approx(alone.error)
    assert found.examples == alone.examples == 200


def test_seeds_that_agree_by_chance_do_not_undo_the_noise_of_examples() -> None:
    agreeing = found((1.0, 1.001, 0.999), fixed=4.0)
    assert agreeing.error == 2
    assert agreeing.high - agreeing.estimate == pytest.approx(1.96 * 2, rel=1e-3)


def test_identical_arms_differ_by_exactly_nothing() -> None:
    runs = [made({"aaa": [1, 0, 1, 0], "bbb": [1, 1, 0, 0]}, seed) for seed in range(3)]
    found = paired_difference(runs, runs, LANGUAGES, ratio).mean
    assert (found.estimate, found.low, found.high) == (0, 0, 0)
    assert found.sign == 0


def test_examples_are_resampled_jointly_over_arm_baseline_and_languages() -> None:
    generator = np.random.default_rng(3)
    row = generator.normal(0, 1, 100)
    baseline = [made({"aaa": list(row), "bbb": list(-row)})]
    arm = [made({"aaa": list(row + 0.1), "bbb": list(-row)})]
    shifted = paired_difference(arm, baseline, LANGUAGES, ratio)
    assert shifted.languages["aaa"].estimate == pytest.approx(10)
    assert shifted.languages["aaa"].error == pytest.approx(0, abs=1e-6)
    opposed = score(baseline, LANGUAGES, ratio)
    assert opposed.languages["aaa"].error > 5
    assert opposed.mean.error == pytest.approx(0, abs=1e-6)


def simulated(seeds: int, generator: np.random.Generator, shared: bool) -> Interval:
    """A difference whose truth is 0, with seed, example and seed-by-example variance."""
    size = 60
    common = generator.normal(0, 1, size)
    arm, baseline = [], []
    for seed in range(seeds):
        examples = common if shared else generator.normal(0, 1, size)
        noise = generator.normal(0, 1, size) + generator.normal(0, 0.15)
        key = "data" if shared else f"data {seed}"
        arm.append(made({"aaa": list(examples + noise)}, seed, key))
        baseline.append(made({"aaa": [0.0] * size}, seed, key))
    return paired_difference(arm, baseline, ("aaa",), ratio, replicates=200).mean


@pytest.mark.parametrize("shared", [True, False], ids=["one test set", "a test set per seed"])
@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_the_truth(seeds: int, shared: bool) -> None:
    generator = np.random.default_rng(4)
    found = [simulated(seeds, generator, shared) for _ in range(400)]
    covered = np.mean([interval.sign == 0 for interval in found])
    assert 0.92 <= covered <= 0.99


def test_what_was_not_measured_is_nan_with_no_seeds() -> None:
    found = paired_difference([], [made({"aaa": [1, 0]})], LANGUAGES, ratio)
    for interval in (found.mean, *found.languages.values()):
        assert math.isnan(interval.estimate) and math.isnan(interval.low)
        assert (interval.seeds, interval.examples, interval.over) == (0, 0, "")
        assert interval.sign == 0


def test_a_language_missing_on_one_side_is_nan_and_out_of_the_mean() -> None:
    arm = [made({"aaa": [1, 1, 0]})]
    baseline = [made({"aaa": [1, 0, 0], "bbb": [1, 1, 1]})]
    found = paired_difference(arm, baseline, LANGUAGES, ratio)
    assert math.isnan(found.languages["bbb"].estimate)
    assert found.mean.languages == ("aaa",)
    assert found.mean.estimate == found.languages["aaa"].estimate


def test_a_measurement_without_any_language_is_not_a_seed() -> None:
    empty = Clustered(seed=1, data_key="data", clusters=(), statistics={})
    found = score([made({"aaa": [1, 0]}), empty], ("aaa",), ratio).mean
    assert (found.estimate, found.seeds) == (50, 1)


def test_clusters_without_an_example_in_a_language_do_not_count() -> None:
    found = score([made({"aaa": [1, 0, math.nan, math.nan]})], ("aaa",), ratio)
    assert found.languages["aaa"].estimate == 50
    assert found.languages["aaa"].examples == 2


def test_a_single_example_is_not_certainty() -> None:
    found = score([made({"aaa": [1]})], ("aaa",), ratio).mean
    assert found.estimate == 100
    assert math.isnan(found.low) and math.isnan(found.high)


def test_all_right_is_no_certainty_but_the_rule_of_three() -> None:
    for right, size, seeds in ((1.0, 30, 1), (0.0, 30, 3), (1.0, 300, 2)):
        runs = [made({"aaa": [right] * size, "bbb": [right] * size}, s) for s in range(seeds)]
        found = score(runs, LANGUAGES, ratio)
        for one in (found.mean, *found.languages.values()):
            assert one.high - one.estimate == pytest.approx(300 / size, rel=1e-3)


def test_all_right_against_all_wrong_is_a_finding_of_more_than_a_few_examples() -> None:
    def difference(size: int, seeds: int) -> Interval:
        arm = [made({"aaa": [1] * size}, seed) for seed in range(seeds)]
        baseline = [made({"aaa": [0] * size}, seed) for seed in range(seeds)]
        return paired_difference(arm, baseline, ("aaa",), ratio).mean

    for seeds in (1, 3):
        assert difference(4, seeds).sign == 0 and difference(4, seeds).p() > 0.05
        assert difference(20, seeds).sign == 1
        wide = difference(10, seeds)
        assert wide.error == pytest.approx(math.sqrt(2) * 30 / 1.96)


def test_a_score_off_the_ends_has_what_resampling_finds_and_no_more() -> None:
    row = [1.0] * 29 + [0.0]
    found = score([made({"aaa": row})], ("aaa",), ratio).mean
    assert found.error == pytest.approx(100 * math.sqrt(29 / 30 / 30 / 30), rel=0.05)


def test_a_model_without_seed_pairs_with_every_seed() -> None:
    arm = [made({"aaa": [1, 1, 0, 0]}, seed) for seed in range(3)]
    baseline = [made({"aaa": [1, 0, 0, 0]}, None)]
    found = paired_difference(arm, baseline, ("aaa",), ratio).mean
    assert (found.estimate, found.seeds) == (25, 3)
    back = paired_difference(baseline, arm, ("aaa",), ratio).mean
    assert (back.estimate, back.low, back.high) == (-25, -found.high, -found.low)


def test_only_seeds_that_both_have_are_compared() -> None:
    arm = [made({"aaa": [1, 1]}, 0), made({"aaa": [1, 0]}, 1)]
    baseline = [made({"aaa": [1, 0]}, 1), made({"aaa": [0, 0]}, 2)]
    found = paired_difference(arm, baseline, ("aaa",), ratio).mean
    assert found.by_seed == ((1, 0.0),)


def test_the_mean_covers_the_languages_it_is_asked_for() -> None:
    arm = [made({"aaa": [1, 1], "bbb": [1, 0]})]
    found = score(arm, LANGUAGES, ratio, average=("bbb",))
    assert found.mean.estimate == 50
    with pytest.raises(ResultError, match="ccc"):
        score(arm, LANGUAGES, ratio, average=("ccc",))


def test_other_test_examples_on_the_two_sides_are_refused() -> None:
    arm, baseline = made({"aaa": [1, 1]}), made({"aaa": [1, 1, 0]})
    with pytest.raises(ResultError, match=r"different examples.*'c2'"):
        paired_difference([arm], [baseline], ("aaa",), ratio)
    with pytest.raises(ResultError, match="aaa for cluster 'c1'"):
        paired_difference([made({"aaa": [1, math.nan]})], [made({"aaa": [1, 1]})], ("aaa",), ratio)
    with pytest.raises(ResultError, match="two measurements of seed 0"):
        score([arm, arm], ("aaa",), ratio)
    with pytest.raises(ResultError, match="tested on different examples"):
        score([arm, made({"aaa": [1, 1, 0]}, 1)], ("aaa",), ratio)
    with pytest.raises(ResultError, match="under seed 0 two sides were tested on different"):
        paired_difference([arm], [made({"aaa": [1, 1]}, 0, "other")], ("aaa",), ratio)


def test_results_are_the_same_every_time() -> None:
    generator = np.random.default_rng(5)
    runs = [made({"aaa": list(generator.random(50))}, seed) for seed in range(3)]
    assert score(runs, ("aaa",), ratio) == score(runs, ("aaa",), ratio)


def targets(spread: float, noise: float) -> tuple[Sample, Sample]:
    """Two targets whose seeds move together."""
    generator = np.random.default_rng(6)
    moves = spread * np.array([-1.0, 0.0, 1.0])
    return tuple(  # type: ignore[return-value]
        sample(
            *(
                made(
                    {"aaa": list(level + move + generator.normal(0, noise, 500))}, seed, f"{level}"
                )
                for seed, move in enumerate(moves)
            )
        )
        for level in (1.0, 3.0)
    )


def mean(*parts: Sample) -> Interval:
    return mean_over_targets([((part,), ("aaa",)) for part in parts])


def alone(part: Sample) -> Interval:
    return estimates((part,), ("aaa",)).mean


def test_the_mean_over_targets_keeps_that_seeds_move_together() -> None:
    one, two = targets(spread=0.9, noise=0.0)
    found = mean(one, two)
    assert found.estimate == pytest.approx(200)
    assert found.error == pytest.approx(alone(one).error)


def test_the_mean_over_targets_averages_their_examples() -> None:
    one, two = targets(spread=0.0, noise=1.0)
    found = mean(one, two)
    assert found.examples == 1000
    assert found.error < 0.9 * max(alone(one).error, alone(two).error)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_targets_with_the_same_test_say_no_more_than_one_of_them(spread: float) -> None:
    one, _ = targets(spread=spread, noise=1.0)
    found = mean(one, one)
    assert found.error == pytest.approx(alone(one).error)
    assert (found.low, found.high) == pytest.approx((alone(one).low, alone(one).high))
    assert found.examples == alone(one).examples


def test_the_mean_over_targets_is_not_measured_where_one_target_is_not() -> None:
    one, _ = targets(spread=0.0, noise=1.0)
    assert mean_over_targets([((one,), ("aaa",)), (({},), ())]).seeds == 0
    assert mean(one, {}).seeds == 0
    assert mean().seeds == 0


def test_a_target_without_seeds_joins_the_mean_at_every_seed() -> None:
    one, _ = targets(spread=1.0, noise=0.0)
    fixed = sample(made({"aaa": [0.0, 1.0] * 50}, None, "other"))
    found = mean(one, fixed)
    assert [seed for seed, _ in found.by_seed] == [0, 1, 2]
    assert found.estimate == pytest.approx((100 + 50) / 2)
    expected = math.hypot(alone(one).error, alone(fixed).error) / 2
    assert found.error == pytest.approx(expected, rel=1e-3)


def test_importing_it_loads_neither_numpy_nor_scipy() -> None:
    code = "import sys, layover.stats; assert not {'numpy', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
