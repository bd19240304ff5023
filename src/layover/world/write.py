"""Writes a world to disk, in the layouts that the loaders of the real data sets read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from layover.world.choice import choice, choice_lines
from layover.world.facts import facts
from layover.world.grammar import Clause, realise, text
from layover.world.inference import entailment, pair_line, paraphrase
from layover.world.labelling import named, naming_sentence, sentence, supertagged, tagged
from layover.world.lexicon import Lexicon, lexicons, names
from layover.world.mining import DRAWN, mine
from layover.world.questions import doubtful, reading, sentences, squad, squad2
from layover.world.raw import borrow, paragraph
from layover.world.shape import Shape, Sizes
from layover.world.storyteller import Storyteller
from layover.world.translation import nameless

E = TypeVar("E")

_QUESTIONS = {"squad": ("xquad", "v1.1"), "squad2": ("xquad2", "v2.0")}
"""Task -> the folder of its tests, and the version of SQuAD whose names its other files have."""


def write(folder: Path, shape: Shape, seed: int) -> None:
    """Write every file of the world of one shape and seed under the folder, which is made.

    Equal arguments write equal bytes on every machine. Rows of equal number, and questions of
    equal id, mean the same in all languages. No example occurs twice, in one task or in two, and
    the names of training examples occur in no other split.
    """
    world = _World(folder, shape, seed)
    world.raw_text()
    world.task("udpos", shape.udpos, sentence, _each(tagged))
    world.task("panx", shape.panx, naming_sentence, _each(named))
    world.task("ccg", shape.ccg, sentence, _each(supertagged))
    world.task("xnli", shape.xnli, entailment, _each(pair_line))
    world.task("pawsx", shape.pawsx, paraphrase, _each(pair_line))
    world.task("hellaswag", shape.hellaswag, choice, choice_lines)
    world.readings()
    world.translations()
    world.mines()
    # Last, since no example is drawn that was drawn before.
    world.task("squad2", shape.squad, doubtful, squad2)


class _File(NamedTuple):
    """Where one split of one task in one language goes."""

    task: str
    split: str
    code: str
    taught: tuple[str, ...]

    @property
    def path(self) -> str:
        if self.task in _QUESTIONS:
            test, version = _QUESTIONS[self.task]
            if self.split == "test":
                return f"{test}/{test}.{self.code}.json"
            # As SQuAD has it where there is one language.
            language = f"-{self.code}" if self.taught else ""
            return f"squad/{self.split}-{version}{language}.json"
        suffix = "jsonl" if self.task == "hellaswag" else "tsv"
        return f"{self.task}/{self.split}-{self.code}.{suffix}"


class _World:
    """What all files of one world share."""

    def __init__(self, folder: Path, shape: Shape, seed: int) -> None:
        self._folder = folder
        self._shape = shape
        self._seed = seed
        self._names = names(seed)
        self._facts = facts(self._names, seed)
        self._lexicons = lexicons(shape.languages, seed)
        self._seen: set[object] = set()

    def raw_text(self) -> None:
        """mlm/L.txt, one paragraph a line; each language tells stories of its own."""
        source = self._lexicons[self._shape.source.code]
        for code, lexicon in self._lexicons.items():
            rng = Random(f"{self._seed}/mlm/{code}")
            teller = Storyteller(rng, self._names, self._facts, self._shape.habit)
            lines = []
            for _ in range(self._shape.paragraphs):
                words = paragraph(teller, lexicon)
                if lexicon is not source:
                    words = borrow(words, self._shape.loans, teller, source)
                lines.append(text(words))
            self._save(f"mlm/{code}.txt", _lines(lines))

    def task(
        self,
        name: str,
        sizes: Sizes,
        draw: Callable[[Storyteller], E],
        render: Callable[[Sequence[E], Lexicon], str],
    ) -> None:
        """The files of a task: the same meanings, rendered in each language."""
        for split, examples in self._splits(name, sizes, draw):
            for code in self._languages(name, split):
                rendered = render(examples, self._lexicons[code])
                self._save(self._path(name, split, code), rendered)

    def readings(self) -> None:
        """squad/ and xquad/, and the test questions once more by sentences, lareqa/xquad-r/."""
        for split, examples in self._splits("squad", self._shape.squad, reading):
            for code in self._languages("squad", split):
                lexicon = self._lexicons[code]
                self._save(self._path("squad", split, code), squad(examples, lexicon))
                if split == "test":
                    self._save(f"lareqa/xquad-r/{code}.json", sentences(examples, lexicon))

    def translations(self) -> None:
        """tatoeba/: for each other language, sorted source sentences, shuffled ones, the key."""
        source = self._shape.source.code
        for split, examples in self._splits("tatoeba", self._shape.tatoeba, nameless):
            prefix = "tatoeba/" if split == "test" else f"tatoeba/{split}-"
            ordered = sorted(examples, key=lambda example: self._sentence(example, source))
            for code in self._languages("tatoeba", split):
                shuffled = list(range(len(ordered)))
                Random(f"{self._seed}/tatoeba/{split}/{code}").shuffle(shuffled)
                place = {row: at for at, row in enumerate(shuffled)}
                pair = f"{prefix}{code}-{source}"
                known = (self._sentence(example, source) for example in ordered)
                foreign = (self._sentence(ordered[row], code) for row in shuffled)
                self._save(f"{pair}.{source}", _lines(known))
                self._save(f"{pair}.{code}", _lines(foreign))
                key = (str(place[row]) for row in range(len(ordered)))
                self._save(f"tatoeba/labels/{split}-{code}.tsv", _lines(key))

    def mines(self) -> None:
        """bucc2018/: for each other language two texts with few translations among their lines."""
        source = self._lexicons[self._shape.source.code]
        sizes = self._shape.bucc
        drawn = Sizes(dev=DRAWN * sizes.dev, test=DRAWN * sizes.test)
        for split, examples in self._splits("bucc", drawn, nameless):
            for code in self._languages("bucc", split):
                rng = Random(f"{self._seed}/bucc/{split}/{code}")
                found = mine(examples, self._lexicons[code], source, rng)
                name = f"bucc2018/{code}-{source.dialect.code}.{split}"
                self._save(f"{name}.{code}", found.foreign)
                self._save(f"{name}.{source.dialect.code}", found.known)
                self._save(f"{name}.gold", found.gold)

    def _splits(
        self, task: str, sizes: Sizes, draw: Callable[[Storyteller], E]
    ) -> Iterable[tuple[str, list[E]]]:
        """The examples of each split that has any; no two of the world are equal."""
        for split, size in (("train", sizes.train), ("dev", sizes.dev), ("test", sizes.test)):
            rng = Random(f"{self._seed}/{task}/{split}")
            teller = Storyteller(rng, self._names.half(split != "train"), self._facts)
            examples: list[E] = []
            while len(examples) < size:
                example = draw(teller)
                if example not in self._seen:
                    self._seen.add(example)
                    examples.append(example)
            if examples:
                yield split, examples

    def _languages(self, task: str, split: str) -> Sequence[str]:
        codes = tuple(self._lexicons)
        if task in ("tatoeba", "bucc"):
            return codes[1:]
        only_taught = split == "train" or (split == "dev" and task in ("ccg", *_QUESTIONS))
        return (codes[0], *self._shape.taught) if only_taught else codes

    def _path(self, task: str, split: str, code: str) -> str:
        return _File(task, split, code, self._shape.taught).path

    def _sentence(self, clause: Clause, code: str) -> str:
        return text(realise(clause, self._lexicons[code]))

    def _save(self, path: str, content: str) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8", newline="\n")


def _each(render: Callable[[E, Lexicon], str]) -> Callable[[Sequence[E], Lexicon], str]:
    return lambda examples, lexicon: "".join(render(example, lexicon) for example in examples)


def _lines(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)
