"""Raw text for masked-language-model training: short paragraphs that say things more than once.

A statement is often followed by another that says the same differently, asks about it, or denies
its contrary. That is what relates questions to answers and words to their opposites and classes.
"""

from __future__ import annotations

from layover.world.concepts import CLASS_OF, OPPOSITE
from layover.world.grammar import ASKING, Clause, Phrase, fragment, question, realise
from layover.world.lexicon import CONTENT, Lexicon, Word
from layover.world.storyteller import Storyteller

_ECHOED = 0.6
"""Share of a story's statements that are followed by another about the same."""
_QUIZZES = 0.25
"""Share of the paragraphs that are quizzes."""


def paragraph(teller: Storyteller, lexicon: Lexicon) -> list[Word]:
    """A story, or a short one with questions about it."""
    return _quiz(teller, lexicon) if teller.chance(_QUIZZES) else _story(teller, lexicon)


def borrow(words: list[Word], share: float, teller: Storyteller, source: Lexicon) -> list[Word]:
    """The words with a share of the content words replaced by the source language's."""
    random = teller.rng.random
    return [
        word._replace(text=source.form(word.key))
        if random() < share and word.key in CONTENT
        else word
        for word in words
    ]


def _story(teller: Storyteller, lexicon: Lexicon) -> list[Word]:
    """Two to four statements with their echoes."""
    words: list[Word] = []
    agent = teller.actor()
    for _ in range(teller.one((2, 3, 4))):
        event = teller.event(agent)
        words += realise(event._replace(fronted=teller.chance(0.2)), lexicon)
        if teller.chance(_ECHOED):
            words += _echo(event, teller, lexicon)
        if teller.chance(0.5):
            agent = teller.actor()
    return words


def _quiz(teller: Storyteller, lexicon: Lexicon) -> list[Word]:
    """One to three statements about different actors, then a question about each of them.

    Here the answer is not in the sentence before: it has to be found by what the question says.
    """
    events = []
    for _ in range(teller.one((1, 2, 2, 3))):
        event = teller.event(teller.actor(), where=0.4, when=0.0)
        events.append(event._replace(companion=None))
    words = [word for event in events for word in realise(event, lexicon)]
    for event in teller.several(events, len(events)):
        if teller.chance(0.6):
            words += _asked(event, teller, lexicon)
        else:
            true = teller.chance(0.5)
            claim = _short(event if true else _contrary(event))
            words += realise(claim._replace(polar=True), lexicon)
            words += fragment(Phrase("yes" if true else "no", "word"), lexicon)
    return words


def _echo(event: Clause, teller: Storyteller, lexicon: Lexicon) -> list[Word]:
    kind = teller.rng.random()
    if kind < 0.3:
        return _asked(event, teller, lexicon)
    if kind < 0.5:
        return realise(_short(event)._replace(passive=True), lexicon)
    if kind < 0.65:
        return _confirmed(event, teller, lexicon)
    if kind < 0.85:
        return _contrasted(event, teller, lexicon)
    noun = event.patient.head
    group = Phrase(CLASS_OF[noun], article="a")
    return realise(Clause("be", Phrase(noun), group), lexicon)


def _asked(event: Clause, teller: Storyteller, lexicon: Lexicon) -> list[Word]:
    """A question about one part of the event, and that part as the answer."""
    role = teller.one([role for role in ASKING if getattr(event, role) is not None])
    return realise(question(event, role), lexicon) + fragment(getattr(event, role), lexicon)


def _confirmed(event: Clause, teller: Storyteller, lexicon: Lexicon) -> list[Word]:
    """A yes/no question with its answer: the event, or its contrary denied."""
    short = _short(event)
    if teller.chance(0.5):
        answer = short._replace(opening="yes")
        return realise(short._replace(polar=True), lexicon) + realise(answer, lexicon)
    other = _contrary(short)
    answer = other._replace(opening="no", negated=True)
    return realise(other._replace(polar=True), lexicon) + realise(answer, lexicon)


def _contrasted(event: Clause, teller: Storyteller, lexicon: Lexicon) -> list[Word]:
    """The contrary denied, or somebody else who did not do it."""
    short = _short(event)._replace(negated=True, opening="but")
    if teller.chance(0.7):
        return realise(_contrary(short), lexicon)
    return realise(short._replace(agent=teller.actor()), lexicon)


def _short(event: Clause) -> Clause:
    return event._replace(companion=None, place=None, year=None)


def _contrary(event: Clause) -> Clause:
    """The event with the opposite quality, or the opposite deed where no quality is told."""
    quality = event.patient.adjective
    if quality:
        return event._replace(patient=event.patient._replace(adjective=OPPOSITE[quality]))
    return event._replace(verb=OPPOSITE[event.verb])
