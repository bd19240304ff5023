"""AdamW with linear warm-up and linear decay."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from layover.recipe import Recipe


def optimiser(heads: nn.Module, recipe: Recipe) -> AdamW:
    """Weight decay acts on matrices only: not on biases, not on normalisation."""
    decayed = [item for item in heads.parameters() if item.ndim > 1]
    plain = [item for item in heads.parameters() if item.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=recipe.learning_rate, eps=1e-8, fused=True)


def schedule(optimiser: AdamW, recipe: Recipe, steps: int) -> LambdaLR:
    """The rate rises over the first `warmup` of `steps` and then falls to zero."""
    rising = round(recipe.warmup * steps)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return max(0.0, (steps - step) / max(1, steps - rising))

    return LambdaLR(optimiser, factor)
