"""Models in bfloat16, and the float32 weights that such a model is trained by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

Precision: TypeAlias = Literal["float32", "bfloat16"]

LOOKED_UP = (
    "word_embeddings",
    "tok_embeddings",
    "embed_tokens",
    "position_embeddings",
    "token_type_embeddings",
)
"""What encoders call tables of embeddings, as far as they only look rows up in them."""


def lower(model: nn.Module) -> None:
    """Round a model's weights to bfloat16. Buffers, as the frequencies of rotary positions, keep
    their precision."""
    for weight in model.parameters():
        weight.data = weight.data.to(torch.bfloat16)


class Weights:
    """What an optimiser steps: a module's weights by name, in float32.

    In float32 they are the module's own. In bfloat16 the module computes with rounded copies, and
    their gradients, as soon as each is whole, are added up in float32 here. Tables of embeddings
    stay float32 and only what is looked up is rounded: the gradient of a row is a sum over all
    tokens that use it, which bfloat16 would lose a part of.
    """

    def __init__(self, module: nn.Module, precision: Precision) -> None:
        self.buffers = dict(module.named_buffers())
        self.copies = dict(module.named_parameters())
        self.named = dict(self.copies)
        self._hooks: list[RemovableHandle] = []
        if precision == "bfloat16":
            tables = _tables(module)
            self._hooks = [each.register_forward_hook(_rounded) for each in tables]
            kept = {id(table.weight) for table in tables}
            for name, copy in self.copies.items():
                if id(copy) not in kept:
                    self._hooks += self._round(name, copy)

    def _round(self, name: str, copy: nn.Parameter) -> Iterator[RemovableHandle]:
        """Leave a rounded copy of a weight in the module."""
        weight = nn.Parameter(copy.detach().clone(), requires_grad=copy.requires_grad)
        self.named[name] = weight
        copy.data = copy.data.to(torch.bfloat16)
        if copy.requires_grad:
            yield copy.register_post_accumulate_grad_hook(_adder(weight))

    @property
    def state(self) -> dict[str, Tensor]:
        """All that a module is made of, each once, however many heads share it."""
        return {**self.named, **self.buffers}

    def refresh(self) -> None:
        """Round the weights, which have changed, for the module."""
        stale = [name for name, copy in self.copies.items() if copy is not self.named[name]]
        if stale:
            with torch.no_grad():
                torch._foreach_copy_(
                    [self.copies[name] for name in stale], [self.named[name] for name in stale]
                )

    def give_back(self) -> None:
        """Leave the weights themselves in the module."""
        for hook in self._hooks:
            hook.remove()
        for name, copy in self.copies.items():
            copy.data, copy.grad = self.named[name].data, None

    def zero_grad(self) -> None:
        for weight in (*self.named.values(), *self.copies.values()):
            weight.grad = None


def _tables(module: nn.Module) -> list[nn.Embedding]:
    """The tables of words, positions and segments that nothing but looking up is done with: not
    those that score words too."""
    shared = Counter(id(each._parameters.get("weight")) for each in module.modules())
    return [
        each
        for name, each in module.named_modules()
        if isinstance(each, nn.Embedding)
        and name.endswith(LOOKED_UP)
        and shared[id(each.weight)] == 1
    ]


def _rounded(table: nn.Module, given: object, found: Tensor) -> Tensor:
    return found.to(torch.bfloat16)


def _adder(weight: nn.Parameter) -> Any:
    def add(copy: Tensor) -> None:
        assert copy.grad is not None
        if weight.grad is None:
            weight.grad = copy.grad.float()
        else:
            weight.grad.add_(copy.grad)
        copy.grad = None

    return add
