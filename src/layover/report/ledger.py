"""Verdicts on claims, in sentences and as a table for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layover.claims import Claim, Coverage, Verdict, Word
from layover.report.prose import count, listed, signed, span

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

FEW = 3
"""Contrasts that are shown one by one; of more, the least and the greatest are."""

TRAINED = 50
"""More seeds than these are not counted."""

WIDE = 110
"""Columns from which on the ledger is a table; in fewer it is a list."""

STYLES: dict[Word, str] = {
    "supported": "bold green",
    "contradicted": "bold red",
    "inconclusive": "yellow",
    "not tested": "dim",
}


def sentence(verdict: Verdict) -> str:
    """All that a verdict says, for people."""
    return " ".join((spoken(verdict), *(f"{note}." for note in left_out(verdict))))


def left_out(verdict: Verdict) -> list[str]:
    """What was left out."""
    apart = (
        f"Not beside it: {name}, for want of {some(rows)}" for name, rows in verdict.not_beside
    )
    return [*verdict.notes, *apart]


def spoken(verdict: Verdict) -> str:
    """The same without the notes on what was left out."""
    if verdict.missing:
        said = f"Not tested. Missing: {some(verdict.missing)}."
    elif isinstance(verdict.claim, Coverage):
        said = f"{_opening(verdict)}: {counted(verdict)}."
    else:
        said = f"{_opening(verdict)}: {values(verdict)}, {ground(verdict)}."
    beside = [
        f"{name} {signed(found.estimate)} [{signed(found.low)},\u00a0{signed(found.high)}]"
        for name, found in verdict.beside
    ]
    parts = (
        said,
        needs(verdict),
        f"Beside it: {listed(beside)} points." if beside else "",
    )
    return " ".join(filter(None, parts))


def counted(verdict: Verdict) -> str:
    """What a study declares of what it was counted for, and how much of that was measured."""
    claim, found = verdict.claim, verdict.counted
    assert isinstance(claim, Coverage) and found is not None
    lacks = [name for name in claim.named if name not in found.found]
    unmet = len(verdict.measured) < len(found.found)
    parts = [
        f"{len(found.found)} counted",
        f" of at least {claim.least}" if len(found.found) < claim.least else "",
        f" ({some(found.found, ', ', most=12)})" if found.found else "",
        f", without {some(lacks, ', ', most=12)}" if lacks else "",
        f"; not so for {some(found.lacking, ', ', most=12)}" if found.lacking else "",
        f"; declared, {len(verdict.measured)} of {len(found.found)} measured" if unmet else "",
    ]
    return "".join(parts)


def some(items: Sequence[str], between: str = "; ", most: int = FEW) -> str:
    """All items, or the first of many; the JSON of a verdict has all."""
    more = len(items) - FEW
    shown = items[:FEW] if len(items) > most + 1 else items
    return between.join([*shown, f"and {more} more"] if len(shown) < len(items) else shown)


def values(verdict: Verdict) -> str:
    """The contrasts with their intervals, in points."""
    claim = verdict.claim
    assert isinstance(claim, Claim)
    lines = [
        f"{contrast.name or 'the contrast'} {signed(found.estimate)} "
        f"[{signed(low)},\u00a0{signed(high)}]"
        for contrast, found, (low, high) in zip(
            claim.contrasts, verdict.found, verdict.intervals, strict=True
        )
    ]
    levels = listed([_percent(level) for level in sorted({*verdict.levels})])
    level = f"({levels} interval{'s' if len(lines) > 1 else ''})"
    margin = f" above {signed(claim.margin)}" if claim.margin else " above 0"
    if len(lines) > FEW:
        high = sum(low > claim.margin for low, _ in verdict.intervals)
        order = sorted(range(len(lines)), key=lambda place: verdict.found[place].estimate)
        ends = f"the least is {lines[order[0]]}, the greatest {lines[order[-1]]}"
        asked = f" where {claim.least} are claimed" if claim.least else ""
        return f"{high} of {len(lines)} lie{margin}{asked} {level}; {ends}"
    asked = f", where more than {signed(claim.margin)} is claimed" if claim.margin else ""
    return f"{listed(lines)} points{asked} {level}"


def ground(verdict: Verdict) -> str:
    """What a verdict rests on: "on tiny 2x128, 4 targets, 5 languages, 3 seeds"."""
    rests = verdict.rests_on
    parts = [
        f"on {listed(rests.encoders)}" if rests.encoders else "",
        count(len(rests.targets), "target"),
        count(len(rests.languages), "language") if rests.languages else "",
    ]
    if verdict.found:
        parts.append(span((one.seeds for one in verdict.found), "seed"))
    return ", ".join(filter(None, parts))


def needs(verdict: Verdict) -> str:
    """What would settle an open verdict, and what a settled one does not cover."""
    if not all(one.tells_of_seeds for one in verdict.found):
        return "One seed tells nothing of others: the interval is over test examples, train more."
    if verdict.here != "inconclusive":
        return ""
    if verdict.settle is not None:
        if verdict.settle > TRAINED:
            return "It would take more seeds than anyone trains."
        return f"{count(verdict.settle, 'more seed')} would as likely as not settle it."
    assert isinstance(verdict.claim, Claim)
    margin = verdict.claim.margin
    if any(abs(one.estimate - margin) <= one.error for one in verdict.found):
        return (
            "What was found is too near the margin for any number of seeds: ask whether it is "
            "within the smallest difference that matters."
        )
    return "No number of seeds would settle it: it takes more test examples."


def _opening(verdict: Verdict) -> str:
    if verdict.verdict == verdict.here:
        return verdict.verdict.capitalize()
    claim = verdict.claim
    spoken = " on ".join(some(names, ", ") for names in (claim.encoders, claim.targets) if names)
    return f"Not tested: it speaks of {spoken}; here it is {verdict.here}"


def _percent(level: float) -> str:
    return f"{100 * level:.4g} %"


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """A rich renderable: claim, verdict, and what it rests on."""

    title: str
    verdicts: Sequence[Verdict]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.padding import Padding
        from rich.text import Text

        if not self.verdicts:
            yield Text("The study makes no claims: name them in its claims=(...).")
            return
        yield Text(self.title, style="bold")
        yield Text()
        if options.max_width < WIDE:
            for one in self.verdicts:
                yield _claim(one)
                sure = f" {_sure(one)} on the claimed side." if _sure(one) else ""
                text = Text(sentence(one) + sure, style=STYLES[one.verdict])
                yield Padding(text, (0, 0, 1, 4))
        else:
            yield self._table()
            yield Text()
        yield Text(self._footer(), style="dim")

    def _table(self) -> RenderableType:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        grid = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False, leading=1)
        grid.add_column("claim", ratio=2)
        grid.add_column("verdict", no_wrap=True)
        grid.add_column("claimed side", justify="right", no_wrap=True)
        grid.add_column("because", ratio=3)
        for one in self.verdicts:
            verdict = Text(one.verdict, style=STYLES[one.verdict])
            grid.add_row(_claim(one), verdict, _sure(one), Text(_because(one)))
        return grid

    def _footer(self) -> str:
        return (
            "The claimed side: the share of the estimate's distribution that lies there. Intervals "
            "are as wide as it takes for all verdicts together to err in at most 5 % of studies "
            "(Holm)."
        )


def _claim(verdict: Verdict) -> Text:
    """The sentence that is judged, with the published figure."""
    from rich.text import Text

    shown = Text(verdict.claim.text, style="bold")
    if verdict.claim.reference:
        shown.append(f" Published: {verdict.claim.reference}.", style="not bold dim")
    return shown


def _sure(verdict: Verdict) -> str:
    share = verdict.confidence if verdict.verdict == verdict.here else math.nan
    if math.isnan(share):
        return ""
    # No share of a distribution is none or all.
    return "> 99 %" if share > 0.99 else "< 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _because(verdict: Verdict) -> str:
    """The sentence without the verdict, which stands beside it."""
    text = sentence(verdict)
    word = verdict.verdict.capitalize()
    return text.removeprefix(f"{word}: ").removeprefix(f"{word}. ")
