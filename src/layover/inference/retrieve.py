"""Nearest neighbours by cosine, for every layer, with and without centring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from layover.inference.rows import Rows
from layover.inference.search import nearest
from layover.inference.vectors import variants
from layover.tasks.task import Examples, Unit


def retrieve(examples: Examples, units: Sequence[Unit], outputs: Sequence[Any]) -> Rows:
    """For each query the line of the most similar candidate of its language, in every variant.

    `outputs` holds [2, layers + 1, width] an example: query and candidate.
    """
    kind: Any = examples.task.type
    languages = np.array(examples.languages)
    ways = list(variants((), outputs[0].shape[1]))
    found = np.zeros((len(ways), len(examples)), dtype=int)
    for language in dict.fromkeys(examples.languages):
        # A language at a time: the states of all layers of all languages are large.
        chosen = np.flatnonzero(languages == language).tolist()
        states = np.stack([outputs[at] for at in chosen])
        for row, (_, layer, treated) in zip(found, ways, strict=True):
            queries, candidates = (treated(states[:, side, layer]) for side in (0, 1))
            row[chosen] = nearest(queries, candidates, 1, kind.index)[1][:, 0]
    return Rows.joined(
        Rows.of(examples, kind.decode(examples.items, units, row), name)
        for row, (name, *_) in zip(found, ways, strict=True)
    )
