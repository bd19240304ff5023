"""A task, the data one takes from it, and checked examples.

A `Task` is an entry of a catalogue. Which split, which languages and how much of it is a choice,
and every choice is part of a `Data` value, which a stage holds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from layover import spec
from layover.errors import DataError, StudyError
from layover.languages import language as find_language
from layover.metrics.metric import Metric
from layover.tasks.sources import Locator, Row, Source, refuse

TRAINING = ("train", "trn")
"""Splits that one trains on: they are needed in the language of the labels only."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One item of a data set. Each task type extends it."""

    id: str
    """Unique within its split and language."""
    cluster: str
    """Parallel items of several languages share it, so that they are resampled together."""
    texts: ClassVar[tuple[str, ...]] = ()
    """The fields that hold what one reads in it, each a text, several, or None: by them the same
    text is found in examples of other types."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a batch is made of: a group of token sequences that an example was encoded to.

    A single text or a pair is a group of one, a question with n choices a group of n. A long
    sentence or context becomes several units of the same example.
    """

    example: int
    """Position of the example in its `Examples`."""
    sequences: tuple[tuple[int, ...], ...]
    """Token ids, special tokens included, without padding."""
    segments: tuple[tuple[int, ...], ...]
    """Token type ids for encoders that have them, else ()."""
    target: tuple[int, ...]
    """Class, choice, (start, end), or one label a token (-100: none)."""
    alignment: tuple[int, ...] = ()
    """What decoding needs to find its way back; each task type documents its own."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A prediction that is made only where its score reaches a threshold, which is set later, by
    `Score`. Below it the task type's `withheld` stands instead."""

    prediction: Any
    score: float
    candidates: tuple[tuple[str, float], ...] = ()
    """What else was considered, best first, with its score."""


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that encoding uses."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


