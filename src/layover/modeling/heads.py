"""Heads: what each does with an encoder's output, and how it is trained.

A head is a Hugging Face `AutoModelFor...` used as it is, so that a saved model gives the same
logits to everyone. `loss` returns a sum over the batch's targets, and `count` how many there are,
so that a step split into parts weighs every target alike. Where the loss of an example depends on
the others of its step (`joint`), the parts are run twice: see `layover.training.backward`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layover.errors import ModelError
from layover.modeling import run
from layover.modeling.batch import Batch

SCALE, POOLING = "dual_scale", "dual_pooling"
"""What a dual encoder calls its learned scale, and in its configuration how it pools."""


class Head(Protocol):
    """One kind of head over an encoder."""

    @property
    def auto(self) -> str:
        """The Auto class that holds it."""

    @property
    def joint(self) -> bool:
        """Whether an example's loss depends on the others of its step."""

    def logits(self, model: Any, batch: Batch) -> Tensor: ...

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """The summed loss, a scalar in float32."""

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        """One numpy array a unit."""


@dataclass(frozen=True)
class SequenceHead:
    """Class scores of a text, [U, labels]."""

    auto: str = "AutoModelForSequenceClassification"
    joint: bool = False

    def logits(self, model: Any, batch: Batch) -> Tensor:
        return run.classes(model, batch).logits

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(logits.float(), batch.target, reduction="sum")

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        return list(logits.float().numpy())


@dataclass(frozen=True)
class TokenHead:
    """Label scores of every token, [T, labels]; a unit's output is [length, labels]."""

    auto: str = "AutoModelForTokenClassification"
    joint: bool = False

    def logits(self, model: Any, batch: Batch) -> Tensor:
        return run.outputs(model, run.states(model.base_model, batch)[None]).logits[0]

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(logits.float(), batch.target, reduction="sum")

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        return [part.numpy() for part in logits.float().split(batch.packing.lengths)]


@dataclass(frozen=True)
class SpanHead:
    """Scores of every token as first and as last of the answer, [T, 2]; a unit's output is
    [length, 2]."""

    auto: str = "AutoModelForQuestionAnswering"
    joint: bool = False

    def logits(self, model: Any, batch: Batch) -> Tensor:
        out = run.outputs(model, run.states(model.base_model, batch)[None])
        return torch.stack((out.start_logits[0], out.end_logits[0]), dim=-1)

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        rows = logits.float().split(batch.packing.lengths)
        # Padding must not take part in the softmax, or the loss would depend on batch mates.
        padded = nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=-torch.inf)
        target = batch.target.view(-1, 2)
        return F.cross_entropy(
            padded.transpose(1, 2).flatten(0, 1), target.flatten(), reduction="sum"
        )

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        return [part.numpy() for part in logits.float().split(batch.packing.lengths)]


@dataclass(frozen=True)
class ChoiceHead:
    """A score for each sequence, [S]; a unit's output is [options]."""

    auto: str = "AutoModelForMultipleChoice"
    joint: bool = False

    def logits(self, model: Any, batch: Batch) -> Tensor:
        return run.classes(model, batch, options=True).logits[:, 0]

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        groups = logits.float().split(batch.sizes)
        padded = nn.utils.rnn.pad_sequence(list(groups), batch_first=True, padding_value=-torch.inf)
        return F.cross_entropy(padded, batch.target, reduction="sum")

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        return [part.numpy() for part in logits.float().split(batch.sizes)]


@dataclass(frozen=True)
class MaskedHead:
    """Vocabulary scores at the masked positions only (all of a batch's, in order); a unit's
    output is (summed loss, masked tokens)."""

    auto: str = "AutoModelForMaskedLM"
    joint: bool = False

    def logits(self, model: Any, batch: Batch) -> Tensor:
        masked = batch.target != -100
        found = run.states(model.base_model, batch)
        output = output_head(model)
        if output is None:
            return run.outputs(model, found[None]).logits[0][masked]
        return output(found[masked])

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(logits.float(), batch.target[batch.target != -100], reduction="sum")

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        masked = batch.target != -100
        losses = F.cross_entropy(logits.float(), batch.target[masked], reduction="none")
        counts = [int(part.sum()) for part in masked.split(batch.packing.lengths)]
        return [np.array([float(part.sum()), float(part.numel())]) for part in losses.split(counts)]


@dataclass(frozen=True)
class EmbedHead:
    """No head: mean-pooled states of every layer, special tokens included (as in jiant and
    XTREME), [S, layers + 1, width]; a unit's output is [sequences, layers + 1, width], layer 0
    the embeddings."""

    auto: str = "AutoModel"
    joint: bool = False

    def logits(self, model: Any, batch: Batch) -> Tensor:
        found = run.layers(model.base_model, batch)
        return torch.stack([_mean(layer, batch) for layer in found], dim=1)

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        raise ModelError("sentence retrieval has no head to train: use it as a target only")

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        return [part.float().numpy() for part in logits.split(batch.sizes)]


@dataclass(frozen=True)
class DualHead:
    """One vector a sequence, [S, width], whose length is the root of the learned scale, so that
    the product of two of them is the scaled cosine; a unit's output is [sequences, width].

    The loss is the softmax of each query's candidate among those of the whole step (Gillick et al.
    2018, "End-to-end retrieval in continuous space"). Scale and pooling are with the model: see
    `layover.modeling.dual`.
    """

    auto: str = "AutoModel"
    joint: bool = True

    def logits(self, model: Any, batch: Batch) -> Tensor:
        mean = getattr(model.config, POOLING) == "mean"
        found = run.states(model.base_model, batch, first=not mean)
        pooled = _mean(found, batch) if mean else found
        return F.normalize(pooled.float(), dim=-1) * getattr(model, SCALE).float().sqrt()

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        queries, candidates = logits[0::2], logits[1::2]
        numbers = batch.target
        # The same candidate beside another query is not a wrong one.
        same = numbers[:, None] == numbers[None, :]
        same.fill_diagonal_(False)
        scores = (queries @ candidates.T).masked_fill(same, -torch.inf)
        own = torch.arange(len(scores), device=scores.device)
        return F.cross_entropy(scores, own, reduction="sum")

    def split(self, logits: Tensor, batch: Batch) -> list[Any]:
        return [part.float().numpy() for part in logits.split(batch.sizes)]


HEADS: dict[str, Head] = {
    "sequence": SequenceHead(),
    "token": TokenHead(),
    "span": SpanHead(),
    "choice": ChoiceHead(),
    "lm": MaskedHead(),
    "embed": EmbedHead(),
    "dual": DualHead(),
}


def count(target: Tensor) -> int:
    """Targets in a batch: those that are not -100. A span's start and end count as two."""
    return int((target != -100).sum())


def output_head(model: Any) -> Callable[[Tensor], Tensor] | None:
    """The masked-language-model head alone, which takes gathered states [n, width]; None where a
    model keeps it is not known, so that all positions must be scored."""
    if hasattr(model, "lm_head"):  # the RoBERTa family
        return model.lm_head
    if hasattr(model, "cls"):  # BERT, DeBERTa
        return model.cls
    if hasattr(model, "head") and hasattr(model, "decoder"):  # ModernBERT
        return lambda states: model.decoder(model.head(states))
    return None


def _mean(states: Tensor, batch: Batch) -> Tensor:
    """States [T, width] averaged over each sequence, special tokens included: [S, width], in
    float32."""
    packing = batch.packing
    sums = states.new_zeros(len(packing.lengths), states.shape[-1], dtype=torch.float32)
    sums = sums.index_add(0, packing.owners, states.float())
    return sums / packing.counts[:, None]
