"""The files inside the page open as what they are, and hold what the page shows."""

from __future__ import annotations

import base64
import csv
import io
from xml.etree import ElementTree

import pytest

from layover.report import Report, forest
from layover.report.downloads import Download, comma_separated, downloads


@pytest.fixture(scope="module")
def files(grown: Report) -> dict[str, Download]:
    lead, others = forest.forest(grown)
    assert lead is not None
    return {file.name: file for file in downloads(grown, [lead, *others])}


def rows(file: Download) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.content)))


def test_everything_shown_has_its_file(files: dict[str, Download]) -> None:
    tables = {f"demo-{name}.csv" for name in "differences scores curves costs claims".split()}
    assert tables | {"demo.tex", "demo-POS.svg"} <= files.keys()
    assert len(files) == 5 + 1 + 5


def test_an_address_holds_the_file(files: dict[str, Download]) -> None:
    head, _, body = files["demo-scores.csv"].uri.partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(body).decode() == files["demo-scores.csv"].content


def test_tables_have_the_numbers_of_the_page(files: dict[str, Download], grown: Report) -> None:
    found = rows(files["demo-differences.csv"])
    cells = {
        (row["arm"], row["target"]): row for row in found if row["language"] == "zero-shot mean"
    }
    for (arm, target), row in cells.items():
        cell = grown.shown(arm, target)
        assert cell is not None and float(row["difference"]) == round(cell.estimate, 4)
        assert row["clear"] == str(grown.sign(arm, target) != 0)
    assert len(rows(files["demo-costs.csv"])) == len(grown.costs)
    points = sum(len(curve.points) for curve in (*grown.curves, *grown.sizes))
    assert len(rows(files["demo-curves.csv"])) == points


def test_figures_are_svg_files_of_their_own(files: dict[str, Download]) -> None:
    root = ElementTree.fromstring(files["demo-POS.svg"].content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width", "").endswith("pt")


def test_nothing_is_offered_of_nothing(grown: Report) -> None:
    empty = Report(study="s", question="", arms=(), targets=(), languages=(), differences=())
    assert downloads(empty, []) == []
    assert comma_separated([]) == ""


def test_the_signs_of_a_csv_are_those_of_programs(files: dict[str, Download]) -> None:
    made = comma_separated([{"what": "nli − direct −0.4 [−0.7,\u00a0−0.1]", "points": -0.4}])
    assert made == 'what,points\n"nli - direct -0.4 [-0.7, -0.1]",-0.4\n'
    assert not any("−" in file.content for file in files.values() if file.name.endswith("csv"))
