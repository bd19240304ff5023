"""Where rows come from: local files, or files that a stage wrote."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from layover import spec
from layover.errors import DataError
from layover.languages import language as find_language
from layover.stage import Stage

Locator: TypeAlias = Callable[[Stage], Path]
"""Finds the folder of a stage's result."""


@dataclass(frozen=True, slots=True)
class Row:
    """One raw record: its fields, and where it stands for error messages."""

    where: str
    fields: Mapping[str, Any]
    language: str = ""
    """ISO 639-3."""


_TOLD: ContextVar[Callable[[DataError], None] | None] = ContextVar("told", default=None)
_PASSED: ContextVar[Callable[[str], None]] = ContextVar("passed", default=lambda where: None)


def refuse(error: DataError, cause: Exception | None = None) -> None:
    """Raise `error`, which is one row's; within `telling`, only tell of it: reading goes on."""
    error.__cause__ = cause
    tell = _TOLD.get()
    if tell is None:
        raise error
    tell(error)


def pass_over(where: str) -> None:
    """Leave out a line that is no row, and no fault either; within `telling`, tell of its place."""
    _PASSED.get()(where)


@contextmanager
def telling(
    tell: Callable[[DataError], None], passed: Callable[[str], None] = lambda where: None
) -> Iterator[None]:
    """Rows that are read within it are left out where they are wrong, and `tell` hears of each;
    `passed` hears of the places of lines that a reader passes over."""
    tokens = _TOLD.set(tell), _PASSED.set(passed)
    try:
        yield
    finally:
        _TOLD.reset(tokens[0])
        _PASSED.reset(tokens[1])


class Reader(Protocol):
    """A file format. Readers are frozen dataclasses, since their fields are part of keys."""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        """The rows of the files; labels that were withheld from them lie in `labels`."""


class Source(Protocol):
    """Anything that yields the rows of a split in a language."""

    def rows(self, locate: Locator, split: str, language: str) -> Iterator[Row]: ...

    def fingerprint(self, split: str, language: str) -> object:
        """What changes when the rows do; part of keys."""

    def missing(self, split: str, language: str) -> tuple[str, ...]:
        """What is not there, in words or by its path; () when the rows can be read, as far as can
        be known without a network."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """Local files found by pattern: `{split}`, `{code}` (two letters) and `{language}`."""

    paths: tuple[str, ...]
    reader: Reader
    labels: str = ""
    """A pattern for labels that were withheld, joined where that file exists."""
    within: Stage | None = None
    """The stage that writes the files; without it they lie under `root`."""
    root: str = spec.unkeyed("")
    """The folder of the files; by default the one that LAYOVER_DATA names."""

    def __canonical__(self) -> object:
        patterns = (self.paths, self.labels) if self.within else ()
        return ("files", self.reader, self.within, patterns)

    def rows(self, locate: Locator, split: str, language: str) -> Iterator[Row]:
        root = locate(self.within) if self.within else self._root()
        paths = tuple(root / name for name in self._names(split, language))
        for path in paths:
            if not path.is_file():
                raise DataError(f"{path} is missing: {self._advice()}")
        labels = root / self._fill(self.labels, split, language) if self.labels else None
        given = labels if labels and labels.is_file() else None
        for row in self.reader.read(paths, given):
            yield Row(row.where, row.fields, language)

    def fingerprint(self, split: str, language: str) -> object:
        if self.within:
            return ()
        root = self._root()
        names = self._names(split, language)
        if self.labels:
            names += (self._fill(self.labels, split, language),)
        return tuple(file_digest(root / name) for name in names)

    def missing(self, split: str, language: str) -> tuple[str, ...]:
        return tuple(str(path) for path in self.files(split, language) if not path.is_file())

    def files(self, split: str, language: str) -> tuple[Path, ...]:
        """The files of rows, whether they are there or not; without those of labels."""
        if self.within:
            return ()
        return tuple(self._root() / name for name in self._names(split, language))

    def labels_file(self, split: str, language: str) -> Path | None:
        """Where labels that were withheld are looked for; None if rows always hold theirs."""
        if self.within or not self.labels:
            return None
        return self._root() / self._fill(self.labels, split, language)

    def _root(self) -> Path:
        return data_folder(self.root)

    def _advice(self) -> str:
        if self.within:
            return f"{self.within.label} writes no such file: check the split and the language"
        if self.root or os.environ.get("LAYOVER_DATA"):
            return "check the name, or the folder that it is looked for in"
        return "set LAYOVER_DATA to the folder that holds the data"

    def _names(self, split: str, language: str) -> tuple[str, ...]:
        return tuple(self._fill(pattern, split, language) for pattern in self.paths)

    def _fill(self, pattern: str, split: str, language: str) -> str:
        short = find_language(language).short
        return pattern.format(split=split, code=short, language=language)


def data_folder(root: str = "") -> Path:
    """The folder of local files: `root`, else the one that LAYOVER_DATA names, else this one."""
    return Path(root or os.environ.get("LAYOVER_DATA") or ".")


def file_digest(path: Path) -> str | None:
    """SHA-256 of a file, remembered by its size and time; None if there is no such file, or none
    that can be read: whoever reads it says so."""
    try:
        status = path.stat()
        return _digest(str(path.resolve()), status.st_size, status.st_mtime_ns)
    except OSError:
        return None


@cache
def _digest(path: str, size: int, modified: int) -> str:
    identity = f"{path}|{size}|{modified}"
    known = _known_digests()
    if identity not in known:
        with open(path, "rb") as file:
            known[identity] = hashlib.file_digest(file, "sha256").hexdigest()
        _remember(identity, known[identity])
    return known[identity]


def _memory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "layover" / "digests.jsonl"


@lru_cache(maxsize=1)
def _known_digests() -> dict[str, str]:
    known: dict[str, str] = {}
    try:
        for line in _memory().read_text(encoding="utf-8").splitlines():
            identity, value = json.loads(line)
            known[identity] = value
    except (OSError, ValueError):
        # The memory only saves time: unreadable is the same as empty.
        return known
    return known


def _remember(identity: str, value: str) -> None:
    path = _memory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([identity, value]) + "\n")
    except OSError:
        return
