"""Comparisons that are judged together, so that even one of them is wrong in few studies only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from layover.stats import ERROR, Interval, holm

Place = tuple[str, str, str]
"""(arm, target or "" for the mean over targets, language or "" for the zero-shot mean)."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Differences, and which of them are clear."""

    cells: Mapping[Place, Interval]
    error: float = ERROR
    """In how many studies without any effect one of them or more may be called clear."""

    @cached_property
    def signs(self) -> Mapping[Place, int]:
        """1 or -1 for what differs from zero after Holm's correction (Holm 1979)."""
        return {
            place: 1 if self.cells[place].estimate > 0 else -1
            for place, p in zip(self.cells, holm(list(self._ps)), strict=True)
            if p <= self.error
        }

    @property
    def size(self) -> int:
        """How many were tested."""
        return sum(not math.isnan(p) for p in self._ps)

    @cached_property
    def _ps(self) -> tuple[float, ...]:
        """NaN for what cannot be tested, such as a single example."""
        return tuple(cell.p() if cell.tells_of_seeds else math.nan for cell in self.cells.values())


def together(*groups: Mapping[Place, Interval]) -> tuple[Family, ...]:
    """A family of each group that has what can be tested. They share `ERROR` (Bonferroni's
    inequality), so that of all of them one is wrong in no more studies."""
    tested = [family for cells in groups if (family := Family(cells=cells)).size]
    return tuple(replace(family, error=ERROR / len(tested)) for family in tested)
