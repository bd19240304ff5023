"""Files of predictions and of labels: what they say, and whether they fit together.

A file says a value for each id, in its order; where a form has no ids they are the numbers of its
rows, from 0. Reading does not stop at the first fault: what is wrong is in `Answers.problems`.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from layover.errors import DataError
from layover.tasks.lines import JSON_BYTES

Kind = Literal["predictions", "labels"]
Complain: TypeAlias = Callable[[str, str], None]
"""Takes an id, and what is wrong with it."""
T = TypeVar("T")
FEW = 3
"""Faults of one kind that are told of a file; of more there is only their number."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a file says."""

    place: str
    """The file, as the user named its folder."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Id -> prediction or target."""
    where: Callable[[str], str] = str
    """Id -> where it stands."""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: bool = False
    """Whether these are labels that were blanked, as XTREME does to its test sets."""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Predictions beside their targets, or why they do not fit."""

    predictions: list[Any] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def few(faults: Sequence[T], told: Callable[[T], str], place: str) -> tuple[str, ...]:
    """The first faults of a file in words, and how many there are beside them."""
    more = len(faults) - FEW
    rest = [f"{place}: and {more} more of this kind"] if more > 0 else []
    return (*map(told, faults[:FEW]), *rest)


def blank(place: str, kind: Kind) -> Answers:
    if kind == "labels":
        return Answers(place=place, withheld=True)
    return Answers(place=place, problems=(f"{place} holds nothing but lines that say nothing",))


def unreadable(path: Path, error: DataError) -> Answers:
    return Answers(place=str(path), problems=(str(error),))


def _text(path: Path, empty: bool = False) -> str:
    """A file's text; lines may end as in any system, as where Python reads text."""
    place = str(path)
    try:
        if path.stat().st_size > JSON_BYTES:
            raise DataError(f"{place}: larger than {JSON_BYTES} bytes, which no such file is")
        raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not raw and not empty:
        raise DataError(f"{place} is empty")
    try:
        return _universal(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        number = _universal(raw[: error.start].decode("utf-8")).count("\n") + 1
        raise DataError(f"{place}:{number}: not UTF-8 ({error.reason})") from error


def _universal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def lines_of(path: Path, empty: bool = False) -> list[str]:
    """The lines without white space around them, as the original reads them."""
    lines = [line.strip() for line in _text(path, empty).split("\n")]
    return lines if lines[-1] else lines[:-1]


def shown(line: str) -> str:
    """A line for people: what it holds, briefly."""
    if not line:
        return "an empty line"
    if "\t" in line:
        return f"{line.count(chr(9)) + 1} fields separated by tabs"
    return repr(line if len(line) <= 40 else f"{line[:37]}...")


def in_order(mine: Answers, gold: Answers, what: str) -> Matched:
    if len(mine.values) != len(gold.values):
        problem = (
            f"{mine.place}: {len(mine.values)} {what}, expected {len(gold.values)}, as in "
            f"{gold.place}"
        )
        return Matched(problems=(problem,))
    return Matched(predictions=list(mine.values.values()), targets=list(gold.values.values()))


def by_id(mine: Answers, gold: Answers, missing: Any) -> Matched:
    unknown = [name for name in mine.values if name not in gold.values]
    absent = sum(name not in mine.values for name in gold.values)
    notes = [f"{mine.place}: {absent} of {len(gold.values)} ids are missing; they count 0"]
    return Matched(
        predictions=[mine.values.get(name, missing) for name in gold.values],
        targets=list(gold.values.values()),
        problems=few(
            unknown, lambda name: f"{mine.where(name)}: {gold.place} has no id {name!r}", mine.place
        ),
        notes=tuple(notes if absent else ()),
    )


class NotThis(ValueError):
    """A JSON value is not of the form that is expected."""


class Twice(NotThis):
    """A key stands twice in a JSON object."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key!r} stands there twice")
        self.key = key


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise Twice(twice)
    return found


def from_json(path: Path, kind: Kind, parse: Callable[[Any, Complain], dict[str, Any]]) -> Answers:
    """What `parse` finds in a JSON file; it complains of an id and what is wrong with it."""
    place = str(path)
    faults: list[tuple[str, str]] = []
    try:
        text = _text(path)
        item = json.loads(text, object_pairs_hook=unique)
        values = parse(item, lambda *fault: faults.append(fault))
    except DataError as error:
        return unreadable(path, error)
    except Twice as error:
        problem = f"{place}:{_line(text, text.rfind, error.key, _end(text))}: {error}"
    except NotThis as error:
        problem = f"{place}: {error}"
    except json.JSONDecodeError as error:
        problem = f"{place}:{error.lineno}: not valid JSON ({error.msg})"
    except ValueError as error:
        # A number of thousands of digits, which Python does not read.
        problem = f"{place}: not valid JSON ({error})"
    except RecursionError:
        problem = f"{place}: JSON that is nested too deeply"
    else:
        return _checked(place, kind, values, faults, text)
    return Answers(place=place, problems=(problem,))


def _checked(
    place: str, kind: Kind, values: dict[str, Any], faults: list[tuple[str, str]], text: str
) -> Answers:
    """What was found in a JSON file. Labels say something of every id, or of none."""

    def where(name: str) -> str:
        line = _line(text, text.find, name, len(text))
        return f"{place}:{line}" if line else place

    withheld = False
    if kind == "labels":
        if not values and not faults:
            return Answers(place=place, problems=(f"{place} is empty",))
        silent = [name for name, texts in values.items() if not any(x.strip() for x in texts)]
        withheld = bool(silent) and len(silent) == len(values)
        if not withheld:
            faults = [*faults, *((name, "no answer, and others have one") for name in silent)]
    problems = few(faults, lambda fault: f"{where(fault[0])}: {fault[0]!r} has {fault[1]}", place)
    return Answers(place=place, values=values, where=where, problems=problems, withheld=withheld)


def _line(text: str, find: Callable[[str, int, int], int], name: str, end: int) -> int:
    """The line of a name in JSON, before `end`; 0 where it is written in another way."""
    at = max(find(written, 0, end) for written in (json.dumps(name), f'"{name}"'))
    return text.count("\n", 0, at) + 1 if at >= 0 else 0


def _end(text: str) -> int:
    """Where the first object ends that has a key twice: less of the text is merely cut short."""

    def complains(length: int) -> bool:
        try:
            json.loads(text[:length], object_pairs_hook=unique)
        except Twice:
            return True
        except ValueError:
            pass
        return False

    return bisect_left(range(len(text)), True, key=complains)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    write(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
