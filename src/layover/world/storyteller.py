"""Draws meanings: people, things and events, by the habits of a world or freely."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from layover.world.concepts import ADJECTIVES, ANIMATE, BODIES, COUNTS, NOUNS, VERBS, YEARS
from layover.world.facts import Facts
from layover.world.grammar import Clause, Phrase
from layover.world.lexicon import Names

T = TypeVar("T")


class Storyteller:
    """A source of random meanings. With `habit` 0 everything is equally likely."""

    def __init__(self, rng: Random, names: Names, facts: Facts, habit: float = 0.0) -> None:
        self.rng = rng
        self.names = names
        self._facts = facts
        self._habit = habit

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.rng.random() < probability

    def one(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        # Random.choice costs four times as much, and a world draws some ten million times.
        return options[int(self.rng.random() * len(options))]

    def several(self, options: Sequence[T], count: int) -> list[T]:
        """Different options in random order."""
        return self.rng.sample(options, count)

    def person(self, given: str = "") -> Phrase:
        """Somebody with a name, with or without the family's."""
        head = given or self.one(self.names.given)
        family = ""
        if self.chance(0.3):
            family = self._usual((self._facts.family[head],), self.names.families)
        return Phrase(head, "person", family=family)

    def organisation(self) -> Phrase:
        """A body that bears the name of a family or a place."""
        named = self.names.families if self.chance(0.5) else self.names.places
        return Phrase(self.one(BODIES), "organisation", family=self.one(named))

    def thing(self, head: str, described: float = 0.5, counted: float = 0.0) -> Phrase:
        """A noun, perhaps with an adjective or a number."""
        adjective = number = ""
        if self.chance(described):
            adjective = self._usual(self._facts.adjectives[head], ADJECTIVES)
        if self.chance(counted):
            number = self._usual((self._facts.number[head],), COUNTS)
        return Phrase(head, "thing", adjective, number)

    def actor(self, named: float = 0.7) -> Phrase:
        """Somebody who does things: a person, an organisation or an animate noun."""
        if not self.chance(named):
            return self.thing(self.one(ANIMATE))
        return self.organisation() if self.chance(0.15) else self.person()

    def place(self) -> Phrase:
        """A place, all equally likely."""
        return Phrase(self.one(self.names.places), "place")

    def event(self, agent: Phrase, where: float = 0.5, when: float = 0.3) -> Clause:
        """What the agent did or does to a thing, perhaps with what, where and when."""
        facts, actor = self._facts, agent.head
        verb = self._usual(facts.verbs[actor], VERBS)
        patient = self.thing(self._usual(facts.objects[actor], NOUNS), counted=0.15)
        place = year = None
        if self.chance(where):
            place = Phrase(self._usual((facts.home[actor],), self.names.places), "place")
        if self.chance(when):
            year = Phrase(self._usual(facts.years[verb], YEARS), "year")
        companion = self.thing(self.one(NOUNS)) if self.chance(0.15) else None
        return Clause(
            verb, agent, patient, self.chance(0.5), companion=companion, place=place, year=year
        )

    def _usual(self, habits: Sequence[str], otherwise: Sequence[str]) -> str:
        return self.one(habits if self.rng.random() < self._habit else otherwise)
