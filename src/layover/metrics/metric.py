"""A metric: what predictions contribute, and how contributions become a score.

Contributions add up, so that a resampled test set is scored from sums, without looking at a
prediction again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover import spec
from layover.errors import StudyError

CHUNK = 1 << 14
"""Rows whose statistics are found at once, which bounds the memory that this takes."""


@dataclass(frozen=True)
class Each:
    """The statistics of a metric of one's own, from `function(prediction, target, language)`, which
    gives the k numbers of one example. In keys it is the function."""

    function: Callable[[Any, Any, str], Sequence[float]]

    def __call__(
        self, predictions: Sequence[Any], targets: Sequence[Any], languages: Sequence[str]
    ) -> Any:
        import numpy as np

        return np.array([*map(self.function, predictions, targets, languages)], dtype=np.float64)

    def __canonical__(self) -> Callable[..., Any]:
        return self.function


@dataclass(frozen=True, kw_only=True)
class Metric:
    """`statistics(predictions, targets, languages)`, of columns with a row an example, gives an
    array [n, k] of numbers that add up over examples, each from its own row only; `combine` turns
    their sums, an array [..., k], into scores, an array [...]: in percent, or in what its summary
    says, and the higher the better."""

    version: ClassVar[int] = 1
    name: str
    revision: int = 1
    statistics: Callable[[Sequence[Any], Sequence[Any], Sequence[str]], Any]
    combine: Callable[[Any], Any]
    predictions: str = spec.unkeyed("")
    """What it compares, as the task types' `predictions` say it; "" for anything."""
    languages: tuple[str, ...] = spec.unkeyed(())
    """Those in which it is defined; empty where that does not depend on the language."""
    summary: str = spec.unkeyed("")
    """What it measures and the original that it equals: the script and its version."""

    @property
    def label(self) -> str:
        return f"{self.name}@{self.revision}"

    def check(self, languages: Iterable[str]) -> None:
        """Raise `StudyError` unless the metric is defined in all of these languages."""
        others = set(languages) - set(self.languages)
        if self.languages and others:
            raise StudyError(
                f"{self.name} is defined for {', '.join(self.languages)}, not for "
                f"{', '.join(sorted(others))}: give the task another metric"
            )

    def measure(
        self, predictions: Sequence[Any], targets: Sequence[Any], languages: Sequence[str]
    ) -> Any:
        """What each row contributes, float64 [n, k]: NaN where the target is None, not known.

        Raises `ValueError` where the columns have different lengths, `StudyError` for a language in
        which the metric is not defined.
        """
        import numpy as np

        self.check(languages)
        if not len(predictions) == len(targets) == len(languages):
            raise ValueError(
                f"{len(predictions)} predictions, {len(targets)} targets and {len(languages)} "
                "languages: give one of each for every example"
            )
        known = [row for row, target in enumerate(targets) if target is not None]
        if not known:
            return np.full((len(targets), 1), math.nan)
        columns = predictions, targets, languages
        chunks = [known[first : first + CHUNK] for first in range(0, len(known), CHUNK)]
        parts = [
            self._chunk(*([column[row] for row in rows] for column in columns)) for rows in chunks
        ]
        result = np.full((len(targets), parts[0].shape[1]), math.nan)
        result[known] = np.concatenate(parts)
        return result

    def _chunk(self, predictions: list[Any], targets: list[Any], languages: list[str]) -> Any:
        import numpy as np

        made = np.asarray(self.statistics(predictions, targets, languages), dtype=np.float64)
        if made.ndim != 2 or len(made) != len(targets):
            raise StudyError(
                f"the statistics of {self.name} for {len(targets)} rows have the shape "
                f"{made.shape}, expected ({len(targets)}, k): wrap a function of one example, "
                "Each(function)"
            )
        return made

    def over(self, statistics: Any) -> float:
        """The score in percent of rows [n, k], those of NaN left out; NaN where none is left."""
        import numpy as np

        known = statistics[~np.isnan(statistics).any(axis=1)]
        return float(self.combine(known.sum(axis=0))) if len(known) else math.nan

    def score(
        self, predictions: Sequence[Any], targets: Sequence[Any], languages: Sequence[str]
    ) -> float:
        """The score in percent over all rows whose target is not None; NaN without any.

        `languages` has the ISO 639-3 code of each row. Raises as `measure` does.
        """
        return self.over(self.measure(predictions, targets, languages))


def ratio(sums: Any) -> Any:
    """100 times the first sum over the second; NaN where the second is 0."""
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        return 100.0 * sums[..., 0] / sums[..., 1]


def mean_ratio(sums: Any) -> Any:
    """The mean of 100 times the first and the second sum, over the third; NaN where that is 0."""
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        return 50.0 * (sums[..., 0] + sums[..., 1]) / sums[..., 2]
