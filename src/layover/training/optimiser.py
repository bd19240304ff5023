"""AdamW with linear warm-up and linear decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from layover.recipe import Recipe


def optimiser(weights: Mapping[str, nn.Parameter], words: set[str], recipe: Recipe) -> AdamW:
    """Weight decay acts on matrices only: not on biases, not on normalisation. The word table,
    whose names are `words`, may have a rate of its own."""
    table = [item for name, item in weights.items() if name in words]
    rest = [item for name, item in weights.items() if name not in words]
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


def word_tables(heads: nn.Module) -> set[str]:
    """The names of the input embeddings of every head's model."""
    tables = {id(cast(Any, head).get_input_embeddings().weight) for head in heads.children()}
    return {name for name, weight in heads.named_parameters() if id(weight) in tables}


def decays(recipe: Recipe, total: int, done: int) -> list[float]:
    """What the first `done` of `total` steps multiply a row of the word table by that has no
    gradient."""
    if not recipe.weight_decay:
        return []
    rate = recipe.learning_rate * recipe.embedding_rate
    factor = _factors(recipe, total)
    return [1 - rate * factor(step) * recipe.weight_decay for step in range(done)]


def schedule(optimiser: AdamW, recipe: Recipe, steps: int) -> LambdaLR:
    """The rate rises over the first `warmup` of `steps` and then falls to zero."""
    return LambdaLR(optimiser, _factors(recipe, steps))


def _factors(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """(step) -> what the rate is multiplied by."""
    rising = round(recipe.warmup * steps)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return max(0.0, (steps - step) / max(1, steps - rising))

    return factor
