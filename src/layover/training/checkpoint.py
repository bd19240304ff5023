"""The state of a training on disk: weights, optimiser, schedule, position and random state.

Tensors are in safetensors and everything else in JSON, written last; no pickle is ever read.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import AdamW

from layover.errors import TrainingError
from layover.modeling.company import ALONE, Company
from layover.store import digest, read_json, write_json
from layover.training import randomness

STATE = "state.json"
TENSORS = "tensors.safetensors"
BEST = "best-{}.safetensors"


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a training stands."""

    step: int
    """Optimiser steps done; the sampler's position follows from it."""
    best_score: float | None = None
    best_step: int = 0
    best_sha256: str = ""
    """Of the file of the best weights."""
    waited: int = 0
    """Measurements since the best one."""
    splits: int = 1
    """Pieces of an accumulation step that memory asked for."""


def restore(weights: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    """Copy saved weights back in place."""
    with torch.no_grad():
        for name, tensor in weights.items():
            tensor.copy_(saved[name])


def best_file(scratch: Path, step: int) -> Path:
    """Where the weights of a step are, if they are the best so far. Each step has a file of its
    own, so that a checkpoint never speaks of other weights than it was written beside."""
    return scratch / BEST.format(step)


def save_best(scratch: Path, step: int, weights: Mapping[str, Tensor]) -> str:
    """Write the weights of a step, and give the digest of their file."""
    scratch.mkdir(exist_ok=True)
    path = best_file(scratch, step)
    save_file({name: value.detach().contiguous() for name, value in weights.items()}, path)
    return digest(path)


def forget_others(scratch: Path, step: int) -> None:
    """Delete the best weights of other steps, which no checkpoint speaks of any more."""
    for path in scratch.glob(BEST.format("*")):
        if path != best_file(scratch, step):
            path.unlink()


def restore_best(scratch: Path, position: Position, weights: Mapping[str, Tensor]) -> None:
    """Put the best weights back; raises `TrainingError` if they are not what was written."""
    if why := _damage(scratch, position):
        raise TrainingError(f"{why}: run again, and this stage starts over")
    restore(weights, load_file(best_file(scratch, position.best_step)))


def _damage(scratch: Path, position: Position) -> str:
    """What is wrong with the best weights of a position; "" if nothing is, or it has none."""
    path = best_file(scratch, position.best_step)
    if position.best_score is None:
        return ""
    if not path.exists():
        return f"the best weights in {path} are gone"
    return "" if digest(path) == position.best_sha256 else f"the best weights in {path} are damaged"


def save(
    folder: Path,
    weights: Mapping[str, Tensor],
    optimiser: AdamW,
    drawn: randomness.RandomState,
    rest: dict[str, Any],
) -> None:
    """Write a checkpoint beside the last one, then put it in its place."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tensors = {f"weights.{name}": value.detach() for name, value in weights.items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    tensors |= drawn
    save_file({name: value.contiguous() for name, value in tensors.items()}, fresh / TENSORS)
    write_json(fresh / STATE, {**rest, "sha256": digest(fresh / TENSORS)})
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def load(
    folder: Path,
    weights: Mapping[str, Tensor],
    optimiser: AdamW,
    company: Company = ALONE,
    rows: str = "",
) -> tuple[dict[str, Any] | None, str]:
    """(state, "") after putting weights, optimiser and this process's random state back;
    (None, why) if there is no checkpoint, or it or the best weights that it speaks of are not
    whole, or it is of other weights than these, whose word table holds `rows`."""
    # The newer one is whole if the process was killed while it took the older one's place.
    places = [folder.with_name(f"{folder.name}.new"), folder]
    places = [place for place in places if (place / STATE).exists()]
    why = ""
    for place in places:
        try:
            state: dict[str, Any] = read_json(place / STATE)
            if digest(place / TENSORS) != state["sha256"]:
                why = f"the checkpoint in {place} is damaged: this stage starts over"
                continue
            if damage := _damage(folder.parent, position_of(state)):
                why = f"{damage}: this stage starts over"
                continue
            tensors = load_file(place / TENSORS)
            if state["rows"] == rows and _fits(weights, _under("weights.", tensors)):
                break
            why = f"the checkpoint in {place} is of other weights: this stage starts over"
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            why = f"the checkpoint in {place} cannot be read ({error}): this stage starts over"
    else:
        return None, why
    restore(weights, _under("weights.", tensors))
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimiser.", tensors).items():
        index, _, slot = name.partition(".")
        slots.setdefault(int(index), {})[slot] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})
    randomness.restore_own(tensors, company)
    return state, ""


def _fits(weights: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> bool:
    """Whether saved weights are those of a model, by name and shape."""
    shapes = {name: value.shape for name, value in weights.items()}
    return shapes == {name: value.shape for name, value in saved.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def position_of(state: Mapping[str, Any]) -> Position:
    return Position(**state["position"])


def as_state(position: Position, schedule: Mapping[str, Any], rows: str) -> dict[str, Any]:
    """What is saved beside the tensors; `rows` as in `Model`."""
    kept = {name: value for name, value in schedule.items() if name != "lr_lambdas"}
    return {"position": asdict(position), "schedule": kept, "rows": rows}
