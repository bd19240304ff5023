"""What arms cost to serve, as tables for the terminal: one for each target and size of request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from layover.bench.show import listed, short
from layover.languages import language as find_language

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layover.serving import Served


def table(found: Sequence[Served]) -> Iterator[RenderableType]:
    """Latency, rate, quality and what a millisecond buys, language by language."""
    from rich.text import Text

    groups: dict[tuple[str, str, int], list[Served]] = {}
    for one in found:
        groups.setdefault((one.target, one.cost.backend, one.cost.batch), []).append(one)
    for (target, backend, batch), mine in groups.items():
        languages = list(dict.fromkeys(one.cost.language for one in mine))
        yield Text(f"\n{target}, {backend}, requests of {batch}", style="bold")
        last = "points/ms" if batch == 1 else "examples/s"
        heads = ("language", "arm", "p50 ms", "p99", "quality", last)
        yield listed(heads, [_cells(one) for one in _in_order(mine, languages)])
    yield Text(
        "\nQuality in percent on the whole test; beside all languages it is the zero-shot mean.",
        style="dim",
    )


def _in_order(mine: Sequence[Served], languages: Sequence[str]) -> list[Served]:
    """Arms side by side, language by language."""
    return sorted(mine, key=lambda one: languages.index(one.cost.language))


def _bought(one: Served) -> str:
    if one.cost.batch > 1:
        return short(one.cost.throughput.value)
    value = one.per_millisecond
    return "-" if math.isnan(value) else short(value)


def _cells(one: Served) -> tuple[str, ...]:
    cost, quality = one.cost, one.quality
    known = quality is not None and not math.isnan(quality.estimate)
    return (
        find_language(cost.language).name if cost.language else "all",
        one.arm,
        f"{short(cost.p50.value)} [{short(cost.p50.low)}, {short(cost.p50.high)}]",
        short(cost.p99.value),
        f"{quality.estimate:.1f}" if quality and known else "-",
        _bought(one),
    )
