"""Sentences to find the translation of, without names and numbers, which would give it away."""

from __future__ import annotations

from layover.world.concepts import ADJECTIVES, ANIMATE, NOUNS, VERBS
from layover.world.grammar import Clause, Phrase
from layover.world.storyteller import Storyteller


def nameless(teller: Storyteller) -> Clause:
    """Something described did something to another, with a third or without."""
    agent, patient, companion = (
        Phrase(noun, adjective=teller.one(ADJECTIVES))
        for noun in (teller.one(ANIMATE), *teller.several(NOUNS, 2))
    )
    return Clause(
        teller.one(VERBS),
        agent,
        patient,
        past=teller.chance(0.5),
        passive=teller.chance(0.3),
        companion=companion._replace(adjective=""),
    )
