"""File formats: from lines to rows, each knowing the file and line that it came from."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from layover import spec
from layover.errors import DataError
from layover.tasks.lines import JSON_BYTES, lines, place_of
from layover.tasks.sources import Row, pass_over, refuse

T = TypeVar("T")

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, kw_only=True)
class Tsv:
    """One row a line, fields separated by tabs. With `withheld`, that last column may be absent
    and is then taken from the labels file, or is None."""

    columns: tuple[str, ...]
    header: bool = False
    """Whether the first line holds the names of the columns."""
    withheld: str = ""
    passes_over: bool = False
    """Whether a line that lacks fields is no row, for a published file that has such lines: one to
    train on, called `train*`. Of others no example is lost like that."""
    names: tuple[str, ...] = spec.unkeyed(())
    """The header's, where they are others than `columns`."""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        (path,) = paths
        passes_over = self.passes_over and path.name.startswith("train")
        given = None if labels is None else list(lines(labels))
        joined = count = 0
        for index, (where, line) in enumerate(lines(path)):
            if self.header and index == 0:
                self._check_header(line.split("\t"), where)
                continue
            values: list[str | None] = [*line.split("\t")]
            if self.withheld and len(values) == len(self.columns) - 1:
                values.append(None if given is None else _at(given, count, where, labels))
                joined += 1
            if passes_over and len(values) < len(self.columns):
                pass_over(where)
                continue
            # A line that is refused has a label, too.
            count += 1
            if len(values) != len(self.columns):
                wrong = f"{where}: {len(values)} fields separated by tabs, expected "
                refuse(DataError(f"{wrong}{len(self.columns)} ({', '.join(self.columns)})"))
                continue
            yield Row(where, {"row": index, **dict(zip(self.columns, values, strict=True))})
        if given and joined:
            _check_end(given, count, path)

    def _check_header(self, found: list[str], where: str) -> None:
        names = self.names or self.columns
        if tuple(found) not in (names, names[:-1] if self.withheld else names):
            raise DataError(
                f"{where}: the columns are {', '.join(found)}; expected {', '.join(names)}, in "
                "this order"
            )


def _at(given: list[tuple[str, str]], index: int, where: str, labels: Path | None) -> str:
    if index >= len(given):
        raise DataError(f"{where}: {labels} has only {len(given)} lines, none for this one")
    return given[index][1]


def _check_end(given: Sequence[tuple[str, object]], count: int, path: Path) -> None:
    """Raise `DataError` at the first of the labels that is one too many."""
    if len(given) > count:
        raise DataError(
            f"{given[count][0]}: labels for more than {place_of(path)} has, which ends after "
            f"{count}: are they those of another file?"
        )


@dataclass(frozen=True, kw_only=True)
class Conll:
    """One token a line, its tag behind a tab, an empty line between sentences. A row is a
    sentence: `tokens`, and `tags` or None where they were withheld."""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        (path,) = paths
        given = None if labels is None else list(self._sentences(labels))
        joined = count = 0
        for count, (where, block) in enumerate(self._sentences(path), 1):
            widths = {len(fields) for fields in block}
            if not widths <= {1, 2} or len(widths) > 1:
                bad = next(at for at, fields in enumerate(block) if len(fields) != 2)
                wrong = f"{where} (token {bad + 1}): {len(block[bad])} fields separated by tabs, "
                refuse(DataError(f"{wrong}expected a token and its tag"))
                continue
            tokens = tuple(fields[0] for fields in block)
            tags: tuple[str, ...] | None = None
            if widths == {2}:
                tags = tuple(fields[1] for fields in block)
            elif given is not None:
                tags = self._joined(given, count - 1, tokens, where)
                joined += 1
            yield Row(where, {"row": count - 1, "tokens": tokens, "tags": tags})
        if given and joined:
            _check_end(given, count, path)

    def _joined(
        self,
        given: list[tuple[str, list[list[str]]]],
        index: int,
        tokens: tuple[str, ...],
        where: str,
    ) -> tuple[str, ...]:
        """The tags of a sentence, one a line, perhaps behind the tokens once more."""
        place, block = given[index] if index < len(given) else ("it ends before", [])
        if len(block) != len(tokens):
            raise DataError(
                f"{where}: the labels file has no sentence of {len(tokens)} tags for it: {place}"
                + (f" has {len(block)}" if block else "")
            )
        for token, fields in zip(tokens, block, strict=True):
            if len(fields) > 2 or (len(fields) == 2 and fields[0] != token):
                raise DataError(
                    f"{place}: {fields} where {where} has the token {token!r}: the labels are of "
                    "another sentence"
                )
        return tuple(fields[-1] for fields in block)

    def _sentences(self, path: Path) -> Iterator[tuple[str, list[list[str]]]]:
        block: list[list[str]] = []
        start = ""
        for where, line in lines(path):
            if line == "":
                if block:
                    yield start, block
                block = []
            else:
                start = start if block else where
                block.append(line.split("\t"))
        if block:
            yield start, block


