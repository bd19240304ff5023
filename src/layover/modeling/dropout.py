"""Dropout with cheap random numbers on processors.

Torch draws a double for every number. Here 16 random bits decide, four numbers a draw, from the
same generator, so that whatever saves and restores its state does so for these. The probability is
exact to 2**-17, and what is kept is scaled by the probability that was really used.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 1 << 16
ANY = torch.iinfo(torch.int64).min
"""From where random_ draws all 64 bits."""


class Dropout(nn.Dropout):
    """As torch's, with other draws."""

    def forward(self, input: Tensor) -> Tensor:
        return dropout(input, self.p) if self.training else input


def install(model: nn.Module) -> None:
    """Let every dropout of a model draw cheaply."""
    for module in model.modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout


def dropout(states: Tensor, rate: float) -> Tensor:
    """`states` without a share of `rate` of its numbers, and the others scaled up for it."""
    if states.device.type != "cpu":
        return F.dropout(states, rate)
    return states * kept(states, rate) if rate else states


def kept(states: Tensor, rate: float) -> Tensor:
    """A factor for each number: 0 where it is dropped, else what keeps the mean."""
    if states.device.type != "cpu" or not 0 < (dropped := round(rate * LEVELS)) < LEVELS:
        return F.dropout(torch.ones_like(states), rate)
    count = states.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(ANY, None).view(torch.int16)
    last = dropped - LEVELS // 2 - 1
    # 0 or 1, without the comparisons that torch has no vectors for.
    mask = bits[:count].view(states.shape).clamp_(last, last + 1).sub_(last)
    factor = torch.tensor(LEVELS / (LEVELS - dropped), dtype=states.dtype)
    if states.dtype.itemsize == mask.dtype.itemsize:
        return mask.mul_(factor.view(torch.int16)).view(states.dtype)
    return mask.to(states.dtype).mul_(factor)
