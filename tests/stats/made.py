"""Made-up measurements and intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layover.stats import Clustered, Interval, Sample, Term, by_seed, samples
from layover.stats.interval import interval

LANGUAGES = ("aaa", "bbb")


def ratio(sums: np.ndarray) -> np.ndarray:
    return 100 * sums[..., 0] / sums[..., 1]


def made(values: dict[str, list[float]], seed: int | None = 0, data_key: str = "data") -> Clustered:
    """One (value, 1) row per cluster and language; NaN: no example there."""
    size = len(next(iter(values.values())))
    return Clustered(
        seed=seed,
        data_key=data_key,
        clusters=tuple(f"c{i}" for i in range(size)),
        statistics={
            code: np.stack([np.array(row, float), 0 * np.array(row, float) + 1], axis=1)
            for code, row in values.items()
        },
    )


def sample(*runs: Clustered, replicates: int = 2000) -> Sample:
    return by_seed(samples(runs, ratio, replicates))


def level(
    values: Sequence[float], noise: float = 0.0, test: str = "data", size: int = 100
) -> tuple[Term]:
    """A term with about these percents under seeds 0, 1, ..., and example noise in percent."""
    generator = np.random.default_rng(len(test))
    rows = [list(value / 100 + noise / 100 * generator.standard_normal(size)) for value in values]
    runs = [made({"aaa": row}, seed, f"{test} {seed}") for seed, row in enumerate(rows)]
    return (Term(sample=sample(*runs), languages=("aaa",)),)


def found(values: Sequence[float], shared: float = 0.0, fixed: float = 0.0) -> Interval:
    """An interval from the values of the seeds."""
    return interval(enumerate(values), examples=100, shared=shared, fixed=fixed)
