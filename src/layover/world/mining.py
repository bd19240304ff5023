"""Two texts in BUCC's layout: some lines translate each other, most have no translation."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from layover.world.grammar import Clause, realise, text
from layover.world.lexicon import Lexicon

ALONE = 3
"""Lines of each side without a translation, for each pair."""
DRAWN = 1 + 2 * ALONE
"""Meanings for each pair."""
REPEATED = 0.02
"""Share of the lines that stand twice in their text."""


class Mine(NamedTuple):
    """What the three files hold: id TAB sentence, the same of the source language, and the pairs
    of ids that translate each other."""

    foreign: str
    known: str
    gold: str


def mine(examples: Sequence[Clause], lexicon: Lexicon, source: Lexicon, rng: Random) -> Mine:
    """The files of one language; of `DRAWN` examples one is a pair and the others stand alone."""
    pairs = len(examples) // DRAWN
    alone = pairs * (1 + ALONE)
    foreign, theirs = _side(examples[:alone], lexicon, rng)
    known, ours = _side([*examples[:pairs], *examples[alone:]], source, rng)
    gold = sorted(
        (one, other)
        for shared in examples[:pairs]
        for one in theirs[shared]
        for other in ours[shared]
    )
    return Mine(foreign, known, "".join(f"{one}\t{other}\n" for one, other in gold))


def lines(pairs: int) -> int:
    """Lines of either side of so many pairs, without repeated pairs."""
    clauses = pairs * (1 + ALONE)
    return clauses + _repeated(clauses)


def _repeated(clauses: int) -> int:
    return round(REPEATED * clauses)


def _side(
    clauses: Sequence[Clause], lexicon: Lexicon, rng: Random
) -> tuple[str, dict[Clause, list[str]]]:
    """The lines in random order, and the ids of each meaning's."""
    order = [*clauses, *rng.sample(clauses, _repeated(len(clauses)))]
    rng.shuffle(order)
    ids: dict[Clause, list[str]] = {}
    lines = []
    for number, clause in enumerate(order, start=1):
        name = f"{lexicon.dialect.code}-{number:09}"
        ids.setdefault(clause, []).append(name)
        lines.append(f"{name}\t{text(realise(clause, lexicon))}\n")
    return "".join(lines), ids
