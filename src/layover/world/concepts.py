"""What can be talked about: the concepts that every language of the family has a word for."""

from __future__ import annotations

CLASSES = {
    "folk": ("smith", "baker", "farmer", "sailor", "weaver", "hunter"),
    "animal": ("dog", "cat", "horse", "goat", "crow", "frog"),
    "food": ("bread", "apple", "cheese", "soup", "honey", "egg"),
    "tool": ("knife", "hammer", "rope", "lamp", "needle", "bucket"),
    "garment": ("coat", "hat", "scarf", "boot", "glove", "belt"),
}
"""Class -> its nouns. The class is a word of its own, a hypernym: a dog is an animal."""

CLASS_OF = {noun: group for group, nouns in CLASSES.items() for noun in nouns}
NOUNS = tuple(CLASS_OF)
ANIMATE = CLASSES["folk"] + CLASSES["animal"]
"""The nouns that act; anything can be acted upon."""

ADJECTIVE_PAIRS = (
    ("big", "small"),
    ("old", "new"),
    ("heavy", "light"),
    ("clean", "dirty"),
    ("wet", "dry"),
    ("bright", "dark"),
)
VERB_PAIRS = (
    ("buy", "sell"),
    ("find", "lose"),
    ("break", "mend"),
    ("hide", "show"),
    ("push", "pull"),
    ("praise", "blame"),
    ("catch", "free"),
)
OPPOSITE = {
    word: other
    for one, two in ADJECTIVE_PAIRS + VERB_PAIRS
    for word, other in ((one, two), (two, one))
}
ADJECTIVES = tuple(word for pair in ADJECTIVE_PAIRS for word in pair)
VERBS = tuple(word for pair in VERB_PAIRS for word in pair)

BODIES = ("guild", "mill", "school")
"""Kinds of organisations: a body with a family's or a place's name is an organisation."""

PARTICLES = {
    "the": "DET",
    "a": "DET",
    "in": "ADP",
    "during": "ADP",
    "by": "ADP",
    "with": "ADP",
    "but": "CCONJ",
    "be": "AUX",
    "not": "PART",
    "whether": "PART",
    "yes": "INTJ",
    "no": "INTJ",
    "who": "PRON",
    "what": "PRON",
    "where": "ADV",
    "when": "ADV",
}
"""Function word -> its universal part of speech. "whether" opens or closes a yes/no question."""

COUNTS = tuple("23456789")
YEARS = tuple(str(year) for year in range(1911, 1923))

UPOS = {
    **dict.fromkeys((*NOUNS, *CLASSES), "NOUN"),
    **dict.fromkeys(ADJECTIVES, "ADJ"),
    **dict.fromkeys(VERBS, "VERB"),
    **dict.fromkeys(BODIES, "PROPN"),
    **PARTICLES,
}
"""Concept -> its universal part of speech; exactly the words that differ between languages."""
