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
        ends = np.cumsum((0, *self.sizes))
        rows = np.concatenate([np.arange(ends[unit], ends[unit + 1]) for unit in units])
        starts = np.cumsum((0, *self.packing.lengths))
        tokens = Ragged(self.tokens.numpy(), starts).take(rows)
        segments = None
        if self.segments is not None:
            segments = torch.from_numpy(Ragged(self.segments.numpy(), starts).take(rows).values)
        chosen = np.asarray(units)
        target = Ragged(self.target.numpy(), np.cumsum((0, *self.widths))).take(chosen)
        return Batch(
            torch.from_numpy(tokens.values),
            segments,
            packing(tokens.lengths),
            tuple(self.sizes[unit] for unit in units),
            torch.from_numpy(target.values),
            tuple(target.lengths.tolist()),
        )


def collate(features: Features, units: Any) -> Batch:
    """The units at these positions, a sequence or an array, in this order."""
    chosen = np.asarray(units, dtype=np.int64)
    sequences, groups = places(features.groups, chosen)
    tokens = features.tokens.take(sequences)
    segments = None
    if features.segments is not None:
        taken = features.segments.take(sequences).values
        segments = torch.from_numpy(taken.astype(np.int64))
    target = features.target.take(chosen)
    return Batch(
        torch.from_numpy(tokens.values.astype(np.int64)),
        segments,
        packing(tokens.lengths),
        tuple(np.diff(groups).tolist()),
        torch.from_numpy(target.values.astype(np.int64)),
        tuple(target.lengths.tolist()),
    )
