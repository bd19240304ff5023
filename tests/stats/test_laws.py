"""Fits find the law that made the points, and know how sure they are."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from made import level

from layover.errors import ResultError
from layover.stats import Points, contrast, curve, doubling, slope_difference, told_law

SIZES = (100, 200, 400, 800, 1600, 3200)


def points(
    law: Callable[[float], float], spread: float = 0.0, sizes: tuple[float, ...] = SIZES
) -> Points:
    """Three seeds about a law, each with a test of its own."""
    generator = np.random.default_rng(1)
    return {
        size: level([law(size) + move for move in generator.normal(0, spread, 3)], test=f"{size}")
        for size in sizes
    }


def logarithm(size: float) -> float:
    return 20 + 3 * math.log2(size / 100)


def power(size: float) -> float:
    return 80 - 40 * (size / 100) ** -0.5


def test_a_logarithm_is_found_again() -> None:
    found = curve(points(logarithm), "logarithm")
    assert found.parameters == pytest.approx({"start": 20, "doubling": 3})
    assert found.at(6400).estimate == pytest.approx(38)
    assert found.gain(100).estimate == found.gain(1600).estimate == pytest.approx(3)
    assert found.misfit == pytest.approx(0, abs=1e-9)
    assert (found.sizes, [one.seeds for one in found.measured]) == (SIZES, [3] * 6)


def test_a_power_law_is_found_again() -> None:
    found = curve(points(power), "power")
    assert found.parameters == pytest.approx({"ceiling": 80, "missing": 40, "rate": 0.5}, rel=0.02)
    assert found.at(400).estimate == pytest.approx(60, abs=0.05)
    gains = [found.gain(size).estimate for size in SIZES]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] == pytest.approx(power(200) - power(100), abs=0.1)


@pytest.mark.parametrize(("law", "true"), [("logarithm", logarithm), ("power", power)])
def test_the_interval_holds_what_was_found_and_widens_with_noise(
    law: str, true: Callable[[float], float]
) -> None:
    calm, wild = (curve(points(true, spread), law) for spread in (0.1, 1.0))  # type: ignore[arg-type]
    for name, estimate in wild.parameters.items():
        assert wild.low[name] < estimate < wild.high[name]
        assert calm.high[name] - calm.low[name] < wild.high[name] - wild.low[name]
    for size in (100, 400, 6400):
        assert wild.at(size).low < wild.at(size).estimate < wild.at(size).high


def test_a_falling_curve_has_a_floor_below() -> None:
    found = curve(points(lambda size: -power(size)), "power")
    assert found.parameters["missing"] == pytest.approx(-40, rel=0.02)
    assert found.parameters["ceiling"] == pytest.approx(-80, rel=0.02)


def test_a_curve_without_an_end_has_no_ceiling() -> None:
    found = curve(points(logarithm, 0.5), "power")
    assert (found.low["rate"], found.high["ceiling"]) == (0, math.inf)
    assert math.isfinite(found.at(6400).estimate)


def test_a_step_has_a_ceiling_and_no_rate() -> None:
    found = curve(points(lambda size: 50.0 if size > 100 else 10.0), "power")
    assert found.high["rate"] == math.inf
    assert found.parameters["ceiling"] == pytest.approx(50, abs=0.1)


def test_a_step_is_what_its_parameters_say() -> None:
    found = curve(points(lambda size: 50.0 if size > 100 else 10.0), "power")
    assert found.parameters["rate"] == math.inf
    told = [found.at(size).estimate for size in (100, 110, 3200)]
    assert told == pytest.approx([10, 50, 50])


def test_the_law_that_is_told_is_the_one_that_made_the_points() -> None:
    assert told_law(points(power, 0.5)).law == "power"
    assert told_law(points(logarithm, 0.5)).law == "logarithm"
    assert told_law(points(power, sizes=SIZES[:3])).law == "logarithm"


def test_sizes_that_do_not_tell_a_law_are_refused() -> None:
    step = points(lambda size: 50.0 if size > 100 else 10.0, 0.5)
    with pytest.raises(ResultError, match="its ceiling at once; measure smaller sizes"):
        told_law(step)
    with pytest.raises(ResultError, match=r"2 sizes do not tell a law.* measure 3"):
        told_law(points(logarithm, sizes=SIZES[:2]))


@pytest.mark.parametrize(("law", "needs"), [("logarithm", 2), ("power", 3)])
def test_fewer_points_than_parameters_are_refused(law: str, needs: int) -> None:
    found = curve(points(power, sizes=SIZES[:needs]), law)  # type: ignore[arg-type]
    assert math.isnan(found.misfit)
    with pytest.raises(ResultError, match=f"cannot fit {needs} parameters.* measure 1 more"):
        curve(points(power, sizes=SIZES[: needs - 1]), law)  # type: ignore[arg-type]


def test_sizes_that_were_not_measured_do_not_count() -> None:
    whole = dict(points(logarithm))
    (term,) = whole[400]
    missing = type(term)(sample={}, languages=("aaa",))
    found = curve({**whole, 400: (missing,)}, "logarithm")
    assert found.sizes == (100, 200, 800, 1600, 3200)
    with pytest.raises(ResultError, match="to 1 sizes"):
        curve({100: whole[100], 400: (missing,)}, "logarithm")


def test_sizes_without_a_common_seed_are_refused() -> None:
    one, other = level([1.0, 2.0], test="a")[0], level([1.0, 2.0, 3.0], test="b")[0]
    first = type(one)(sample={0: one.sample[0]}, languages=("aaa",))
    last = type(one)(sample={2: other.sample[2]}, languages=("aaa",))
    with pytest.raises(ResultError, match="no seed in common"):
        curve({1: (first,), 2: (last,)}, "logarithm")


@pytest.mark.parametrize("size", [0, -1, math.inf, math.nan])
def test_a_size_must_be_a_number_above_zero(size: float) -> None:
    wrong = {size: level([1.0, 2.0]), **points(logarithm)}
    with pytest.raises(ResultError, match="above zero"):
        curve(wrong, "logarithm")
    with pytest.raises(ResultError, match="above zero"):
        doubling(wrong)


def test_the_slope_is_a_sum_of_the_points() -> None:
    assert contrast(doubling(points(logarithm))).estimate == pytest.approx(3)
    with pytest.raises(ResultError, match="two sizes"):
        doubling({100: level([1.0])})


def test_slopes_that_differ_are_told_from_slopes_that_do_not() -> None:
    steep = points(logarithm, 0.3)
    flat = points(lambda size: 20 + math.log2(size), 0.3)
    assert slope_difference(steep, flat).estimate == pytest.approx(2, abs=0.5)
    assert slope_difference(steep, flat).p() < 0.05
    same = slope_difference(steep, steep)
    assert (same.estimate, same.p()) == (pytest.approx(0), 1)


def test_a_fit_is_the_same_every_time() -> None:
    one, other = (curve(points(power, 0.5), "power") for _ in range(2))
    assert (one.parameters, one.low, one.high) == (other.parameters, other.low, other.high)
