"""A context and four endings, one of which follows from it.

The endings are two subjects crossed with two predicates, so that no ending stands out among the
four; and one of the wrong endings has only words of the context, so that overlap does not tell.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from layover.world.concepts import ADJECTIVES, ANIMATE, CLASS_OF, CLASSES, NOUNS, VERBS
from layover.world.grammar import Clause, Phrase, realise, text
from layover.world.lexicon import Lexicon
from layover.world.storyteller import Storyteller

WAYS = 4


class Choice(NamedTuple):
    """What is told, what may follow, and the position of what does."""

    context: tuple[Clause, ...]
    endings: tuple[Clause, ...]
    label: int


def choice(teller: Storyteller) -> Choice:
    """Either which thing has which quality, or who did something to which thing."""
    context, crossed = _qualities(teller) if teller.chance(0.5) else _deeds(teller)
    order = teller.several(range(WAYS), WAYS)
    return Choice(context, tuple(crossed[i] for i in order), order.index(0))


def choice_lines(examples: Sequence[Choice], lexicon: Lexicon) -> str:
    """One line of JSON per example, in HellaSwag's layout."""
    lines = []
    for number, example in enumerate(examples):
        row = {
            "ind": number,
            "ctx": " ".join(text(realise(clause, lexicon)) for clause in example.context),
            "endings": [text(realise(clause, lexicon)) for clause in example.endings],
            "label": example.label,
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def _qualities(teller: Storyteller) -> tuple[tuple[Clause, ...], list[Clause]]:
    """One sentence with two described things; the right ending is the first of four."""
    actor = teller.one(ANIMATE)
    told = [actor, teller.one([noun for noun in NOUNS if noun != actor])]
    first, second = teller.several(ADJECTIVES, 2)
    at = teller.one((0, 1))
    absent = teller.one([n for n in CLASSES[CLASS_OF[told[at]]] if n not in told])
    qualities = [first, second] if at == 0 else [second, first]
    agent, patient = (Phrase(n, adjective=q) for n, q in zip(told, qualities, strict=True))
    context = Clause(teller.one(VERBS), agent, patient, teller.chance(0.5))
    return (context,), [
        Clause("be", Phrase(noun), Phrase(quality, "quality"))
        for noun in (told[at], absent)
        for quality in (first, second)
    ]


def _deeds(teller: Storyteller) -> tuple[tuple[Clause, ...], list[Clause]]:
    """Two persons do the same to two things; the right ending is the first of four."""
    given = [Phrase(name, "person") for name in teller.several(teller.names.given, 3)]
    things = [Phrase(noun) for noun in teller.several(NOUNS, 2)]
    verb, past = teller.one(VERBS), teller.chance(0.5)
    told = [Clause(verb, who, what, past) for who, what in zip(given[:2], things, strict=True)]
    endings = [
        Clause(verb, who, what, past, passive=True)
        for who in (given[0], given[2])
        for what in things
    ]
    return tuple(teller.several(told, 2)), endings
