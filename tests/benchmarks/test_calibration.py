"""The calibration: its simulations hold what the page says, and it writes its part of the page."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from benchmarks.analysed import coverage, families, optimism
from benchmarks.calibration import BEGIN, END, EXPERIMENTS, PAGE, text, written
from benchmarks.simulated import Design, Nature

from layover.stats import ERROR


@pytest.mark.parametrize("shared", [True, False], ids=["one test set", "a test set per seed"])
def test_a_quick_run_covers_the_truth_in_a_band(shared: bool) -> None:
    found = coverage(120, shared, seeds=(3, 5))
    for seeds in (3, 5):
        assert 0.89 <= found["ours", seeds][0].value <= 0.995
        assert found["bootstrap over examples", seeds][0].value < 0.93


def test_a_page_without_effect_has_a_finding_in_at_most_five_percent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = families(80, 3, arms=3, targets=2)
    assert found["any, as they are"].value > 0.1
    assert found["any, Holm"].value <= ERROR
    monkeypatch.setattr("layover.report.family.ERROR", 5 * ERROR)
    assert families(80, 3, arms=3, targets=2)["any, Holm"].value > ERROR


def test_what_a_page_of_effects_finds_is_told_for_means_and_for_targets() -> None:
    found = families(10, 5, 12.0, arms=3, targets=2)
    assert len(found["means found"].held) == 10 and len(found["cells found"].held) == 20
    assert found["means found"].value > 0.5 and found["cells found"].value > 0.5


def test_what_is_said_of_the_best_has_the_interval_that_a_report_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = optimism(20, 5)["cross-fitted"][1]
    monkeypatch.setattr("benchmarks.analysed.widened", lambda one: replace(one, low=math.inf))
    assert held.value > optimism(20, 5)["cross-fitted"][1].value == 0


def test_an_effect_is_so_many_points() -> None:
    nature, design = Nature(), Design()
    truth = nature.truth(design.level + nature.effect(3.0)) - nature.truth(design.level)
    assert truth == pytest.approx(3.0)


def test_it_writes_between_its_marks_and_nowhere_else() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert written(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter"


def test_the_page_holds_the_table_of_each_experiment() -> None:
    page = PAGE.read_text(encoding="utf-8")
    part = page.partition(BEGIN)[2].partition(END)[0]
    for experiment, _ in EXPERIMENTS:
        title, header, rows = experiment(1)
        assert {len(row) for row in rows} == {len(header)}
        head, marks, *body = text([(title, header, rows)]).split("\n")[2:]
        assert f"**{title}**\n\n{head}\n{marks}\n" in part
        for line in body:
            assert line.split(" | ")[0] in part
