"""XTREME's forms of predictions and labels, those that are lines: each is read and checked, and
written."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Protocol

from layover.errors import DataError
from layover.xtreme.files import (
    Answers,
    Kind,
    Matched,
    blank,
    few,
    in_order,
    lines_of,
    shown,
    unique,
    unreadable,
    write,
)


class Form(Protocol):
    """How the predictions and the labels of a task are written down."""

    @property
    def suffix(self) -> str:
        """What the names of its files end in."""

    @property
    def numbered(self) -> bool:
        """Whether its ids are the numbers of rows."""

    def read(self, path: Path, kind: Kind) -> Answers:
        """What a file says. Faults are in its `problems`."""

    def write(self, path: Path, values: Mapping[str, Any], kind: Kind) -> None:
        """Write what `read` gives back."""

    def match(self, mine: Answers, gold: Answers) -> Matched:
        """Predictions and labels of one language, side by side."""


class Lines(ABC):
    """A value on each line."""

    numbered: ClassVar[bool] = True
    suffix: ClassVar[str] = "tsv"

    @abstractmethod
    def value(self, line: str) -> str:
        """Raises ValueError saying what is expected of a line."""

    def line(self, value: str) -> str:
        """What `value` reads."""
        return value

    def says(self, line: str) -> bool:
        """Whether a line holds anything; if none does, these are labels that were blanked."""
        return bool(line)

    def read(self, path: Path, kind: Kind) -> Answers:
        try:
            lines = lines_of(path)
        except DataError as error:
            return unreadable(path, error)
        place = str(path)
        if not any(map(self.says, lines)):
            return blank(place, kind)
        values: dict[str, str] = {}
        faults: list[tuple[int, ValueError]] = []
        for number, line in enumerate(lines):
            try:
                values[str(number)] = self.value(line)
            except ValueError as error:
                faults.append((number + 1, error))
        return Answers(
            place=place,
            values=values,
            where=lambda row: f"{place}:{int(row) + 1}",
            problems=few(faults, lambda fault: f"{place}:{fault[0]}: {fault[1]}", place),
        )

    def write(self, path: Path, values: Mapping[str, Any], kind: Kind) -> None:
        write(path, "".join(f"{self.line(value)}\n" for value in values.values()))

    def match(self, mine: Answers, gold: Answers) -> Matched:
        return in_order(mine, gold, "lines")


@dataclass(frozen=True, kw_only=True)
class Labels(Lines):
    """One of `names` on each line (XNLI, PAWS-X)."""

    names: tuple[str, ...]

    def value(self, line: str) -> str:
        if line not in self.names:
            raise ValueError(f"{shown(line)}, expected one of {', '.join(self.names)}")
        return line


@dataclass(frozen=True, kw_only=True)
class Numbers(Lines):
    """A line number, from 0, on each line (Tatoeba). They are compared as texts, as in the
    original."""

    def value(self, line: str) -> str:
        if not (line.isascii() and line.isdecimal()):
            raise ValueError(f"{shown(line)}, expected the number of a line, from 0")
        return line

    def match(self, mine: Answers, gold: Answers) -> Matched:
        """With notes of numbers that cannot be right."""
        found = super().match(mine, gold)
        if found.problems:
            return found
        total = len(found.targets)
        pairs = list(zip(found.predictions, found.targets, strict=True))
        numbers = [(_number(one), _number(other)) for one, other in pairs]
        notes = []
        written = [
            one
            for (one, other), (mine_is, gold_is) in zip(pairs, numbers, strict=True)
            if one != other and mine_is == gold_is
        ]
        if written:
            notes.append(
                f"{mine.place}: {len(written)} of {total} numbers are the label's in other digits, "
                f"as {shown(written[0])}; the original compares texts, and they count 0"
            )
        for step, word in ((1, "more"), (-1, "less")):
            off = sum(one == other + step for one, other in numbers)
            if off > total / 2:
                notes.append(
                    f"{mine.place}: {off} of {total} numbers are one {word} than the label: is the "
                    "first line 0 in both files?"
                )
        beyond = sum(one >= total for one, _ in numbers)
        if beyond and all(other < total for _, other in numbers):
            notes.append(
                f"{mine.place}: {beyond} of {total} numbers are beyond the last line, {total - 1}"
            )
        return replace(found, notes=tuple(notes))


@dataclass(frozen=True, kw_only=True)
class Choices(Lines):
    """A JSON object with "label", the position of an option, on each line (XCOPA)."""

    names: ClassVar[tuple[str, ...]] = ("0", "1")
    suffix: ClassVar[str] = "jsonl"

    def value(self, line: str) -> str:
        expected = f'a JSON object with "label", one of {", ".join(self.names)}'
        try:
            item = json.loads(line, object_pairs_hook=unique)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not valid JSON ({error}), expected {expected}") from error
        label = item.get("label") if isinstance(item, dict) else None
        # Submissions have numbers; some tools write them as texts.
        if str(label) not in self.names:
            raise ValueError(f"{shown(line)}, expected {expected}")
        return str(label)

    def line(self, value: str) -> str:
        return json.dumps({"label": int(value)})

    def says(self, line: str) -> bool:
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            return bool(line)
        return not isinstance(item, dict) or item.get("label") not in (None, "")


@dataclass(frozen=True, kw_only=True)
class Tags:
    """A tag on each line, an empty line between sentences (UDPOS, PAN-X)."""

    names: tuple[str, ...]
    numbered: ClassVar[bool] = True
    suffix: ClassVar[str] = "tsv"

    def read(self, path: Path, kind: Kind) -> Answers:
        try:
            lines = lines_of(path)
        except DataError as error:
            return unreadable(path, error)
        place = str(path)
        known = {*self.names, ""}
        if not any(lines):
            return blank(place, kind)
        wrong = (
            [] if known.issuperset(lines) else [at for at, x in enumerate(lines) if x not in known]
        )
        problems = few(
            wrong,
            lambda at: (
                f"{place}:{at + 1}: {shown(lines[at])}, expected one of {', '.join(self.names)}, "
                "or an empty line between sentences"
            ),
            place,
        )
        values: dict[str, list[str]] = {}
        starts: list[int] = []
        first = 0
        for at, line in enumerate([*lines, ""]):
            if not line:
                if at > first:
                    values[str(len(values))] = lines[first:at]
                    starts.append(first + 1)
                first = at + 1
        extra = sum(not one and not before for before, one in pairwise(["", *lines]))
        notes = (
            f"{place}: {extra} empty lines are more than the one between two sentences; the "
            "original counts each as a sentence",
        )
        return Answers(
            place=place,
            values=values,
            where=lambda row: f"{place}:{starts[int(row)]}",
            problems=problems,
            notes=notes if extra else (),
        )

    def write(self, path: Path, values: Mapping[str, Any], kind: Kind) -> None:
        write(path, "\n".join("".join(f"{tag}\n" for tag in tags) for tags in values.values()))

    def match(self, mine: Answers, gold: Answers) -> Matched:
        for row, tags in mine.values.items():
            expected = gold.values.get(row)
            if expected is not None and len(tags) != len(expected):
                problem = (
                    f"{mine.where(row)}: sentence {int(row) + 1} has {len(tags)} tags, expected "
                    f"{len(expected)}, as at {gold.where(row)}"
                )
                return Matched(problems=(problem,))
        return in_order(mine, gold, "sentences")


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Two ids with a tab between them on each line (BUCC); the value of the first id is the list
    of its second ones. A pair that is said again counts once, as in the original."""

    numbered: ClassVar[bool] = False
    suffix: ClassVar[str] = "tsv"

    def read(self, path: Path, kind: Kind) -> Answers:
        place = str(path)
        try:
            lines = lines_of(path, empty=kind == "predictions")
        except DataError as error:
            return unreadable(path, error)
        if kind == "labels" and not any(lines):
            return blank(place, kind)
        notes = []
        if lines and not lines[-1]:
            notes.append(f"{place} ends in an empty line, which the original counts as a pair")
        while lines and not lines[-1]:
            lines.pop()
        values: dict[str, dict[str, None]] = {}
        wrong = []
        for number, line in enumerate(lines, 1):
            match line.split("\t"):
                case [one, two] if one and two:
                    values.setdefault(one, {})[two] = None
                case _:
                    wrong.append((number, line))
        count = sum(map(len, values.values()))
        if not lines:
            notes.append(f"{place} holds no pairs")
        if again := len(lines) - count - len(wrong):
            notes.append(f"{place}: {again} of {len(lines)} pairs are repeated; each counts once")
        return Answers(
            place=place,
            values={one: list(twos) for one, twos in values.items()},
            problems=few(
                wrong,
                lambda item: (
                    f"{place}:{item[0]}: {shown(item[1])}, expected two ids with a tab between them"
                ),
                place,
            ),
            notes=tuple(notes),
        )

    def write(self, path: Path, values: Mapping[str, Any], kind: Kind) -> None:
        write(path, "".join(f"{one}\t{two}\n" for one, twos in values.items() for two in twos))

    def match(self, mine: Answers, gold: Answers) -> Matched:
        """A row for each first id that either names."""
        strange = [one for one in mine.values if one not in gold.values]
        ids = [*gold.values, *strange]
        notes: tuple[str, ...] = ()
        if strange and len(strange) == len(mine.values):
            swapped = any(two in gold.values for twos in mine.values.values() for two in twos)
            notes = (
                f"{mine.place}: none of its {len(strange)} first ids, such as {shown(strange[0])}, "
                f"is one in {gold.place}" + (": are its columns swapped?" if swapped else ""),
            )
        return Matched(
            predictions=[mine.values.get(one, []) for one in ids],
            targets=[gold.values.get(one, []) for one in ids],
            notes=notes,
        )


def _number(digits: str) -> int:
    """Digits as a number; more of them than any file has lines are cut, for Python reads no end of
    them."""
    return int(digits.lstrip("0")[:18] or "0")
