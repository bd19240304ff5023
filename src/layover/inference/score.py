"""From prediction rows to statistics per example and scores per language (no torch)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from layover.errors import DataError
from layover.inference.rows import Rows, read
from layover.metrics.metric import Metric
from layover.stage import Context, Stage
from layover.store import write_json
from layover.tasks.task import Task


class Scoring(Protocol):
    """What `layover.stages.Score` declares."""

    @property
    def predictions(self) -> Any: ...
    @property
    def metric(self) -> Metric: ...
    @property
    def choose(self) -> Any: ...


def score(wanted: Scoring, context: Context) -> None:
    """Write scores.json (per language, and per variant) and statistics.npz (per example of the
    variant that counts: cluster, language, statistics)."""
    rows = _rows(wanted.predictions, context)
    test = _table(rows, wanted.metric)
    curve = test.means()
    variant = test.variants[0]
    if wanted.choose is not None:
        curve = _table(_rows(wanted.choose, context), wanted.metric).means()
        variant = best_variant(curve)
    chosen = test.of(variant)
    task: Task = wanted.predictions.data.task
    write_json(
        context.folder / "scores.json",
        {
            "metric": wanted.metric.label,
            "variant": variant,
            "chance": _chance(task, wanted.metric, rows, variant),
            "scores": {
                language: {"score": value, "n": chosen.count(language)}
                for (_, language), value in chosen.means().items()
            },
            "curve": [[*key, value] for key, value in curve.items()],
        },
    )
    np.savez_compressed(
        context.folder / "statistics.npz",
        cluster=np.array(chosen.cluster),
        language=np.array(chosen.language),
        statistics=chosen.statistics,
    )


def best_variant(curve: dict[tuple[str, str], float | None]) -> str:
    """The variant with the best mean over the languages that have labels; the first of equals.

    Raises `DataError` where none has.
    """
    grouped: dict[str, list[float]] = {}
    for (variant, _), value in curve.items():
        if value is not None:
            grouped.setdefault(variant, []).append(value)
    if not grouped:
        raise DataError(
            "the sentences on which the layer of retrieval is chosen have no labels: give the "
            "target a dev set that has them"
        )
    return max(grouped, key=lambda variant: sum(grouped[variant]) / len(grouped[variant]))


class _Table:
    """Statistics of examples in columns."""

    def __init__(
        self, cluster: Any, language: Any, variant: Any, statistics: Any, metric: Metric
    ) -> None:
        self.cluster, self.language, self.variant = cluster, language, variant
        self.statistics, self.metric = statistics, metric
        self.variants = list(dict.fromkeys(variant.tolist()))
        self.languages = list(dict.fromkeys(language.tolist()))

    def of(self, variant: str) -> _Table:
        keep = self.variant == variant
        return _Table(
            self.cluster[keep],
            self.language[keep],
            self.variant[keep],
            self.statistics[keep],
            self.metric,
        )

    def means(self) -> dict[tuple[str, str], float | None]:
        """Score by (variant, language); None where no target is known."""
        result: dict[tuple[str, str], float | None] = {}
        for variant in self.variants:
            for language in self.languages:
                keep = (self.variant == variant) & (self.language == language)
                known = self.statistics[keep]
                known = known[~np.isnan(known).any(axis=1)]
                value = float(self.metric.combine(known.sum(axis=0))) if len(known) else math.nan
                result[variant, language] = None if math.isnan(value) else value
        return result

    def count(self, language: str) -> int:
        """Examples whose target is known."""
        known = self.statistics[self.language == language]
        return int((~np.isnan(known).any(axis=1)).sum())


def _rows(predictions: Stage, context: Context) -> Rows:
    return read(context.result(predictions) / "predictions.parquet")


def _table(rows: Rows, metric: Metric) -> _Table:
    known = [
        None if target is None else metric.statistics(prediction, target, language)
        for prediction, target, language in zip(
            rows.prediction, rows.target, rows.language, strict=True
        )
    ]
    width = next((len(item) for item in known if item is not None), 1)
    statistics = np.array([item or (math.nan,) * width for item in known])
    return _Table(
        np.array(rows.cluster_id),
        np.array(rows.language),
        np.array(rows.variant),
        statistics,
        metric,
    )


def _chance(task: Task, metric: Metric, rows: Rows, variant: str) -> float | None:
    """What guessing reaches, averaged over languages, in percent; None where undefined."""
    if task.chance is not None:
        return task.chance
    values = []
    for language in dict.fromkeys(rows.language):
        targets = [
            target
            for target, code, kind in zip(rows.target, rows.language, rows.variant, strict=True)
            if code == language and kind == variant and target is not None
        ]
        if targets:

            def guess(
                predictions: Sequence[Any], targets: list[Any] = targets, code: str = language
            ) -> float:
                pairs = zip(predictions, targets, strict=True)
                sums = np.array([metric.statistics(mine, gold, code) for mine, gold in pairs])
                return float(metric.combine(sums.sum(axis=0)))

            values.append(task.type.chance(targets, guess))
    mean = sum(values) / len(values) if values else math.nan
    return None if math.isnan(mean) else mean
