"""How far training moved an encoder's weights: relative L2 distances.

They are kept by tensor, and by row of the word table, as squares that add up, so that any part of
an encoder can be looked at afterwards. Rows of words that no training data hold are told apart:
all that moves them is weight decay, unless a masked language model was trained, whose loss has a
gradient for every row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

from layover.encoders import Encoder, Start, origin
from layover.errors import ModelError
from layover.modeling.encode import encoded
from layover.modeling.load import folders_of, load_encoder, load_tokenizer
from layover.recipe import Recipe
from layover.stage import Context
from layover.store import write_json
from layover.tasks.mixture import Mixture, parts_of
from layover.tasks.task import Data

ROWS = 1 << 14
"""Rows of a tensor that are compared at once, in float64."""


class Training(Protocol):
    """A training between the two."""

    @property
    def data(self) -> Data | Mixture: ...
    @property
    def recipe(self) -> Recipe: ...


class Measuring(Protocol):
    """What `layover.distance.Distance` declares."""

    @property
    def model(self) -> Start: ...
    @property
    def start(self) -> Start: ...
    @property
    def between(self) -> Sequence[Training]: ...


def distance(wanted: Measuring, context: Context) -> None:
    """Write distance.json, the squared lengths of every tensor of the start (`length`) and of its
    way to the model (`way`), and words.safetensors, the same for the rows of the word table, with
    whether each was `seen`."""
    torch.set_num_threads(context.resources.threads)
    first = origin(wanted.start)
    remote = isinstance(first, Encoder) and first.remote_code
    place = folders_of(wanted.start, context)[0]
    before = load_encoder(place, remote)[0]
    after = load_encoder(folders_of(wanted.model, context)[0], remote)[0]
    pairs = _paired(before, after, str(place))
    table = before.get_input_embeddings().weight.data_ptr()
    tensors = []
    for name, (old, new) in pairs.items():
        lengths, ways = _squares(old, new)
        if old.data_ptr() == table:
            tokenizer = load_tokenizer(place, before, remote)
            seen = _seen(wanted.between, tokenizer, len(old), context)
            rows = {"length": lengths, "way": ways, "seen": seen.astype(np.uint8)}
            save_file(rows, context.folder / "words.safetensors")
            tensors += [
                _entry(
                    name,
                    f"words {which}",
                    old[0].numel() * int(mine.sum()),
                    lengths[mine],
                    ways[mine],
                )
                for which, mine in (("seen", seen), ("not seen", ~seen))
            ]
        else:
            tensors.append(_entry(name, part(name), old.numel(), lengths, ways))
    write_json(context.folder / "distance.json", {"tensors": tensors})


def part(name: str) -> str:
    """The part of an encoder that a tensor belongs to: "layer 3" is what makes the third of the
    layers of states, "embeddings" all that makes the first but the words."""
    number = re.search(r"(?:^|\.)(\d+)\.", name)
    if number:
        return f"layer {int(number[1]) + 1}"
    return "embeddings" if name.startswith("embeddings.") else "others"


def _paired(before: Any, after: Any, place: str) -> dict[str, tuple[Tensor, Tensor]]:
    """The tensors of both by name, without poolers, which belong to heads."""
    old, new = (
        {
            name: each.detach()
            for name, each in encoder.named_parameters()
            if not name.startswith("pooler.")
        }
        for encoder in (before, after)
    )
    if {n: t.shape for n, t in old.items()} != {n: t.shape for n, t in new.items()}:
        raise ModelError(f"what was trained from {place} has tensors of other names or shapes")
    return {name: (old[name], new[name]) for name in old}


def _squares(old: Tensor, new: Tensor) -> tuple[Any, Any]:
    """float64 [rows]: the squared length of each row, and that of its way; one row of a vector."""
    lengths, ways = [], []
    rows = (
        each.reshape(-1, each.shape[-1]) if each.ndim else each[None, None] for each in (old, new)
    )
    for mine, theirs in zip(*(each.split(ROWS) for each in rows), strict=True):
        one, other = mine.double(), theirs.double()
        lengths.append(one.square().sum(dim=1))
        ways.append((other - one).square().sum(dim=1))
    return torch.cat(lengths).numpy(), torch.cat(ways).numpy()


def _entry(name: str, kind: str, numbers: int, lengths: Any, ways: Any) -> dict[str, Any]:
    return {
        "name": name,
        "part": kind,
        "numbers": numbers,
        "length": float(lengths.sum()),
        "way": float(ways.sum()),
    }


def _seen(trainings: Iterable[Training], tokenizer: Any, rows: int, context: Context) -> Any:
    """bool [rows]: whether a training's data hold the word, or its loss is over all words."""
    seen = np.zeros(rows, dtype=bool)
    for training in trainings:
        for data in parts_of(training.data):
            if data.task.type.head == "lm":
                return np.ones(rows, dtype=bool)
            units = encoded(data, tokenizer, training.recipe.max_length, context).units
            seen[units.tokens.values] = True
    return seen
