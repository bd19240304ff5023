"""The gradient of a step that runs in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from layover.modeling.batch import Batch
from layover.modeling.company import ALONE, Company
from layover.modeling.heads import Head
from layover.training.randomness import RandomState, random_state, restore


def backward(
    layer: Head,
    forward: Callable[[Batch], Tensor],
    pieces: Sequence[Batch],
    total: int,
    share: float,
    company: Company = ALONE,
) -> float:
    """This process's part of the mean loss over `total` targets, after adding `share` times its
    gradient to the parameters'. `forward` gives a piece's outputs, in the training's precision.

    However the step is split, into pieces or among a company, the sum is that of one piece.
    """

    def descend(outputs: Tensor, batch: Batch) -> float:
        loss = layer.loss(outputs, batch) / total
        (loss * share).backward()
        return float(loss.detach())

    if layer.joint:
        loss = _joint(descend, forward, pieces, company)
        return loss if company.first else 0.0
    summed = 0.0
    for piece in pieces:
        summed += descend(forward(piece), piece)
    return summed


def _joint(
    descend: Callable[[Tensor, Batch], float],
    forward: Callable[[Batch], Tensor],
    pieces: Sequence[Batch],
    company: Company,
) -> float:
    """Where all of a step's outputs meet in the loss: the loss has its gradient at the outputs,
    which is then handed down. Several pieces run once without a graph and once more for that (Gao
    et al. 2021, "Scaling deep contrastive learning batch size under memory limited setup")."""
    once = len(pieces) == 1
    states: list[RandomState] = []
    found: list[Tensor] = []
    for piece in pieces:
        states.append(random_state())
        with torch.set_grad_enabled(once):
            found.append(forward(piece))
    mine = torch.cat([part.detach() for part in found])
    outputs = company.gather(mine)
    targets = company.gather(torch.cat([piece.target for piece in pieces]))
    whole = torch.cat(outputs).requires_grad_()
    # Of the pieces together, such a loss asks for the targets alone.
    loss = descend(whole, replace(pieces[0], target=torch.cat(targets)))
    assert whole.grad is not None
    own = whole.grad.split([len(part) for part in outputs])[company.rank]
    gradients = own.split([len(part) for part in found])
    if once:
        torch.autograd.backward(found[0], gradients[0])
        return loss
    for piece, state, gradient in zip(pieces, states, gradients, strict=True):
        # The same dropout as the first time, or the gradient would be of another network.
        restore(state)
        torch.autograd.backward(forward(piece), gradient)
    return loss