@dataclass(frozen=True, kw_only=True)
class Lines:
    """One text a line; empty lines are passed over."""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        (path,) = paths
        for index, (where, line) in enumerate(lines(path)):
            if line.strip():
                yield Row(where, {"row": index, "text": line})


@dataclass(frozen=True, kw_only=True)
class JsonLines:
    """One JSON object a line. The field `withheld` may be absent and is then taken from the same
    line of the labels file, if there is one."""

    withheld: str = ""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        (path,) = paths
        given = None if labels is None else list(lines(labels))
        joined = end = 0
        for index, (where, line) in enumerate(lines(path)):
            if not line.strip():
                continue
            try:
                value = _parse_json(line, where)
            except DataError as error:
                refuse(error)
                continue
            if not isinstance(value, dict):
                found = type(value).__name__
                refuse(DataError(f"{where}: expected a JSON object, found {found}"))
                continue
            if self.withheld and self.withheld not in value and given is not None:
                value[self.withheld] = _at(given, index, where, labels)
                joined += 1
            end = index + 1
            yield Row(where, {"row": index, **value})
        if given and joined:
            _check_end(given, end, path)


@dataclass(frozen=True, kw_only=True)
class SquadJson:
    """SQuAD's JSON, one row a question; `impossible` only where v2.0's `is_impossible` says so."""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        (path,) = paths
        place = place_of(path)
        numbers = count()
        try:
            for number, paragraph in _paragraphs(path, place):
                for item in _a(list, paragraph["qas"]):
                    fields = {"row": next(numbers), **self._fields(paragraph, item)}
                    yield Row(f"{place} paragraph {number} question {fields['id']!r}", fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{place}: not SQuAD's form (data > paragraphs > context, qas > id, question, "
                f"answers > text, answer_start): {error!r}"
            ) from error

    def _fields(self, paragraph: Any, item: Any) -> dict[str, Any]:
        return {
            "id": _a(str, item["id"]),
            "context": paragraph["context"],
            "question": item["question"],
            "answers": tuple(
                (_a(str, answer["text"]), _a(int, answer["answer_start"]))
                for answer in _a(list, item["answers"])
            ),
            "impossible": item.get("is_impossible", False),
        }


@dataclass(frozen=True, kw_only=True)
class SentenceJson:
    """SQuAD's JSON by sentences, as LAReQA reads it (Roy et al. 2020): which sentence of a text
    holds the first answer to a question.

    A row is a question: `id`, `question`, and of its sentence `place`, `sentence` and `context`,
    the paragraph. Without `pairs`, rows are questions, and each sentence in a row of its own with
    the ids of the questions that it `answers`.
    """

    boundary: str = ""
    """A regular expression for what lies between two sentences. "" takes the file's own
    `sentence_breaks`, which XQuAD-R has."""
    pairs: bool = False

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        (path,) = paths
        place = place_of(path)
        try:
            for number, paragraph in _paragraphs(path, place):
                for fields in self._rows(paragraph, number):
                    what = f"question {fields['id']!r}" if "id" in fields else fields["place"]
                    yield Row(f"{place} {what}", fields)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise DataError(
                f"{place}: not SQuAD's form by sentences (data > paragraphs > context, "
                f"{'' if self.boundary else 'sentence_breaks, '}qas > id, question, answers > "
                f"answer_start): {error!r}"
            ) from error

    def _rows(self, paragraph: Any, place: str) -> Iterator[dict[str, Any]]:
        context = paragraph["context"]
        breaks = self._breaks(context) if self.boundary else paragraph["sentence_breaks"]
        starts = [start for start, _ in breaks]
        sentences = [
            {"place": f"{place}.{at}", "sentence": context[start:end], "context": context}
            for at, (start, end) in enumerate(breaks)
        ]
        answered: list[list[str]] = [[] for _ in sentences]
        for item in _a(list, paragraph["qas"]):
            at = max(0, bisect_right(starts, _a(int, item["answers"][0]["answer_start"])) - 1)
            answered[at].append(_a(str, item["id"]))
            yield {"id": item["id"], "question": item["question"], **sentences[at]}
        if not self.pairs:
            for sentence, ids in zip(sentences, answered, strict=True):
                yield {**sentence, "answers": tuple(ids)}

    def _breaks(self, context: str) -> list[tuple[int, int]]:
        gaps = [match.span() for match in re.finditer(self.boundary, context)]
        starts, ends = [0, *(end for _, end in gaps)], [*(start for start, _ in gaps), len(context)]
        return list(zip(starts, ends, strict=True))


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """Tatoeba's form: the pool, the queries, and for each query the 0-based line of its
    translation in the pool."""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        pool, queries = (list(lines(path)) for path in paths)
        if len(pool) != len(queries):
            raise DataError(f"{paths[1]}: {len(queries)} lines, {paths[0].name} has {len(pool)}")
        gold = None if labels is None else [line for _, line in lines(labels)]
        if gold is not None and len(gold) != len(queries):
            raise DataError(f"{labels}: {len(gold)} lines, expected {len(queries)}, one a query")
        for index, (where, query) in enumerate(queries):
            position = _position(gold[index], where, len(pool)) if gold is not None else None
            yield Row(
                where,
                {
                    "row": index,
                    "query": query,
                    "candidate": pool[index][1] if index < len(pool) else None,
                    "gold": position,
                },
            )


