"""Bitext mining by margin, for every layer, with and without centring.

Artetxe and Schwenk 2019, "Margin-based parallel corpus mining with multilingual sentence
embeddings", 3: the ratio margin, the best candidates of both directions, one to one by falling
score. Lines with equal text are mined once, as XTREME does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layover.errors import DataError
from layover.inference.rows import Rows
from layover.inference.search import both_ways
from layover.inference.vectors import variants
from layover.tasks.task import Examples, Scored, Unit

NEIGHBOURS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Mined:
    """What was found for n distinct source sentences among m target sentences."""

    partner: Any
    """[n], the position of the assigned target sentence; -1 where there is none."""
    score: Any
    """[n], its margin; -inf where there is none."""
    neighbours: Any
    """[n, k], positions of the nearest target sentences by cosine."""
    margins: Any
    """[n, k], their margins."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Margins:
    """The nearest of n source and m target vectors on the other side, by cosine, [n, k] and
    [m, k], and their margins: the cosine over the mean of both neighbourhoods' average cosines,
    -inf where that is not positive."""

    ahead: Any
    forward: Any
    """The margins of `ahead`, float64."""
    back: Any
    backward: Any
    """The margins of `back`, float64."""

    @staticmethod
    def of(source: Any, target: Any, index: str = "") -> Margins:
        """Of vectors of length 1, [n, width] and [m, width]; exactly, or by a FAISS `index`."""
        (near, ahead), (close, back) = both_ways(source, target, NEIGHBOURS, index)
        ours, theirs = (each.mean(axis=1, dtype=np.float64) for each in (near, close))
        return Margins(
            ahead=ahead,
            forward=_ratio(near, ours[:, None], theirs[ahead]),
            back=back,
            backward=_ratio(close, theirs[:, None], ours[back]),
        )


def _ratio(cosine: Any, mine: Any, theirs: Any) -> Any:
    mean = (mine + theirs) / 2
    return np.where(mean > 0, cosine / np.where(mean > 0, mean, 1), -np.inf)


class _Side:
    """The distinct sentences of one side of one language, in the order of their first lines."""

    def __init__(self, examples: Examples, language: str, side: str) -> None:
        self.lines = [
            at
            for at, (item, code) in enumerate(zip(examples.items, examples.languages, strict=True))
            if code == language and item.side == side
        ]
        if not self.lines:
            raise DataError(f"{examples.task.name} in {language} has no lines on its {side} side")
        self.ids: dict[str, list[str]] = {}
        self.first: list[int] = []
        """The first line of each sentence."""
        for at in self.lines:
            item = examples.items[at]
            if item.text not in self.ids:
                self.first.append(at)
            self.ids.setdefault(item.text, []).append(item.id)
        self.place = {text: number for number, text in enumerate(self.ids)}
        self.named = list(self.ids.values())
        """The ids of the lines that hold each sentence."""


def mine(examples: Examples, units: Sequence[Unit], outputs: Sequence[Any]) -> Rows:
    """A row for each source line in every variant: the ids of its translations, by a score which
    `Score` sets a threshold on, and the nearest lines beside it.

    `outputs` holds [1, layers, width] an example.
    """
    kind: Any = examples.task.type
    sides = {
        code: (_Side(examples, code, "source"), _Side(examples, code, "target"))
        for code in dict.fromkeys(examples.languages)
    }
    asked = [at for source, _ in sides.values() for at in source.lines]
    sources = examples.take(asked)
    parts = []
    for name, layer, treated in variants(kind.layers, outputs[0].shape[1]):
        found: list[Scored] = []
        for source, target in sides.values():
            left, right = (
                treated(np.stack([outputs[at][0, layer] for at in side.first]))
                for side in (source, target)
            )
            mined = margin_pairs(left, right, kind.index)
            found += _scored(mined, source, target, examples)
        parts.append(Rows.of(sources, kind.decode(sources.items, units, found), name))
    return Rows.joined(parts)


def margin_pairs(source: Any, target: Any, index: str = "") -> Mined:
    """One-to-one pairs of vectors of length 1, [n, width] and [m, width].

    The score of a pair is its margin; one that has none is not made. Of equal scores the pair that
    stands first goes first. Neighbours are searched exactly, or by a FAISS `index`.
    """
    found = Margins.of(source, target, index)
    every, other = np.arange(len(source)), np.arange(len(target))
    best, mirrored = found.forward.argmax(axis=1), found.backward.argmax(axis=1)
    left = np.concatenate([every, found.back[other, mirrored]])
    right = np.concatenate([found.ahead[every, best], other])
    score = np.concatenate([found.forward[every, best], found.backward[other, mirrored]])
    order = np.lexsort((right, left, -score))[: np.isfinite(score).sum()]
    partner, value = [-1] * len(source), [-np.inf] * len(source)
    taken = [False] * len(target)
    pairs = (column[order].tolist() for column in (left, right, score))
    for one, two, worth in zip(*pairs, strict=True):
        if partner[one] < 0 and not taken[two]:
            partner[one], value[one], taken[two] = two, worth, True
    return Mined(
        partner=np.array(partner),
        score=np.array(value),
        neighbours=found.ahead,
        margins=found.forward,
    )


def _scored(mined: Mined, source: _Side, target: _Side, examples: Examples) -> list[Scored]:
    """What was found for each line of the source side, with all ids that share a text."""
    order = np.argsort(-mined.margins, axis=1, kind="stable")
    near = np.take_along_axis(mined.neighbours, order, axis=1).tolist()
    margins = np.take_along_axis(mined.margins, order, axis=1).tolist()
    first = [ids[0] for ids in target.named]
    scored = [
        Scored(
            prediction=target.named[partner] if partner >= 0 else [],
            score=score,
            candidates=tuple((first[one], margin) for one, margin in zip(*beside, strict=True)),
        )
        for partner, score, *beside in zip(
            mined.partner.tolist(), mined.score.tolist(), near, margins, strict=True
        )
    ]
    return [scored[source.place[examples.items[at].text]] for at in source.lines]
