"""What arms cost to serve, as tables for the terminal: one for each target and size of request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from layover.bench.show import listed, short, told
from layover.languages import language as find_language

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layover.report.report import Cost

STAR = "*"


def table(found: Sequence[Cost]) -> Iterator[RenderableType]:
    """Latency, rate, quality and what a millisecond buys, language by language."""
    from rich.text import Text

    groups: dict[tuple[str, str, int], list[Cost]] = {}
    for one in found:
        groups.setdefault((one.target, one.backend, one.batch), []).append(one)
    for (target, backend, batch), mine in groups.items():
        languages = list(dict.fromkeys(one.language for one in mine))
        yield Text(f"\n{target}, {backend}, requests of {batch}", style="bold")
        last = "points/ms" if batch == 1 else "examples/s"
        heads = ("language", "arm", "p50 ms", "p99", "quality", last)
        yield listed(heads, [_cells(one) for one in _in_order(mine, languages)])
    note = "Quality in percent on the whole test; zero-shot: the languages that have one, together."
    if any(one.sampled for one in found):
        note += f" {STAR} On the examples that were served, where the backend answers otherwise."
    yield Text(f"\n{note}", style="dim")


def _in_order(mine: Sequence[Cost], languages: Sequence[str]) -> list[Cost]:
    """Arms side by side, language by language."""
    return sorted(mine, key=lambda one: languages.index(one.language))


def _bought(one: Cost) -> str:
    if one.batch > 1:
        return short(one.throughput.estimate)
    return short(one.per_millisecond)


def _cells(one: Cost) -> tuple[str, ...]:
    quality = math.nan if one.quality is None else one.quality.estimate
    return (
        find_language(one.language).name if one.language else "zero-shot",
        one.model,
        f"{short(one.p50.estimate)} [{short(one.p50.low)}, {short(one.p50.high)}]",
        short(one.p99.estimate),
        told(quality, ".1f") + STAR * (one.sampled and not math.isnan(quality)),
        _bought(one),
    )
