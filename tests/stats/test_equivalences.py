"""Equivalence is shown, not assumed: the whole interval lies within the margin."""

from __future__ import annotations

import math

import pytest
from made import found
from scipy import stats

from layover.errors import ResultError
from layover.stats import equivalent
from layover.stats.interval import interval

CLOSE = (0.2, -0.1, 0.05, 0.1)


def test_it_is_the_two_one_sided_t_tests() -> None:
    shown = equivalent(found(CLOSE), 1.0)
    below = stats.ttest_1samp(CLOSE, -1.0, alternative="greater").pvalue
    above = stats.ttest_1samp(CLOSE, 1.0, alternative="less").pvalue
    assert shown.p == pytest.approx(max(below, above))
    assert (shown.low, shown.high) == pytest.approx(
        stats.ttest_1samp(CLOSE, 0).confidence_interval(0.90)
    )
    assert shown.holds


@pytest.mark.parametrize("margin", [0.05, 0.1, 0.15, 0.2, 0.22, 0.3, 0.5])
@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.3])
def test_it_holds_where_its_p_value_is_below_five_percent(margin: float, shift: float) -> None:
    shown = equivalent(found([value + shift for value in CLOSE]), margin)
    assert shown.holds == (shown.p < 0.05)


def test_a_wide_interval_around_zero_shows_nothing() -> None:
    assert not equivalent(found((-3.0, 3.0, 0.1)), 1.0).holds


def test_a_sure_difference_can_be_too_small_to_matter() -> None:
    difference = found((0.10, 0.11, 0.12))
    assert difference.sign == 1
    assert equivalent(difference, 0.5).holds


def test_identical_arms_are_equivalent_and_a_difference_of_the_margin_is_not() -> None:
    assert equivalent(found((0.0, 0.0)), 1e-9).holds
    for edge in (-1.0, 1.0):
        shown = equivalent(found((edge, edge)), 1.0)
        assert not shown.holds and shown.p == 0.5


def test_what_was_not_measured_is_not_equivalent() -> None:
    shown = equivalent(interval(), 1.0)
    assert not shown.holds and math.isnan(shown.p)


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan, math.inf])
def test_a_margin_that_says_nothing_is_refused(margin: float) -> None:
    with pytest.raises(ResultError, match="a number above zero"):
        equivalent(found(CLOSE), margin)
