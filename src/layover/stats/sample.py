"""What one model scored on one test, and what it would have on resampled examples.

A measurement holds additive statistics per test cluster (parallel items of several languages are
one cluster), so any score can be recomputed on resampled examples. Clusters are resampled with
multinomial weights that depend on the test alone: jointly over languages, over arms, and over the
seeds that were tested on the same examples. So whatever is a sum of scores can be resampled by
summing them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from layover.errors import ResultError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

REPLICATES = 2000
CHUNK = 8_000_000
"""Weights drawn at a time; bounds the memory to some 200 MB whatever the number of examples."""


class Measured(Protocol):
    """What is read of a measurement: one model's statistics on one target."""

    @property
    def seed(self) -> int | None:
        """None: a model without a seed, which pairs with every seed."""

    @property
    def data_key(self) -> str:
        """Equal keys mean the very same test examples."""

    @property
    def clusters(self) -> tuple[str, ...]:
        """The n cluster ids, in the order of the statistics."""

    @property
    def statistics(self) -> Mapping[str, Array]:
        """Language -> [n, k]; a row of NaN where a cluster has no example in the language."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clustered:
    """A measurement and no more, whoever made it; see `Measured`."""

    seed: int | None
    data_key: str
    clusters: tuple[str, ...]
    statistics: Mapping[str, Array]


ENDS = 0.0, 100.0
UNSEEN = 3 / 1.96
"""Over n, in standard errors: 3/n is half of the width of an interval at 95 %."""
Combine = Callable[["Array"], "Array"]
"""Summed statistics [..., k] -> scores [...] in percent."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One model on one test."""

    seed: int | None
    test: str
    """Equal tests have the very same examples."""
    languages: tuple[str, ...]
    """Those that it was tested in, with labels or without."""
    present: Mapping[str, Any]
    """Language -> bool [clusters], where it has examples."""
    scores: Mapping[str, float]
    """Language -> percent, of the languages that were measured."""
    drawn: Mapping[str, Array]
    """Language -> [replicates], the score on resampled clusters."""

    def unseen(self, code: str) -> float:
        """The standard error of a score at an end of the scale, where resampling finds none: all n
        clusters were right, or all wrong, and up to 3/n of all there are may be otherwise, at 95 %
        (Hanley and Lippman-Hand 1983). 0 for any other score."""
        import numpy as np

        score = self.scores[code]
        if score not in ENDS or np.nanmax(np.abs(self.drawn[code] - score), initial=0.0) > 0:
            return 0.0
        return float(ENDS[1] * UNSEEN / self.present[code].sum())


Sample = Mapping[int | None, Run]
"""An arm on a target, by seed."""


def samples(
    measured: Sequence[Measured], combine: Combine, replicates: int = REPLICATES
) -> tuple[Run, ...]:
    """A run for each measurement of one target, all resampled together.

    Raises ResultError where measurements of one test hold other clusters, or where only one of them
    has an example in a cluster and language.
    """
    made: list[Run | None] = [None] * len(measured)
    for test in dict.fromkeys(one.data_key for one in measured):
        mine = [place for place, one in enumerate(measured) if one.data_key == test]
        for place, run in zip(
            mine, _of_test([measured[place] for place in mine], combine, replicates), strict=True
        ):
            made[place] = run
    return tuple(run for run in made if run is not None)


def by_seed(runs: Sequence[Run]) -> Sample:
    """The runs of one arm on one target that have scores; raises ResultError for two of a seed."""
    found: dict[int | None, Run] = {}
    for run in runs:
        if run.seed in found:
            raise ResultError(f"two measurements of seed {run.seed}; give one per seed")
        found[run.seed] = run
    return {seed: run for seed, run in found.items() if run.scores}


def _of_test(measured: Sequence[Measured], combine: Combine, replicates: int) -> list[Run]:
    import numpy as np

    tables = [_known(one) for one in measured]
    present = [_present(table) for table in tables]
    whole = [one for one in measured if one.statistics]
    for one, there in zip(measured, present, strict=True):
        if there:
            _check(one, whole[0], there, present)
    flat = [np.nan_to_num(np.hstack([*table.values()])) if table else None for table in tables]
    drawn: list[list[Array]] = [[] for _ in tables]
    for weights in _weights(measured[0].data_key, len(measured[0].clusters), replicates):
        for into, table, columns in zip(drawn, tables, flat, strict=True):
            if columns is not None:
                sums = (weights @ columns).reshape(len(weights), len(table), -1)
                into.append(_combined(combine, sums))
    return [
        Run(
            seed=one.seed,
            test=one.data_key,
            languages=tuple(one.statistics),
            present=there,
            scores={
                code: float(_combined(combine, np.nansum(rows, axis=0)))
                for code, rows in table.items()
            },
            drawn={code: np.concatenate(parts)[:, at] for at, code in enumerate(table)},
        )
        for one, table, there, parts in zip(measured, tables, present, drawn, strict=True)
    ]


def _known(measured: Measured) -> dict[str, Array]:
    """The statistics of the languages that have an example."""
    import numpy as np

    return {
        code: np.asarray(rows, dtype=np.float64)
        for code, rows in measured.statistics.items()
        if not np.isnan(rows).any(axis=1).all()
    }


def _present(table: Mapping[str, Array]) -> dict[str, Any]:
    import numpy as np

    return {code: np.isfinite(rows).all(axis=1) for code, rows in table.items()}


def _check(
    one: Measured,
    first: Measured,
    there: Mapping[str, Any],
    present: Sequence[Mapping[str, Any]],
) -> None:
    """Raise ResultError unless a measurement has the examples of the others of its test."""
    if one.clusters != first.clusters:
        other = sorted(set(one.clusters) ^ set(first.clusters))
        what = f"{len(other)} are in one only, such as {other[0]!r}" if other else "other order"
        raise ResultError(
            f"seeds {first.seed} and {one.seed} were tested on different examples ({what}); "
            "compare scores of the same test data"
        )
    for code, mine in there.items():
        theirs = next(each[code] for each in present if code in each)
        if (mine != theirs).any():
            row = int((mine != theirs).argmax())
            raise ResultError(
                f"of seeds {first.seed} and {one.seed} only one has an example in {code} for "
                f"cluster {one.clusters[row]!r}; compare scores of the same test data"
            )


def _combined(combine: Combine, sums: Array) -> Array:
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        return combine(sums)


def _weights(test: str, size: int, replicates: int) -> Iterator[Array]:
    """How often each of `size` clusters is drawn in `size` draws, [some replicates, size] at a
    time."""
    import numpy as np

    generator = np.random.default_rng(zlib.crc32(test.encode()))
    step = max(1, CHUNK // max(1, size))
    for start in range(0, replicates if size else 0, step):
        rows = min(start + step, replicates) - start
        draws = generator.integers(0, size, (rows, size))
        draws += np.arange(rows)[:, None] * size
        counts = np.bincount(draws.ravel(), minlength=rows * size)
        yield counts.reshape(rows, size).astype(np.float64)
