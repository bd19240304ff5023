"""Each query's candidates by cosine, over the pool of its language or of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from layover.errors import DataError
from layover.inference.rows import Rows
from layover.inference.search import nearest
from layover.inference.vectors import unit
from layover.metrics.ranking import DEPTH
from layover.tasks.task import Examples, Unit


def rank(examples: Examples, units: Sequence[Unit], outputs: Sequence[Any]) -> Rows:
    """A row for each query: the names of its best candidates, and of those that answer it.

    `outputs` holds [1 or 2, width] an example: query, candidate, or both. Raises `DataError` for a
    query that no candidate of its pool answers.
    """
    kind: Any = examples.task.type
    together = kind.pool == "all"
    pools = {
        code: _Pool(examples, outputs, None if together else code)
        for code in ((examples.languages[0],) if together else dict.fromkeys(examples.languages))
    }
    asked = [at for at, item in enumerate(examples.items) if item.query is not None]
    found: list[list[tuple[str, float]]] = []
    targets: list[list[str] | None] = []
    places: list[int] = []
    for code, pool in pools.items():
        mine = [at for at in asked if together or examples.languages[at] == code]
        found += pool.ranked([outputs[at][0] for at in mine], kind.index)
        targets += [pool.relevant(examples.items[at]) for at in mine]
        places += mine
    queries = examples.take(places)
    names = [[name for name, _ in row] for row in found]
    rows = Rows.of(queries, kind.decode(queries.items, units, names), "")
    return replace(
        rows,
        target=targets,
        candidates=names,
        candidate_scores=[[value for _, value in row] for row in found],
    )


class _Pool:
    """The different candidates of one language, or of all."""

    def __init__(self, examples: Examples, outputs: Sequence[Any], language: str | None) -> None:
        self.name = f"{examples.task.name}{f' in {language}' if language else ''}"
        first: dict[str, int] = {}
        self.answering: dict[str, dict[str, None]] = {}
        """What is asked for -> the names of the candidates that answer it."""
        for at, (item, code) in enumerate(zip(examples.items, examples.languages, strict=True)):
            if item.candidate is None or language not in (None, code):
                continue
            first.setdefault(item.name, at)
            for answered in item.answers:
                self.answering.setdefault(answered, {})[item.name] = None
        if not first:
            raise DataError(f"{self.name} has no candidates to rank")
        self.names = list(first)
        self.vectors = _stacked(outputs[at][-1] for at in first.values())

    def ranked(self, queries: Sequence[Any], index: str) -> list[list[tuple[str, float]]]:
        """(name, cosine) of the best candidates of each query."""
        if not queries:
            return []
        cosines, positions = nearest(_stacked(queries), self.vectors, DEPTH, index)
        return [
            [(self.names[at], value) for at, value in zip(places, values, strict=True)]
            for places, values in zip(positions.tolist(), cosines.tolist(), strict=True)
        ]

    def relevant(self, query: Any) -> list[str] | None:
        if query.wanted is None:
            return None
        names = list(
            dict.fromkeys(name for one in query.wanted for name in self.answering.get(one, ()))
        )
        if not names:
            raise DataError(
                f"{self.name}: no candidate of its pool answers query {query.id!r}: rank whole "
                "data, not a subset"
            )
        return names


def _stacked(vectors: Iterable[Any]) -> Any:
    return unit(np.stack(list(vectors)))
