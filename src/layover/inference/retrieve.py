"""Nearest neighbours by cosine, for every layer, with and without centring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from layover.inference.rows import Rows
from layover.tasks.task import Examples, Unit


def variant(layer: int, centred: bool) -> str:
    """How a layer and its treatment are called in results."""
    return f"layer {layer}, {'centred' if centred else 'raw'}"


def retrieve(examples: Examples, units: Sequence[Unit], outputs: Sequence[Any]) -> Rows:
    """For each query the line of the most similar candidate of its language, in every variant.

    `outputs` holds [2, layers + 1, width] an example: query and candidate. Centring takes the
    mean of each side's sentences away, which needs no labels.
    """
    states = np.stack(outputs)
    languages = np.array(examples.languages)
    result: Rows | None = None
    for layer in range(states.shape[2]):
        for centred in (False, True):
            found = np.zeros(len(examples), dtype=int)
            for language in dict.fromkeys(examples.languages):
                chosen = np.flatnonzero(languages == language)
                pair = states[chosen][:, :, layer]
                found[chosen] = _nearest(pair[:, 0], pair[:, 1], centred)
            predictions = examples.task.type.decode(examples.items, units, found)
            rows = Rows.of(examples, predictions, variant(layer, centred))
            result = rows if result is None else result + rows
    assert result is not None
    return result


def _nearest(queries: Any, candidates: Any, centred: bool) -> Any:
    """Index of the candidate with the highest cosine for each query; arrays are [n, width]."""
    if centred:
        queries = queries - queries.mean(axis=0)
        candidates = candidates - candidates.mean(axis=0)
    return (_unit(queries) @ _unit(candidates).T).argmax(axis=1)


def _unit(vectors: Any) -> Any:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
