"""An encoder's states for a batch, and a head's outputs for states.

An encoder whose attention can be exchanged reads all sequences as one. Any other reads blocks of
sequences of similar length, one block after the other. Either way states come back flat: one row a
token, without padding.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from layover.modeling import attention, dropout
from layover.modeling.batch import Batch
from layover.modeling.packing import Block, Packing

POOLING = ("bert", "camembert", "roberta", "xlm-roberta")
"""Kinds of encoders whose last layer can be computed for the first tokens alone."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How an encoder takes a batch."""

    packed: bool
    """All sequences as one, or in blocks."""
    alone: bool
    """Whether the last layer can be had for the first tokens alone."""
    segments: bool
    """Whether there are token type ids to give."""
    position: int
    """That of a sequence's first token."""
    padding: int
    """The token that stands where there is none."""


def prepare(model: Any, packed: bool = True) -> None:
    """Make a model ready for `states`, once, after its weights are in place; to run `packed` only
    if it is supported."""
    encoder = model.base_model
    dropout.install(model)
    packed = packed and attention.supported(encoder)
    if packed:
        attention.install(model)
    alone = False
    if packed and encoder.config.model_type in POOLING:
        last = encoder.encoder.layer[-1]
        if alone := own_classes(last):
            last.__class__ = _for_firsts(last.__class__)
    encoder.layover = Reading(
        packed=packed,
        alone=alone,
        segments="token_type_ids" in inspect.signature(type(encoder).forward).parameters,
        position=first_position(encoder),
        padding=int(encoder.config.pad_token_id or 0),
    )


def own_classes(module: nn.Module) -> bool:
    """Whether all that a module is made of is torch's and transformers' own code."""
    ours = ("torch", "transformers", "layover")
    return all(type(part).__module__.partition(".")[0] in ours for part in module.modules())


def states(encoder: Any, batch: Batch, first: bool = False) -> Tensor:
    """The last layer's states, [T, width]; or of the first token of each sequence, [S, width]."""
    alone = first and encoder.layover.alone
    if encoder.layover.packed:
        found = _packed(encoder, batch, alone).last_hidden_state[0]
    else:
        found = _in_blocks(encoder, batch, every=False)[-1]
    if alone:
        return found[: len(batch.packing.lengths)]
    return found[batch.packing.starts[:-1]] if first else found[: batch.packing.total]


def layers(encoder: Any, batch: Batch) -> list[Tensor]:
    """The states of every layer, each [T, width]; the embeddings are the first."""
    if not encoder.layover.packed:
        return _in_blocks(encoder, batch, every=True)
    found = _packed(encoder, batch, False, output_hidden_states=True).hidden_states
    return [layer[0, : batch.packing.total] for layer in found]


def classes(model: Any, batch: Batch, options: bool = False) -> Any:
    """What a model that scores whole sequences makes of a batch; each is a question's only option
    where there are `options`."""
    encoder = model.base_model
    if getattr(model.config, "classifier_pooling", "cls") == "cls":
        return outputs(model, states(encoder, batch, first=True)[:, None], options=options)
    whole = batch.packing.whole
    found = states(encoder, batch)
    padded = torch.cat((found, found.new_zeros(1, found.shape[-1])))[whole]
    return outputs(model, padded, (whole < batch.packing.total).long(), options=options)


def outputs(model: Any, found: Tensor, mask: Tensor | None = None, options: bool = False) -> Any:
    """What a model of transformers makes of its encoder's states, [n, l, width]; where `mask`,
    [n, l], is 0, there is padding."""
    encoder = model.base_model
    given = BaseModelOutputWithPooling(
        last_hidden_state=found, pooler_output=_pooler_output(encoder, found)
    )
    ids = torch.zeros(found.shape[:2], dtype=torch.long, device=found.device)
    inputs = {"input_ids": ids} if mask is None else {"input_ids": ids, "attention_mask": mask}
    if options:
        inputs = {name: each[:, None] for name, each in inputs.items()}
    with _instead(encoder, given):
        return model(**inputs)


