"""Models in bfloat16, and the float32 weights that such a model is trained by."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

Precision: TypeAlias = Literal["float32", "bfloat16"]


def lower(model: nn.Module) -> None:
    """Round a model's weights to bfloat16. Buffers, as the frequencies of rotary positions, keep
    their precision."""
    for weight in model.parameters():
        weight.data = weight.data.to(torch.bfloat16)


class Weights:
    """What an optimiser steps: a module's weights by name, in float32.

    In float32 they are the module's own. In bfloat16 the module computes with rounded copies, and
    their gradients, as soon as each is whole, are added up in float32 here: the arithmetic of
    matrices is that of autocast, and nothing is rounded twice.
    """

    def __init__(self, module: nn.Module, precision: Precision) -> None:
        self.buffers = dict(module.named_buffers())
        self.copies = dict(module.named_parameters())
        self.named = self.copies
        if precision == "bfloat16":
            self.named = {
                name: nn.Parameter(weight.detach().clone(), requires_grad=weight.requires_grad)
                for name, weight in self.copies.items()
            }
            lower(module)
            for name, copy in self.copies.items():
                if copy.requires_grad:
                    copy.register_post_accumulate_grad_hook(_adder(self.named[name]))

    @property
    def state(self) -> dict[str, Tensor]:
        """All that a module is made of, each once, however many heads share it."""
        return {**self.named, **self.buffers}

    def refresh(self) -> None:
        """Round the weights, which have changed, for the module."""
        if self.named is not self.copies:
            with torch.no_grad():
                torch._foreach_copy_(list(self.copies.values()), list(self.named.values()))

    def give_back(self) -> None:
        """Leave the weights themselves in the module."""
        for name, copy in self.copies.items():
            copy.data, copy.grad = self.named[name].data, None

    def zero_grad(self) -> None:
        for weight in (*self.named.values(), *self.copies.values()):
            weight.grad = None


def _adder(weight: nn.Parameter) -> Any:
    def add(copy: Tensor) -> None:
        assert copy.grad is not None
        if weight.grad is None:
            weight.grad = copy.grad.float()
        else:
            weight.grad.add_(copy.grad)
        copy.grad = None

    return add
