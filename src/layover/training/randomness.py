"""What the next random numbers follow from, on every device (torch)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from layover.modeling.company import Company

RandomState: TypeAlias = dict[str, Tensor]
"""Device -> its generator's state."""


def random_state() -> RandomState:
    """The state that `restore` goes back to."""
    state = {"random": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["random.cuda"] = torch.cuda.get_rng_state()
    return state


def restore(state: Mapping[str, Tensor]) -> None:
    """Draw again what was drawn after `state`, which may hold other things too."""
    torch.set_rng_state(state["random"])
    if "random.cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["random.cuda"])


def gathered(company: Company) -> RandomState:
    """The states of all processes; the first one's by their own names."""
    own = random_state()
    found = {name: company.gather(value.cpu()) for name, value in own.items()}
    return {
        f"{name}.of.{rank}" if rank else name: value
        for name, values in found.items()
        for rank, value in enumerate(values)
    }


def restore_own(states: Mapping[str, Tensor], company: Company) -> None:
    """What `gathered` kept of this process. One that was not there then goes on drawing as from
    the training's start."""
    ending = "" if company.first else f".of.{company.rank}"
    own = {
        name: states[f"{name}{ending}"] for name in random_state() if f"{name}{ending}" in states
    }
    if "random" in own:
        restore(own)
