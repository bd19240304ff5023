"""The words of every language: related where languages are close, else coined anew."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from layover.world.concepts import (
    ADJECTIVES,
    CLASSES,
    COUNTS,
    NOUNS,
    PARTICLES,
    UPOS,
    VERBS,
    YEARS,
)
from layover.world.dialect import Dialect

PAST = "+past"
"""Ends the key of a verb's past form: "buy+past"."""
OBJECT = "+object"
"""Ends the key of a noun's form as the object of a verb: "dog+object"."""

_NOUNS = (*NOUNS, *CLASSES)
CONTENT = frozenset(
    (*_NOUNS, *ADJECTIVES, *VERBS, *(v + PAST for v in VERBS), *(n + OBJECT for n in _NOUNS))
)
"""Keys of the words that a language may borrow."""

_LETTERS = {"C": "bdfgklmnprstvz", "V": "aeiou"}
_CYRILLIC = str.maketrans("abdefgiklmnoprstuvz", "абдефгиклмнопрстувз")
_SHIFTED = 1 / 3
"""Share of the cognates that have one vowel changed."""


class Word(NamedTuple):
    """One token of a sentence with everything that any task asks about it."""

    text: str
    key: str
    """The concept and its form, the same in all languages; a name or number is its own key."""
    upos: str
    entity: str
    """B-PER, I-PER, B-ORG, I-ORG, B-LOC or O."""
    role: str
    """What it does in the sentence: agent, patient, place, predicate, ..."""


class Names(NamedTuple):
    """Proper names. They are written alike in all languages, as names are."""

    given: tuple[str, ...]
    families: tuple[str, ...]
    places: tuple[str, ...]

    def half(self, second: bool) -> Names:
        """Every other name: what training has (first half) testing lacks (second half)."""
        return Names(*(names[int(second) :: 2] for names in self))


class Lexicon:
    """The word forms of one language and the grammar that goes with them."""

    def __init__(self, dialect: Dialect, stems: dict[str, str]) -> None:
        self.dialect = dialect
        past = {verb + PAST: stems[verb] + dialect.past_suffix for verb in VERBS}
        objects = {noun + OBJECT: stems[noun] + dialect.case_suffix for noun in _NOUNS}
        forms = stems | past | objects
        if dialect.script == "Cyrl":
            forms = {key: form.translate(_CYRILLIC) for key, form in forms.items()}
        self._forms = forms
        self._words: dict[tuple[str, str, str], Word] = {}

    def form(self, key: str) -> str:
        """The written form of a concept; names, numbers and marks are written as they are."""
        return self._forms.get(key, key)

    def word(self, key: str, role: str, entity: str = "O") -> Word:
        """The word for a concept in a role; the same object each time."""
        found = self._words.get((key, role, entity))
        if found is None:
            found = Word(self.form(key), key, _upos(key), entity, role)
            self._words[key, role, entity] = found
        return found


def names(seed: int) -> Names:
    """The proper names of the world of one seed."""
    rng, taken = Random(f"{seed}/names"), set[str]()
    return Names(
        given=tuple(_coin(rng, "CVCV", taken) for _ in range(40)),
        families=tuple(_coin(rng, "CVCCV", taken) for _ in range(20)),
        places=tuple(_coin(rng, "CVCVCV", taken) for _ in range(12)),
    )


def lexicons(dialects: tuple[Dialect, ...], seed: int) -> dict[str, Lexicon]:
    """Language code -> its lexicon. The first dialect is the one that the others are related to.

    No two words of the family are written alike by accident: equal forms are cognates.
    """
    taken: set[str] = set()
    rng = Random(f"{seed}/words/{dialects[0].code}")
    source = {key: _coin(rng, _shape(key), taken) for key in UPOS}
    found = {dialects[0].code: Lexicon(dialects[0], source)}
    for dialect in dialects[1:]:
        rng = Random(f"{seed}/words/{dialect.code}")
        related = frozenset(rng.sample(tuple(UPOS), round(dialect.cognates * len(UPOS))))
        stems = {
            key: _cognate(rng, form, taken) if key in related else _coin(rng, _shape(key), taken)
            for key, form in source.items()
        }
        found[dialect.code] = Lexicon(dialect, stems)
    return found


def _shape(key: str) -> str:
    return "CVC" if key in PARTICLES else "CVCVC"


def _coin(rng: Random, shape: str, taken: set[str]) -> str:
    while (form := "".join(rng.choice(_LETTERS[kind]) for kind in shape)) in taken:
        pass
    taken.add(form)
    return form


def _cognate(rng: Random, form: str, taken: set[str]) -> str:
    if rng.random() >= _SHIFTED:
        return form
    at = rng.choice([i for i, letter in enumerate(form) if letter in _LETTERS["V"]])
    changed = [form[:at] + vowel + form[at + 1 :] for vowel in _LETTERS["V"]]
    free = [other for other in changed if other not in taken]
    if not free:
        return form
    other = rng.choice(free)
    taken.add(other)
    return other


def _upos(key: str) -> str:
    if key in COUNTS or key in YEARS:
        return "NUM"
    if not key[0].isalpha():
        return "PUNCT"
    return UPOS.get(key.partition("+")[0], "PROPN")
