"""The leading figure: the best arm on top, filled where clear, every number in its words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from layover.report import Report, forest
from layover.report.prose import bracket, signed

Made = Callable[..., Report]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Figure, str]]:
    found: list[tuple[Figure, str]] = []

    def element(figure: Figure, words: str) -> str:
        found.append((figure, words))
        return "<svg>"

    monkeypatch.setattr(forest, "element", element)
    return found


def test_arms_stand_by_their_mean_in_every_panel(
    demo: Report, drawn: list[tuple[Figure, str]]
) -> None:
    forest.forest(demo)
    means = {arm: demo.overall(arm) for arm in demo.named("arm")}
    ranked = sorted(means, key=lambda arm: -means[arm].estimate)  # type: ignore[union-attr]
    assert len(drawn) == 1 + len(demo.targets)
    for figure, _ in drawn:
        (axes,) = figure.axes
        assert [label.get_text() for label in axes.get_yticklabels()] == ranked
        assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_markers_are_filled_exactly_where_clear(
    demo: Report, drawn: list[tuple[Figure, str]]
) -> None:
    forest.forest(demo)
    ((lead, _),) = [one for one in drawn if "Mean over" in one[1]]
    names = [label.get_text() for label in lead.axes[0].get_yticklabels()]
    filled = {}
    for line in lead.axes[0].get_lines():
        if len(line.get_xdata()) == 1:  # type: ignore[arg-type]
            name = names[round(float(line.get_ydata()[0]))]  # type: ignore[index, arg-type]
            filled[name] = to_hex(line.get_markerfacecolor()) != "#ffffff"  # type: ignore[arg-type]
    assert filled == {arm: demo.sign(arm) != 0 for arm in demo.named("arm")}
    assert len(set(filled.values())) == 2


def test_the_words_say_every_number(demo: Report, drawn: list[tuple[Figure, str]]) -> None:
    forest.forest(demo)
    words = " ".join(one for _, one in drawn)
    for arm in demo.named("arm"):
        for target in ("", *(target.name for target in demo.targets)):
            cell = demo.shown(arm, target)
            assert cell is not None
            mark = ", clear" if demo.sign(arm, target) else ""
            end = f"{arm} {signed(cell.estimate)} {bracket(cell)}{mark}"
            assert f"{end};" in words or f"{end}." in words


def test_one_target_has_one_figure(made: Made) -> None:
    lead, others = forest.forest(made(("direct", "ccg"), seeds=2, targets=1))
    assert lead is not None and lead.title == "POS, zero-shot" and not others


def test_without_a_common_target_there_is_no_mean_to_draw(demo: Report) -> None:
    cells = tuple(
        cell
        for cell in demo.differences
        if (cell.arm, cell.target) in {("ccg", "POS"), ("squad", "NER")}
    )
    lead, others = forest.forest(dataclasses.replace(demo, differences=cells, means=()))
    assert lead is None and [panel.title for panel in others] == ["POS", "NER"]
    assert "squad not measured" in others[0].svg


def test_nothing_measured_draws_nothing(demo: Report) -> None:
    assert forest.forest(dataclasses.replace(demo, differences=(), means=())) == (None, ())


def test_an_interval_without_end_does_not_squash_the_others(demo: Report) -> None:
    cell = demo.overall("ccg")
    assert cell is not None
    wide = dataclasses.replace(cell, low=-5000.0, high=5000.0)
    low, high = forest._limits([cell, cell, wide])
    assert low > -100 and high < 100
