"""Choosing the best of several arms, and measuring it on what did not choose it.

The best of ten arms on a test looks better there than it is: it was also the luckiest. So the
clusters of the test are parted into folds, and each fold is scored with the arm that is best on the
other folds (cross-fitting, as Chernozhukov et al. 2018 do). With two or more seeds the arm is
chosen on the other seeds, too: a lucky seed does not choose itself. What comes out is a
measurement like any other, with each fold's statistics taken from the arm that was chosen for it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from layover.errors import ResultError
from layover.stats.interval import LEVEL, Interval
from layover.stats.sample import Clustered, Combine, Measured
from layover.stats.term import seeds_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FOLDS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """The best of several candidates, measured on what did not choose it."""

    measured: tuple[Clustered, ...]
    """One for each seed that all candidates have."""
    picks: tuple[tuple[int | None, int, str], ...]
    """(seed, fold, candidate that its clusters were taken from)."""

    @property
    def names(self) -> tuple[str, ...]:
        """The candidates that were picked, the most frequent first."""
        picked = [name for _, _, name in self.picks]
        return tuple(sorted(dict.fromkeys(picked), key=lambda name: -picked.count(name)))


def chosen(
    candidates: Mapping[str, Sequence[Measured]],
    folds: int = FOLDS,
    *,
    combine: Combine,
    languages: Sequence[str],
) -> Chosen:
    """The cross-fitted best of the candidates of one target: by the mean of `combine` over
    `languages`, as far as all candidates have them.

    Raises ResultError without candidates, with fewer than two folds or fewer clusters than folds,
    and where candidates of one seed were not tested on the same clusters.
    """
    if not candidates or folds < 2:
        raise ResultError(
            f"cannot choose among {len(candidates)} candidates in {folds} folds; "
            "give at least one candidate and two folds"
        )
    table = {
        name: {one.seed: one for one in measured if one.statistics}
        for name, measured in candidates.items()
    }
    seeds = seeds_of(table.values())
    boards = {seed: _board(table, seed, folds, languages) for seed in seeds}
    scores = {
        seed: [board.scores(fold, combine) for fold in range(folds)]
        for seed, board in boards.items()
    }
    measured, picks = [], []
    for seed in seeds:
        others = [other for other in seeds if other != seed] or [seed]
        picked = [
            _best(list(table), [scores[other][fold] for other in others]) for fold in range(folds)
        ]
        picks += [(seed, fold, name) for fold, name in enumerate(picked)]
        measured.append(boards[seed].composite(picked))
    return Chosen(measured=tuple(measured), picks=tuple(picks))


def widened(interval: Interval) -> Interval:
    """The interval of what was chosen under the other seeds: each seed's value rests on the others
    too, so seeds tell less than they seem to, s^2 (1/n + 1/(n - 1)) for s^2/n (Nadeau and Bengio
    2003, section 4)."""
    n = interval.seeds
    if n < 2:
        return interval
    spread = interval.spread * (1 + n / (n - 1))
    error = math.sqrt(max(interval.fixed, spread + max(0.0, interval.shared)))
    made = replace(interval, spread=spread, error=error)
    low, high = made.at(LEVEL)
    return replace(made, low=low, high=high)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Board:
    """The candidates under one seed."""

    seed: int | None
    data_key: str
    clusters: tuple[str, ...]
    fold: NDArray[np.int64]
    """[clusters], the fold of each."""
    choosing: tuple[str, ...]
    """The languages that choose."""
    statistics: Mapping[str, Mapping[str, Array]]
    """Candidate -> language -> [clusters, k]; the languages that all have."""

    def scores(self, fold: int, combine: Combine) -> Array:
        """[candidates, languages], on all other folds."""
        import numpy as np

        rest = self.fold != fold
        sums = [
            [np.nansum(mine[code][rest], axis=0) for code in self.choosing]
            for mine in self.statistics.values()
        ]
        with np.errstate(invalid="ignore", divide="ignore"):
            return combine(np.array(sums))

    def composite(self, picked: Sequence[str]) -> Clustered:
        """The clusters of each fold, of the candidate picked for it."""
        import numpy as np

        first = self.statistics[picked[0]]
        made = {code: np.empty_like(rows) for code, rows in first.items()}
        for fold, name in enumerate(picked):
            mine = self.fold == fold
            for code, rows in made.items():
                rows[mine] = self.statistics[name][code][mine]
        return Clustered(
            seed=self.seed, data_key=self.data_key, clusters=self.clusters, statistics=made
        )


def _board(
    table: Mapping[str, Mapping[int | None, Measured]],
    seed: int | None,
    folds: int,
    languages: Sequence[str],
) -> _Board:
    rows = {name: mine.get(seed) or mine[None] for name, mine in table.items()}
    names = list(rows)
    first = rows[names[0]]
    for name, one in rows.items():
        if (one.data_key, one.clusters) != (first.data_key, first.clusters):
            raise ResultError(
                f"of seed {seed}, {names[0]!r} and {name!r} were tested on different examples; "
                "choose among arms with the same test data"
            )
    shared = [
        code for code in first.statistics if all(code in one.statistics for one in rows.values())
    ]
    choosing = tuple(code for code in languages if code in shared)
    if len(first.clusters) < folds or not choosing:
        raise ResultError(
            f"cannot choose among {names}: {len(first.clusters)} test clusters for {folds} folds, "
            f"and {len(choosing)} of the languages measured in all of them"
        )
    return _Board(
        seed=seed,
        data_key=first.data_key,
        clusters=first.clusters,
        fold=_folds(first.clusters, folds),
        choosing=choosing,
        statistics={
            name: {code: one.statistics[code] for code in shared} for name, one in rows.items()
        },
    )


def _folds(clusters: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Dealt out by a hash of the ids: neither their order nor the seed matters, and folds are of
    equal size."""
    import numpy as np

    order = sorted(range(len(clusters)), key=lambda place: (_hash(clusters[place]), place))
    fold = np.empty(len(clusters), dtype=np.int64)
    fold[order] = np.arange(len(clusters)) % folds
    return fold


def _hash(cluster: str) -> int:
    return zlib.crc32(cluster.encode())


def _best(names: Sequence[str], tables: Sequence[Array]) -> str:
    """The candidate with the best mean over the columns in which all have a score; the first of
    equal ones."""
    import numpy as np

    scores = np.concatenate(tables, axis=1)
    known = scores[:, np.isfinite(scores).all(axis=0)]
    if not known.size:
        raise ResultError(
            f"cannot choose among {names}: too few test examples for a score on all folds but one"
        )
    return names[int(known.mean(axis=1).argmax())]
