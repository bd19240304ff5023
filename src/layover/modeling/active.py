"""Training on the rows of the word table that the data use.

Of a multilingual vocabulary, a data set in one language uses a tenth; the other rows have no
gradient, and all that AdamW does to them is to decay. They are left out of the training, and decay
when it is over, step by step, as they would have: the same numbers, for less memory and time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layover.modeling.features import Features, Ragged
from layover.modeling.load import Model

WORTH = 0.8
"""Share of its rows above which a table is left whole."""
CACHED = 1 << 18
"""Numbers that decay together: as many as stay near the processor for all the steps."""


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
        `factors`, one after the other."""
        trained = self.table.weight
        whole = self.whole.to(trained.device)
        if any(factor != 1 for factor in factors):
            # Rows in use pass through the mill too, and are overwritten.
            for part in whole.view(-1).split(CACHED if whole.device.type == "cpu" else len(whole)):
                for factor in factors:
                    part.mul_(factor)
        whole[self.rows.to(whole.device)] = trained.detach()
        _put(self.table, whole)


def trim(model: Model, features: Iterable[Features]) -> Active | None:
    """Leave in a model's word table what `features` use, and what comes before the padding's row,
    which so keeps its place. None, and the table whole, where that would be most of it or where a
    head scores every word (masked language models)."""
    heads: list[Any] = list(model.heads.values())
    table: nn.Embedding = heads[0].get_input_embeddings()
    if any(head.get_output_embeddings() is not None for head in heads):
        return None
    used = np.zeros(table.num_embeddings, dtype=bool)
    used[: model.padding + 1] = True
    for each in features:
        used[each.tokens.values] = True
    rows = np.flatnonzero(used)
    if len(rows) > WORTH * len(used):
        return None
    places = np.full(len(used), -1, np.int32)
    places[rows] = np.arange(len(rows))
    whole = table.weight.detach()
    chosen = torch.from_numpy(rows)
    _put(table, whole[chosen])
    return Active(table=table, rows=chosen, whole=whole, places=places)


def _put(table: nn.Embedding, weight: Tensor) -> None:
    table.weight = nn.Parameter(weight, requires_grad=table.weight.requires_grad)
    table.num_embeddings = len(weight)
