"""The facts of a world: what its people, things and deeds usually go with, in every language alike.

They are what lets raw text align languages that share no words: who does "talu" in spring 1912 in
Vela in one language does the same under another name in the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from layover.world.concepts import ADJECTIVES, ANIMATE, BODIES, CLASSES, COUNTS, NOUNS, VERBS, YEARS
from layover.world.lexicon import Names

ACTORS = (*ANIMATE, *BODIES)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Habits. An actor is a given name, an animate noun or a body such as "guild"."""

    verbs: Mapping[str, tuple[str, ...]]
    """Actor -> its two usual deeds."""
    objects: Mapping[str, tuple[str, ...]]
    """Actor -> the two things it usually acts upon."""
    home: Mapping[str, str]
    """Actor -> the place it acts in."""
    family: Mapping[str, str]
    """Given name -> family name."""
    adjectives: Mapping[str, tuple[str, ...]]
    """Noun -> its two usual qualities."""
    number: Mapping[str, str]
    """Noun -> the number it usually comes in."""
    years: Mapping[str, tuple[str, ...]]
    """Verb -> the two years in which it usually happens."""


def facts(names: Names, seed: int) -> Facts:
    """The facts of the world of one seed."""
    rng = Random(f"{seed}/facts")
    actors = (*names.given, *ACTORS)
    return Facts(
        verbs={actor: tuple(rng.sample(VERBS, 2)) for actor in actors},
        objects={actor: tuple(rng.sample(NOUNS, 2)) for actor in actors},
        home={actor: rng.choice(names.places) for actor in actors},
        family={given: rng.choice(names.families) for given in names.given},
        adjectives={noun: tuple(rng.sample(ADJECTIVES, 2)) for noun in (*NOUNS, *CLASSES)},
        number={noun: rng.choice(COUNTS) for noun in (*NOUNS, *CLASSES)},
        years={verb: tuple(rng.sample(YEARS, 2)) for verb in VERBS},
    )
