"""One small figure as an inline SVG element: deterministic, its text kept as text."""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from layover.report.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY, FAINT = "#1d2129", "#565d69", "#dfe2e7"
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#aa3377"),
    *("#b8860b", "#7f7fd5", "#882255", "#777733"),
)
"""Told apart with every common kind of colour blindness, and from white; markers differ too."""
MARKERS = {"s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "*": "★", "o": "●"}
HOLLOW = {"o": "○", "s": "□", "D": "◇"}
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "layover",
    "text.parse_math": False,
    "font.size": 10,
    "axes.labelcolor": GREY,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One figure: its title, its SVG element, and what its legend must name."""

    title: str
    svg: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one arm is drawn in every figure."""

    colour: str = INK
    marker: str = "o"
    line: str = "-"
    width: float = 1.0
    filled: bool = True

    @property
    def sign(self) -> str:
        """The marker as a character, for legends in HTML."""
        return MARKERS[self.marker] if self.filled else HOLLOW[self.marker]

    def options(self, size: float) -> dict[str, Any]:
        """Arguments of `Axes.plot`."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.line,
            "linewidth": self.width,
            "markersize": size,
            "markerfacecolor": self.colour if self.filled else "white",
            "zorder": 2 + self.width,
        }


def looks(report: Report) -> dict[str, Look]:
    """Name -> look: the baseline black, controls grey and hollow, the others coloured: arms, and
    what else has a line or a point."""
    marks = tuple(MARKERS)
    found = dict.fromkeys(report.named("baseline"), Look(width=2.0))
    others = [curve.arm for curve in (*report.curves, *report.sizes)]
    others += [*(cost.model for cost in report.costs), *(one.name for one in report.portraits)]
    known = {arm.name for arm in report.arms}
    names = [*report.named("arm"), *dict.fromkeys(x for x in others if x not in known)]
    # The arms of a line have its colour, and marks of their own.
    line = {arm: curve.arm for curve in report.curves for arm in curve.arms}
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(line.get(name, name), []).append(name)
    for i, (family, members) in enumerate(families.items()):
        for j, name in enumerate(sorted(members, key=lambda x: x != family)):
            # Another round of the colours has other marks.
            mark = marks[(i + i // len(COLOURS) + j) % len(marks)]
            found[name] = Look(colour=COLOURS[i % len(COLOURS)], marker=mark)
    for i, name in enumerate(report.named("control")):
        mark = tuple(HOLLOW)[i % len(HOLLOW)]
        found[name] = Look(colour=GREY, marker=mark, line=("--", "-.", ":")[i % 3], filled=False)
    return found


@contextmanager
def drawing(*heights: float, width: float = 4.6) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure, as wide as a phone if not told, with axes below each other of these heights in
    inches."""
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with style.context(["default", STYLE]), warnings.catch_warnings():
        # Names in scripts that matplotlib has no font for are drawn with the browser's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(width, sum(heights)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)
        yield figure, list(axes[:, 0])


def element(figure: Figure, words: str) -> str:
    """The bare SVG element: no size, no fonts, short decimals, ids that no other figure has.

    `words` say what it shows, to those who cannot see it; they must differ between figures.
    """
    buffer = io.StringIO()
    none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=none)
    text = buffer.getvalue()
    head, body = text[text.index("<svg") :].split(">", 1)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.S)
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    body = re.sub(r"font: (?:[^;\"]* )?([\d.]+px)[^;\"]*", r"font-size: \1", body)
    body = re.sub(r'="[^"]*"', lambda m: re.sub(r"\d+\.\d{2,}", _short, m[0]), body)
    body = re.sub(r' id="\w+_\d+"| id="matplotlib[^"]*"', "", body)
    prefix = f"f{zlib.crc32(words.encode()):08x}"
    short = {name: f"{prefix}-{i}" for i, name in enumerate(re.findall(r' id="([^"]*)"', body))}
    body = re.sub(
        r'( id="|href="#|url\(#)([^")]*)', lambda m: f"{m[1]}{short.get(m[2], m[2])}", body
    )
    body = re.sub(r">\s+<", "><", body)
    body = re.sub(r"(<g[^>]*)>((?:<use [^>]*/>)+)</g>", _hoisted, body)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    return f'<svg {box[0]} role="img" aria-label="{escape(words)}">{body}'


def _hoisted(group: re.Match[str]) -> str:
    """Marks of one look, which they have from their group: there may be thousands."""
    styles = set(re.findall(r' style="[^"]*"', group[2]))
    alone = group[2].count(" style=") == group[2].count("<use ") and " style=" not in group[1]
    if len(styles) != 1 or not alone:
        return group[0]
    (style,) = styles
    return f"{group[1]}{style}>{group[2].replace(style, '')}</g>"


def standalone(svg: str) -> str:
    """The same element as a file of its own."""
    box = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)
    assert box is not None
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    size = f'width="{box[1]}pt" height="{box[2]}pt"'
    return svg.replace("<svg", f'<svg {names} {size} font-family="sans-serif"', 1)


def brief(name: str, most: int) -> str:
    """A name that may be cut: long ones would leave a figure no room."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def briefs(names: Sequence[str], most: int) -> list[str]:
    """Names that may be cut, in their middle where their beginnings would be the same, and not at
    all where they would be even so."""
    ends = most // 2
    cuts: tuple[Callable[[str], str], ...] = (
        lambda name: brief(name, most),
        lambda name: name if len(name) <= most else f"{name[: most - 1 - ends]}…{name[-ends:]}",
    )
    for cut in cuts:
        found = [cut(name) for name in names]
        if len(set(found)) == len(set(names)):
            return found
    return list(names)


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}"
