"""Attention within each sequence of a batch, for every encoder of transformers that lets attention
be exchanged.

An encoder is given all sequences as one, [1, T], with its positions and a `Packing`. On CUDA a
kernel of torch's for ragged sequences does the work; elsewhere, and where that kernel cannot
(float32, or dropout of attention, which it lacks), blocks of sequences of similar length do.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import AttentionInterface

from layover.errors import ModelError
from layover.modeling.dropout import kept
from layover.modeling.packing import Block, Packing

NAME = "layover"
"""What configurations call it."""


def supported(encoder: Any) -> bool:
    """Whether attention is all in an encoder that looks at neighbours, and can be exchanged."""
    exchanged = bool(getattr(encoder, "_supports_attention_backend", False))
    causal = any(getattr(module, "is_causal", False) for module in encoder.modules())
    # MobileBERT joins the embeddings of neighbours.
    return exchanged and not causal and not getattr(encoder.config, "trigram_input", False)


def install(model: nn.Module) -> None:
    """Let every layer of a model attend within packed sequences."""
    for module in model.modules():
        config = getattr(module, "config", None)
        if config is not None:
            config._attn_implementation = NAME


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
    **unused: Any,
) -> tuple[Tensor, None]:
    """What transformers calls: query, key and value are [1, heads, T, width], with fewer heads of
    key and value where they are shared; returns [1, T, heads, width]."""
    if packing is None:
        raise ModelError(
            "this model was loaded for packed sequences: run it with layover.modeling.run.states"
        )
    shared = query.shape[1] // key.shape[1]
    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    if shared > 1:
        k, v = (states.repeat_interleave(shared, dim=1) for states in (k, v))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    # Transformers counts the token itself to the window, and looks as far to both sides.
    window = None if sliding_window is None else sliding_window - 1
    ragged = query.is_cuda and query.dtype != torch.float32 and not dropout
    if ragged:
        return _ragged(q, k, v, packing, scale, window)[None], None
    return within(q, k, v, packing, scale=scale, dropout=dropout, window=window)[None], None


AttentionInterface.register(NAME, attend)


def _ragged(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, scale: float, window: int | None
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    ends, longest = packing.cumulative, packing.longest
    sides = (-1, -1) if window is None else (window, window)
    found: Any = varlen_attn(
        query.contiguous(),
        key.contiguous(),
        value.contiguous(),
        ends,
        ends,
        longest,
        longest,
        scale=scale,
        window_size=sides,
    )
    return found


def within(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: Packing,
    *,
    scale: float,
    dropout: float = 0.0,
    window: int | None = None,
) -> Tensor:
    """Attention of every token to the tokens of its own sequence, [T, heads, width] all; or, where
    `query` is [S, heads, width], of one query for each sequence to all of its tokens."""
    found: Tensor = _Blocks.apply(query, key, value, packing, scale, dropout, window)
    return found


class _Blocks(torch.autograd.Function):
    """Blocks one after the other. The derivative is written out because that of indexing, which
    torch adds up number by number, would take longer than the attention itself."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        packing: Packing,
        scale: float,
        dropout: float,
        window: int | None,
    ) -> Tensor:
        heads, width = query.shape[1:]
        out = query.new_empty(len(query) + 1, heads, width)
        single = len(query) != packing.total
        saved: list[Tensor | None] = []
        asked, known = (_flat(states) for states in (query, key))
        told = _flat(value)
        for block in packing.blocks:
            places = _rows(block.tokens, heads)
            mine = _rows(block.sequences[:, None], heads) if single else places
            shape = (len(block.sequences) * heads, -1, width)
            q, k, v = (
                states.index_select(0, rows.flatten().clamp(max=len(states) - 1)).view(shape)
                for states, rows in ((asked, mine), (known, places), (told, places))
            )
            weights = torch.baddbmm(
                _bias(block, heads, window, single, q), q, k.transpose(1, 2), alpha=scale
            ).softmax(dim=-1)
            factor = kept(weights, dropout) if dropout else None
            used = weights if factor is None else weights * factor
            out.view(-1, width).index_copy_(0, mine.flatten(), torch.bmm(used, v).view(-1, width))
            saved += [q, k, v, weights, factor]
        ctx.packing, ctx.scale, ctx.single, ctx.count = packing, scale, single, len(query)
        ctx.save_for_backward(*saved)
        return out[:-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        heads, width = gradient.shape[1:]
        flat = _flat(gradient)
        found = [
            gradient.new_empty(count + 1, heads, width)
            for count in (ctx.count, ctx.packing.total, ctx.packing.total)
        ]
        saved = ctx.saved_tensors
        for number, block in enumerate(ctx.packing.blocks):
            q, k, v, weights, factor = saved[5 * number : 5 * number + 5]
            places = _rows(block.tokens, heads)
            mine = _rows(block.sequences[:, None], heads) if ctx.single else places
            came = flat.index_select(0, mine.flatten().clamp(max=len(flat) - 1)).view(q.shape)
            if not ctx.single and not block.full:
                # What stands in for padding has no gradient.
                came = came * (mine < len(flat)).view(len(q), -1, 1)
            used = weights if factor is None else weights * factor
            back = torch.bmm(came, v.transpose(1, 2))
            if factor is not None:
                back = back * factor
            scores: Any = torch._softmax_backward_data(back, weights, -1, weights.dtype)
            empty = scores.new_empty(())
            parts = (
                (mine, torch.baddbmm(empty, scores, k, beta=0, alpha=ctx.scale)),
                (places, torch.baddbmm(empty, scores.transpose(1, 2), q, beta=0, alpha=ctx.scale)),
                (places, torch.bmm(used.transpose(1, 2), came)),
            )
            for into, (rows, part) in zip(found, parts, strict=True):
                into.view(-1, width).index_copy_(0, rows.flatten(), part.reshape(-1, width))
        query, key, value = (part[:-1] for part in found)
        return query, key, value, None, None, None, None


def _flat(states: Tensor) -> Tensor:
    """[n, heads, width] as [n * heads, width]."""
    return states.reshape(-1, states.shape[-1])


def _rows(tokens: Tensor, heads: int) -> Tensor:
    """[n, heads, l]: where each head of the tokens [n, l] lies in what `_flat` gives."""
    return tokens[:, None, :] * heads + torch.arange(heads, device=tokens.device)[None, :, None]


def _bias(block: Block, heads: int, window: int | None, single: bool, like: Tensor) -> Tensor:
    """0 where a token may look, else -inf, to be added to [n * heads, l, l]."""
    if block.full and window is None:
        return like.new_zeros(())
    seen = block.real[:, None, :]
    if window is not None and not single:
        place = torch.arange(block.tokens.shape[1], device=like.device)
        near = (place[:, None] - place[None, :]).abs() <= window
        # Padding looks at something, or its softmax would not be a number.
        seen = (seen & near) | ~block.real[:, :, None]
    bias = torch.zeros(seen.shape, dtype=like.dtype, device=like.device)
    bias.masked_fill_(~seen, -torch.inf)
    return bias.repeat_interleave(heads, dim=0)
