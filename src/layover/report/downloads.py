"""What a report shows, as files inside the page: tables as CSV and LaTeX, figures as SVG."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from layover.report.formats import as_latex, rows
from layover.report.ledger import sentence
from layover.report.report import Report
from layover.report.svg import Panel, standalone
from layover.stats import Interval

KINDS = {"csv": "text/csv", "tex": "application/x-tex", "svg": "image/svg+xml"}
Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file that is inside the page."""

    name: str
    content: str

    @property
    def uri(self) -> str:
        """The file as an address that needs no network."""
        body = base64.b64encode(self.content.encode()).decode()
        kind = KINDS[self.name.rpartition(".")[2]]
        return f"data:{kind};charset=utf-8;base64,{body}"


def downloads(report: Report, figures: Sequence[Panel]) -> list[Download]:
    """The numbers as CSV, the tables as LaTeX, the figures as SVG; nothing that is empty."""
    tables = {
        "differences": _differences(report),
        "scores": _scores(report),
        "curves": _points(report),
        "costs": _costs(report),
        "claims": _claims(report),
    }
    study, texts = _plain(report.study), {}
    if report.differences:
        texts[f"{study}.tex"] = as_latex(report)
    texts |= {f"{study}-{name}.csv": comma_separated(found) for name, found in tables.items()}
    for panel in figures:
        texts[f"{study}-{_plain(panel.title)}.svg"] = standalone(panel.svg)
    return [Download(name=name, content=f"{text}\n") for name, text in texts.items() if text]


def _plain(name: str) -> str:
    """A name that any file system takes."""
    return re.sub(r"\W+", "-", name).strip("-")[:60]


def comma_separated(rows: Iterable[Row]) -> str:
    """Rows of the same columns, with four decimals and ASCII signs; "" for none."""
    each = list(rows)
    if not each:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(each[0]), lineterminator="\n")
    writer.writeheader()
    for row in each:
        writer.writerow({name: _field(value) for name, value in row.items()})
    return out.getvalue()


def _field(value: object) -> object:
    if isinstance(value, str):
        return value.replace("−", "-").replace("\u00a0", " ")
    return round(value, 4) if isinstance(value, float) else value


def _differences(report: Report) -> Iterator[Row]:
    for row in rows(report):
        yield {**row, "languages": len(row["languages"])}


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
            "target": cost.target,
            "backend": cost.backend,
            "language": cost.language,
            "batch": cost.batch,
            **{
                f"{name}{end}": getattr(bounds, part)
                for name, bounds in each
                for end, part in (("", "estimate"), ("_low", "low"), ("_high", "high"))
            },
            "tokens": cost.tokens,
            "memory": cost.memory,
            "disk": cost.disk,
            "agrees": cost.agrees,
            "quality": cost.quality.estimate if cost.quality else "",
            "quality_of": "served examples" if cost.sampled else "whole test",
            "per_millisecond": cost.per_millisecond,
        }


def _claims(report: Report) -> Iterator[Row]:
    for one in report.verdicts:
        ends = zip(one.found, one.intervals, strict=True)
        yield {
            "claim": one.claim.text,
            "source": one.claim.source,
            "verdict": one.verdict,
            "confidence": one.confidence,
            "level": one.level,
            "found": "; ".join(f"{cell.estimate} [{low}, {high}]" for cell, (low, high) in ends),
            "sentence": sentence(one),
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
