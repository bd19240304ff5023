"""What could have been found, and how many more seeds would settle it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made import found
from scipy import stats

from layover.stats import detectable, settling
from layover.stats.interval import interval


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_the_detectable_difference_is_found_as_often_as_promised(seeds: int) -> None:
    values = np.arange(seeds) - (seeds - 1) / 2
    values /= values.std(ddof=1)
    truth = detectable(found(values.tolist()))
    drawn = np.random.default_rng(1).normal(truth, 1, (20_000, seeds))
    rejected = stats.ttest_1samp(drawn, 0, axis=1, alternative="greater").pvalue < 0.025
    assert rejected.mean() == pytest.approx(0.8, abs=0.01)


def test_with_endless_freedom_it_is_the_textbooks_2_8_standard_errors() -> None:
    one = interval([(0, 0.3)], examples=100, shared=1.0, fixed=1.0)
    assert detectable(one) == pytest.approx(stats.norm.ppf(0.975) + stats.norm.ppf(0.8))


def test_more_power_and_a_higher_level_need_more() -> None:
    one = found((0.1, -0.2, 0.4))
    assert detectable(one, power=0.9) > detectable(one) < detectable(one, level=0.99)


def test_nothing_was_measured_nothing_is_detectable() -> None:
    assert math.isnan(detectable(interval()))
    assert detectable(found((1.0, 1.0))) == 0


def test_what_is_settled_needs_no_more_seeds() -> None:
    assert settling(found((1.0, 1.1, 0.9))) == 0
    assert settling(found((1.0, 1.1, 0.9)), null=2.0) == 0


@pytest.mark.parametrize("null", [0.0, 0.3])
def test_with_so_many_more_seeds_the_difference_is_detectable(null: float) -> None:
    values = [1.0, -0.4, 0.9, 1.1, -0.2]
    more = settling(found(values), null)
    assert more
    shape = np.array(values) - np.mean(values)

    def least(seeds: int) -> float:
        """The detectable difference of so many seeds with the same spread."""
        spread = np.arange(seeds) - (seeds - 1) / 2
        return detectable(found((spread * shape.std(ddof=1) / spread.std(ddof=1)).tolist()))

    away = abs(np.mean(values) - null)
    assert least(5 + more) <= away < least(5 + more - 1)


def test_no_number_of_seeds_settles_what_the_examples_leave_open() -> None:
    values = (1.0, -0.4, 0.9, 1.1, -0.2)
    assert settling(found(values, shared=1.0, fixed=1.1)) is None
    few, many = (settling(found(values, shared=part, fixed=part)) for part in (0.0, 0.02))
    assert few and many and few < many


def test_a_difference_of_exactly_the_null_is_never_settled() -> None:
    assert settling(found((1.0, -1.0))) is None
    assert settling(found((0.0, 0.0))) is None


def test_one_seed_or_none_does_not_say_how_many() -> None:
    assert settling(interval([(0, 0.3)], examples=100, shared=1.0, fixed=1.0)) is None
    assert settling(interval()) is None


def test_what_seeds_share_is_never_below_nothing() -> None:
    values = (1.0, -0.4, 0.9, 1.1, -0.2)
    assert settling(found(values, shared=-0.05, fixed=0.01)) == settling(found(values, fixed=0.01))
