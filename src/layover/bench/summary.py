"""From requests to percentiles, rates and ratios, and their intervals (no torch).

Requests of one round share what else the machine did meanwhile, and rounds of one process share
where it lies in memory: so what an interval is over are starts of the processes, where there were
several, and else rounds (Kalibera and Jones 2013, "Rigorous benchmarking in reasonable time"): a
t interval on the logarithms of their values, since there are few and a bootstrap over two or three
covers half of what it says. A process that was started once tells nothing of how much a start
matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layover.bench.samples import Sample
from layover.errors import ResultError
from layover.stats import Bounds, Interval
from layover.stats.interval import interval


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What requests of one size take, of one model under one backend, in a language or ("") in
    several together."""

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


def costs(samples: Sequence[Sample], together: Collection[str] | None = None) -> tuple[Cost, ...]:
    """Each contender, batch size and language, and before them the languages `together` (default:
    all)."""
    groups: dict[tuple[str, str, int, str], list[Sample]] = {}
    for sample in samples:
        one = together is None or sample.language in together
        for language in ("", sample.language) if one else (sample.language,):
            key = (*sample.contender, sample.batch, language)
            groups.setdefault(key, []).append(sample)
    return tuple(_cost(language, mine) for (_, _, _, language), mine in groups.items())


def _cost(language: str, mine: Sequence[Sample]) -> Cost:
    first = mine[0]
    whole, places = _table(mine, "whole")
    run, tokenise = _table(mine, "run")[0], _table(mine, "tokenise")[0]
    examples = len(mine) * first.batch

    def percentile(table: Any, share: float) -> Bounds:
        return _bounds(table, places, lambda part: 1e3 * float(np.percentile(part, share)))

    def rate(part: Any) -> float:
        return float(first.batch * part.size / part.sum())

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
        throughput=_bounds(whole, places, rate),
    )


def _table(mine: Sequence[Sample], name: str) -> tuple[Any, list[int]]:
    """[rounds, requests], seconds; and the launch of each round."""
    turns: dict[tuple[int, int], list[float]] = {}
    for one in mine:
        turns.setdefault((one.launch, one.round), []).append(getattr(one, name))
    if len({len(turn) for turn in turns.values()}) != 1:
        raise ResultError(f"{mine[0].model}: its rounds hold different numbers of requests")
    return np.array(list(turns.values())), [launch for launch, _ in turns]


def _bounds(table: Any, launches: Sequence[int], of: Callable[[Any], float]) -> Bounds:
    """What `of` says of all rounds, with its interval over launches, or over rounds of one; NaN
    where there is one round alone."""
    of_launch = np.array(launches)
    parts = [table[of_launch == each] for each in dict.fromkeys(launches)]
    found = _over([math.log(of(part)) for part in (parts if len(parts) > 1 else table)])
    value, half = of(table), found.high - found.estimate
    return Bounds(estimate=value, low=value * math.exp(-half), high=value * math.exp(half))


def _over(values: Sequence[float], rounds: int = 0) -> Interval:
    """Of values that share nothing: requests are the same in all. A single one has no interval."""
    fixed = 0.0 if len(values) > 1 else math.nan
    return interval(enumerate(values), examples=rounds, shared=0.0, fixed=fixed)


def ratio(
    samples: Sequence[Sample],
    contender: tuple[str, str],
    other: tuple[str, str],
    batch: int,
) -> Interval:
    """The logarithm of a contender's median time over another's, round by round: both answered the
    same requests there. Over launches, where there were several, else over rounds.

    What was not measured of both has no rounds and is NaN.
    """
    mine, theirs = (_medians(samples, each, batch) for each in (contender, other))
    shared = {turn: math.log(mine[turn] / theirs[turn]) for turn in mine if turn in theirs}
    if not shared:
        return interval()
    by_launch: dict[int, list[float]] = {}
    for (launch, _), value in shared.items():
        by_launch.setdefault(launch, []).append(value)
    means = [float(np.mean(each)) for each in by_launch.values()]
    return _over(means if len(means) > 1 else list(shared.values()), len(shared))


def _medians(
    samples: Sequence[Sample], contender: tuple[str, str], batch: int
) -> dict[tuple[int, int], float]:
    turns: dict[tuple[int, int], list[float]] = {}
    for one in samples:
        if one.contender == contender and one.batch == batch:
            turns.setdefault((one.launch, one.round), []).append(one.whole)
    return {turn: float(np.median(each)) for turn, each in turns.items()}
