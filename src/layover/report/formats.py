"""Comparisons as text: CSV and JSON for programs, LaTeX and Markdown for papers.

The first two have a row for every difference in every language; the others are the terminal's
table. What is not equal in them, such as a lacking seed, is said below the table, and shows in the
rows as the seeds and languages that each rests on.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from layover.report.prose import bracket, signed
from layover.report.report import Report
from layover.report.table import Marked, Table, table

MEAN = "zero-shot mean"
"""What the rows of means have for a language."""

COLUMNS = "arm target language difference low high clear seeds examples languages".split()

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        # A row that begins with a bracket would be taken for an option of the row before.
        "[": "{[}",
        "]": "{]}",
        "−": "$-$",
        "\u00a0": "~",
        **{character: f"\\{character}" for character in "&%$#_{}"},
    }
)
_MARKDOWN = str.maketrans(
    {"\n": " ", **{character: f"\\{character}" for character in "\\|*_`[]<>"}, "\u00a0": " "}
)


class Format(StrEnum):
    """What a comparison can be written as."""

    table = "table"
    csv = "csv"
    json = "json"
    latex = "latex"
    markdown = "markdown"


def rows(report: Report, target: str = "") -> Iterator[dict[str, Any]]:
    """A row for every difference: its mean, then language by language; None where not measured."""
    for cell in report.differences:
        if target not in ("", cell.target):
            continue
        for language, interval in {"": cell.estimates.mean, **cell.estimates.languages}.items():
            yield {
                "arm": cell.arm,
                "target": cell.target,
                "language": language or MEAN,
                "difference": _number(interval.estimate),
                "low": _number(interval.low),
                "high": _number(interval.high),
                "clear": report.sign(cell.arm, cell.target, language) != 0,
                "seeds": interval.seeds,
                "examples": interval.examples,
                "languages": list(interval.languages),
            }


def as_json(report: Report, target: str = "") -> str:
    """The rows, a line each."""
    return "\n".join(json.dumps(row) for row in rows(report, target))


def as_csv(report: Report, target: str = "") -> str:
    """The rows under a header; languages are joined by "+", and what was not measured is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(report, target):
        writer.writerow({**row, "languages": "+".join(row["languages"])})
    return out.getvalue().rstrip("\n")


def as_latex(report: Report, target: str = "") -> str:
    """A table for LaTeX with the package booktabs."""
    shown = table(report, target)
    head = ["", *(name for name, _ in shown.columns)]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_tex(shown.title)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(shown.columns)}}}",
        r"\toprule",
        f"{' & '.join(map(_tex, head))} \\\\",
        r"\midrule",
        *(f"{' & '.join(row)} \\\\" for row in _cells(shown, _tex, r"\textbf{%s}")),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {_tex(note)}" for note in shown.footer),
        r"\end{table}",
    ]
    return "\n".join(lines)


def as_markdown(report: Report, target: str = "") -> str:
    """A table for Markdown."""
    shown = table(report, target)
    head = ["", *(_md(name) for name, _ in shown.columns)]
    body = _cells(shown, _md, "**%s**")
    rule = ["---", *("---:" for _ in shown.columns)]
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *body)]
    return "\n".join([_md(shown.title), "", *lines, *(f"\n{_md(note)}" for note in shown.footer)])


WRITERS: Mapping[Format, Callable[[Report, str], str]] = MappingProxyType(
    {
        Format.csv: as_csv,
        Format.json: as_json,
        Format.latex: as_latex,
        Format.markdown: as_markdown,
    }
)


def _cells(shown: Table, escape: Callable[[str], str], bold: str) -> Iterator[list[str]]:
    for place, arm in enumerate(shown.arms):
        cells = [column[place] for _, column in shown.columns]
        yield [escape(arm), *(_cell(cell, escape, bold) for cell in cells)]


def _cell(marked: Marked, escape: Callable[[str], str], bold: str) -> str:
    cell, sign = marked
    if cell is None:
        return "-"
    text = escape(f"{signed(cell.estimate)} {bracket(cell)}")
    return bold % text if sign else text


def _number(value: float) -> float | None:
    """JSON has no NaN: what was not measured is null."""
    return None if math.isnan(value) else value


def _tex(text: str) -> str:
    return text.translate(_LATEX)


def _md(text: str) -> str:
    return text.translate(_MARKDOWN)