def _pooler_output(encoder: Any, found: Tensor) -> Tensor | None:
    pooler: Any = getattr(encoder, "pooler", None)
    if isinstance(pooler, nn.Linear):  # ALBERT, BigBird
        activation = getattr(encoder, "pooler_activation", None) or encoder.activation
        activated: Tensor = activation(pooler(found[:, 0]))
        return activated
    return None if pooler is None else pooler(found)


@contextmanager
def _instead(encoder: Any, given: Any) -> Iterator[None]:
    """Let an encoder return what it has been run for already."""
    usual = encoder.__dict__.get("forward")
    encoder.forward = lambda *args, **kwargs: given
    try:
        yield
    finally:
        del encoder.forward
        if usual is not None:
            encoder.forward = usual


def _packed(encoder: Any, batch: Batch, alone: bool, **asked: bool) -> Any:
    packing, reading = batch.packing, encoder.layover
    spare = packing.filled - packing.total
    inputs = {
        "input_ids": F.pad(batch.tokens, (0, spare), value=reading.padding)[None],
        "position_ids": F.pad(packing.places, (0, spare))[None] + reading.position,
    }
    if reading.segments:
        segments = torch.zeros_like(batch.tokens) if batch.segments is None else batch.segments
        inputs["token_type_ids"] = F.pad(segments, (0, spare))[None]
    return encoder(**inputs, packing=packing, alone=alone, **asked)


def _in_blocks(encoder: Any, batch: Batch, every: bool) -> list[Tensor]:
    """The states of the last layer, or of `every` layer."""
    found: list[Tensor] = []
    total = batch.packing.total
    for block in batch.packing.tight:
        inputs = {
            "input_ids": _padded(batch.tokens, block, encoder.layover.padding),
            "attention_mask": block.real.long(),
        }
        if batch.segments is not None:
            inputs["token_type_ids"] = _padded(batch.segments, block, 0)
        out = encoder(**inputs, output_hidden_states=every)
        each = out.hidden_states if every else (out[0],)
        rows = block.tokens[block.real]
        if not found:
            found = [layer.new_zeros(total, layer.shape[-1]) for layer in each]
        found = [
            whole.index_copy(0, rows, layer[block.real])
            for whole, layer in zip(found, each, strict=True)
        ]
    return found


def _padded(values: Tensor, block: Block, padding: int) -> Tensor:
    """Values [T] as [n, l]."""
    return torch.cat((values, values.new_tensor([padding])))[block.tokens]


def first_position(encoder: Any) -> int:
    """The position of a sequence's first token: RoBERTa and its kin count from the padding id
    on, which has a row of its own."""
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            return 0 if module.padding_idx is None else module.padding_idx + 1
    return 0


@cache
def _for_firsts(kind: Any) -> Any:
    """A kind of layer as BERT's, which gives the output of the first token of each sequence where
    only these are wanted (`alone`)."""

    class Last(kind):  # type: ignore[misc]
        def forward(
            self,
            hidden_states: Tensor,
            *args: Any,
            packing: Packing | None = None,
            alone: bool = False,
            **rest: Any,
        ) -> Any:
            if alone and packing is not None:
                return _firsts(self, packing, hidden_states)
            return super().forward(hidden_states, *args, packing=packing, alone=alone, **rest)

    return Last


def _firsts(layer: Any, packing: Packing, hidden_states: Tensor) -> Tensor:
    """[1, S + 1, width]: the output of a layer as BERT's for first tokens alone."""
    own = layer.attention.self
    rows = hidden_states[0]
    first = rows[packing.starts]
    shape = (-1, own.num_attention_heads, own.attention_head_size)
    query, key, value = own.query(first), own.key(rows), own.value(rows)
    context = attention.within(
        query.view(shape),
        key.view(shape),
        value.view(shape),
        packing,
        attention.Manner(scale=own.scaling, dropout=own.dropout.p if layer.training else 0.0),
    )
    attended = layer.attention.output(context.flatten(1), first)
    found: Tensor = layer.output(layer.intermediate(attended), attended)[None]
    return found
