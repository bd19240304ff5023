"""`layover plan`: what a study consists of, what is done, and what the rest costs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from layover.changes import changes
from layover.cli.shared import DEFAULT_STORE, Argument, AsJson, StoreFolder, StudyFile, open_study
from layover.cost import Price, Work, at_once, kept, price
from layover.errors import StudyError
from layover.executors.execute import Plan, plan
from layover.stage import closure
from layover.stages import Train
from layover.study import Study

HOUR = 3_600
PEAK, REACHED = 1e14, 0.4
"""Floating-point operations a second of an accelerator, and the part of them that is assumed."""

Tokens = Annotated[
    int, typer.Option(help="Mean tokens of a sequence; 0: as many as its recipe allows.")
]
Rate = Annotated[
    float,
    typer.Option(
        "--flops-per-second", help="What an accelerator reaches; 0: say nothing of hours."
    ),
]


def plan_command(
    study: StudyFile,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    tokens: Tokens = 0,
    rate: Rate = PEAK * REACHED,
    as_json: AsJson = False,
) -> None:
    """What a study consists of, what is done, and what sharing saves and the rest costs. Changes
    nothing."""
    if tokens < 0 or rate < 0:
        raise StudyError("--tokens and --flops-per-second are 0, for none, or more")
    value, place = open_study(study, store, arguments)
    planned = plan(value, place)
    counts = _counts(value, planned)
    whole, rest = (price(value, some, tokens) for some in (planned.stages, planned.todo))
    most, after = at_once(value), price(value, kept(value), tokens).total.saved
    disk = {"saved_at_once": most, "saved_after_prune": after}
    if as_json:
        costs = {"whole": _json(whole, rate), "todo": _json(rest, rate)}
        assumed = {"tokens": tokens or None, "flops_per_second": rate or None}
        cost: dict[str, Any] = {**costs, **assumed, **disk, "unknown": whole.unknown}
        typer.echo(json.dumps({**counts, "cost": cost}))
        return
    saved = counts["trainings_without_sharing"] - counts["trainings"]
    typer.echo(
        f"{value.name}: {counts['stages']} stages, {counts['done']} done, {counts['todo']} to do"
    )
    typer.echo(
        f"{counts['trainings']} trainings; sharing saved {saved} of "
        f"{counts['trainings_without_sharing']}"
    )
    for line in _told(whole, rest, tokens, rate):
        typer.echo(line)
    typer.echo(
        f"models: {_short(whole.total.saved)}B on disk when all is kept; pruned on the way, "
        f"{_short(most)}B at once at most; {_short(after)}B after `layover prune`"
    )
    for name in counts["missing_files"]:
        typer.echo(f"missing: {name}")
    changed = changes(value, place)
    for line in changed.lines() if changed else ():
        typer.echo(line)


def _counts(study: Study, planned: Plan) -> dict[str, Any]:
    # Portraits look at what the arms train.
    arms = {leaf.key: leaf for arm in study.arms for leaf in arm.leaves}
    naive = sum(isinstance(stage, Train) for leaf in arms.values() for stage in closure((leaf,)))
    trainings = sum(isinstance(stage, Train) for stage in planned.stages)
    return {
        "study": study.name,
        "stages": len(planned.stages),
        "done": len(planned.done),
        "todo": len(planned.todo),
        "trainings": trainings,
        "trainings_without_sharing": naive,
        "missing_files": sorted({name for _, names in planned.unresolved for name in names}),
    }


def _json(price: Price, rate: float) -> dict[str, Any]:
    rows = {**price.phases, "total": price.total}
    return {name: {**asdict(work), "hours": _hours(work, rate)} for name, work in rows.items()}


def _told(whole: Price, rest: Price, tokens: int, rate: float) -> list[str]:
    """A table of the phases, and what it assumes."""
    rows = {name: work for name, work in whole.phases.items() if work != Work()}
    rows |= {"in all": whole.total, "to do": rest.total}
    heads = ["trainings", "steps", "tokens", "FLOPs"] + (["hours"] if rate else [])
    lines = [f"{'':15}" + "".join(f"{head:>11}" for head in heads)]
    for name, work in rows.items():
        cells = [f"{work.trainings:,}", *map(_short, (work.steps, work.tokens, work.flops))]
        hours = _hours(work, rate)
        cells += [] if hours is None else [f"{hours:.3g}"]
        lines.append(f"{name:15}" + "".join(f"{cell:>11}" for cell in cells))
    length = f"{tokens} tokens a sequence" if tokens else "the longest sequences that recipes allow"
    assumed = f" ({REACHED:.0%} of {PEAK:g}, unless stated)" if rate == PEAK * REACHED else ""
    stated = f" and {rate:.3g} FLOPs a second{assumed}" if rate else ""
    lines.append(f"at {length}{stated}; FLOPs as in Kaplan et al. 2020, without the word table")
    if whole.total.requests:
        lines.append(f"{whole.total.requests:,} requests are served, warming up aside")
    return lines + [f"unknown, and not in these numbers: {name}" for name in whole.unknown]


def _hours(work: Work, rate: float) -> float | None:
    return work.flops / rate / HOUR if rate else None


def _short(value: float) -> str:
    """A number for people: three digits and a prefix."""
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.0f} "
