"""Defects of rows and labels are found and named with their lines, and whole files have none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ailing import ROWS, judged, only, task_of
from layover.doctor import problem as kinds
from layover.doctor.cell import REMEMBERED, Cell, Seen, look
from layover.doctor.problem import Kind
from layover.errors import DataError
from layover.tasks.formats import Conll, JsonLines, SquadJson, Tsv
from layover.tasks.own import tagged
from layover.tasks.sources import Row, pass_over, refuse, telling
from layover.tasks.squad import passage
from layover.tasks.types.classification import Labelled
from layover.tasks.types.spans import Spans
from layover.tasks.types.tagging import Tagging


def test_nothing_is_found_in_whole_files(seen: Callable[..., Seen]) -> None:
    found = seen(ROWS, sizes=(("test", 40),))
    assert found.problems == () and found.rows == found.published == 40
    assert found.labels == {"yes": 20, "no": 20}


def test_every_bad_row_is_counted_and_named_with_its_line(
    seen: Callable[..., Seen],
) -> None:
    bad = {3: "a\tb\tc", 7: "the dog\tperhaps", 9: "\tyes", 20: "the cat\tmaybe"}
    problem = only(seen([bad.get(number, row) for number, row in enumerate(ROWS)]), kinds.ROW)
    assert problem.wrong and problem.count == 4
    first, second, third, _ = problem.places
    assert first.startswith("toy/test-en.tsv:4: 3 fields separated by tabs, expected 2")
    assert second == "toy/test-en.tsv:8: label 'perhaps' is not one of yes, no"
    assert third == "toy/test-en.tsv:10: the text is empty"


def test_a_reader_stops_at_a_bad_row_unless_somebody_hears_of_it() -> None:
    with pytest.raises(DataError, match="wrong"):
        refuse(DataError("wrong"))
    heard: list[DataError] = []
    with telling(heard.append):
        refuse(DataError("wrong"))
    assert [str(error) for error in heard] == ["wrong"]
    with pytest.raises(DataError, match="again"):
        refuse(DataError("again"))


def test_of_a_line_that_is_passed_over_only_those_hear_who_listen() -> None:
    heard: list[str] = []
    with telling(lambda error: None, heard.append):
        pass_over("here")
    pass_over("there")
    assert heard == ["here"]


def test_a_bad_line_of_json_does_not_hide_the_next(seen: Callable[..., Seen]) -> None:
    good = [
        json.dumps({"text": f"the {n}th dog", "label": "yes" if n % 2 else "no"}) for n in range(30)
    ]
    lines = [*good[:5], "{", *good[5:9], "[1]", *good[9:], '{"text": "no label"}']
    problem = only(seen(lines, reader=JsonLines()), kinds.ROW)
    assert problem.count == 3
    assert [place.split(": ")[0] for place in problem.places] == [
        "toy/test-en.tsv:6",
        "toy/test-en.tsv:11",
        "toy/test-en.tsv:33",
    ]


def test_a_broken_sentence_does_not_hide_the_next(seen: Callable[..., Seen]) -> None:
    blocks = [f"dog{n}\tA\nran\tB\n" for n in range(20)]
    blocks[4] = "cat\tA\nsat\n"
    blocks[9] = "cat\tQ\n"
    kind = Tagging(labels=("A", "B"))
    found = seen("\n".join(blocks).encode(), reader=Conll(), type=kind, parse=tagged)
    problem = only(found, kinds.ROW)
    assert problem.count == 2 and found.rows == 18
    assert problem.places[0].startswith("toy/test-en.tsv:13 (token 2)")
    assert problem.places[1] == "toy/test-en.tsv:28: label 'Q' is not one of A, B"


def squad(*answers: tuple[str, int]) -> bytes:
    context = "the old fisher sold apples near the river"
    items = [
        {"id": f"q{n}", "question": f"who is {n}?", "answers": [{"text": text, "answer_start": at}]}
        for n, (text, at) in enumerate(answers)
    ]
    paragraph = {"context": context, "qas": items}
    return json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}).encode()


def test_answers_out_of_place_are_found(seen: Callable[..., Seen]) -> None:
    content = squad(("old", 4), ("old", 5), ("fisher", 8), ("apples", 0))
    problem = only(seen(content, reader=SquadJson(), type=Spans(), parse=passage), kinds.ROW)
    assert problem.count == 2
    assert problem.places[0].startswith("toy/test-en.tsv paragraph 0.0 question 'q1'")
    assert "is said to start at character 5" in problem.places[0]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"data": [{}]}'])
def test_a_file_that_is_no_such_file_cannot_be_read(
    content: bytes, seen: Callable[..., Seen]
) -> None:
    found = seen(content, reader=SquadJson(), type=Spans(), parse=passage)
    problem = only(found, kinds.UNREADABLE)
    assert problem.wrong and "toy/test-en.tsv" in problem.places[0]


def test_a_parse_that_raises_anything_is_told_of(seen: Callable[..., Seen]) -> None:
    def broken(row: Row) -> Labelled:
        raise ZeroDivisionError("by nothing")

    problem = only(seen(ROWS, parse=broken), kinds.UNREADABLE)
    assert problem.places == ("ZeroDivisionError: by nothing",)


# Encoding


def changed(number: int, line: str) -> list[str]:
    return [*ROWS[:number], line, *ROWS[number + 1 :]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("the d\ufffdg", kinds.REPLACED),
        ("the caf\u00c3\u00a9", kinds.MOJIBAKE),
        ("the dogâ€™s", kinds.MOJIBAKE),
        ("the d\x08og", kinds.CONTROL),
        ("the d\x92og", kinds.CONTROL),
    ],
)
def test_damaged_text_is_found(text: str, kind: Kind, seen: Callable[..., Seen]) -> None:
    problem = only(seen(changed(6, f"{text}\tno")), kind)
    assert problem.count == 1 and not problem.wrong
    assert problem.places[0].startswith("toy/test-en.tsv:7: ")


def test_a_file_whose_text_is_damaged_all_over_is_wrong(seen: Callable[..., Seen]) -> None:
    assert only(seen([row.replace("dog", "dÃ¶g") for row in ROWS]), kinds.MOJIBAKE).wrong


@pytest.mark.parametrize("text", ["Ça va", "São Paulo", "ÂNGELO", "Ã", "naïve café", "Привет"])
def test_text_that_only_looks_odd_is_text(text: str, seen: Callable[..., Seen]) -> None:
    assert seen(changed(6, f"the dog, {text}\tno")).problems == ()


def test_what_is_not_utf8_is_found_with_its_line(seen: Callable[..., Seen]) -> None:
    content = "\n".join(changed(6, "the d\u00f6g\tno")).encode("latin-1")
    found = seen(content, sizes=(("test", 40),))
    problem = only(found, kinds.ROW)
    assert problem.places[0].startswith("toy/test-en.tsv:7: not UTF-8")
    # It cannot be used, and is not told of again as what it was decoded to.
    assert (found.rows, problem.count, problem.of) == (39, 1, 40)


def test_labels_are_joined_past_a_line_that_is_not_utf8(
    seen: Callable[..., Seen], tmp_path: Path
) -> None:
    rows = [f"the {n}th dog\t{'yes' if n == 30 else 'no'}" for n in range(40)]
    place = tmp_path / "toy" / "labels" / "test-en.tsv"
    place.parent.mkdir(parents=True)
    place.write_text("".join(f"{row.partition(chr(9))[2]}\n" for row in rows))
    bare = [row.partition("\t")[0] for row in rows]
    bare[3] = bare[3].replace("dog", "d\u00f6g")
    found = seen("\n".join([*bare, bare[30]]).encode("latin-1").rsplit(b"\n", 1)[0])
    assert only(found, kinds.ROW).count == 1
    assert found.labels == {"yes": 1, "no": 38}


def test_a_file_in_utf16_is_told_of_once(seen: Callable[..., Seen]) -> None:
    problem = only(seen("\n".join(ROWS).encode("utf-16")), kinds.UNREADABLE)
    assert problem.places == ("toy/test-en.tsv: is UTF-16, expected UTF-8",)


def test_tokens_that_begin_with_the_languages_code_are_wrong(seen: Callable[..., Seen]) -> None:
    def found(*tokens: str) -> Seen:
        blocks = [f"{tokens[0]}{n}\tA\n{tokens[1]}\tB\n" for n in range(20)]
        kind = Tagging(labels=("A", "B"))
        return seen("\n".join(blocks).encode(), reader=Conll(), type=kind, parse=tagged)

    problem = only(found("en:dog", "en:ran"), kinds.PREFIXED)
    assert problem.wrong and problem.count == 20
    assert problem.places[0] == "toy/test-en.tsv:1: 'en:dog0'"
    assert found("en:dog", "ran").problems == ()


def test_lines_that_a_reader_passes_over_are_counted(tmp_path: Path) -> None:
    reader = Tsv(columns=("text", "label"), header=True, passes_over=True)
    rows = ["text\tlabel", *ROWS, ""]
    bad = {5: "half", 6: "a\tb\tc", 7: "d\u00f6g\tno", 8: "the dog\tugly", 41: "the end"}
    content = "\n".join(bad.get(n, row) for n, row in enumerate(rows))
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "train-en.tsv").write_text(content, encoding="latin-1")
    task = task_of(tmp_path, reader=reader)
    found = {one.kind: one for one in look(Cell(task=task, split="train", language="eng")).problems}
    assert found[kinds.ROW].count == 3
    assert found[kinds.PASSED].count == 2
    assert found[kinds.PASSED].places == ("toy/train-en.tsv:6", "toy/train-en.tsv:42")


def test_where_a_reader_passes_no_line_over_none_is_counted(seen: Callable[..., Seen]) -> None:
    reader = Tsv(columns=("text", "label"), header=True, passes_over=True)
    assert only(seen(["text\tlabel", "half", *ROWS], reader=reader), kinds.ROW).count == 1


def test_a_row_that_is_passed_over_behind_a_bad_one_is_counted(seen: Callable[..., Seen]) -> None:
    def some(row: Row) -> Labelled | None:
        return None if row.fields["row"] == 4 else judged(row)

    found = {one.kind: one for one in seen(changed(3, "a\tb\tc"), parse=some).problems}
    assert found.keys() == {kinds.ROW, kinds.PASSED}
    assert found[kinds.PASSED].places == ("toy/test-en.tsv:5",)


def test_marks_and_line_ends_are_worth_knowing(seen: Callable[..., Seen]) -> None:
    content = "\r\n".join(ROWS).encode()
    found = seen(b"\xef\xbb\xbf" + content + b"\r\n\xef\xbb\xbfthe dog\tyes")
    by_kind = {one.kind: one for one in found.problems}
    assert by_kind.keys() == {kinds.BOM, kinds.INNER_BOM, kinds.CRLF}
    assert by_kind[kinds.CRLF].count == 40 and by_kind[kinds.INNER_BOM].count == 1
    assert not any(one.wrong for one in found.problems)


# Counts and copies


@pytest.mark.parametrize(("size", "is_wrong"), [(40, False), (41, True), (39, True)])
def test_rows_are_counted_against_what_was_published(
    size: int, is_wrong: bool, seen: Callable[..., Seen]
) -> None:
    found = seen(ROWS, sizes=(("test/eng", size), ("test", 7)))
    assert bool(found.problems) == is_wrong
    if is_wrong:
        told = f"toy/test-en.tsv: 40 examples, published are {size}"
        assert only(found, kinds.COUNT).places == (told,)


def test_a_bad_row_is_not_a_missing_one_too(seen: Callable[..., Seen]) -> None:
    only(seen(changed(3, "a\tb\tc"), sizes=(("test", 40),)), kinds.ROW)


def test_an_empty_file_is_wrong(seen: Callable[..., Seen]) -> None:
    assert only(seen(b""), kinds.EMPTY).wrong


def test_ids_that_occur_twice_are_found_with_both_places(seen: Callable[..., Seen]) -> None:
    rows = [f"{n}\t{row}" for n, row in enumerate(ROWS)]
    rows[30] = rows[30].replace("30", "4", 1)
    found = seen(rows, reader=Tsv(columns=("id", "text", "label")))
    (place,) = only(found, kinds.ROW).places
    assert place.startswith("toy/test-en.tsv:31: the id '4' a second time; toy/test-en.tsv:5 has")


def test_examples_that_occur_twice_are_found_but_for_trifles(seen: Callable[..., Seen]) -> None:
    problem = only(seen([*ROWS, ROWS[2].upper().replace("NO", "no")]), kinds.TWICE)
    assert problem.places == ("toy/test-en.tsv:41: as toy/test-en.tsv:3",) and not problem.wrong
    assert only(seen(ROWS * 2), kinds.TWICE).wrong


def test_the_same_example_under_another_label_is_found(seen: Callable[..., Seen]) -> None:
    found = seen([*ROWS, ROWS[2].replace("\tno", "\tyes")])
    kind = {one.kind: one for one in found.problems}
    assert kind.keys() == {kinds.TWICE, kinds.CONFLICT}
    assert kind[kinds.CONFLICT].places == ("toy/test-en.tsv:41: as toy/test-en.tsv:3",)


def test_places_are_forgotten_where_there_are_too_many(
    seen: Callable[..., Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REMEMBERED > 40
    monkeypatch.setattr("layover.doctor.cell.REMEMBERED", 10)
    problem = only(seen([*ROWS, ROWS[2]]), kinds.TWICE)
    assert problem.places == ("row 41: as toy/test-en.tsv:3",)


# Labels


def test_labels_that_were_set_to_a_constant_are_wrong(seen: Callable[..., Seen]) -> None:
    problem = only(seen([row.replace("yes", "no") for row in ROWS]), kinds.CONSTANT)
    assert problem.wrong and "all 40 rows have the label 'no'" in problem.places[0]


def test_a_few_rows_may_well_have_one_label(seen: Callable[..., Seen]) -> None:
    assert seen([row for row in ROWS[:30] if row.endswith("yes")]).problems == ()


def test_labels_that_were_withheld_are_no_problem(
    seen: Callable[..., Seen], tmp_path: Path
) -> None:
    bare = [row.partition("\t")[0] for row in ROWS]
    found = seen(bare)
    assert found.problems == () and found.withheld == 40
    assert found.labels_file == str(tmp_path / "toy" / "labels" / "test-en.tsv")
    place = Path(found.labels_file)
    place.parent.mkdir()
    place.write_text("".join(f"{row.partition(chr(9))[2]}\n" for row in ROWS))
    assert seen(bare).withheld == 0


def test_labels_for_some_rows_only_are_wrong(seen: Callable[..., Seen]) -> None:
    problem = only(seen([*ROWS, "a cat sat there"]), kinds.PARTLY)
    assert problem.wrong and "1 of 41" in problem.places[0]


# Languages


def test_rows_in_another_script_are_found_with_their_lines(seen: Callable[..., Seen]) -> None:
    problem = only(seen(changed(6, "собака бежала\tno")), kinds.SCRIPT)
    assert problem.places[0].startswith("toy/test-en.tsv:7: Cyrillic")
    assert not problem.wrong
    half = [row if n % 2 else f"собака {n} бежала\tno" for n, row in enumerate(ROWS)]
    problem = only(seen(half), kinds.SCRIPT)
    assert problem.wrong and problem.count == 20


def test_names_in_another_script_are_not(seen: Callable[..., Seen]) -> None:
    assert seen(changed(6, "Владимир Петрович ran\tno")).problems == ()


def test_ids_that_name_other_languages_are_wrong(seen: Callable[..., Seen]) -> None:
    names = ["english", "finnish", "korean", "nobody"]
    rows = [f"{names[n % 4]}-{n}-0\t{row}" for n, row in enumerate(ROWS)]
    problem = only(seen(rows, reader=Tsv(columns=("id", "text", "label"))), kinds.STRANGER)
    assert problem.wrong and problem.count == 20
    assert problem.places[0] == "toy/test-en.tsv:2: id 'finnish-1-0'"


def test_rows_that_a_task_passes_over_are_counted(seen: Callable[..., Seen]) -> None:
    def some(row: Row) -> Labelled | None:
        return None if row.fields["row"] in (3, 8) else judged(row)

    found = seen(ROWS, parse=some)
    problem = only(found, kinds.PASSED)
    assert (problem.count, problem.wrong, found.rows) == (2, False, 38)
    assert problem.places == ("toy/test-en.tsv:4", "toy/test-en.tsv:9")