class TaskType(Protocol):
    """How examples of one kind are checked, encoded and decoded."""

    head: ClassVar[str]
    """The head that learns it: sequence, token, span, choice, lm, embed, dual."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label space, () if there is none."""

    def check(self, example: Any) -> None:
        """Raise ValueError saying what is wrong with an example."""

    def encode(
        self, examples: Sequence[Any], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        """Units of all examples, in order, each sequence at most `max_length` tokens long."""

    def decode(self, examples: Sequence[Any], units: Sequence[Unit], outputs: Any) -> list[Any]:
        """One prediction per example, perhaps `Scored`, from one output array per unit."""

    def target(self, example: Any) -> Any:
        """What a prediction is compared with; None where the label was withheld."""

    def chance(self, targets: Sequence[Any], score: Callable[[list[Any]], float]) -> float:
        """What guessing reaches in one language, in percent; `score` scores predictions. NaN
        where no guess is obvious."""

    def text(self, example: Any) -> str:
        """The words of an example, by which leaks from training into evaluation are found; "" if
        it has no label, and only others are compared with it."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A data set under a task type. Fields below the line never change a key."""

    name: str
    type: TaskType
    source: Source
    parse: Callable[[Row], Example | None]
    """What a row says; None for a row that is no example, as those of SNLI without a label."""
    version: int = 1
    # ---
    languages: tuple[str, ...] = spec.unkeyed(())
    splits: tuple[str, ...] = spec.unkeyed(("train", "dev", "test"))
    chance: float | None = spec.unkeyed(None)
    """Percent that a guess reaches, where the data cannot tell."""
    summary: str = spec.unkeyed("")
    metrics: tuple[Metric, ...] = spec.unkeyed(())
    """What its predictions are scored by, the published one first."""
    sizes: tuple[tuple[str, int], ...] = spec.unkeyed(())
    """Examples as published: (split, n in every language) or ("split/language", n in that one)."""
    hub: Source | None = spec.unkeyed(None)
    """The same rows on the Hugging Face hub, for the same `parse`; None if they are not there."""
    contains: tuple[str, ...] = spec.unkeyed(())
    """Whose examples are among these: "task split", or "task" for all of it."""
    home: str = spec.unkeyed("")
    """Where the files come from: an address, or words where there is none."""
    licence: str = spec.unkeyed("")
    citation: str = spec.unkeyed("")

    def size(self, split: str, language: str = "") -> int | None:
        """Examples of a split in one language as published; None where that is not known."""
        known = dict(self.sizes)
        return known.get(f"{split}/{language}", known.get(split))

    def on_hub(self) -> Task:
        """This task with the rows of the hub; raises `StudyError` if it has none there."""
        if self.hub is None:
            raise StudyError(f"{self.name} is not on the hub: get its files from {self.home}")
        return replace(self, source=self.hub)


def by_language(split: str, counts: str) -> tuple[tuple[str, int], ...]:
    """Sizes of a split, from "eng 440 fin 782"."""
    words = counts.split()
    return tuple(
        (f"{split}/{code}", int(count)) for code, count in zip(words[::2], words[1::2], strict=True)
    )


@dataclass(frozen=True, kw_only=True)
class Subset:
    """The first `size` examples of an order drawn by `seed`: smaller subsets are nested."""

    size: int
    """Examples of each language."""
    seed: int = 0
    stratified: bool = False
    """Whether the order holds the labels in the proportions of the whole from the first example
    on: the count of a label in a subset is off by about one at most."""
    dealt: bool = False
    """Whether the order is dealt out to the languages, so that no row is in two of them: parallel
    data then say nothing twice. A language keeps its rows when the subset grows."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise StudyError(f"a subset of {self.size} examples holds nothing")


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which examples: a split of a task in some languages, or a nested subset of it."""

    task: Task
    split: str
    languages: tuple[str, ...]
    subset: Subset | None = None
    exponent: float | None = None
    """How often a training draws each language: in proportion to its number of units to this
    power (Conneau and Lample 2019, 3.1; 0.3 in XLM-R), for each example on its own. None: every
    unit once an epoch. What is not trained on is not drawn, and takes no heed of it."""

    def __post_init__(self) -> None:
        if self.exponent is not None and not 0 <= self.exponent <= 1:
            raise StudyError(
                f"{self.task.name} {self.split}: an exponent of {self.exponent}; it must be "
                "between 0, all languages alike, and 1, by their size"
            )
        if isinstance(self.languages, str):
            raise StudyError(
                f"{self.task.name}: languages={self.languages!r} is one text, expected a tuple of "
                f"codes, as ({self.languages!r},)"
            )
        if not self.languages or len(set(self.languages)) != len(self.languages):
            raise StudyError(
                f"{self.task.name} {self.split}: languages must be named, each once, "
                f"not {self.languages}"
            )
        if self.subset and self.task.type.head == "embed":
            raise StudyError(
                f"{self.task.name} cannot be cut to {self.subset.size}: its labels are lines of "
                "the whole file"
            )
        stratified = isinstance(self.subset, Subset) and self.subset.stratified
        if stratified and self.task.type.head != "sequence":
            raise StudyError(
                f"{self.task.name} cannot be stratified: its examples do not have one label each"
            )
        if self.task.splits and self.split not in self.task.splits:
            raise StudyError(
                f"{self.task.name} has no split {self.split!r}; it has "
                f"{', '.join(self.task.splits)}"
            )
        for code in self.languages:
            find_language(code)
            if self.task.languages and code not in self.task.languages:
                raise StudyError(
                    f"{self.task.name} has no language {code!r}; it has "
                    f"{', '.join(self.task.languages)}"
                )

    def __canonical__(self) -> object:
        prints = tuple(self.task.source.fingerprint(self.split, code) for code in self.languages)
        form = ("data", self.task, self.split, self.languages, self.subset, prints)
        return form if self.exponent is None else (*form, ("exponent", self.exponent))

    def missing_files(self) -> Iterator[str]:
        """Files that this data needs and that are not there."""
        for code in self.languages:
            yield from self.task.source.missing(self.split, code)

    @property
    def size(self) -> int | None:
        """Examples in all languages: the subset's, or as published; None where that is not known
        before they are read."""
        if self.subset:
            return self.subset.size * len(self.languages)
        sizes = [self.task.size(self.split, code) for code in self.languages]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def label(self) -> str:
        size = f" {self.subset.size}" if self.subset else ""
        return f"{self.task.name}{size}"


@dataclass(frozen=True, slots=True)
class Examples:
    """Checked examples in order, each with its language."""

    task: Task
    items: tuple[Any, ...]
    languages: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, places: Sequence[int]) -> Examples:
        """Those at these positions, in this order."""
        items, languages = self.items, self.languages
        return Examples(
            self.task, tuple(items[at] for at in places), tuple(languages[at] for at in places)
        )


