"""AdamW with linear warm-up and linear decay."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from layover.recipe import Recipe


def optimiser(heads: nn.Module, recipe: Recipe) -> AdamW:
    """Weight decay acts on matrices only: not on biases, not on normalisation. The word table may
    have a rate of its own."""
    words = {id(table.weight) for table in word_tables(heads)}
    table = [item for item in heads.parameters() if id(item) in words]
    rest = [item for item in heads.parameters() if id(item) not in words]
    groups = [
        {"params": [item for item in rest if item.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [item for item in rest if item.ndim <= 1], "weight_decay": 0.0},
        {
            "params": table,
            "weight_decay": recipe.weight_decay,
            "lr": recipe.learning_rate * recipe.embedding_rate,
        },
    ]
    return AdamW(groups, lr=recipe.learning_rate, eps=1e-8, fused=True)


def word_tables(heads: nn.Module) -> list[nn.Embedding]:
    """The input embeddings of every head's model (the same one where the encoder is shared)."""
    found: list[nn.Embedding] = []
    for head in heads.children():
        model: Any = head
        found.append(model.get_input_embeddings())
    return found


def schedule(optimiser: AdamW, recipe: Recipe, steps: int) -> LambdaLR:
    """The rate rises over the first `warmup` of `steps` and then falls to zero."""
    rising = round(recipe.warmup * steps)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return max(0.0, (steps - step) / max(1, steps - rising))

    return LambdaLR(optimiser, factor)
