"""Subsets are nested and hold what they say, and one language and several the same rows."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from layover.errors import DataError, StudyError
from layover.tasks.axes import balanced, doublings, natural, same_total
from layover.tasks.panx import PANX
from layover.tasks.pawsx import PAWSX_TRANSLATED
from layover.tasks.sources import Locator
from layover.tasks.task import Data, Examples, Subset, Task, load
from layover.tasks.types.classification import Classification
from layover.tasks.xnli import LABELS, XNLI, XNLI_TRANSLATED, pair
from toys import memory

SHARES = {"entailment": 0.7, "neutral": 0.2, "contradiction": 0.1}
ROWS = 400


def rows(code: str) -> list[dict[str, str]]:
    """Parallel rows, of which most are of one label."""
    labels = [name for name, share in SHARES.items() for _ in range(round(share * ROWS))]
    return [
        {"premise": f"{code} {at}", "hypothesis": f"{at}", "label": label}
        for at, label in enumerate(labels)
    ]


NLI = Task(
    name="nli",
    type=Classification(labels=LABELS, pairs=True),
    source=memory(**{code: rows(code) for code in ("eng", "deu", "rus", "fra")}),
    parse=pair,
)


def nowhere(stage: object) -> Path:
    raise AssertionError


locate: Locator = nowhere


def read(data: Data) -> Examples:
    return load(data, locate)


@pytest.mark.parametrize("stratified", [False, True])
def test_smaller_subsets_are_the_beginning_of_larger_ones(stratified: bool) -> None:
    held = [
        [
            one.id
            for one in read(
                natural(NLI, ("eng",), Subset(size=size, seed=3, stratified=stratified))
            ).items
        ]
        for size in (10, 20, 160, ROWS)
    ]
    for smaller, larger in itertools.pairwise(held):
        assert larger[: len(smaller)] == smaller
    assert len(set(held[-1])) == ROWS


def test_a_stratified_subset_holds_the_labels_as_the_whole_does() -> None:
    for size in range(1, ROWS, 7):
        subset = Subset(size=size, seed=1, stratified=True)
        counts = Counter(one.label for one in read(natural(NLI, ("deu",), subset)).items)
        for label, share in SHARES.items():
            assert abs(counts[label] - share * size) <= len(SHARES) / 2, (size, counts)


def test_what_has_no_single_label_is_not_stratified() -> None:
    with pytest.raises(StudyError, match="do not have one label each"):
        natural(PANX, ("eng",), Subset(size=5, stratified=True))


@pytest.mark.parametrize("stratified", [False, True])
def test_several_languages_of_one_total_hold_the_rows_of_one_language(stratified: bool) -> None:
    subset = Subset(size=120, seed=2, stratified=stratified)
    one = read(same_total(NLI, ("eng",), subset))
    several = read(same_total(NLI, ("deu", "rus", "fra"), subset))
    assert Counter(several.languages) == {"deu": 40, "rus": 40, "fra": 40}
    assert sorted(each.id for each in several.items) == sorted(each.id for each in one.items)
    assert read(natural(NLI, ("eng",), subset)).items == one.items


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("total", [same_total, natural], ids=["dealt", "the same rows"])
def test_every_language_keeps_its_rows_when_data_grow(total: Any, stratified: bool) -> None:
    codes = ("deu", "rus", "fra")
    held: list[dict[str, list[str]]] = []
    for size in (15, 30, 60, 120):
        found = read(total(NLI, codes, Subset(size=size, seed=3, stratified=stratified)))
        pairs = list(zip(found.languages, found.items, strict=True))
        held.append({code: [one.id for own, one in pairs if own == code] for code in codes})
    for smaller, larger in itertools.pairwise(held):
        for code in codes:
            assert larger[code][: len(smaller[code])] == smaller[code] and smaller[code]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_every_language_is_dealt_the_labels_in_their_proportions(count: int) -> None:
    codes = ("deu", "rus", "fra", "eng")[:count]
    for size in range(count, ROWS, 7 * count):
        found = read(same_total(NLI, codes, Subset(size=size, seed=1, stratified=True)))
        counts = Counter(zip(found.languages, (one.label for one in found.items), strict=True))
        for code in codes:
            for label, share in SHARES.items():
                assert abs(counts[code, label] - share * size / count) <= 2, (size, counts)


def test_the_same_subset_of_each_language_holds_the_same_rows_in_each() -> None:
    found = read(natural(NLI, ("deu", "rus"), Subset(size=30, seed=2)))
    first, second = found.items[:30], found.items[30:]
    assert [one.id for one in first] == [one.id for one in second]
    assert {one.text.split()[0] for one in second} == {"rus"}


def test_a_total_that_does_not_divide_is_refused_with_one_that_does() -> None:
    with pytest.raises(StudyError, match=r"100 examples .* among 3 languages; 99 can"):
        same_total(NLI, ("deu", "rus", "fra"), Subset(size=100))


def test_parts_of_their_own_need_as_many_rows_as_all_together() -> None:
    data = same_total(NLI, ("deu", "rus"), Subset(size=2 * ROWS))
    with pytest.raises(DataError, match=f"a subset of {ROWS} in each of 2 languages, no row in"):
        read(data)
    assert len(read(same_total(NLI, ("deu", "rus"), Subset(size=2 * ROWS), parallel=False))) == 800


def test_balanced_languages_are_drawn_alike() -> None:
    assert balanced(NLI, ("deu", "rus")).exponent == 0.0


def test_sizes_double_up_to_the_largest() -> None:
    assert doublings(100, 4) == (12, 25, 50, 100)
    with pytest.raises(StudyError, match="below one example"):
        doublings(4, 4)


def test_the_size_of_data_is_the_subsets_or_what_was_published() -> None:
    assert natural(XNLI, ("eng", "deu")).size == 2 * 392_702
    assert natural(XNLI, ("eng", "deu"), Subset(size=8)).size == 16
    assert natural(XNLI_TRANSLATED, ("deu",)).size is None


@pytest.mark.parametrize(
    ("task", "path", "row"),
    [
        (XNLI, "xnli/train-de.tsv", "a\tb\tcontradictory"),
        (XNLI_TRANSLATED, "xnli/XNLI-Translated/en-de-translated.tsv", "a\tb\tcontradictory"),
        (PAWSX_TRANSLATED, "pawsx/translated/en-de-translated.tsv", "a\tb\t1"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_machine_translated_training_sets_are_read_as_they_lie(
    task: Task, path: str, row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYOVER_DATA", str(tmp_path))
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(f"{row}\n", encoding="utf-8")
    (found,) = read(natural(task, ("deu",))).items
    assert (found.text, found.pair) == ("a", "b") and found.label in ("contradiction", "1")
