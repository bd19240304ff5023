"""The table shows every cell at any width, and names are text, never markup."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from layover.report import Cell, Report, table
from layover.report.prose import bracket, signed
from layover.stats import Interval


def printed(report: Report, target: str = "", width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table(report, target))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def plain(cell: Interval) -> str:
    return bracket(cell).replace("\u00a0", " ")


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_every_cell_is_shown_whole_at_any_width(demo: Report, width: int) -> None:
    found = printed(demo, width=width)
    assert max(map(len, found.splitlines())) <= width
    for arm in demo.named("arm"):
        for target in demo.targets:
            cell = demo.shown(arm, target.name)
            assert cell is not None and plain(cell) in found


def test_a_wide_console_has_number_and_interval_on_one_line(demo: Report) -> None:
    cell = demo.shown("squad", "XQuAD")
    assert cell is not None
    assert f"{signed(cell.estimate)} {plain(cell)}" in printed(demo, width=140)


def test_eighty_columns_hold_four_targets_and_their_mean(demo: Report) -> None:
    assert printed(demo).count("squad") == 1


def test_one_target_is_shown_language_by_language(demo: Report) -> None:
    found = printed(demo, "POS")
    for language in demo.languages:
        assert language.name in found
        cell = demo.shown("ccg", "POS", language.code)
        assert cell is not None and plain(cell) in found


def test_what_was_not_measured_is_marked(demo: Report) -> None:
    gone = tuple(c for c in demo.differences if (c.arm, c.target) != ("ccg", "POS"))
    found = printed(dataclasses.replace(demo, differences=gone))
    assert "-: not measured." in found
    assert "mean of 3" in found


def test_a_target_has_columns_of_its_languages_only_and_notes_stand_below(demo: Report) -> None:
    def without(cell: Cell) -> Cell:
        languages = {code: one for code, one in cell.estimates.languages.items() if code != "qde"}
        estimates = dataclasses.replace(cell.estimates, languages=languages)
        return dataclasses.replace(cell, estimates=estimates)

    cells = tuple(map(without, demo.differences))
    found = printed(dataclasses.replace(demo, differences=cells, notes=("One is out.",)), "POS")
    assert "Delvic" not in found and "Elvic" in found
    assert found.endswith("One is out.\n")


def test_names_are_not_markup(demo: Report) -> None:
    arms = tuple(
        dataclasses.replace(arm, name="[red]x[/red]") if arm.name == "ccg" else arm
        for arm in demo.arms
    )
    assert "[red]x[/red]" in printed(dataclasses.replace(demo, arms=arms))


def test_a_study_without_arms_says_so(demo: Report) -> None:
    assert "Nothing to compare" in printed(dataclasses.replace(demo, arms=demo.arms[:1]))


def test_a_study_without_targets_says_so(demo: Report) -> None:
    found = printed(dataclasses.replace(demo, targets=(), differences=()))
    assert found == "Nothing to compare: the study has no target.\n"
