"""Which tokens a masked language model has to restore (Devlin et al. 2019, 3.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from layover.modeling.batch import Batch


def mask(batch: Batch, tokenizer: Any, rate: float, seed: tuple[int, ...]) -> Batch:
    """Choose `rate` of the tokens, at least one; of these 80 % become the mask and 10 % a random
    token. What is chosen follows from `seed` alone. The target is the original id, -100 elsewhere.
    """
    rng = np.random.default_rng(seed)
    ids = batch.inputs["input_ids"].numpy()
    special = np.isin(ids, tokenizer.all_special_ids)
    draw = np.where(special, 1.0, rng.random(ids.shape))
    chosen = draw < rate
    if not chosen.any():
        chosen.flat[int(draw.argmin())] = True
    target = np.where(chosen, ids, -100)
    fate = rng.random(ids.shape)
    masked = np.where(chosen & (fate < 0.8), tokenizer.mask_token_id, ids)
    other = rng.integers(0, len(tokenizer), ids.shape)
    masked = np.where(chosen & (fate >= 0.9), other, masked)
    inputs = {**batch.inputs, "input_ids": torch.from_numpy(masked)}
    return replace(batch, inputs=inputs, target=torch.from_numpy(target))
