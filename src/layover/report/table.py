"""Differences as tables for the terminal: rows are arms, as many columns side by side as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layover.report.notes import missing
from layover.report.prose import bracket, signed, span
from layover.report.report import Report
from layover.stats import Interval

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

Marked = tuple[Interval | None, int]
"""A difference, and the sign of a clear one."""
Column = tuple[str, Sequence[Marked]]


def table(report: Report, target: str = "") -> Table:
    """Arm x target as zero-shot means; with a target's name, arm x language on that target."""
    arms = report.named("arm")

    def column(name: str, target: str, language: str = "") -> Column:
        places = [(arm, target, language) for arm in arms]
        return name, tuple((report.shown(*place), report.sign(*place)) for place in places)

    columns: list[Column] = []
    if target:
        columns.append(column("zero-shot", target))
        for language in report.by_distance:
            name = f"({language.name})" if language.source else language.name
            found = column(name, target, language.code)
            if any(cell for cell, _ in found[1]):
                columns.append(found)
    else:
        if len(report.targets) > 1:
            common = len(report.common_targets())
            name = "mean" if common == len(report.targets) else f"mean of {common}"
            columns.append(column(name, ""))
        columns += [column(one.name, one.name) for one in report.targets]
    what = f"{target}, difference" if target else "Zero-shot difference"
    title = f"{what} from {report.baseline} in points"
    tested = ("Single languages are not tested: only the zero-shot mean may be clear.",)
    notes = (*(tested if target else ()), *report.notes, *missing(report))
    return Table(title=title, arms=arms, columns=columns, notes=notes)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A rich renderable that splits its columns over several tables where the console is narrow."""

    title: str
    arms: Sequence[str]
    columns: Sequence[Column]
    notes: Sequence[str] = ()

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich import box
        from rich.table import Table as Grid
        from rich.text import Text

        if not self.arms:
            yield Text("Nothing to compare: the study has no arm besides its baseline.")
            return
        if not self.columns:
            yield Text("Nothing to compare: the study has no target.")
            return
        yield Text(self.title, style="bold")
        first = max(map(len, self.arms), default=0) + 2
        for tall in (False, True):
            gap = 1 if tall else 2
            widths = [_width(column, tall) + gap for column in self.columns]
            if first + sum(widths) <= options.max_width:
                break
        for chosen in _chunks(widths, options.max_width - first):
            grid = Grid(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), show_edge=False)
            grid.add_column("")
            for i in chosen:
                grid.add_column(Text(self.columns[i][0]), justify="right", no_wrap=True)
            for row, arm in enumerate(self.arms):
                cells = (self.columns[i][1][row] for i in chosen)
                grid.add_row(Text(arm), *(Text(_text(x[0], tall), style=_style(x)) for x in cells))
            yield Text()
            yield grid
        yield Text("\n" + "\n".join(self.footer), style="dim")

    @property
    def footer(self) -> tuple[str, ...]:
        """What the table rests on and lacks, a line each."""
        cells = [cell for _, column in self.columns for cell, _ in column]
        seeds = [cell.seeds for cell in cells if cell]
        parts = ["-: not measured."] if None in cells else []
        if seeds:
            over = "seeds and test examples" if max(seeds) > 1 else "test examples only"
            seeds_told = span(seeds, "seed")
            parts.insert(0, f"95 % intervals over {over} ({seeds_told}); bold: clear (Holm).")
        return (*parts, *self.notes)


def _text(cell: Interval | None, tall: bool) -> str:
    if cell is None:
        return "-"
    return f"{signed(cell.estimate)}{chr(10) if tall else ' '}{bracket(cell)}".replace(
        "\u00a0", " "
    )


def _style(marked: Marked) -> str:
    cell, sign = marked
    return {1: "bold green", -1: "bold red", 0: ""}[sign] if cell else "dim"


def _width(column: Column, tall: bool) -> int:
    lines = [column[0], *(line for cell, _ in column[1] for line in _text(cell, tall).split("\n"))]
    return max(map(len, lines))


def _chunks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Column numbers, as many together as fit, one at least."""
    chunks: list[list[int]] = [[]]
    left = room
    for i, width in enumerate(widths):
        if chunks[-1] and width > left:
            chunks.append([])
            left = room
        chunks[-1].append(i)
        left -= width
    return chunks
