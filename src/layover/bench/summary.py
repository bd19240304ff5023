"""From requests to percentiles, rates and ratios, with intervals over rounds (no torch).

Requests of one round share what else the machine did meanwhile, and rounds of one process share
where it lies in memory: so what is resampled are rounds, and where processes were started several
times the starts, and then rounds within them (Kalibera and Jones 2013, "Rigorous benchmarking in
reasonable time"). A process that was started once tells nothing of how much a start matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layover.bench.samples import Sample
from layover.errors import ResultError
from layover.stats.interval import Interval, interval

DRAWS = 2_000
PARTS = 20


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A number and its 95 % interval over rounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What requests of one size take, of one model under one backend, in a language or ("") all."""

    model: str
    backend: str
    language: str
    batch: int
    requests: int
    rounds: int
    tokens: float
    """An example."""
    padding: float
    """Share of what was computed."""
    p50: Bounds
    """Milliseconds from texts to scores."""
    p95: Bounds
    p99: Bounds
    run: Bounds
    """The median of the model's part."""
    tokenise: Bounds
    """The median of what comes before it."""
    throughput: Bounds
    """Examples a second."""


def costs(samples: Sequence[Sample]) -> tuple[Cost, ...]:
    """Each contender, batch size and language, all languages together first."""
    groups: dict[tuple[str, str, int, str], list[Sample]] = {}
    for sample in samples:
        for language in ("", sample.language):
            key = (*sample.contender, sample.batch, language)
            groups.setdefault(key, []).append(sample)
    return tuple(_cost(language, mine) for (_, _, _, language), mine in groups.items())


def _cost(language: str, mine: Sequence[Sample]) -> Cost:
    first = mine[0]
    whole, places = _table(mine, "whole")
    run, tokenise = _table(mine, "run")[0], _table(mine, "tokenise")[0]
    rows = _drawn(places)
    examples = len(mine) * first.batch

    def percentile(table: Any, share: float) -> Bounds:
        # A part of the draws at once: a row of them holds every request.
        drawn = [
            np.percentile(table[part].reshape(len(part), -1), share, axis=1)
            for part in np.array_split(rows, PARTS)
        ]
        return _bounds(1e3 * np.percentile(table, share), 1e3 * np.concatenate(drawn))

    rate = first.batch * whole.size
    seconds = whole.sum(axis=1)
    return Cost(
        model=first.model,
        backend=first.backend,
        language=language,
        batch=first.batch,
        requests=len(mine),
        rounds=len(whole),
        tokens=sum(one.tokens for one in mine) / examples,
        padding=1 - sum(one.tokens for one in mine) / sum(one.padded for one in mine),
        p50=percentile(whole, 50),
        p95=percentile(whole, 95),
        p99=percentile(whole, 99),
        run=percentile(run, 50),
        tokenise=percentile(tokenise, 50),
        throughput=_bounds(rate / seconds.sum(), rate / seconds[rows].sum(axis=1)),
    )


def _table(mine: Sequence[Sample], name: str) -> tuple[Any, list[int]]:
    """[rounds, requests], seconds; and the launch of each round."""
    turns: dict[tuple[int, int], list[float]] = {}
    for one in mine:
        turns.setdefault((one.launch, one.round), []).append(getattr(one, name))
    if len({len(turn) for turn in turns.values()}) != 1:
        raise ResultError(f"{mine[0].model}: its rounds hold different numbers of requests")
    return np.array(list(turns.values())), [launch for launch, _ in turns]


def _drawn(launches: Sequence[int]) -> Any:
    """[draws, rounds], which rounds are drawn: launches, and rounds within each."""
    rng = np.random.default_rng(0)
    of = [np.flatnonzero(np.array(launches) == each) for each in dict.fromkeys(launches)]
    if len({len(rounds) for rounds in of}) > 1:
        # One that failed in the middle has fewer rounds: those that it has count alike.
        of = [np.arange(len(launches))]
    chosen = rng.integers(len(of), size=(DRAWS, len(of)))
    within = rng.integers(len(of[0]), size=(DRAWS, len(of), len(of[0])))
    return np.array(of)[chosen[:, :, None], within].reshape(DRAWS, -1)


def _bounds(value: float, drawn: Any) -> Bounds:
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Bounds(value=float(value), low=float(low), high=float(high))


def ratio(
    samples: Sequence[Sample],
    contender: tuple[str, str],
    other: tuple[str, str],
    batch: int,
    language: str = "",
) -> Interval:
    """The logarithm of a contender's median time over another's, round by round: both answered the
    same requests there. Over launches, where there were several, else over rounds.

    What was not measured of both has no rounds and is NaN.
    """
    mine, theirs = (_medians(samples, each, batch, language) for each in (contender, other))
    shared = {turn: math.log(mine[turn] / theirs[turn]) for turn in mine if turn in theirs}
    if not shared:
        return interval()
    by_launch: dict[int, list[float]] = {}
    for (launch, _), value in shared.items():
        by_launch.setdefault(launch, []).append(value)
    if len(by_launch) > 1:
        values = [(launch, float(np.mean(each))) for launch, each in by_launch.items()]
    else:
        values = [(number, value) for number, value in enumerate(shared.values())]
    # Requests are the same on both sides, and nothing else is shared between rounds; a single one
    # has no interval.
    return interval(
        values, examples=len(shared), shared=0.0, fixed=0.0 if len(values) > 1 else math.nan
    )


def _medians(
    samples: Sequence[Sample], contender: tuple[str, str], batch: int, language: str
) -> dict[tuple[int, int], float]:
    turns: dict[tuple[int, int], list[float]] = {}
    for one in samples:
        if one.contender == contender and one.batch == batch and language in ("", one.language):
            turns.setdefault((one.launch, one.round), []).append(one.whole)
    return {turn: float(np.median(each)) for turn, each in turns.items()}
