"""Holm's correction judges a family at the level that it promises."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import found

from layover.stats import holm, levels

ps = st.lists(st.floats(0, 1), max_size=12)


def test_adjusted_p_values_are_those_of_a_hand() -> None:
    assert holm((0.01, 0.04, 0.03, 0.005)) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_a_family_of_one_is_not_corrected() -> None:
    assert holm((0.04,)) == (0.04,)
    assert levels((0.04,)) == (0.95,)
    assert holm(()) == levels(()) == ()


def test_what_was_not_measured_stays_so_and_does_not_count() -> None:
    adjusted, given_levels = holm((math.nan, 0.02, 0.9)), levels((math.nan, 0.02, 0.9))
    assert math.isnan(adjusted[0]) and math.isnan(given_levels[0])
    assert adjusted[1:] == (0.04, 0.9)
    assert given_levels[1:] == (0.975, 0.95)


@given(ps)
def test_the_level_finds_what_the_adjusted_p_value_finds(values: list[float]) -> None:
    for p, adjusted, level in zip(values, holm(values), levels(values), strict=True):
        # Nearer to the edge than this, it is a matter of rounding.
        if abs(adjusted - 0.05) > 1e-9:
            assert (p <= 1 - level) == (adjusted <= 0.05)


@given(ps)
def test_it_is_between_no_correction_and_bonferroni(values: list[float]) -> None:
    for p, adjusted in zip(values, holm(values), strict=True):
        assert p <= adjusted <= min(1.0, len(values) * p)


@given(ps, st.randoms())
def test_the_order_of_a_family_does_not_matter(values: list[float], random: object) -> None:
    mixed = list(values)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert sorted(holm(mixed)) == sorted(holm(values))
    assert sorted(levels(mixed)) == sorted(levels(values))


def test_an_interval_at_its_level_leaves_out_zero_where_holm_finds_something() -> None:
    family = [found((1.0, 1.3, 0.9)), found((1.0, -1.0, 0.4)), found((2.0, 2.9, 1.1))]
    values = [one.p() for one in family]
    for one, adjusted, level in zip(family, holm(values), levels(values), strict=True):
        assert (one.at(level)[0] > 0) == (adjusted <= 0.05)
