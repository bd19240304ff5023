"""Sentence pairs: does the premise entail the hypothesis; do two sentences say the same?

Both are drawn so that no part of a pair tells its label. The hypothesis is drawn before, and apart
from, the label; the premise is then made to fit, from the same distribution for each label.
"""

from __future__ import annotations

from typing import NamedTuple

from layover.world.concepts import (
    ADJECTIVES,
    ANIMATE,
    CLASS_OF,
    CLASSES,
    NOUNS,
    OPPOSITE,
    VERBS,
)
from layover.world.grammar import Clause, Phrase, realise, text
from layover.world.lexicon import Lexicon
from layover.world.storyteller import Storyteller

LABELS = ("entailment", "neutral", "contradiction")

_VAGUE = 0.4
"""Share of the hypotheses that name the class ("an animal") for the thing ("a dog")."""
_VAGUE_PREMISE = 0.2
"""The same for premises, under every label."""


class Pair(NamedTuple):
    """Two sentences and their label."""

    first: Clause
    second: Clause
    label: str


def entailment(teller: Storyteller) -> Pair:
    """A premise, a hypothesis and their label.

    The two are about the same occasion, so that an opposite quality or deed contradicts.
    """
    noun = teller.one(NOUNS)
    head = CLASS_OF[noun] if teller.chance(_VAGUE) else noun
    patient = Phrase(head, adjective=teller.one(ADJECTIVES))
    past = teller.chance(0.5)
    hypothesis = Clause(teller.one(VERBS), _actor(teller), patient, past)
    label = teller.one(LABELS)
    part = teller.one(("agent", "noun", "adjective", "verb"))
    if label == "neutral" and part == "noun":
        premise = _about(hypothesis, _unrelated_noun(head, teller))
    else:
        premise = hypothesis
        if label == "contradiction":
            premise = _opposed(hypothesis, teller)
        elif label == "neutral":
            premise = _altered(hypothesis, part, teller)
        if head in CLASSES and not teller.chance(_VAGUE_PREMISE / _VAGUE):
            premise = _about(premise, teller.one(CLASSES[head]))
    return Pair(premise, hypothesis, label)


def paraphrase(teller: Storyteller) -> Pair:
    """Two sentences of the same words, and "1" if they also mean the same, else "0".

    They differ in voice, in where the place stands, or in both, whatever the label; in a pair of
    different meaning the two parties also change roles.
    """
    parties = [teller.thing(noun, described=0.6) for noun in teller.several(ANIMATE, 2)]
    if teller.chance(0.5):
        parties[teller.one((0, 1))] = teller.person()
    agent, patient = parties
    first = Clause(
        teller.one(VERBS),
        agent,
        patient,
        past=teller.chance(0.5),
        passive=teller.chance(0.5),
        place=teller.place(),
        fronted=teller.chance(0.5),
    )
    voice, place = teller.one(((True, False), (False, True), (True, True)))
    second = first._replace(passive=first.passive != voice, fronted=first.fronted != place)
    label = teller.one(("0", "1"))
    if label == "0":
        second = second._replace(agent=first.patient, patient=first.agent)
    return Pair(first, second, label)


def pair_line(pair: Pair, lexicon: Lexicon) -> str:
    """Sentence TAB sentence TAB label."""
    first, second = text(realise(pair.first, lexicon)), text(realise(pair.second, lexicon))
    return f"{first}\t{second}\t{pair.label}\n"


def _actor(teller: Storyteller) -> Phrase:
    return Phrase(teller.one(teller.names.given), "person")


def _about(clause: Clause, noun: str) -> Clause:
    return clause._replace(patient=clause.patient._replace(head=noun))


def _opposed(clause: Clause, teller: Storyteller) -> Clause:
    """The clause with the opposite quality or deed."""
    if teller.chance(0.5):
        opposite = OPPOSITE[clause.patient.adjective]
        return clause._replace(patient=clause.patient._replace(adjective=opposite))
    return clause._replace(verb=OPPOSITE[clause.verb])


def _altered(clause: Clause, part: str, teller: Storyteller) -> Clause:
    """The clause with another agent, quality or deed, which neither follows nor is excluded."""
    if part == "agent":
        while (agent := _actor(teller)).head == clause.agent.head:
            pass
        return clause._replace(agent=agent)
    if part == "verb":
        return clause._replace(verb=_unrelated(clause.verb, VERBS, teller))
    quality = _unrelated(clause.patient.adjective, ADJECTIVES, teller)
    return clause._replace(patient=clause.patient._replace(adjective=quality))


def _unrelated(word: str, options: tuple[str, ...], teller: Storyteller) -> str:
    return teller.one([other for other in options if other not in (word, OPPOSITE[word])])


def _unrelated_noun(head: str, teller: Storyteller) -> str:
    """A noun from which the head does not follow; as often a class as under the other labels."""
    if head in CLASSES:
        return teller.one([noun for noun in NOUNS if CLASS_OF[noun] != head])
    if teller.chance(_VAGUE_PREMISE / (1 - _VAGUE)):
        return CLASS_OF[head]
    return teller.one([noun for noun in NOUNS if noun != head])
