"""Files are found, missing, copies, or nothing that can be read; the real ones are whole."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ailing import only, write_all, write_all_copied
from layover.doctor import cells_of, examine
from layover.doctor import problem as kinds
from layover.doctor.cell import Cell, Sample, look
from layover.doctor.problem import Sheet
from layover.registry import Registry
from layover.tasks import catalogue
from layover.tasks.ccg import Ccgbank
from layover.tasks.mlm import MLM
from layover.tasks.premises import PREMISES
from layover.tasks.task import Task


def test_files_are_found_or_missing(tmp_path: Path) -> None:
    task = write_all(tmp_path)
    (checkup,) = examine(cells_of(task)).checkups
    assert checkup.files == (3, 3) and checkup.rows == 120 and not checkup.wrong
    (tmp_path / "toy" / "test-de.tsv").unlink()
    health = examine(cells_of(task))
    (checkup,) = health.checkups
    assert checkup.files == (2, 3) and not health.wrong
    assert [one.missing for one in checkup.absent] == [(str(tmp_path / "toy" / "test-de.tsv"),)]


def test_training_data_are_missed_in_the_source_language_only(tmp_path: Path) -> None:
    task = write_all(tmp_path)
    places = {(cell.split, cell.language) for cell in cells_of(task)}
    assert places == {("train", "eng"), ("test", "eng"), ("test", "deu")}
    (tmp_path / "toy" / "train-de.tsv").write_text("der Hund\tyes\n")
    assert len(list(cells_of(task))) == 4


@pytest.mark.parametrize("codes", [("eng", "deu"), ("deu", "eng")])
@pytest.mark.parametrize(("to", "of"), [("de", "en"), ("en", "de")])
def test_one_file_under_two_languages_is_wrong(
    to: str, of: str, codes: tuple[str, ...], tmp_path: Path
) -> None:
    task = replace(write_all_copied(tmp_path, **{to: of}), languages=codes)
    (checkup,) = examine(cells_of(task)).checkups
    found = {one.language: one for one in checkup.seen if one.split == "test"}
    problem = only(found["deu"], kinds.COPIED)
    assert found["eng"].problems == () and checkup.wrong and problem.count == 40
    (place,) = problem.places
    assert place == "toy/test-de.tsv and toy/test-en.tsv: the same text as eng"


def test_half_of_a_text_may_be_the_same_in_two_languages(tmp_path: Path) -> None:
    task = write_all(tmp_path)
    english = (tmp_path / "toy" / "test-en.tsv").read_text().splitlines()
    german = tmp_path / "toy" / "test-de.tsv"
    german.write_text("\n".join(english[:20] + german.read_text().splitlines()[20:]))
    (checkup,) = examine(cells_of(task)).checkups
    assert all(one.problems == () for one in checkup.seen)


def test_the_same_text_in_two_splits_is_no_copy_of_a_language(tmp_path: Path) -> None:
    task = write_all(tmp_path)
    shutil.copy(tmp_path / "toy" / "test-de.tsv", tmp_path / "toy" / "train-en.tsv")
    (checkup,) = examine(cells_of(task)).checkups
    assert all(one.problems == () for one in checkup.seen)


def test_a_few_examples_may_well_be_the_same_in_two_languages(tmp_path: Path) -> None:
    task = write_all(tmp_path)
    for code in ("en", "de"):
        rows = "".join(f"{number}\tyes\n" for number in range(19))
        (tmp_path / "toy" / f"test-{code}.tsv").write_text(rows)
    (checkup,) = examine(cells_of(task)).checkups
    assert all(one.problems == () for one in checkup.seen)


def test_a_file_that_is_of_both_languages_is_no_copy(tmp_path: Path) -> None:
    task = write_all(tmp_path)
    source = replace(task.source, paths=("toy/{split}-en.tsv",))
    (checkup,) = examine(cells_of(replace(task, source=source))).checkups
    assert all(one.problems == () for one in checkup.seen) and checkup.rows > 80


def odd_file(root: Path, what: str) -> str:
    """Puts something else than a file where the German test is; what is to be said of it."""
    path = root / "toy" / "test-de.tsv"
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to("nowhere")
        return "is a link to what is not there"
    elif what == "loop":
        path.symlink_to(path.name)
        return "Too many levels of symbolic links"
    return "is no file"


@pytest.mark.parametrize("what", ["folder", "pipe", "link", "loop"])
def test_what_is_there_and_no_file_is_wrong_and_not_missing(what: str, tmp_path: Path) -> None:
    task = write_all(tmp_path)
    told = odd_file(tmp_path, what)
    (checkup,) = examine(cells_of(task)).checkups
    german = checkup.seen[-1]
    assert only(german, kinds.UNREADABLE).places == (f"toy/test-de.tsv: {told}",)
    assert not checkup.absent and checkup.wrong and checkup.rows == 80


def test_what_is_in_the_way_of_labels_is_told_unless_it_is_in_that_of_rows(tmp_path: Path) -> None:
    cell = Cell(task=write_all(tmp_path), split="test", language="deu")
    (tmp_path / "toy" / "labels" / "test-de.tsv").mkdir(parents=True)
    assert only(look(cell), kinds.UNREADABLE).places == ("labels/test-de.tsv: is no file",)
    shutil.rmtree(tmp_path / "toy")
    (tmp_path / "toy").touch()
    assert only(look(cell), kinds.UNREADABLE).places == ("toy/test-de.tsv: Not a directory",)


@pytest.mark.parametrize("method", ["open", "stat"])
def test_what_may_not_be_read_does_not_stop_the_rest(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = write_all(tmp_path)
    real = getattr(Path, method)

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        if path == tmp_path / "toy" / "test-de.tsv":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, method, refused)
    (checkup,) = examine(cells_of(task)).checkups
    told = only(checkup.seen[-1], kinds.UNREADABLE).places
    assert told == ("toy/test-de.tsv: Permission denied",) and checkup.rows == 80


def test_of_a_task_without_languages_what_is_there_is_looked_at(tmp_path: Path) -> None:
    task = replace(write_all(tmp_path), languages=())
    found = {(cell.split, cell.language) for cell in cells_of(task)}
    assert found == {("train", "eng"), ("test", "eng"), ("test", "deu")}


def test_a_pair_of_texts_is_placed_in_both_of_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYOVER_DATA", str(tmp_path))
    (tmp_path / "xnli").mkdir()
    for code, text in (("en", "a dog"), ("zh", "\u4e00\x08\u53ea\u72d7")):
        (tmp_path / "xnli" / f"dev-{code}.tsv").write_text(f"{text}\tit is\tneutral\n")
    found = look(Cell(task=PREMISES, split="dev", language="zho"))
    (problem,) = (one for one in found.problems if one.kind == kinds.CONTROL)
    assert problem.places[0].startswith("xnli/dev-zh.tsv:1 and xnli/dev-en.tsv:1: ")


def test_raw_text_has_no_labels_to_miss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYOVER_DATA", str(tmp_path))
    (tmp_path / "mlm").mkdir()
    (tmp_path / "mlm" / "fr.txt").write_text("".join(f"un chien {n}\n" for n in range(30)))
    (checkup,) = examine(cells_of(MLM)).checkups
    assert checkup.rows == 30 and checkup.seen[0].problems == ()


def test_two_tasks_that_read_one_file_are_not_told_that_they_share_it(tmp_path: Path) -> None:
    task = write_all(tmp_path)
    shutil.copytree(tmp_path / "toy", tmp_path / "copy")
    measured = Cell(task=task, split="test", language="eng")

    def told(folder: str) -> list[str]:
        source = replace(task.source, paths=(folder + "/test-{code}.tsv",))
        other = replace(task, name="other", source=source, splits=("dev", "test"))
        seen = Cell(task=other, split="dev", language="eng")
        return [str(leak.measured) for leak in examine([measured, seen]).leaks]

    assert told("toy") == [] and told("copy") == ["toy test"]


def test_several_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = list(cells_of(write_all(tmp_path)))
    (tmp_path / "toy" / "test-de.tsv").write_text("der Hund\tjein\n")
    one = examine(cells)
    monkeypatch.setattr("layover.doctor.checkup.WORTH_PROCESSES", 0)
    heard: list[tuple[int, int]] = []
    many = examine(cells, lambda cell, done, total: heard.append((done, total)))
    assert [replace(seen, prints=None) for seen in many.checkups[0].seen] == [
        replace(seen, prints=None) for seen in one.checkups[0].seen
    ]
    assert len(heard) == 3 and heard[-1][0] == heard[-1][1]


def test_a_sample_is_evenly_spread_and_bounded() -> None:
    sample = Sample(100)
    for number in range(10_000):
        sample.add("", str(number))
    places = [int(where) for _, where in sample.kept]
    assert 100 <= len(places) <= 200
    assert {after - before for before, after in pairwise(places)} == {sample.step}


def test_a_sheet_keeps_all_places() -> None:
    sheet = Sheet()
    for number in range(1000):
        sheet.note(kinds.ROW, f"{number}")
    (problem,) = sheet.problems(1000)
    assert problem.count == 1000 and problem.places == tuple(map(str, range(1000)))


def test_more_may_be_missing_than_a_task_names(tmp_path: Path) -> None:
    source = Ccgbank(root=str(tmp_path))
    (checkup,) = examine(cells_of(replace(catalogue.CCG, source=source))).checkups
    found, expected = checkup.files
    assert found == 0 and expected == 22


# The real files


@pytest.mark.long
def test_all_real_files_are_read_in_time_and_nothing_is_wrong_with_them(
    real_data: Path,
) -> None:
    registry = Registry(Task, "task")
    registry.include(catalogue)
    start = time.monotonic()
    health = examine([cell for task in registry for cell in cells_of(task)])
    leaks = health.leaks
    assert time.monotonic() - start < 150
    found = {checkup.task.name: checkup for checkup in health.checkups}
    bad = [name for name, checkup in found.items() if checkup.wrong]
    assert bad == []
    assert found["squad"].files == (2, 2) and found["squad"].rows == 87_599 + 10_570
    assert found["squad2"].there == ()
    told = {(str(leak.seen), str(leak.measured)) for leak in leaks}
    assert {("squad dev", "xquad test"), ("squad dev", "lareqa test")} <= told
    # XQuAD's Turkish text has a dash that somebody decoded twice.
    turkish = next(one for one in found["xquad"].there if one.language == "tur")
    assert kinds.MOJIBAKE in {problem.kind for problem in turkish.problems}
