"""Layers that are computed again for the gradient, instead of keeping what is inside them (Chen et
al. 2016, "Training deep nets with sublinear memory cost").

The second time draws the same dropout, so that the gradient is the same to the bit.
"""

from __future__ import annotations

from typing import Any

from layover.errors import ModelError


def checkpoint_layers(model: Any) -> None:
    """Have every layer of a model's encoder computed twice while it trains. Raises `ModelError` for
    an encoder that cannot."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise ModelError(
            f"{type(model).__name__} cannot compute its layers again: leave checkpointing out of "
            "its resources, and split its steps (accumulation in the recipe) where memory is short"
        )
    # The later name, where transformers has it.
    enable = getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)
    enable({"use_reentrant": False})
