"""Portraits in the report: a line a checkpoint, a sentence for each that has an origin."""

from __future__ import annotations

import dataclasses
import re

import pytest

from layover.report import Portrait, Report, portraits, render
from layover.report.portraits import portrait_panels, portrait_words
from layover.stats import Estimates, Interval
from layover.stats.interval import interval

CODES = ("qal", "qbe", "qfe")


def known(value: float, half: float = 0.1) -> Interval:
    """An interval of one seed."""
    return interval([(1, value)], examples=9, languages=CODES[1:], fixed=(half / 1.96) ** 2)


def estimates(*values: float) -> Estimates:
    mean = known(sum(values[1:]) / 2)
    return Estimates(mean=mean, languages=dict(zip(CODES, map(known, values), strict=True)))


def found(*values: float) -> tuple[tuple[str, str, float], ...]:
    """What each layer finds in the two zero-shot languages, and nonsense in the source."""
    return tuple(
        (f"layer {layer}, raw", code, value if code != "qal" else 99.0)
        for layer, value in enumerate(values)
        for code in CODES
    )


DIRECT = Portrait(name="direct", retrieval=found(1.0, 40.0), loss=estimates(2.0, 2.3, 2.5))
CCG = Portrait(
    name="ccg",
    origin="direct",
    retrieval=found(2.0, 20.0),
    loss=estimates(2.5, 3.0, 3.2),
    change=estimates(0.5, 0.7, 0.7),
    distance=(("words seen", 0.02), ("words not seen", 0.0), ("layer 1", 0.1), ("layer 2", 0.25)),
)


@pytest.fixture
def shown(demo: Report) -> Report:
    return dataclasses.replace(demo, portraits=(DIRECT, CCG))


def row_of(report: Report) -> dict[str, tuple[str, str]]:
    """What the table has of the only checkpoint with an origin."""
    grid = portraits.change_grid(report)
    ((name, cells),) = grid.rows
    assert name == "ccg"
    return {
        column: (cell.text, cell.below.replace("\u00a0", " "))
        for (column, _), cell in zip(grid.columns, cells, strict=True)
    }


def test_the_table_says_what_a_training_did(shown: Report) -> None:
    assert row_of(shown) == {
        "Loss": ("+0.70", "[+0.60, +0.80]"),
        "Perplexity": ("22.2", "11.0 before"),
        "Found, raw": ("−20.0", "layer 1: 40.0 to 20.0"),
        "Layers": ("25.0", "layer 2"),
        "Words": ("2.0", ""),
        "Other words": ("0.0", ""),
    }
    (sentence,) = portrait_words(shown)
    assert sentence.replace("\u00a0", " ") == (
        "The loss of masked language modelling changed by +0.70 [+0.60, +0.80] nats with ccg, "
        "averaged over 2 zero-shot languages."
    )


def test_the_least_and_the_most_are_named(shown: Report) -> None:
    some = [
        dataclasses.replace(CCG, name=name, change=estimates(0.0, value, value))
        for name, value in (("squad", 1.5), ("ccg+mlm", -0.2), ("multi", 0.4))
    ]
    (sentence,) = portrait_words(dataclasses.replace(shown, portraits=(DIRECT, *some)))
    assert sentence.replace("\u00a0", " ") == (
        "The loss of masked language modelling changed least with ccg+mlm, by −0.20 "
        "[−0.30, −0.10] nats, and most with squad, by +1.50 [+1.40, +1.60], averaged over 2 "
        "zero-shot languages."
    )


def test_what_was_not_measured_is_told_of(shown: Report) -> None:
    one = Portrait(name="ccg", origin="direct", told="3 of 3 measurements are missing.")
    nothing = dataclasses.replace(shown, portraits=(DIRECT, one))
    assert portrait_words(nothing) == ("ccg: 3 of 3 measurements are missing.",)
    assert portraits.change_grid(nothing).rows == ()
    part = dataclasses.replace(CCG, change=None, loss=None, retrieval=(), told="2 of 3 lack.")
    found = row_of(dataclasses.replace(shown, portraits=(DIRECT, part)))
    assert found["Loss"] == found["Perplexity"] == ("–", "")
    assert found["Layers"] == ("25.0", "layer 2") and "Found, raw" not in found


def lines_of(shown: Report, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[list[float]]]]:
    """Figure -> axes -> the values of each line."""
    seen = {}

    def element(figure: object, words: str) -> str:
        seen[words] = [
            [[round(float(y), 6) for y in line.get_ydata()] for line in axes.lines]
            for axes in figure.axes  # type: ignore[attr-defined]
        ]
        return ""

    monkeypatch.setattr(portraits, "element", element)
    portrait_panels(shown)
    return seen


def test_lines_have_the_values(shown: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    retrieval, loss, distance = lines_of(shown, monkeypatch).values()
    assert retrieval == [[[1.0, 40.0], [2.0, 20.0]]]
    assert loss[0][:2] == [[2.0, 2.3, 2.5], [2.5, 3.0, 3.2]]
    assert loss[1][0] == [0.5, 0.7, 0.7]
    assert distance == [[[2.0, 10.0, 25.0]]]


def test_the_page_has_the_section_where_there_are_portraits(shown: Report, demo: Report) -> None:
    page = render(shown)
    section = page[page.index('<section id="portraits">') :].partition("</section>")[0]
    assert section.count("<svg") == 3 and "What each training changed" in section
    assert ">2.00<small>± 0.10; perplexity 7.4</small>" in section
    labels = re.findall(r'<svg[^>]* aria-label="([^"]*)"', page)
    assert len(labels) == len(set(labels))
    assert "Between the phases" not in render(demo)


def test_a_part_that_was_not_measured_has_no_figure(shown: Report) -> None:
    bare = tuple(Portrait(name=one.name, distance=one.distance) for one in (DIRECT, CCG))
    (panel,) = portrait_panels(dataclasses.replace(shown, portraits=bare))
    assert panel.title.startswith("Distance")
