"""One split of a task in one language: its files, read to the end, and what is odd about them."""

from __future__ import annotations

import re
import stat
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layover.doctor import problem as kinds
from layover.doctor.problem import Kind, Problem, Sheet
from layover.errors import DataError
from layover.languages import known
from layover.languages import language as find_language
from layover.leaks import WHOLE, Printer, Prints, as_text
from layover.scripts import script_of, strange
from layover.stage import Stage
from layover.tasks.lines import place_of
from layover.tasks.sources import Row, telling
from layover.tasks.task import Example, Task, checked

if TYPE_CHECKING:
    import numpy as np

ENOUGH = 20
"""Labelled rows from which on a single label is no chance."""

REMEMBERED = 2**18
"""Rows whose place is kept, to name those that occur again."""

SAMPLE = 2_000
"""Rows at most that are looked at for their script, evenly spread."""

ODD = re.compile(
    "(?P<replaced>\ufffd)|(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f])"
    "|(?P<mojibake>[ÃÂ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—™š›œ]|â€[™œ“”˜¦]|Ð[°-¿]Ñ[\x80-\x8f]|ï»¿)"
)
"""Marks of text that was decoded wrongly: UTF-8 read as Latin-1 or as Windows-1252."""

ODDITIES = {
    "replaced": kinds.REPLACED,
    "control": kinds.CONTROL,
    "mojibake": kinds.MOJIBAKE,
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is looked at in one go."""

    task: Task
    split: str
    language: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found in a cell."""

    split: str
    language: str
    files: int
    missing: tuple[str, ...]
    rows: int = 0
    published: int | None = None
    labels: Counter[str] | None = None
    """How often each label occurs, where there is a small number of them."""
    withheld: int = 0
    """Rows whose label was withheld."""
    labels_file: str = ""
    """Where labels that were withheld belong."""
    problems: tuple[Problem, ...] = ()
    prints: Prints | None = None


def look(cell: Cell) -> Seen:
    """Read all of a cell that is there. Nothing is raised: what cannot be read is a problem."""
    task, split, code = cell.task, cell.split, cell.language
    paths = files_of(task, split, code)
    files = len(paths) or 1
    sheet = Sheet()
    reading = Reading(cell, sheet)
    try:
        for told in _obstacles(paths) or _obstacles(_labels_of(task, split, code)):
            sheet.note(kinds.UNREADABLE, told)
        if sheet.counts:
            return Seen(
                split=split, language=code, files=files, missing=(), problems=sheet.problems(0)
            )
        if missing := tuple(task.source.missing(split, code)):
            most = max(files, len(missing))
            return Seen(split=split, language=code, files=most, missing=missing)
        for path in paths:
            _bytes(path, sheet)
        with telling(reading.refused, lambda where: sheet.note(kinds.PASSED, where)):
            for example, row in reading.examples():
                reading.add(example, row)
    except DataError as error:
        sheet.note(kinds.UNREADABLE, str(error))
    except Exception as error:
        # A parse of one's own may raise anything: the other tasks are looked at all the same.
        sheet.note(kinds.UNREADABLE, f"{type(error).__name__}: {error}")
    return reading.seen(files)


def _obstacles(paths: tuple[Path, ...]) -> list[str]:
    return [f"{place_of(path)}: {told}" for path in paths if (told := _obstacle(path))]


def _obstacle(path: Path) -> str:
    """What is in the way of reading what is there; "" if nothing is, or if it is missing."""
    try:
        # To open a pipe would be to wait for somebody who writes into it.
        if not stat.S_ISREG(path.stat().st_mode):
            return "is no file"
        with path.open("rb") as file:
            start = file.read(2)
    except FileNotFoundError:
        return "is a link to what is not there" if path.is_symlink() else ""
    except OSError as error:
        return error.strerror or str(error)
    return "is UTF-16, expected UTF-8" if start in (b"\xff\xfe", b"\xfe\xff") else ""


def files_of(task: Task, split: str, language: str) -> tuple[Path, ...]:
    """The files of a source that knows them; a source of one's own need not."""
    name = getattr(task.source, "files", None)
    return tuple(name(split, language)) if name else ()


def _labels_of(task: Task, split: str, language: str) -> tuple[Path, ...]:
    """Where labels that were withheld are looked for, by a source that looks for them."""
    name = getattr(task.source, "labels_file", None)
    found = name(split, language) if name else None
    return (found,) if found else ()


def _bytes(path: Path, sheet: Sheet) -> None:
    """What only the bytes of a file say."""
    marks = crlf = 0
    with path.open("rb") as file:
        if file.read(3) == b"\xef\xbb\xbf":
            sheet.note(kinds.BOM, place_of(path))
        else:
            file.seek(0)
        rest = b""
        while chunk := file.read(2**20):
            joined = rest + chunk
            marks += joined.count(b"\xef\xbb\xbf")
            crlf += joined.count(b"\r\n") - rest.count(b"\r\n")
            rest = joined[-2:]
    if marks:
        sheet.note(kinds.INNER_BOM, place_of(path), marks)
    if crlf:
        sheet.note(kinds.CRLF, f"{place_of(path)}: {crlf:,} of its lines", crlf)


class Sample:
    """Some texts of a stream, evenly spread, whose length is not known before its end."""

    def __init__(self, size: int) -> None:
        self.size, self.step, self.count = size, 1, 0
        self.kept: list[tuple[str, str]] = []

    def add(self, text: str, where: str) -> None:
        if self.count % self.step == 0:
            self.kept.append((text[:400], where))
            if len(self.kept) > 2 * self.size:
                self.kept, self.step = self.kept[::2], 2 * self.step
        self.count += 1


class Reading:
    """What is gathered while the rows of a cell go by. Its size does not grow with theirs, but by
    some hashes a row, and the places of those that are odd."""

    def __init__(self, cell: Cell, sheet: Sheet) -> None:
        self.cell, self.sheet = cell, sheet
        self.printer = Printer(cell.task)
        self.sample = Sample(SAMPLE)
        self.targets: Counter[str] = Counter()
        self.hashes = array("q")
        self.refusals = self.undecoded = 0
        self.where: list[str] = []
        self.comparable = False
        self.rows = self.asked = self.withheld = self.strangers = 0

    def refused(self, error: DataError) -> None:
        self.refusals += 1
        self.undecoded += isinstance(error.__cause__, UnicodeDecodeError)
        self.sheet.note(kinds.ROW, str(error))

    def examples(self) -> Iterator[tuple[Example, Row]]:
        """Each example with its row."""
        task = self.cell.task
        current: list[Row] = []

        def rows() -> Iterator[Row]:
            for row in task.source.rows(_nowhere, self.cell.split, self.cell.language):
                # A line that is not UTF-8 was told of, and has marks where its letters were. It is
                # read all the same, for the labels of other lines are joined by their numbers.
                if self.undecoded and "\ufffd" in str(row.fields):
                    self.undecoded -= 1
                    continue
                current[:] = [row]
                before = self.rows, self.refusals
                yield row
                # By now its example, if it is one, was added.
                if before == (self.rows, self.refusals):
                    self.sheet.note(kinds.PASSED, row.where)

        for example in checked(task.parse, task.type, rows(), task.name):
            yield example, current[0]

    def add(self, example: Example, row: Row) -> None:
        self.rows += 1
        if len(self.where) < REMEMBERED:
            self.where.append(row.where)
        self.printer.add(example)
        self._id(example, row)
        self._target(example)
        self._words(example, row)
        texts = [as_text(getattr(example, name)) for name in example.texts]
        text = " ".join(texts) or self.cell.task.type.text(example)
        self.sample.add(text, row.where)
        if odd := ODD.search(text):
            found = text[max(0, odd.start() - 15) : odd.end() + 15]
            self.sheet.note(ODDITIES[str(odd.lastgroup)], f"{row.where}: {found!r}")

    def _id(self, example: Example, row: Row) -> None:
        first = example.id.partition("-")[0].lower()
        other = _names().get(first) if first.isalpha() else None
        if other is not None and other != self.cell.language:
            self.sheet.note(kinds.STRANGER, f"{row.where}: id {example.id!r}")

    def _words(self, example: Example, row: Row) -> None:
        words = getattr(example, "words", ())
        prefix = f"{find_language(self.cell.language).short}:"
        if words and all(word.startswith(prefix) for word in words):
            self.sheet.note(kinds.PREFIXED, f"{row.where}: {words[0]!r}")

    def _target(self, example: Example) -> None:
        task = self.cell.task
        target = task.type.target(example)
        if target is None:
            if task.type.text(example):
                self.asked += 1
                self.withheld += 1
            self.hashes.append(0)
            return
        self.asked += 1
        # The right answer may be a list of ids, which are other ones for the same question.
        self.comparable = bool(task.type.labels) or isinstance(target, str)
        found = target if task.type.labels and isinstance(target, list) else [str(target)]
        self.hashes.append(hash(tuple(found)))
        # Labels are few; answers are not worth keeping, once there are two of them.
        if task.type.labels or len(self.targets) < 2 * ENOUGH:
            self.targets.update(found)

    def seen(self, files: int) -> Seen:
        cell, sheet = self.cell, self.sheet
        prints = self.printer.prints()
        published = cell.task.size(cell.split, cell.language)
        readable = kinds.UNREADABLE not in sheet.counts
        if readable:
            self._counts(published)
            self._copies(prints)
            self._labels()
            self._script()
        place = _labels_of(cell.task, cell.split, cell.language)
        return Seen(
            split=cell.split,
            language=cell.language,
            files=files,
            missing=(),
            rows=self.rows,
            published=published,
            labels=self.targets if cell.task.type.labels else None,
            withheld=self.withheld,
            labels_file=str(place[0]) if place and self.withheld else "",
            problems=sheet.problems(self.rows + self.refusals),
            prints=prints,
        )

    def _place(self) -> str:
        found = files_of(self.cell.task, self.cell.split, self.cell.language)
        return place_of(found[0]) if found else f"{self.cell.task.name} {self.cell.split}"

    def _counts(self, published: int | None) -> None:
        if not self.rows and kinds.ROW not in self.sheet.counts:
            self.sheet.note(kinds.EMPTY, self._place())
        # A row that was refused is a problem of its own. Of tasks whose rows are questions and
        # candidates, the questions may be what was counted.
        refused = self.refusals
        if published is not None and not any(
            count <= published <= count + refused for count in (self.rows, self.asked)
        ):
            what = f"{self._place()}: {self.rows:,} examples, published are {published:,}"
            self.sheet.note(kinds.COUNT, what, abs(self.rows - published))

    def _copies(self, prints: Prints) -> None:
        import numpy as np

        if self.cell.task.type.head == "lm":
            return
        whole = prints.parts[WHOLE]
        self._again(kinds.TWICE, whole)
        if self.comparable:
            self._again(kinds.CONFLICT, whole, np.array(self.hashes, np.int64))

    def _again(self, kind: Kind, hashes: np.ndarray, labels: np.ndarray | None = None) -> None:
        """Note the rows whose hash an earlier row has, but for 0, the hash of nothing; with
        `labels`, only those that have another one than that row."""
        import numpy as np

        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        again = (ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)
        if labels is not None:
            again &= labels[order][1:] != labels[order][:-1]
        later = np.flatnonzero(again) + 1
        for at in later:
            earlier, here = self._row(order[at - 1]), self._row(order[at])
            self.sheet.note(kind, f"{here}: as {earlier}")

    def _row(self, index: int) -> str:
        return self.where[index] if index < len(self.where) else f"row {index + 1:,}"

    def _labels(self) -> None:
        """Raw text has none."""
        if self.cell.task.type.head == "lm":
            return
        labelled = self.asked - self.withheld
        if labelled >= ENOUGH and len(self.targets) == 1:
            (label,) = self.targets
            what = f"{self._place()}: all {labelled:,} rows have the label {label!r}"
            self.sheet.note(kinds.CONSTANT, what, labelled)
        if labelled and self.withheld:
            what = f"{self._place()}: {self.withheld:,} of {self.asked:,} rows have none"
            self.sheet.note(kinds.PARTLY, what, self.withheld)

    def _script(self) -> None:
        """The languages of a bitext are two."""
        if self.cell.task.type.head == "embed":
            return
        kept = self.sample.kept
        if not kept:
            return
        found = [one for one in kept if strange(one[0], self.cell.language)]
        # What was looked at stands for all rows.
        rows = [self.rows * number // len(kept) for number in range(len(found) + 1)]
        for (text, where), before, after in zip(found, rows, rows[1:], strict=False):
            script = str(script_of(text)).capitalize()
            self.sheet.note(kinds.SCRIPT, f"{where}: {script}: {text[:30]!r}", after - before)


@cache
def _names() -> dict[str, str]:
    """English name in lower case -> ISO 639-3."""
    return {find_language(code).name.lower(): code for code in known()}


def _nowhere(stage: Stage) -> Any:
    raise DataError(f"{stage.label} writes these data: run it first")