def load(data: Data, locate: Locator) -> Examples:
    """Read, parse and check the examples of `data`.

    Raises `DataError` naming file and line of the first row that is not as expected, and for a
    split that has no examples or fewer than the subset asks for.
    """
    items: list[Example] = []
    languages: list[str] = []
    for code in data.languages:
        rows = data.task.source.rows(locate, data.split, code)
        found = list(checked(data.task.parse, data.task.type, rows, data.task.name))
        place = f"{data.task.name} {data.split} in {find_language(code).name} ({code})"
        if not found:
            raise DataError(f"{place} has no examples: an empty split cannot be used")
        if data.subset:
            found = _subset(found, data, data.languages.index(code), place)
        items += found
        languages += [code] * len(found)
    return Examples(data.task, tuple(items), tuple(languages))


def checked(
    parse: Callable[[Row], Example | None], kind: TaskType, rows: Iterable[Row], name: str
) -> Iterator[Example]:
    """The examples of rows, of one split and language; raises `DataError` naming the row of the
    first that is not one, or that has the id of another."""
    places: dict[str, str] = {}
    for row in rows:
        try:
            example = parse(row)
            if example is None:
                continue
            kind.check(example)
        except KeyError as error:
            wrong = f"{row.where}: no field {error} for {name}; found: {', '.join(row.fields)}"
            refuse(DataError(wrong), error)
        except (ValueError, TypeError, AttributeError) as error:
            refuse(DataError(f"{row.where}: {error}"), error)
        else:
            if example.id in places:
                refuse(
                    DataError(
                        f"{row.where}: the id {example.id!r} a second time; {places[example.id]} "
                        "has it: every example of a split and language has one of its own"
                    )
                )
                continue
            places[example.id] = row.where
            yield example


def _subset(found: list[Example], data: Data, number: int, place: str) -> list[Example]:
    """What the subset of `data` holds of its language at position `number`."""
    subset = data.subset
    assert subset is not None
    hands = len(data.languages) if subset.dealt else 1
    if hands * subset.size > len(found):
        dealt = f" in each of {hands} languages, no row in two of them," if hands > 1 else ""
        raise DataError(
            f"{place} has {len(found)} examples; a subset of {subset.size}{dealt} was asked"
        )
    order = list(range(len(found)))
    random.Random(f"subset:{subset.seed}").shuffle(order)
    labels: list[Any] = [None] * len(found)
    if subset.stratified:
        labels = [data.task.type.target(example) for example in found]
        order = _stratified(order, labels)
    mine = _dealt(order, labels, hands)[number if subset.dealt else 0]
    return [found[index] for index in mine[: subset.size]]


def _dealt(order: Sequence[int], labels: Sequence[Any], hands: int) -> list[list[int]]:
    """The order in parts: of every `hands` in a row each part gets one, the part that has the
    fewest of its label. Taking every third, say, could give one language one label only."""
    held = [Counter[Any]() for _ in range(hands)]
    parts: list[list[int]] = [[] for _ in range(hands)]
    for first in range(0, len(order), hands):
        free = list(range(hands))
        for index in order[first : first + hands]:
            label = labels[index]
            _, part = min((held[at][label], at) for at in free)
            free.remove(part)
            held[part][label] += 1
            parts[part].append(index)
    return parts


def _stratified(order: list[int], labels: Sequence[Any]) -> list[int]:
    """The order with the examples of each label spread evenly over it."""
    totals, seen = Counter(labels), Counter[Any]()
    places: list[tuple[float, int, int]] = []
    for rank, index in enumerate(order):
        label = labels[index]
        places.append(((seen[label] + 0.5) / totals[label], rank, index))
        seen[label] += 1
    return [index for _, _, index in sorted(places)]


def check_metric(metric: Metric, data: Data) -> None:
    """Raise `StudyError` if a metric compares something else than a task's predictions, or not in
    the languages of the data."""
    metric.check(data.languages)
    task = data.task
    made = getattr(task.type, "predictions", "")
    if metric.predictions and made and metric.predictions != made:
        raise StudyError(
            f"{metric.name} compares predictions of the kind {metric.predictions!r}, and those of "
            f"{task.name} are of the kind {made!r}: give it another metric"
        )


def check_label(label: str | None, labels: tuple[str, ...]) -> None:
    """Raise ValueError unless `label` is withheld (None) or one of `labels`."""
    if label is not None and label not in labels:
        raise ValueError(f"label {label!r} is not one of {', '.join(labels)}")


def nonempty(text: str, what: str) -> None:
    """Raise ValueError if a text that must have words has none."""
    if not isinstance(text, str):
        raise ValueError(f"the {what} is {text!r}, expected text")
    if not text.strip():
        raise ValueError(f"the {what} is empty")
