"""A benchmark for people: who agrees, what text costs in tokens, what serving takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from layover.bench.summary import Cost, costs, ratio
from layover.stats import Bounds, Interval

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layover.bench.agreement import Agreement
    from layover.bench.race import Facts, Outcome

    Cells = Sequence[str]

MEGA = 1e6


def tables(outcome: Outcome, metric: str) -> Iterator[RenderableType]:
    """Agreement first, then tokens, cost over all languages, and cost by language; last those that
    are out."""
    from rich.text import Text

    names = list(outcome.facts)
    found = sorted(costs(outcome.samples), key=lambda one: names.index((one.model, one.backend)))
    failed = [(name, facts) for name, facts in outcome.facts.items() if facts.failure]
    yield Text("Agreement with the reference, before any timing", style="bold")
    yield _agreement(outcome, metric)
    yield Text(f"\n{metric} on these examples", style="bold")
    yield from _quality(outcome)
    if found:
        batches = list(dict.fromkeys(one.batch for one in found))
        whole = [one for one in found if not one.language]
        yield Text("\nTokens", style="bold")
        yield _tokens(found)
        for batch in batches:
            yield Text(f"\nRequests of {batch}, all languages", style="bold")
            yield _overall([one for one in whole if one.batch == batch], outcome, metric)
        yield Text("\nMemory and disk", style="bold")
        yield _room(outcome)
        for batch in batches:
            mine = [one for one in found if one.batch == batch]
            what = "p50 in ms" if batch == 1 else "examples a second"
            yield Text(f"\nRequests of {batch} by language: {what}", style="bold")
            yield from _by_language(mine, "p50" if batch == 1 else "throughput")
        launches = len({sample.launch for sample in outcome.samples})
        over = f"{launches} launches" if launches > 1 else "rounds of one launch"
        yield Text(
            f"\n95 % intervals over {over}; times from texts to scores, tokenisation included; "
            "x first: as a multiple of the first line's time.",
            style="dim",
        )
    for (model, backend), facts in failed:
        yield Text(f"{model}, {backend} is out: {facts.failure}", style="red")


def listed(heads: Sequence[str], rows: Sequence[Cells], names: int = 2) -> RenderableType:
    """A table whose first columns are names."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for number, head in enumerate(heads):
        right = number >= names
        grid.add_column(
            Text(head),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=number != 0,
            min_width=min(16, max(len(row[number]) for row in rows)) if rows else None,
        )
    for row in rows:
        grid.add_row(*map(Text, row))
    return grid


def _agreement(outcome: Outcome, metric: str) -> RenderableType:
    rows = []
    for (model, backend), facts in outcome.facts.items():
        found = facts.agreement
        if found is None:
            rows.append((model, backend, "-", "-", "-", "failed"))
            continue
        rows.append(
            (
                model,
                backend,
                told(found.difference, ".1g"),
                f"{100 * found.same:.1f} %",
                _mean(found),
                found.verdict,
            )
        )
    return listed(("model", "backend", "max diff", "same", metric, ""), rows)


def _mean(found: Agreement | None) -> str:
    """The quality over the languages that have one."""
    known = [] if found is None else [x for x in found.quality.values() if not math.isnan(x)]
    return told(sum(known) / len(known) if known else math.nan, ".1f")


def _tokens(found: Sequence[Cost]) -> RenderableType:
    """Of the reference: every backend reads the same."""
    first = found[0].batch
    models = list(dict.fromkeys(one.model for one in found))
    languages = sorted({one.language for one in found if one.language})
    known = {(one.model, one.language): one for one in found if one.batch == first}
    distinct: dict[tuple[float, ...], str] = {}
    for model in models:
        distinct.setdefault(tuple(known[model, code].tokens for code in languages), model)
    rows = [
        (code, *(f"{known[model, code].tokens:.1f}" for model in distinct.values()))
        for code in languages
    ]
    heads = distinct.values() if len(distinct) > 1 else ("a sentence or example",)
    return listed(("language", *heads), rows, names=1)


def _overall(whole: Sequence[Cost], outcome: Outcome, metric: str) -> RenderableType:
    rows = []
    first = whole[0]
    for one in whole:
        against = ratio(
            outcome.samples,
            (one.model, one.backend),
            (first.model, first.backend),
            one.batch,
        )
        rows.append(
            (
                one.model,
                one.backend,
                short(one.p50.estimate),
                short(one.p95.estimate),
                short(one.p99.estimate),
                short(one.tokenise.estimate),
                short(one.throughput.estimate),
                _mean(outcome.facts[one.model, one.backend].agreement),
                "1" if one is first else _times(against),
            )
        )
    heads = ("model", "backend", "p50 ms", "p95", "p99", "tokenise", "ex./s", metric, "x first")
    return listed(heads, rows)


def _room(outcome: Outcome) -> RenderableType:
    rows = [
        (model, backend, *_of(facts))
        for (model, backend), facts in outcome.facts.items()
        if not facts.failure
    ]
    return listed(("model", "backend", "peak MB", "disk MB", "ready s", "works on"), rows)


def _of(facts: Facts) -> tuple[str, ...]:
    place = facts.device if facts.torch else f"{facts.device}, no torch"
    return (
        told(facts.memory / MEGA, ".0f"),
        f"{facts.disk / MEGA:.1f}",
        f"{facts.seconds:.1f}",
        place,
    )


def _by_language(found: Sequence[Cost], what: str) -> Iterator[RenderableType]:
    """Percentiles or rates with their intervals; all languages together first."""
    cells = {
        (one.model, one.backend, one.language): _with_bounds(getattr(one, what)) for one in found
    }
    return _side_by_side(cells)


def _quality(outcome: Outcome) -> Iterator[RenderableType]:
    """What each reaches on the examples that were served."""
    return _side_by_side(
        {
            (*name, code): told(value, ".1f")
            for name, facts in outcome.facts.items()
            if facts.agreement
            for code, value in facts.agreement.quality.items()
        },
        count=8,
    )


def _side_by_side(
    cells: Mapping[tuple[str, str, str], str], count: int = 3
) -> Iterator[RenderableType]:
    """As many languages side by side as an ordinary terminal takes."""
    names = list(dict.fromkeys((model, backend) for model, backend, _ in cells))
    languages = sorted({code for *_, code in cells})
    for start in range(0, len(languages), count):
        chosen = languages[start : start + count]
        rows = [(*name, *(cells.get((*name, code), "-") for code in chosen)) for name in names]
        yield listed(("model", "backend", *(code or "all" for code in chosen)), rows)


def short(value: float) -> str:
    """Three digits, whatever the size."""
    return told(value, ".0f" if abs(value) >= 100 else ".3g")


def told(value: float, form: str) -> str:
    """A number with the sign that people write, in exponents too; what is not known is a dash."""
    return "-" if math.isnan(value) else f"{value:{form}}".replace("-", "−")


def _with_bounds(bounds: Bounds) -> str:
    return f"{short(bounds.estimate)} [{short(bounds.low)}, {short(bounds.high)}]"


def _times(log: Interval) -> str:
    """A ratio from the interval of its logarithm."""
    value, low, high = (math.exp(each) for each in (log.estimate, log.low, log.high))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
