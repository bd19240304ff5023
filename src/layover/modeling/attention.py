"""Attention within each sequence of a batch, for every encoder of transformers that lets attention
be exchanged.

An encoder is given all sequences as one, [1, T], with its positions and a `Packing`. On CUDA a
kernel of torch's for ragged sequences does the work; elsewhere, and where that kernel cannot
(float32, dropout of attention, heads of odd widths, older devices), blocks of sequences of similar
length do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import AttentionInterface

from layover.errors import ModelError
from layover.modeling.dropout import kept
from layover.modeling.packing import Packing

NAME = "layover"
"""What configurations call it."""
HARMLESS = frozenset(
    "alone cache_position cu_seq_lens_k cu_seq_lens_q deterministic max_length_k max_length_q "
    "output_attentions output_hidden_states position_ids return_dict token_type_ids "
    "use_cache".split()
)
"""What encoders hand on to attention that changes nothing of what it computes."""
WIDEST = 256
"""Numbers of a head, of which the kernel for ragged sequences takes multiples of 8."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How tokens look at each other."""

    scale: float
    """Of the products of queries and keys."""
    dropout: float = 0.0
    """Share of the weights that is left out."""
    window: int | None = None
    """How many tokens further, to both sides, they look at most; None: at all of their sequence."""


def supported(encoder: Any) -> bool:
    """Whether attention is all in an encoder that looks at neighbours, and can be exchanged."""
    exchanged = bool(getattr(encoder, "_supports_attention_backend", False))
    causal = any(getattr(module, "is_causal", False) for module in encoder.modules())
    # MobileBERT joins the embeddings of neighbours.
    return exchanged and not causal and not getattr(encoder.config, "trigram_input", False)


def install(model: nn.Module, name: str = NAME) -> None:
    """Let every layer of a model attend within packed sequences, or by another `name`."""
    for module in model.modules():
        config = getattr(module, "config", None)
        if config is not None:
            config._attn_implementation = name


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packing: Packing | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """What transformers calls: query, key and value are [1, heads, T, width], with fewer heads of
    key and value where they are shared; returns [1, T, heads, width]. Raises `ModelError` if it is
    asked for attention of another kind."""
    if packing is None:
        raise ModelError(
            "this model was loaded for packed sequences: run it with layover.modeling.run.states"
        )
    asked = {"attention_mask": attention_mask, **others}
    unknown = [
        name
        for name, value in asked.items()
        if name not in HARMLESS and value is not None and value is not False
    ]
    if unknown:
        raise ModelError(
            f"{type(module).__name__} asks its attention for {', '.join(unknown)}, which attention "
            "within packed sequences does not know: take an encoder without"
        )
    shared = query.shape[1] // key.shape[1]
    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    if shared > 1:
        k, v = (states.repeat_interleave(shared, dim=1) for states in (k, v))
    how = Manner(
        scale=query.shape[-1] ** -0.5 if scaling is None else scaling,
        dropout=dropout,
        # Transformers counts the token itself to the window.
        window=None if sliding_window is None else sliding_window - 1,
    )
    return within(q, k, v, packing, how)[None], None


AttentionInterface.register(NAME, attend)


def within(query: Tensor, key: Tensor, value: Tensor, packing: Packing, how: Manner) -> Tensor:
    """Attention of every token to the tokens of its own sequence, each [T and padding, heads,
    width]; or, where `query` is [S + 1, heads, width], of one query a sequence to all its tokens.
    """
    if not how.dropout and kernel(query):
        return _ragged(query, key, value, packing, how)
    found: Tensor = _Blocks.apply(query, key, value, packing, how)
    return found


def kernel(query: Tensor) -> bool:
    """Whether torch's kernel for ragged sequences takes queries [n, heads, width] like these."""
    if not query.is_cuda or query.dtype not in (torch.bfloat16, torch.float16):
        return False
    width = query.shape[-1]
    return (
        width % 8 == 0
        and width <= WIDEST
        and torch.cuda.get_device_capability(query.device) >= (8, 0)
    )


