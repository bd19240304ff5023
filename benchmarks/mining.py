"""Both directions' nearest neighbours and margins: Layover beside FAISS, `python -m
benchmarks.mining`.

FAISS is used as one would: an `IndexFlatIP` of either side, searched for all vectors of the other
at once, and margins in numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from benchmarks.harness import THREADS, Gate
from benchmarks.show import Duel, Goal, alone

WIDTH, NEIGHBOURS = 768, 4
TIED = 2e-6
"""Products that are so near one another are ties."""
Found: TypeAlias = tuple[Any, Any, Any]
"""Neighbours ahead [n, k], neighbours back [m, k], and the margins of the first."""


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Sentences of `size` meanings on both sides, half of which have a translation, in another
    order; the cosines of "close" vectors are all near one another, as those of encoders are."""

    size: int
    kind: Literal["spread", "close"] = "spread"

    def sides(self) -> tuple[Any, Any]:
        """[size, WIDTH] each, of length 1."""
        rng = np.random.default_rng(0)

        def normal() -> Any:
            return rng.standard_normal((self.size, WIDTH), dtype=np.float32)

        source = normal()
        target = np.where(np.arange(self.size)[:, None] % 2, source + 0.7 * normal(), normal())
        target = target[rng.permutation(self.size)]
        middle = rng.standard_normal(WIDTH, dtype=np.float32) * (2 if self.kind == "close" else 0)
        return unit(source + middle), unit(target + middle)


def unit(side: Any) -> Any:
    """Vectors of length 1."""
    return side / np.linalg.norm(side, axis=1, keepdims=True)


def with_faiss(source: Any, target: Any) -> Found:
    import faiss

    faiss.omp_set_num_threads(THREADS)

    def search(queries: Any, pool: Any) -> tuple[Any, Any]:
        index = faiss.IndexFlatIP(WIDTH)
        index.add(pool)
        return index.search(queries, NEIGHBOURS)

    forward, ahead = search(source, target)
    backward, back = search(target, source)
    means = forward.mean(axis=1), backward.mean(axis=1)
    return ahead, back, forward / ((means[0][:, None] + means[1][ahead]) / 2)


def with_layover(source: Any, target: Any) -> Found:
    from layover.inference.mine import Margins

    found = Margins.of(source, target)
    return found.ahead, found.back, found.forward


def serve(gate: Gate, vectors: Vectors, mine: Callable[[Any, Any], Found]) -> None:
    """All vectors of both sides a round."""
    source, target = vectors.sides()
    gate.loaded()
    mine(source[:200], target[:300])
    gate.turn()
    while True:
        mine(source, target)
        gate.turn(examples=len(source) + len(target))


@dataclass(frozen=True, kw_only=True)
class Faiss:
    """`IndexFlatIP`, exact as ours."""

    vectors: Vectors

    name = "faiss IndexFlatIP"

    def run(self, gate: Gate) -> None:
        serve(gate, self.vectors, with_faiss)


@dataclass(frozen=True, kw_only=True)
class LayoverMargins:
    """Our search of both directions at once."""

    vectors: Vectors

    name = "Layover"

    def run(self, gate: Gate) -> None:
        serve(gate, self.vectors, with_layover)


def differences(vectors: Vectors) -> tuple[float, float]:
    """How far both are apart: the share of neighbours that differ and are not ties, and the
    greatest relative difference of the margins of the same pair."""
    source, target = vectors.sides()
    mine, theirs = with_layover(source, target), with_faiss(source, target)
    differ = 0
    for one, other, left, right in (
        (mine[0], theirs[0], source, target),
        (mine[1], theirs[1], target, source),
    ):
        row, place = np.nonzero(one != other)
        products = [
            np.einsum("nd,nd->n", left[row], right[each[row, place]], dtype=np.float64)
            for each in (one, other)
        ]
        differ += int((abs(products[0] - products[1]) > TIED).sum())
    same = mine[0] == theirs[0]
    return differ / (2 * mine[0].size), float(abs(mine[2] / theirs[2] - 1)[same].max())


def duels(rounds: int, small: bool) -> list[Duel]:
    """Three rounds at most: one takes minutes."""
    vectors = Vectors(size=1_000 if small else 50_000)
    return [
        Duel(
            work=f"mining, {vectors.size:,} x {vectors.size:,} x {WIDTH}",
            peer=Faiss(vectors=vectors),
            ours=LayoverMargins(vectors=vectors),
            rounds=min(rounds, 3),
            goal=Goal(speed=1.4),
            unit="examples",
        )
    ]


if __name__ == "__main__":
    alone(__doc__ or "", duels, 3)
