"""The shape of a world: its languages and how much of everything is written. All of it is keyed."""

from __future__ import annotations

from dataclasses import dataclass

from layover.errors import StudyError
from layover.world.dialect import LANGUAGES, Dialect


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Examples of one task. Train is in the languages that are taught; dev and test are per
    language."""

    train: int = 0
    dev: int = 100
    test: int = 300


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A family of languages and the sizes of its data sets; the defaults are the demo's."""

    languages: tuple[Dialect, ...] = LANGUAGES
    """The source first; the others in the order in which they are reported."""
    taught: tuple[str, ...] = ()
    """Codes of further languages that training examples are written in, the same examples as in
    the source, and development examples of every task."""
    paragraphs: int = 12_000
    """Paragraphs of raw text per language."""
    habit: float = 0.85
    """How often the raw text follows the facts of the world, which all languages share."""
    loans: float = 0.2
    """Share of the content words of the other languages' raw text that are the source's words."""
    udpos: Sizes = Sizes(train=500)
    panx: Sizes = Sizes(train=500)
    ccg: Sizes = Sizes(train=4_000, test=0)
    xnli: Sizes = Sizes(train=8_000)
    pawsx: Sizes = Sizes(train=4_000)
    hellaswag: Sizes = Sizes(train=3_000)
    squad: Sizes = Sizes(train=8_000)
    """So many questions that all have answers, and so many of which some have none."""
    tatoeba: Sizes = Sizes(test=500)
    bucc: Sizes = Sizes()
    """Pairs of translations; each side has three times as many lines without one."""

    def __post_init__(self) -> None:
        known = [dialect.code for dialect in self.languages[1:]]
        if len(set(self.taught)) != len(self.taught) or not set(self.taught) <= set(known):
            raise StudyError(
                f"taught={self.taught}: they are further languages, each once, of "
                f"{', '.join(known)}; {self.source.code} is always taught"
            )

    @property
    def source(self) -> Dialect:
        """The language that training examples are always written in."""
        return self.languages[0]
