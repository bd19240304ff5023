"""What plain transformers makes of a batch: one row a sequence, padded to the longest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from torch import Tensor

from layover.modeling.batch import Batch, collate
from layover.modeling.features import Features
from layover.modeling.heads import HEADS, POOLING, SCALE
from layover.tasks.task import Unit


def stock(folder: Path, head: str) -> Any:
    """The model that a folder holds, as anyone loads it."""
    return getattr(transformers, HEADS[head].auto).from_pretrained(folder).eval()


def only(ids: list[int]) -> Batch:
    """A batch of one sequence."""
    return collate(Features.of([Unit(0, (tuple(ids),), ((),), (-100,))]), [0])


def padded(batch: Batch, padding: int) -> dict[str, Tensor]:
    """What a tokenizer would have given: ids, mask, and types where the batch has them, [S, l]."""
    lengths = batch.packing.lengths

    def rows(values: Tensor, filler: int) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(
            values.split(lengths), batch_first=True, padding_value=filler
        )

    found = {
        "input_ids": rows(batch.tokens, padding),
        "attention_mask": rows(torch.ones_like(batch.tokens), 0),
    }
    if batch.segments is not None:
        found["token_type_ids"] = rows(batch.segments, 0)
    return found


def logits(model: Any, head: str, batch: Batch, padding: int) -> Tensor:
    """What the model gives, in the shape of our head's logits."""
    inputs = padded(batch, padding)
    real = inputs["attention_mask"].bool()
    if head == "choice":
        # Questions differ in how many options they have.
        parts = zip(*(item.split(batch.sizes) for item in inputs.values()), strict=True)
        groups = [dict(zip(inputs, (each[None] for each in part), strict=True)) for part in parts]
        return torch.cat([model(**group).logits[0] for group in groups])
    out = model(**inputs, output_hidden_states=head == "embed")
    if head == "span":
        return torch.stack((out.start_logits, out.end_logits), dim=-1)[real]
    if head == "lm":
        return out.logits[real][batch.target != -100]
    if head == "embed":
        return torch.stack([_mean(layer, real) for layer in out.hidden_states], dim=1)
    if head == "dual":
        mean = getattr(model.config, POOLING) == "mean"
        pooled = _mean(out[0], real) if mean else out[0][:, 0]
        return F.normalize(pooled, dim=-1) * getattr(model, SCALE).sqrt()
    return out.logits[real] if head == "token" else out.logits


def _mean(states: Tensor, real: Tensor) -> Tensor:
    return (states * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)
