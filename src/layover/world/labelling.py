"""Sentences whose every token has a label: part of speech, entity, or part of speech with role."""

from __future__ import annotations

from layover.world.concepts import CLASS_OF, NOUNS
from layover.world.grammar import Clause, Phrase, question, realise
from layover.world.lexicon import Lexicon, Word
from layover.world.storyteller import Storyteller


def sentence(teller: Storyteller) -> Clause:
    """A sentence of any kind: statement, question, passive, negation, class membership."""
    agent = teller.actor(named=0.5)
    if teller.chance(0.1):
        noun = teller.one(NOUNS)
        return Clause("be", teller.thing(noun), Phrase(CLASS_OF[noun], article="a"))
    event = teller.event(agent)
    kind = teller.rng.random()
    if kind < 0.2:
        event = event._replace(passive=True)
    elif kind < 0.35:
        event = event._replace(negated=True)
    elif kind < 0.45:
        event = event._replace(polar=True)
    elif kind < 0.6:
        event = question(event, teller.one(("agent", "patient")))
    return event._replace(fronted=teller.chance(0.2))


def naming_sentence(teller: Storyteller) -> Clause:
    """A statement about people, organisations and places, often several of them."""
    event = teller.event(teller.actor(), where=0.6)
    kind = teller.rng.random()
    patient = event.patient
    if kind < 0.2:
        patient = teller.person()
    elif kind < 0.5:
        patient = teller.organisation()
    passive, fronted = teller.chance(0.3), teller.chance(0.3)
    return event._replace(patient=patient, passive=passive, fronted=fronted)


def tagged(clause: Clause, lexicon: Lexicon) -> str:
    """Token TAB universal part of speech, one token a line, and a blank line."""
    return _block([(word, word.upos) for word in realise(clause, lexicon)])


def named(clause: Clause, lexicon: Lexicon) -> str:
    """The same with an entity label: B-PER, ..., O."""
    return _block([(word, word.entity) for word in realise(clause, lexicon)])


def supertagged(clause: Clause, lexicon: Lexicon) -> str:
    """The same with part of speech and role: NOUN/agent, ..."""
    return _block([(word, f"{word.upos}/{word.role}") for word in realise(clause, lexicon)])


def _block(rows: list[tuple[Word, str]]) -> str:
    return "".join(f"{word.text}\t{label}\n" for word, label in rows) + "\n"
