"""Comparisons that are judged together, so that one of them is wrong in at most 5 % of studies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from layover.stats import ERROR, Interval, holm

Place = tuple[str, str, str]
"""(arm, target or "" for the mean over targets, language or "" for the zero-shot mean)."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Differences, and which of them are clear."""

    cells: Mapping[Place, Interval]

    @cached_property
    def signs(self) -> Mapping[Place, int]:
        """1 or -1 for what differs from zero at 5 % after Holm's correction (Holm 1979)."""
        return {
            place: 1 if self.cells[place].estimate > 0 else -1
            for place, p in zip(self.cells, holm(list(self._ps)), strict=True)
            if p <= ERROR
        }

    @property
    def size(self) -> int:
        """How many were tested."""
        return sum(not math.isnan(p) for p in self._ps)

    @cached_property
    def _ps(self) -> tuple[float, ...]:
        """NaN for what cannot be tested, such as a single example."""
        return tuple(cell.p() if cell.tells_of_seeds else math.nan for cell in self.cells.values())
