"""What the searches share: vectors by layer, with and without centring, compared by cosine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

Treatment: TypeAlias = Callable[[Any], Any]
"""From the vectors of one side, [n, width], to those that are compared."""


def variants(layers: tuple[int, ...], count: int) -> Iterator[tuple[str, int, Treatment]]:
    """(name, position, treatment) of every way to compare by the `count` layers of an array,
    which are numbered as in `layers`, or from 0.

    Centring takes the mean of a side's vectors away, which needs no labels.
    """
    for position, layer in enumerate(layers or range(count)):
        yield f"layer {layer}, raw", position, unit
        yield f"layer {layer}, centred", position, lambda side: unit(side - side.mean(axis=0))


def unit(vectors: Any) -> Any:
    """Vectors [n, width] of length 1; those of length 0 stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
