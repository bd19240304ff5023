"""Units put together for a model: one sequence behind the other, without padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layover.modeling.features import Features, Ragged, places
from layover.modeling.packing import Packing, packing


@dataclass(frozen=True, slots=True)
class Batch:
    """T tokens of S sequences in U groups."""

    tokens: Tensor
    """int64 [T]: the ids."""
    segments: Tensor | None
    """int64 [T]: token type ids where the encoder has them."""
    packing: Packing
    """Where each sequence lies."""
    sizes: tuple[int, ...]
    """Sequences of each of the U groups."""
    target: Tensor
    """int64 [widths together]; -100 where there is none."""
    widths: tuple[int, ...]
    """Targets of each of the U groups: 1, 2 for a span, or one a token."""

    def to(self, device: torch.device) -> Batch:
        return Batch(
            self.tokens.to(device),
            None if self.segments is None else self.segments.to(device),
            self.packing.to(device),
            self.sizes,
            self.target.to(device),
            self.widths,
        )

    def take(self, units: Sequence[int]) -> Batch:
        """The groups at these positions, in this order."""
        starts = np.cumsum((0, *self.packing.lengths))
        segments = None if self.segments is None else Ragged(self.segments.numpy(), starts)
        return _chosen(
            Ragged(self.tokens.numpy(), starts),
            segments,
            Ragged(self.target.numpy(), np.cumsum((0, *self.widths))),
            np.cumsum((0, *self.sizes)),
            units,
        )


def collate(features: Features, units: Any) -> Batch:
    """The units at these positions, a sequence or an array, in this order."""
    each = features
    return _chosen(each.tokens, each.segments, each.target, each.groups, units)


def _chosen(
    tokens: Ragged, segments: Ragged | None, target: Ragged, groups: Any, units: Any
) -> Batch:
    chosen = np.asarray(units, dtype=np.int64)
    sequences, ends = places(groups, chosen)
    taken, aims = tokens.take(sequences), target.take(chosen)
    return Batch(
        _ids(taken),
        None if segments is None else _ids(segments.take(sequences)),
        packing(taken.lengths),
        tuple(np.diff(ends).tolist()),
        _ids(aims),
        tuple(aims.lengths.tolist()),
    )


def _ids(rows: Ragged) -> Tensor:
    return torch.from_numpy(rows.values.astype(np.int64))
