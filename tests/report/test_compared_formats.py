"""What a comparison is written as: every format has the values of the others, and is read back."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from layover.report import Cell, Report
from layover.report.formats import WRITERS, Format, as_csv, as_json, as_latex, as_markdown
from layover.report.table import table

AWKWARD = r"[z] a_b & 100 % {x} \y #1 $ ^ ~ | *"


def renamed(report: Report, old: str, new: str) -> Report:
    """The report with an arm under another name."""

    def under(cells: tuple) -> tuple:  # type: ignore[type-arg]
        return tuple(replace(cell, arm=new) if cell.arm == old else cell for cell in cells)

    arms = tuple(replace(arm, name=new) if arm.name == old else arm for arm in report.arms)
    return replace(
        report,
        arms=arms,
        differences=under(report.differences),
        means=under(report.means),
        scores=under(report.scores),
    )


def test_csv_and_json_hold_every_difference_and_parse_back(demo: Report) -> None:
    report = demo
    lines = [json.loads(line) for line in as_json(report).splitlines()]
    table = list(csv.DictReader(io.StringIO(as_csv(report))))
    assert len(lines) == len(table) == 6 * 4 * 7
    for line, row in zip(lines, table, strict=True):
        assert row["arm"] == line["arm"] and row["language"] == line["language"]
        assert float(row["difference"]) == line["difference"]
        assert row["languages"].split("+") == line["languages"]
    cell = report.differences[0]
    assert lines[0]["language"] == "zero-shot mean"
    assert lines[0]["difference"] == cell.estimates.mean.estimate
    assert lines[0]["languages"] == list(cell.estimates.mean.languages)


def test_what_was_not_measured_is_null_and_empty(demo: Report) -> None:
    report = demo
    cell = report.differences[0]
    unmeasured = replace(
        cell.estimates.mean, estimate=float("nan"), low=float("nan"), high=float("nan")
    )
    gone = replace(cell, estimates=replace(cell.estimates, mean=unmeasured))
    report = replace(report, differences=(gone,))
    assert json.loads(as_json(report).splitlines()[0])["difference"] is None
    assert next(csv.DictReader(io.StringIO(as_csv(report))))["low"] == ""


@pytest.mark.parametrize("write", [as_json, as_csv, as_latex, as_markdown])
def test_one_target_is_written_language_by_language(
    demo: Report, write: Callable[[Report, str], str]
) -> None:
    text = write(demo, "NER")
    assert "POS" not in text
    assert "NER" in text


def test_tables_have_the_cells_of_the_terminals(demo: Report) -> None:
    report = demo
    shown = table(report)
    for text, separator in ((as_latex(report), "&"), (as_markdown(report), "|")):
        for place, arm in enumerate(shown.arms):
            line = next(line for line in text.splitlines() if arm in line and separator in line)
            numbers = [float(x) for x in re.findall(r"\d+\.\d", line)]
            wanted = [
                round(abs(value), 1)
                for _, column in shown.columns
                if (cell := column[place][0])
                for value in (cell.estimate, cell.low, cell.high)
            ]
            assert numbers == pytest.approx(wanted, abs=0.051)


def test_latex_is_balanced_and_escaped_whatever_an_arm_is_called(demo: Report) -> None:
    text = as_latex(renamed(demo, "squad", AWKWARD))
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    rows = [line for line in body.splitlines() if line]
    assert all(line.endswith(r" \\") for line in rows)
    bare = re.sub(r"\\[&%$#_{}\\]", "", body)
    assert not set(bare) & set("%#_")
    assert bare.count("{") == bare.count("}")
    assert all(re.sub(r"\\&", "", line).count("&") == 5 for line in rows)
    # A bracket after the end of a row would be its option.
    assert not any(line.startswith("[") for line in rows)


def test_markdown_rows_have_as_many_cells_as_the_head(demo: Report) -> None:
    text = as_markdown(renamed(demo, "squad", AWKWARD))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    counts = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert counts == {7}


def on_two_seeds(cell: Cell) -> Cell:
    mean = replace(cell.estimates.mean, by_seed=cell.estimates.mean.by_seed[:2])
    return replace(cell, estimates=replace(cell.estimates, mean=mean))


@pytest.mark.parametrize("form", [Format.latex, Format.markdown])
def test_unequal_seeds_are_said_below_the_table(demo: Report, form: Format) -> None:
    cells = tuple(
        on_two_seeds(cell) if (cell.arm, cell.target) == ("ccg", "NER") else cell
        for cell in demo.differences
    )
    told = WRITERS[form](replace(demo, differences=cells), "")
    assert "ccg on NER rests on 2 of 4 seeds." in told


def test_seeds_that_only_the_baseline_lacks_are_said(demo: Report) -> None:
    cells = tuple(map(on_two_seeds, demo.differences))
    told = as_markdown(replace(demo, differences=cells), "")
    assert "ccg on NER rests on 2 of 4 seeds." in told
