"""Which tokens a masked language model has to restore (Devlin et al. 2019, 3.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from layover.modeling.batch import Batch
from layover.modeling.features import Features, Ragged


def mask(batch: Batch, tokenizer: Any, rate: float, seed: tuple[int, ...]) -> Batch:
    """Choose `rate` of the tokens, at least one; of these 80 % become the mask and 10 % a random
    token. What is chosen follows from `seed` alone. The target is the original id, -100 elsewhere.
    """
    tokens, target = _masked(batch.tokens.numpy(), tokenizer, rate, seed)
    lengths = iter(batch.packing.lengths)
    widths = tuple(sum(next(lengths) for _ in range(size)) for size in batch.sizes)
    found = torch.from_numpy(tokens), torch.from_numpy(target)
    return replace(batch, tokens=found[0], target=found[1], widths=widths)


def masked(features: Features, tokenizer: Any, rate: float, seed: tuple[int, ...]) -> Features:
    """The same for a whole data set, whatever batches it will be read in."""
    starts = features.tokens.starts
    tokens, target = _masked(features.tokens.values, tokenizer, rate, seed)
    return replace(
        features, tokens=Ragged(tokens, starts), target=Ragged(target, starts[features.groups])
    )


def _masked(ids: Any, tokenizer: Any, rate: float, seed: tuple[int, ...]) -> tuple[Any, Any]:
    """(ids with masks, target) of ids [T]."""
    # Stored ids may be too narrow, or unsigned, for -100.
    ids = ids.astype(np.int64, copy=False)
    rng = np.random.default_rng(seed)
    special = np.isin(ids, tokenizer.all_special_ids)
    draw = np.where(special, 1.0, rng.random(ids.shape))
    chosen = draw < rate
    if not chosen.any():
        chosen[int(draw.argmin())] = True
    target = np.where(chosen, ids, -100)
    fate = rng.random(ids.shape)
    found = np.where(chosen & (fate < 0.8), tokenizer.mask_token_id, ids)
    other = rng.integers(0, len(tokenizer), ids.shape)
    return np.where(chosen & (fate >= 0.9), other, found), target
