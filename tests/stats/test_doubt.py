"""The distribution around an estimate is Student's or the normal one at its ends, and errs no more
often than it says anywhere between, however far out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from layover.stats.doubt import Doubt

LEVELS = (0.9, 0.95, 0.995, 1 - 0.05 / 90, 1 - 1e-6)
variances = st.floats(0, 10)


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 100])
@pytest.mark.parametrize("level", LEVELS)
def test_of_seeds_alone_it_is_students(freedom: int, level: float) -> None:
    doubt = Doubt(spread=4.0, freedom=freedom)
    half = 2 * stats.t.ppf((1 + level) / 2, freedom)
    assert float(doubt.half(level)) == pytest.approx(half, rel=1e-4)
    assert float(doubt.beyond(half)) == pytest.approx((1 - level) / 2, rel=1e-4)


@pytest.mark.parametrize("level", LEVELS)
def test_of_examples_alone_it_is_the_normal_one(level: float) -> None:
    half = 2 * stats.norm.ppf((1 + level) / 2)
    assert float(Doubt(shared=4.0).half(level)) == pytest.approx(half)
    assert float(Doubt(freedom=2, own=1.0, shared=3.0).half(level)) == pytest.approx(half)


@given(variances, variances, variances, st.integers(1, 20))
def test_it_is_never_narrower_than_either(
    spread: float, own: float, shared: float, freedom: int
) -> None:
    half = float(Doubt(spread=spread, freedom=freedom, own=own, shared=shared).half(0.95))
    slack = 1 - 1e-4
    assert half >= slack * stats.t.ppf(0.975, freedom) * math.sqrt(spread)
    assert half >= slack * stats.norm.ppf(0.975) * math.sqrt(own + shared)


@pytest.mark.parametrize("freedom", [1, 2, 4])
@pytest.mark.parametrize(
    ("own", "shared"), [(0, 0), (0, 0.3), (0, 3), (0.5, 0), (1, 1), (0.3, 0.3)]
)
def test_it_errs_no_more_often_than_it_says(freedom: int, own: float, shared: float) -> None:
    generator = np.random.default_rng(1)
    spreads = generator.chisquare(freedom, 20_000) / freedom
    found = np.abs(generator.normal(0, math.sqrt(1 + shared), 20_000))
    known = np.geomspace(1e-8, 60, 300)
    worst = 0.0
    for level in (0.95, 0.995, 1 - 0.05 / 90):
        halves = Doubt(spread=known, freedom=freedom, own=own, shared=shared).half(level)
        errors = (found > np.interp(np.log(spreads), np.log(known), halves)).mean()
        chance = math.sqrt((1 - level) / 20_000)
        assert errors <= 1 - level + 3 * chance
        variance = np.maximum(own, spreads) + shared
        satterthwaite = stats.t.ppf((1 + level) / 2, freedom * (variance / spreads) ** 2)
        worst = max(worst, (found > satterthwaite * np.sqrt(variance)).mean() / (1 - level))
    if (freedom, own, shared) == (2, 0, 0.3):
        assert worst > 10
