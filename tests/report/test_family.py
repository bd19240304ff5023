"""Comparisons are judged together: what is clear alone need not be clear among many."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import pytest

from layover.report import Report
from layover.report.family import Family
from layover.stats import ERROR, Interval

Patch = pytest.MonkeyPatch
Made = Callable[..., Report]


def interval(estimate: float, error: float = 1.0) -> Interval:
    half = 1.96 * error
    return Interval(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        error=error,
        by_seed=((0, estimate), (1, estimate)),
        examples=10,
        languages=("aaa",),
    )


def family(*cells: Interval) -> Family:
    return Family(cells={(f"arm {i}", "", ""): cell for i, cell in enumerate(cells)})


def test_a_difference_is_clear_alone_and_not_among_twenty() -> None:
    alone = interval(2.5)
    assert list(family(alone).signs.values()) == [1]
    assert not family(alone, *(interval(0.1) for _ in range(19))).signs


def test_a_difference_is_clear_at_just_the_p_value_at_which_a_claim_is(monkeypatch: Patch) -> None:
    for p, clear in ((ERROR, 1), (math.nextafter(ERROR, 1), 0)):
        monkeypatch.setattr(Interval, "p", lambda _, p=p: p)
        assert len(family(interval(2.0)).signs) == clear


def test_clear_differences_have_their_direction() -> None:
    assert family(interval(5), interval(-5), interval(0.5)).signs == {
        ("arm 0", "", ""): 1,
        ("arm 1", "", ""): -1,
    }


def test_what_cannot_be_tested_is_neither_clear_nor_counted() -> None:
    lone = dataclasses.replace(interval(9), error=math.nan, low=math.nan, high=math.nan)
    found = family(lone, interval(2.1))
    assert found.size == 1 and list(found.signs) == [("arm 1", "", "")]


def test_one_seed_is_never_clear_unless_there_can_be_no_other() -> None:
    once = dataclasses.replace(interval(9), by_seed=((3, 9.0),))
    untrained = dataclasses.replace(interval(9), by_seed=((None, 9.0),))
    found = family(once, untrained)
    assert found.size == 1 and list(found.signs) == [("arm 1", "", "")]


def test_means_and_targets_are_two_families_that_share_the_error(demo: Report) -> None:
    places = [place for one in demo.families for place in one.cells]
    assert len(places) == len(set(places))
    arms, targets = len(demo.named("arm")), len(demo.targets)
    assert [one.size for one in demo.families] == [arms, arms * targets]
    assert [one.error for one in demo.families] == [ERROR / 2] * 2
    chosen = dataclasses.replace(demo, best=interval(2.5))
    assert [one.size for one in chosen.families] == [arms + 1, arms * targets]


def test_no_single_language_is_ever_clear(demo: Report) -> None:
    codes = [language.code for language in demo.languages]
    places = [
        (arm, target, code)
        for arm in demo.named("arm")
        for target in ("", *(one.name for one in demo.targets))
        for code in codes
    ]
    assert any(cell.sign for place in places if (cell := demo.shown(*place)))
    assert not any(demo.sign(*place) for place in places)


def test_a_family_finds_what_is_at_its_own_error(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Interval, "p", lambda _: 0.02)
    cells = {("arm", "", ""): interval(2.0)}
    assert Family(cells=cells, error=0.02).signs and not Family(cells=cells, error=0.01).signs


def test_the_mean_over_a_single_target_is_that_target(made: Made) -> None:
    found = made(("direct", "ccg", "squad"), seeds=2, targets=1)
    assert [(one.size, one.error) for one in found.families] == [(2, ERROR)]
    assert [found.sign(arm) for arm in ("ccg", "squad")] == [
        found.sign(arm, "POS") for arm in ("ccg", "squad")
    ]
    assert found.sign("ccg") == 1


def test_of_studies_without_effect_at_most_five_percent_find_one() -> None:
    import numpy as np

    random = np.random.default_rng(0)
    draws = random.normal(size=(400, 20))
    false = np.mean([bool(family(*(interval(float(x)) for x in row)).signs) for row in draws])
    uncorrected = np.mean((np.abs(draws) > 1.96).any(axis=1))
    assert false <= 0.07 < 0.5 < uncorrected
