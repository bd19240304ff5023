"""Training on the rows of the word table that the data use.

Of a multilingual vocabulary, a data set in one language uses a tenth; the other rows have no
gradient, and all that AdamW does to them is to decay. They are left out of the training, and decay
when it is over, step by step, as they would have: the same numbers, for less memory and time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layover.modeling.features import Features, Ragged
from layover.modeling.load import Model
from layover.tasks.task import Task

WORTH = 0.8
"""Share of its rows above which a table is left whole."""
CACHED = 1 << 18
"""Numbers that decay together: as many as stay near the processor for all the steps."""
ON_DEVICES = 1 << 23
"""The same elsewhere: enough to keep a device busy, in little memory."""


@dataclass(frozen=True, eq=False)
class Active:
    """A word table without the rows that no data use."""

    table: nn.Embedding
    """Holds the rows in use, in their order."""
    rows: Tensor
    """int64 [n]: which rows of the whole table these are."""
    whole: Tensor
    """[vocabulary, width]: the table as it was."""
    places: Any
    """int32 [vocabulary]: where a row went, -1 where it was left out."""
    paddings: tuple[tuple[Any, int], ...]
    """Each encoder over the table, and the token that it took for padding."""
    padding_idx: int | None
    """The table's own, as it was."""

    @property
    def digest(self) -> str:
        """Of which rows these are."""
        return hashlib.sha256(self.rows.numpy().tobytes()).hexdigest()

    @property
    def told(self) -> str:
        return f"trains {len(self.rows)} of the word table's {len(self.places)} rows: those in use"

    def renumbered(self, features: Features) -> Features:
        """Features whose tokens are the places of their rows."""
        tokens = self.places[features.tokens.values]
        return replace(features, tokens=Ragged(tokens, features.tokens.starts))

    @torch.no_grad()
    def restore(self, factors: Sequence[float]) -> None:
        """Put the whole table back, with the rows as trained and the others times each of the
        `factors`, one after the other, rounded as torch's fused AdamW rounds: on processors it
        multiplies in float32; on CUDA it takes a share away in float64, and rounds that once."""
        trained = self.table.weight
        whole = self.whole.to(trained.device)
        if any(factor != 1 for factor in factors):
            # Rows in use pass through the mill too, and are overwritten.
            near = whole.device.type == "cpu"
            for part in whole.view(-1).split(CACHED if near else ON_DEVICES):
                _decay(part, factors, once=not near)
        whole[self.rows.to(whole.device)] = trained.detach()
        _put(self.table, whole, self.padding_idx)
        for encoder, padding in self.paddings:
            encoder.layover = replace(encoder.layover, padding=padding)


def _decay(part: Tensor, factors: Sequence[float], once: bool) -> None:
    """Multiply numbers by each of the `factors`, in their own precision or, rounded `once` each
    time, in float64."""
    for factor in factors:
        if once:
            part.copy_(part.double() * factor)
        else:
            part.mul_(factor)


def trim(model: Model, tasks: Sequence[Task], features: Iterable[Features]) -> Active | None:
    """Leave in a model's word table what `features` use, and the row for padding. None, and the
    table whole, where that would be most of it or where one of the `tasks` scores every word
    (masked language models)."""
    if any(task.type.head == "lm" for task in tasks):
        return None
    heads: list[Any] = list(model.heads.values())
    table: nn.Embedding = heads[0].get_input_embeddings()
    encoders = [head.base_model for head in heads]
    used = np.zeros(table.num_embeddings, dtype=bool)
    for padding in _kept(table, encoders):
        used[padding] = True
    for each in features:
        used[each.tokens.values] = True
    rows = np.flatnonzero(used)
    if len(rows) > WORTH * len(used):
        return None
    places = np.full(len(used), -1, np.int32)
    places[rows] = np.arange(len(rows))
    whole = table.weight.detach()
    chosen = torch.from_numpy(rows)
    found = Active(
        table=table,
        rows=chosen,
        whole=whole,
        places=places,
        paddings=tuple((encoder, encoder.layover.padding) for encoder in encoders),
        padding_idx=table.padding_idx,
    )
    _put(
        table, whole[chosen], None if table.padding_idx is None else int(places[table.padding_idx])
    )
    for encoder, padding in found.paddings:
        encoder.layover = replace(encoder.layover, padding=int(places[padding]))
    return found


def _kept(table: nn.Embedding, encoders: Sequence[Any]) -> Iterator[int]:
    """Rows that stay whatever is in use: those for padding. An encoder that runs padded may know
    its padding by number, as MPNet counts positions from it, which so must not change: all rows
    before it stay too."""
    own = () if table.padding_idx is None else (table.padding_idx,)
    for padding in {*own, *(encoder.layover.padding for encoder in encoders)}:
        yield padding
        if not all(encoder.layover.packed for encoder in encoders):
            yield from range(padding)


def _put(table: nn.Embedding, weight: Tensor, padding_idx: int | None) -> None:
    table.weight = nn.Parameter(weight, requires_grad=table.weight.requires_grad)
    table.num_embeddings = len(weight)
    table.padding_idx = padding_idx