@dataclass(frozen=True, kw_only=True)
class Mined:
    """BUCC's form: the two sides, each an id and a sentence a line, and the ids of those pairs
    that translate each other. Rows are lines, those of the first side first; their `gold` is a
    tuple of ids, or None for the second side and where the pairs were withheld."""

    def read(self, paths: tuple[Path, ...], labels: Path | None) -> Iterator[Row]:
        columns = Tsv(columns=("id", "text"))
        source, target = (list(columns.read((path,), None)) for path in paths)
        gold = None if labels is None else _pairs(labels, source, target)
        for row in source:
            mine = None if gold is None else tuple(gold.get(row.fields["id"], ()))
            yield Row(row.where, {**row.fields, "side": "source", "gold": mine})
        for row in target:
            yield Row(row.where, {**row.fields, "side": "target", "gold": None})


def _pairs(path: Path, source: list[Row], target: list[Row]) -> dict[str, list[str]]:
    """First id -> second ids; raises `DataError` for an id that no line has."""
    known = [{row.fields["id"] for row in side} for side in (source, target)]
    found: dict[str, list[str]] = {}
    for row in Tsv(columns=("source", "target")).read((path,), None):
        pair = (row.fields["source"], row.fields["target"])
        for one, ids in zip(pair, known, strict=True):
            if one not in ids:
                raise DataError(f"{row.where}: no line has the id {one!r}")
        found.setdefault(pair[0], []).append(pair[1])
    return found


def _position(text: str, where: str, size: int) -> int:
    if not text.isdecimal() or len(text) > 18 or int(text) >= size:
        raise DataError(f"{where}: its label is {text!r}, expected a line number below {size}")
    return int(text)


def _paragraphs(path: Path, place: str) -> Iterator[tuple[str, Any]]:
    """(number, paragraph) of a file in SQuAD's form. Raises `DataError` for one that is too long
    to be read as a whole, or is no JSON, and whatever another form leads to."""
    size = path.stat().st_size if path.exists() else 0
    if size > JSON_BYTES:
        raise DataError(f"{place}: {size} bytes, which is more than the {JSON_BYTES} that are read")
    document = _parse_json("\n".join(line for _, line in lines(path, JSON_BYTES)), place)
    for number, article in enumerate(_a(list, document["data"])):
        for index, paragraph in enumerate(_a(list, article["paragraphs"])):
            yield f"{number}.{index}", paragraph


def _a(kind: type[T], value: Any) -> T:
    """`value`, if it is of that kind and no other."""
    if type(value) is not kind:
        raise TypeError(f"{type(value).__name__} where {kind.__name__} was expected")
    return value


def _parse_json(text: str, where: str) -> Any:
    try:
        if SURROGATE.search(text):
            # Only then can a text in it be none that a file can hold.
            json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
        return json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        raise DataError(f"{where}: not valid JSON ({error})") from error
    except RecursionError as error:
        raise DataError(f"{where}: not valid JSON that we read: it is nested too deeply") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")
