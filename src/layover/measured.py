"""What each `Score` stage of a study wrote, and the same as a grid of arms and targets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layover import spec
from layover.factors import measured_seed, metric_of
from layover.grid import Grid
from layover.languages import by_distance
from layover.stages import Score
from layover.stats import Run, by_seed, samples
from layover.store import Store
from layover.study import Study

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One model on one target: what its `Score` stage wrote."""

    arm: str
    target: str
    seed: int | None
    metric: str
    model_key: str
    data_key: str
    """Equal keys mean the very same test examples."""
    chance: float
    variant: str
    clusters: tuple[str, ...]
    statistics: Mapping[str, NDArray[np.float64]]
    """Language -> [clusters, k]; NaN where a cluster has no example in the language."""
    curve: tuple[tuple[str, str, float], ...]


def measurements(study: Study, store: Store) -> tuple[Measurement, ...]:
    """All measurements of a study that are complete."""
    return tuple(
        measurement(arm.name, leaf, store)
        for arm in study.arms
        for leaf in arm.leaves
        if isinstance(leaf, Score) and store.complete(leaf)
    )


def measurement(arm: str, leaf: Score, store: Store) -> Measurement:
    import numpy as np

    folder = store.result(leaf)
    told = read_about(folder)
    with np.load(folder / "statistics.npz", allow_pickle=False) as saved:
        names, languages, rows = saved["cluster"], saved["language"], saved["statistics"]
    clusters, place = np.unique(names, return_inverse=True)
    statistics: dict[str, Any] = {}
    for language in dict.fromkeys(languages.tolist()):
        mine = languages == language
        table = np.full((len(clusters), rows.shape[1]), np.nan)
        # Several examples of a language may share a cluster: their statistics add up.
        table[place[mine]] = 0.0
        np.add.at(table, place[mine], rows[mine])
        statistics[language] = table
    model = leaf.predictions.model
    return Measurement(
        arm=arm,
        target=leaf.target,
        seed=measured_seed(leaf),
        metric=told["metric"],
        model_key=spec.key(model),
        data_key=spec.key(leaf.predictions.data),
        chance=or_nan(told["chance"]),
        variant=told["variant"],
        clusters=tuple(clusters.tolist()),
        statistics=statistics,
        curve=tuple((kind, code, value) for kind, code, value in told["curve"]),
    )


def grid(study: Study, found: tuple[Measurement, ...]) -> Grid:
    """Measurements, resampled, as a grid of arms and targets."""
    codes = tuple(dict.fromkeys(code for item in found for code in item.statistics))
    made: dict[tuple[str, str], list[Run]] = {}
    for target in dict.fromkeys(item.target for item in found):
        mine = [item for item in found if item.target == target]
        for item, run in zip(mine, samples(mine, metric_of(study, target).combine), strict=True):
            made.setdefault((item.arm, target), []).append(run)
    return Grid(
        samples={cell: by_seed(runs) for cell, runs in made.items()},
        languages=by_distance(codes, study.source),
        source=study.source,
    )


def read_about(folder: Path) -> dict[str, Any]:
    """What a `Score` stage wrote for people."""
    return dict(json.loads((folder / "scores.json").read_text(encoding="utf-8")))


def or_nan(value: float | None) -> float:
    return math.nan if value is None else value
