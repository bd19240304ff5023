"""What a report shows, as files inside the page: tables as CSV and LaTeX, figures as SVG."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from layover.report.grids import Grid
from layover.report.report import Report
from layover.report.svg import Panel, standalone
from layover.stats import Interval

ESCAPES = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "−": "$-$",
    "\u00a0": "~",
    "–": "--",
    "±": r"$\pm$",
}
Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file that is inside the page."""

    name: str
    kind: str
    """Such as "text/csv"."""
    content: str

    @property
    def uri(self) -> str:
        """The file as an address that needs no network."""
        body = base64.b64encode(self.content.encode()).decode()
        return f"data:{self.kind};charset=utf-8;base64,{body}"


def downloads(report: Report, tables: Sequence[Grid], figures: Sequence[Panel]) -> list[Download]:
    """The numbers as CSV, the tables as LaTeX, the figures as SVG; nothing that is empty."""
    rows = {
        "differences": _differences(report),
        "scores": _scores(report),
        "curves": _points(report),
        "costs": _costs(report),
        "claims": _claims(report),
    }
    texts = {name: table for name, found in rows.items() if (table := comma_separated(found))}
    study = _plain(report.study)
    found = [
        Download(name=f"{study}-{name}.csv", kind="text/csv", content=text)
        for name, text in texts.items()
    ]
    if tables:
        text = "\n".join(latex(table) for table in tables)
        found.append(Download(name=f"{study}.tex", kind="application/x-tex", content=text))
    for panel in figures:
        name = f"{study}-{_plain(panel.title)}.svg"
        found.append(Download(name=name, kind="image/svg+xml", content=standalone(panel.svg)))
    return found


def _plain(name: str) -> str:
    """A name that any file system takes."""
    return re.sub(r"\W+", "-", name).strip("-")[:60]


def comma_separated(rows: Iterable[Row]) -> str:
    """Rows of the same columns, in full precision; "" for none."""
    each = list(rows)
    if not each:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(each[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(each)
    return out.getvalue()


def latex(grid: Grid) -> str:
    """A table for the booktabs package, bold where the page is."""
    head = " & ".join(["", *(escaped(name) for name, _ in grid.columns)])
    lines = [
        f"% {grid.caption}".replace("\n", " "),
        rf"\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
        *(r"\toprule", rf"{head} \\", r"\midrule"),
    ]
    for name, cells in grid.rows:
        texts = [
            rf"\textbf{{{escaped(cell.text)}}}" if cell.strong else escaped(cell.text)
            for cell in cells
        ]
        below = [rf"{{\scriptsize {escaped(cell.below)}}}" if cell.below else "" for cell in cells]
        joined = (f"{text} {more}".strip() for text, more in zip(texts, below, strict=True))
        lines.append(rf"{' & '.join([escaped(name), *joined])} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def escaped(text: str) -> str:
    """Text that LaTeX shows as it is."""
    return "".join(ESCAPES.get(sign, sign) for sign in text)


def _differences(report: Report) -> Iterator[Row]:
    """Every family's differences: a mean has no language, or no target."""
    for place, family in enumerate(report.families):
        for (arm, target, language), cell in family.cells.items():
            yield {
                "arm": arm,
                "baseline": report.baseline,
                "target": target or "mean",
                "language": language or "zero-shot mean",
                **_numbers(cell),
                "p": cell.p(),
                "clear": family.signs.get((arm, target, language), 0) != 0,
                "family": place + 1,
                "family_size": family.size,
            }


def _scores(report: Report) -> Iterator[Row]:
    for cell in report.scores:
        means = {"zero-shot mean": cell.estimates.mean}
        for language, interval in {**means, **cell.estimates.languages}.items():
            if interval.seeds:
                place = {"arm": cell.arm, "target": cell.target, "language": language}
                yield {**place, **_numbers(interval)}


def _points(report: Report) -> Iterator[Row]:
    for curve in (*report.curves, *report.sizes):
        for point in curve.points:
            yield {
                "arm": curve.arm,
                "target": curve.target,
                "axis": curve.axis,
                "at": point.at,
                "label": point.label,
                "measure": curve.measure,
                **_numbers(point.value),
            }


def _costs(report: Report) -> Iterator[Row]:
    for cost in report.costs:
        times = ("p50", "p95", "p99", "throughput")
        each = ((name, getattr(cost, name)) for name in times)
        yield {
            "model": cost.model,
            "backend": cost.backend,
            "language": cost.language,
            "batch": cost.batch,
            **{
                f"{name}{end}": getattr(bounds, part)
                for name, bounds in each
                for end, part in (("", "value"), ("_low", "low"), ("_high", "high"))
            },
            "tokens": cost.tokens,
            "memory": cost.memory,
            "disk": cost.disk,
            "agrees": cost.agrees,
            "quality": cost.quality.estimate if cost.quality else "",
        }


def _claims(report: Report) -> Iterator[Row]:
    for one in report.verdicts:
        yield {
            "claim": one.claim,
            "source": one.source,
            "verdict": one.ruling,
            "sentence": one.sentence,
            "margin": one.margin,
            "confidence": one.confidence,
            "found": "; ".join(f"{x.estimate} [{x.low}, {x.high}]" for x in one.found),
            "rests on": "; ".join(one.rests),
            "missing": "; ".join(one.missing),
            "more seeds": "" if one.settle is None else one.settle,
        }


def _numbers(cell: Interval) -> Row:
    return {
        "estimate": cell.estimate,
        "low": cell.low,
        "high": cell.high,
        "seeds": cell.seeds,
        "examples": cell.examples,
        "languages": len(cell.languages),
    }
