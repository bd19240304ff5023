"""Correlations know how few points they rest on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made import level
from scipy import stats

from layover.errors import ResultError
from layover.stats import Relation, Term, relation


def related(x: list[float], y: list[float], spread: float = 0.0) -> Relation:
    generator = np.random.default_rng(1)
    return relation(
        [
            (at, level([value + move for move in generator.normal(0, spread, 3)], test=f"{place}"))
            for place, (at, value) in enumerate(zip(x, y, strict=True))
        ]
    )


X = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
Y = [3.0, 1.0, 4.0, 4.5, 9.0, 7.0]


def test_they_are_spearmans_and_pearsons() -> None:
    found = related(X, Y)
    assert found.rank.estimate == pytest.approx(stats.spearmanr(X, Y).statistic)
    assert found.linear.estimate == pytest.approx(stats.pearsonr(X, Y).statistic)
    exact = stats.permutation_test(
        (Y,), lambda y: stats.pearsonr(X, y).statistic, permutation_type="pairings"
    )
    assert found.linear.p == pytest.approx(exact.pvalue)


def test_many_points_have_the_p_value_of_the_textbook() -> None:
    generator = np.random.default_rng(2)
    x = generator.normal(size=30)
    y = 0.4 * x + generator.normal(size=30)
    found = related(x.tolist(), y.tolist())
    assert found.linear.p == pytest.approx(stats.pearsonr(x, y).pvalue, abs=0.01)
    low, high = stats.pearsonr(x, y).confidence_interval()
    assert found.linear.others == pytest.approx((low, high), abs=0.15)


def test_noise_of_seeds_widens_the_interval_for_these_points() -> None:
    calm, wild = related(X, Y, 0.01), related(X, Y, 2.0)
    assert calm.linear.high - calm.linear.low < 0.05
    assert wild.linear.high - wild.linear.low > 0.2


def test_few_points_say_little_of_others() -> None:
    few = related(X[:5], X[:5], 0.5)
    low, high = related(X[:5], Y[:5]).linear.others
    assert low < 0 and high > 0.99
    assert "5 points, and few points say little of others" in few.word


@pytest.mark.parametrize(("n", "often"), [(3, "33%"), (4, "8%")])
def test_so_few_that_no_order_is_told_from_chance_are_said_to_be(n: int, often: str) -> None:
    found = related(X[:n], X[:n])
    assert found.rank.p == pytest.approx(found.least_p)
    assert found.word == (
        f"{n} points cannot tell an order from chance: even a perfect one comes up by chance in "
        f"{often} of cases."
    )


def test_equal_points_take_more_of_them_to_tell_an_order() -> None:
    tied = related(X[:5], [1.0, 1.0, 1.0, 1.0, 2.0])
    assert tied.least_p == pytest.approx(tied.rank.p) == pytest.approx(0.4)
    assert "even a perfect one comes up by chance in 40% of cases" in tied.word
    assert related(X[:5], Y[:5]).least_p == pytest.approx(2 / math.factorial(5))
    assert related([1.0, 1.0, 1.0, 2.0], [1.0, 2.0, 2.0, 2.0]).least_p == pytest.approx(1 / 4)


def test_ties_share_their_rank_and_no_variation_is_no_correlation() -> None:
    assert related(X, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]).rank.estimate == pytest.approx(
        stats.spearmanr(X, [1, 1, 2, 2, 3, 3]).statistic
    )
    assert math.isnan(related(X, [1.0] * 6).rank.estimate)


def test_what_cannot_be_correlated_is_refused() -> None:
    with pytest.raises(ResultError, match="cannot correlate 2 points"):
        related(X[:2], Y[:2])
    with pytest.raises(ResultError, match="at different places"):
        related([1.0] * 4, Y[:4])
    missing = (Term(sample={}, languages=("aaa",)),)
    with pytest.raises(ResultError, match="cannot correlate 2 points"):
        relation([(1, level([1.0])), (2, level([2.0])), (3, missing)])