def _ragged(query: Tensor, key: Tensor, value: Tensor, packing: Packing, how: Manner) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    single, count = len(query) != len(key), len(packing.lengths)
    ends = packing.cumulative
    asked = torch.arange(count + 1, dtype=torch.int32, device=ends.device) if single else ends
    asking = count if single else packing.total
    found: Any = varlen_attn(
        query[:asking].contiguous(),
        key[: packing.total].contiguous(),
        value[: packing.total].contiguous(),
        asked,
        ends,
        1 if single else packing.longest,
        packing.longest,
        scale=how.scale,
        window_size=(-1, -1) if how.window is None or single else (how.window, how.window),
    )
    return F.pad(found, (0, 0, 0, 0, 0, len(query) - asking))


class _Blocks(torch.autograd.Function):
    """Blocks one after the other. The derivative is written out because that of indexing, which
    torch adds up number by number, would take longer than the attention itself."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, packing: Packing, how: Manner
    ) -> Tensor:
        heads, width = query.shape[1:]
        single = len(query) != len(key)
        saved: list[Tensor | None] = []
        asked, known, told = (_flat(states) for states in (query, key, value))
        out = torch.empty_like(asked)
        for block in packing.blocks:
            places = block.rows(heads)
            mine = block.firsts(heads) if single else places
            shape = (len(block.sequences) * heads, -1, width)
            q, k, v = (
                states.index_select(0, rows).view(shape)
                for states, rows in ((asked, mine), (known, places), (told, places))
            )
            scores = torch.baddbmm(
                block.bias(heads, q.dtype), q, k.transpose(1, 2), alpha=how.scale
            )
            if how.window is not None and not single:
                scores += block.near(how.window, q.dtype)
            # No less than float32, because that is faster, and better.
            wide = torch.promote_types(scores.dtype, torch.float32)
            weights = scores.to(wide).softmax(dim=-1)
            factor = kept(scores, how.dropout) if how.dropout else None
            out.index_copy_(0, mine, torch.bmm(_used(weights, factor, v), v).view(-1, width))
            if any(ctx.needs_input_grad):
                saved += [q, k, v, weights, factor]
        ctx.packing, ctx.scale, ctx.single = packing, how.scale, single
        ctx.shapes = query.shape, key.shape, value.shape
        ctx.save_for_backward(*saved)
        _clear(out, packing, single, heads)
        return out.view(query.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        heads, width = gradient.shape[1:]
        flat, packing, single = _flat(gradient), ctx.packing, ctx.single
        found = [gradient.new_empty(shape) for shape in ctx.shapes]
        saved = ctx.saved_tensors
        for number, block in enumerate(packing.blocks):
            q, k, v, weights, factor = saved[5 * number : 5 * number + 5]
            places = block.rows(heads)
            mine = block.firsts(heads) if single else places
            # What stands in for padding has no gradient, for nothing reads it.
            came = flat.index_select(0, mine).view(q.shape)
            back = torch.bmm(came, v.transpose(1, 2))
            if factor is not None:
                back.mul_(factor)
            back = back.to(weights.dtype)
            change: Any = torch._softmax_backward_data(back, weights, -1, weights.dtype)
            scores = change.mul_(ctx.scale).to(q.dtype)
            parts = (
                (mine, torch.bmm(scores, k)),
                (places, torch.bmm(scores.transpose(1, 2), q)),
                (places, torch.bmm(_used(weights, factor, v).transpose(1, 2), came)),
            )
            for into, (rows, part) in zip(found, parts, strict=True):
                _flat(into).index_copy_(0, rows, part.view(-1, width))
        for into, alone in zip(found, (single, False, False), strict=True):
            _clear(_flat(into), packing, alone, heads)
        return (*found, None, None)


def _used(weights: Tensor, factor: Tensor | None, like: Tensor) -> Tensor:
    """The weights after dropout, in the precision of what they weigh."""
    rounded = weights.to(like.dtype)
    return rounded if factor is None else rounded * factor


def _flat(states: Tensor) -> Tensor:
    """[n, heads, width] as [n * heads, width]."""
    return states.reshape(-1, states.shape[-1])


def _clear(rows: Tensor, packing: Packing, single: bool, heads: int) -> None:
    """Set what belongs to padding to 0."""
    rows[(len(packing.lengths) if single else packing.total) * heads :].zero_()
