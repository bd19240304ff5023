"""The gradient of a step that runs in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from layover.modeling.batch import Batch
from layover.modeling.heads import Head
from layover.training.randomness import RandomState, random_state, restore


def backward(
    layer: Head,
    forward: Callable[[Batch], Tensor],
    pieces: Sequence[Batch],
    total: int,
    share: float,
) -> float:
    """The mean loss over `total` targets, after adding `share` times its gradient to the
    parameters'. `forward` gives a piece's outputs, in the precision of the training.

    However the step is split, the result is that of one piece.
    """

    def descend(outputs: Tensor, batch: Batch) -> float:
        loss = layer.loss(outputs, batch) / total
        (loss * share).backward()
        return float(loss.detach())

    if layer.joint and len(pieces) > 1:
        return _cached(descend, forward, pieces)
    summed = 0.0
    for piece in pieces:
        summed += descend(forward(piece), piece)
    return summed


def _cached(
    descend: Callable[[Tensor, Batch], float],
    forward: Callable[[Batch], Tensor],
    pieces: Sequence[Batch],
) -> float:
    """Where all of a step's outputs meet in the loss: every piece runs once without a graph, which
    gives the loss and its gradient at the outputs, and once more to hand that down (Gao et al.
    2021, "Scaling deep contrastive learning batch size under memory limited setup")."""
    states: list[RandomState] = []
    found: list[Tensor] = []
    for piece in pieces:
        states.append(random_state())
        with torch.no_grad():
            found.append(forward(piece))
    outputs = torch.cat(found).requires_grad_()
    # Of the pieces together, such a loss asks for the targets alone.
    step = replace(pieces[0], target=torch.cat([piece.target for piece in pieces]))
    loss = descend(outputs, step)
    assert outputs.grad is not None
    gradients = outputs.grad.split([len(part) for part in found])
    for piece, state, gradient in zip(pieces, states, gradients, strict=True):
        # The same dropout as the first time, or the gradient would be of another network.
        restore(state)
        torch.autograd.backward(forward(piece), gradient)
    return loss
