"""One language of the generated family, described by what sets it apart from the source."""

from __future__ import annotations

from dataclasses import dataclass

ORDERS = ("SVO", "SOV", "VSO")
SCRIPTS = ("Latn", "Cyrl")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Everything that is chosen about one language. The defaults describe the source language."""

    code: str
    """ISO 639-3; the codes from qaa to qtz are reserved for local use."""
    name: str
    cognates: float = 1.0
    """Share of the words that are the source's own, a third of them with one vowel changed."""
    order: str = "SVO"
    """Order of subject, verb and object; one of ORDERS."""
    adjective_first: bool = True
    adpositions: str = "before"
    """Where "in", "by" and their like stand: "before" or "after" their phrase."""
    case_suffix: str = ""
    """Ending of a common noun that is the object of a verb; "" for none."""
    past_suffix: str = "an"
    """Ending of a verb in the past tense."""
    articles: bool = True
    script: str = "Latn"
    """One of SCRIPTS. Names of people and places stay in Latin letters in every script."""

    @property
    def distance(self) -> float:
        """How far this language is from the source: 0 (the source itself) to 1.

        Words that differ count 70 %, the six features of grammar and script 30 %.
        """
        features = ("order", "adjective_first", "adpositions", "case_suffix", "articles", "script")
        differing = [name for name in features if getattr(self, name) != getattr(Dialect, name)]
        return 0.7 * (1.0 - self.cognates) + 0.3 * len(differing) / len(features)


LANGUAGES = (
    Dialect(code="qal", name="Alvic"),
    Dialect(code="qbe", name="Belic", cognates=0.5),
    Dialect(code="qco", name="Corvic", cognates=0.3, adjective_first=False, past_suffix="en"),
    Dialect(
        code="qde",
        name="Delvic",
        cognates=0.15,
        order="SOV",
        adpositions="after",
        case_suffix="ot",
        past_suffix="il",
    ),
    Dialect(
        code="qel",
        name="Elvic",
        cognates=0.05,
        order="VSO",
        adjective_first=False,
        past_suffix="um",
    ),
    Dialect(
        code="qfe",
        name="Fenric",
        cognates=0.0,
        order="SOV",
        adpositions="after",
        past_suffix="ir",
        articles=False,
        script="Cyrl",
    ),
)
"""The default family, by growing distance; the source comes first."""
