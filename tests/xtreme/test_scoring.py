"""Folders of predictions are scored as the benchmarks do, or nothing of them is."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layover.errors import DataError, UnknownName
from layover.languages import language
from layover.metrics.accuracy import WORD_ACCURACY
from layover.metrics.squad import SQUAD_EM
from layover.tasks.target import Target
from layover.tasks.xtreme_targets import xtreme, xtreme_r
from layover.xtreme.benchmarks import BENCHMARKS, XTREME, XTREME_R, Benchmark, benchmark
from layover.xtreme.score import score
from wholes import named, told, write_whole

OFFICIAL = {
    "pawsx": {"accuracy": 51.42857142857143},
    "xnli": {"accuracy": 30.666666666666668},
    "panx": {
        "span F1": 57.50793650793652,
        "span precision": 54.729166666666664,
        "span recall": 62.750000000000014,
    },
    "udpos": {
        "span F1": 70.21746048354693,
        "span precision": 71.02232625883823,
        "span recall": 69.54982073976082,
    },
    "bucc2018": {"pair F1": 55.0, "pair precision": 55.0, "pair recall": 55.0},
    "tatoeba": {"accuracy": 53.611111111111114},
    "xquad": {"SQuAD EM": 77.27272727272727, "SQuAD F1": 79.9586776859504},
    "mlqa": {"MLQA EM": 57.142857142857146, "MLQA F1": 81.76870748299321},
    "tydiqa": {"SQuAD EM": 88.88888888888889, "SQuAD F1": 97.22222222222223},
    "mewslix": {"mAP@20": 14.39025156130419},
}
"""What the original scorer says of its own mock submission: means over languages."""


@pytest.mark.real
def test_the_originals_own_submission_has_the_originals_scores(real_data: Path) -> None:
    mock = real_data / "oracles/xtreme_mock_test_data"
    found = score(XTREME, mock / "predictions", mock / "labels")
    later = score(XTREME_R, mock / "predictions", mock / "labels", partial=True)
    for folder, expected in OFFICIAL.items():
        task = named(later if folder == "mewslix" else found, folder)
        metrics = {m.name: m for m in (*task.entry.metrics, *task.entry.beside)}
        for name, value in expected.items():
            assert task.mean(metrics[name]) == value
    points = [
        *(next(iter(OFFICIAL[name].values())) for name in ("pawsx", "xnli", "udpos", "panx")),
        *(sum(OFFICIAL[name].values()) / 2 for name in ("xquad", "mlqa", "tydiqa")),
        *(next(iter(OFFICIAL[name].values())) for name in ("bucc2018", "tatoeba")),
    ]
    assert found.overall == pytest.approx(sum(points) / 9, abs=1e-12)
    assert math.isnan(later.overall) and later.partial and not found.partial


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (
            "xtreme",
            "pawsx 7 xnli 15 udpos 33 panx 40 xquad 11 mlqa 7 tydiqa 9 bucc2018 4 tatoeba 36",
        ),
        (
            "xtreme-r",
            "xnli 15 xcopa 11 udpos 38 panx 48 xquad 12 mlqa 7 tydiqa 9 tatoeba 41 mewslix 11 "
            "lareqa 11",
        ),
    ],
)  # fmt: skip
def test_a_benchmark_has_its_tasks_and_languages(name: str, counts: str) -> None:
    words = counts.split()
    found = benchmark(name)
    assert {entry.folder: len(set(entry.languages)) for entry in found.entries} == {
        folder: int(count) for folder, count in zip(words[::2], words[1::2], strict=True)
    }
    codes = {code for entry in found.entries for code in entry.languages}
    assert len(codes) == {"xtreme": 40, "xtreme-r": 50}[name]
    assert all(language(code).short for code in codes)
    placed = [folder for _, folders in found.categories for folder in folders]
    assert sorted(placed) == sorted(entry.folder for entry in found.entries)


@pytest.mark.real
def test_the_languages_of_xtreme_are_those_of_the_originals_own_submission(real_data: Path) -> None:
    for entry in XTREME.entries:
        folder = real_data / "oracles/xtreme_mock_test_data/labels" / entry.folder
        names = {path.name for path in folder.iterdir()}
        assert names == {entry.file(code) for code in entry.languages}
    ranked = {path.name for path in (folder.parent / "mewslix").iterdir()}
    entry = next(one for one in XTREME_R.entries if one.folder == "mewslix")
    assert ranked == {entry.file(code) for code in entry.languages}


def test_xtreme_r_has_the_languages_of_xtreme_and_more() -> None:
    more = {
        "udpos": "lt pl uk wo ro",
        "panx": "qu pl uk az lt pa gu ro",
        "tatoeba": "az lt pl uk ro",
        "xquad": "ro",
    }
    for entry in XTREME_R.entries:
        before = XTREME.entry(entry.folder)
        if before is not None:
            added = [code for code in entry.languages if code not in before.languages]
            assert set(before.languages) <= set(entry.languages)
            assert [language(code).short for code in added] == more.get(entry.folder, "").split()


def test_another_benchmark_is_unknown() -> None:
    with pytest.raises(UnknownName, match="xtreme-r"):
        benchmark("xtreme-rr")


@pytest.fixture(scope="module", params=BENCHMARKS, ids=lambda one: one.name)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Benchmark, Path, Path]:
    folder = tmp_path_factory.mktemp(request.param.name)
    return (request.param, *write_whole(folder, request.param))


def test_each_average_is_the_mean_of_what_is_below_it(whole: tuple[Benchmark, Path, Path]) -> None:
    found = score(*whole)
    assert not found.unmeasured and not found.partial
    for task in found.tasks:
        means = []
        for metric in task.entry.metrics:
            values = [task.values[metric.name][code] for code in task.entry.languages]
            means.append(sum(values) / len(values))
        assert task.score == pytest.approx(sum(means) / len(means))
        assert 0 < task.score < 100 and set(task.examples.values()) <= {6, 7, 8, 9, 10, 11, 12}
    for name, folders in whole[0].categories:
        mean = sum(found.by_folder[folder] for folder in folders) / len(folders)
        assert found.categories[name] == pytest.approx(mean)
    parts = found.by_folder if whole[0] is XTREME else found.categories
    assert found.overall == pytest.approx(sum(parts.values()) / len(parts))


def test_right_predictions_score_100(whole: tuple[Benchmark, Path, Path], tmp_path: Path) -> None:
    which, _, labels = whole
    shutil.copytree(labels, tmp_path / "predictions")
    for entry in which.entries:
        if entry.folder in ("xquad", "mlqa", "tydiqa"):
            for path in (tmp_path / "predictions" / entry.folder).iterdir():
                said = entry.form.read(labels / entry.folder / path.name, "labels").values
                first = {name: texts[0] for name, texts in said.items()}
                entry.form.write(path, first, "predictions")
    found = score(which, tmp_path / "predictions", labels)
    assert {
        task.entry.folder: task.score for task in found.tasks if task.entry.form.suffix != "json"
    } == {entry.folder: 100.0 for entry in which.entries if entry.form.suffix != "json"}
    assert named(found, "xquad").score == 100.0


def cut(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def lengthen(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]))


def rewrite(change: Callable[[Any], object]) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))

    return act


@pytest.mark.parametrize(
    ("name", "spoil", "expected"),
    [
        ("xnli/test-de.tsv", cut, "predictions/xnli/test-de.tsv: 5 lines, expected 6, as in"),
        ("xnli/test-de.tsv", lengthen, "predictions/xnli/test-de.tsv: 7 lines, expected 6"),
        ("tatoeba/test-af.tsv", cut, "5 lines, expected 6"),
        ("udpos/test-de.tsv", cut, "sentence 6 has 3 tags, expected 4, as at"),
        ("panx/test-de.tsv", lambda p: p.write_text("O\nO\n"), "1 sentences, expected 6"),
        ("xquad/test-de.json", rewrite(lambda v: v.update(new="x")), "has no id 'new'"),
        ("xquad/test-de.json", lambda p: p.write_text("{"), ":1: not valid JSON"),
        ("bucc2018/test-de.tsv", lambda p: p.write_text("a b\n"), ":1: 'a b', expected two ids"),
        ("pawsx/test-de.tsv", lambda p: p.write_bytes(b""), "test-de.tsv is empty"),
        ("pawsx/test-ar.tsv", lambda p: p.write_text("0\n"), "has no language 'ar' in XTREME"),
        ("pawsx/test-xx.tsv", lambda p: p.write_text("0\n"), "'xx' is no language of XTREME"),
        ("pawsx/test-de.json", lambda p: p.write_text("{}"), "expected test-de.tsv"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_told_and_nothing_is_scored(
    mine: tuple[Path, Path], name: str, spoil: Callable[[Path], None], expected: str
) -> None:
    spoil(mine[0] / name)
    message = told(*mine)
    assert expected in message and name in message
    assert expected in told(*mine, partial=True)


def test_the_labels_are_checked_too(mine: tuple[Path, Path]) -> None:
    path = mine[1] / "xnli" / "test-sw.tsv"
    path.write_text(path.read_text().replace("neutral", "?"))
    assert "labels/xnli/test-sw.tsv:" in told(*mine)


def test_problems_of_several_files_are_told_together_up_to_ten(mine: tuple[Path, Path]) -> None:
    for folder in ("pawsx", "xnli", "tatoeba", "bucc2018"):
        for code in ("de", "fr", "ru"):
            path = mine[0] / folder / f"test-{code}.tsv"
            path.write_text("?\n") if path.exists() else None
    lines = told(*mine).split("\n")
    assert lines[0].startswith("11 problems") and len(lines) == 12
    assert lines[-1].strip() == "and 1 more"


def test_questions_without_an_answer_count_0_and_are_counted(mine: tuple[Path, Path]) -> None:
    before = named(score(XTREME, *mine), "xquad").values[SQUAD_EM.name]["deu"]
    path = mine[0] / "xquad" / "test-de.json"
    labels = json.loads((mine[1] / "xquad" / "test-de.json").read_text())
    gold = {
        one["id"]: one["answers"][0]["text"] for one in labels["data"][0]["paragraphs"][0]["qas"]
    }
    path.write_text(json.dumps(dict(list(gold.items())[:3])))
    found = score(XTREME, *mine)
    assert named(found, "xquad").values[SQUAD_EM.name]["deu"] == 50.0 != before
    assert any("3 of 6 ids are missing; they count 0" in note for note in found.notes)


def test_a_question_without_an_answer_is_not_right_where_the_answer_has_no_words(
    mine: tuple[Path, Path],
) -> None:
    (mine[0] / "xquad" / "test-de.json").write_text(json.dumps({"q1": "x"}))
    asked = [{"id": f"q{at}", "answers": [{"text": "the"}]} for at in (1, 2)]
    document = {"data": [{"paragraphs": [{"qas": asked}]}]}
    (mine[1] / "xquad" / "test-de.json").write_text(json.dumps(document))
    assert named(score(XTREME, *mine), "xquad").values[SQUAD_EM.name]["deu"] == 0.0


def test_labels_that_were_withheld_are_not_measured(mine: tuple[Path, Path]) -> None:
    for path in (mine[1] / "xnli").iterdir():
        path.write_text("\n" * 6)
    (mine[1] / "pawsx" / "test-de.tsv").write_text("\n" * 6)
    found = score(XTREME, *mine)
    assert found.unmeasured.keys() == {"xnli", "pawsx"}
    assert "withheld in de" in found.unmeasured["pawsx"]
    assert math.isnan(found.overall)
    partial = score(XTREME, *mine, partial=True)
    assert partial.unmeasured.keys() == {"xnli"}
    assert len(named(partial, "pawsx").examples) == 6


def test_mined_pairs_need_no_prediction(mine: tuple[Path, Path]) -> None:
    (mine[0] / "bucc2018" / "test-de.tsv").write_text("")
    found = score(XTREME, *mine)
    assert named(found, "bucc2018").values["pair F1"]["deu"] == 0.0
    assert any("holds no pairs" in note for note in found.notes)


def test_words_are_counted_beside_spans(mine: tuple[Path, Path]) -> None:
    for root, tags in zip(mine, ("NOUN\nVERB\n\nX\n", "NOUN\nNOUN\n\nX\n"), strict=True):
        (root / "udpos" / "test-de.tsv").write_text(tags)
    task = named(score(XTREME, *mine), "udpos")
    assert WORD_ACCURACY in task.entry.beside
    assert task.values["word accuracy"]["deu"] == pytest.approx(200 / 3)
    # Runs of a tag are spans: NOUN+VERB against NOUN NOUN shares nothing.
    assert task.values["span F1"]["deu"] == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("which", "targets"), [(XTREME, xtreme()), (XTREME_R, xtreme_r())], ids=["xtreme", "xtreme-r"]
)
def test_the_targets_that_ship_are_those_of_the_benchmark(
    which: Benchmark, targets: tuple[Target, ...]
) -> None:
    measured = {
        one.name: (one.test.task.name, one.test.split, sorted(one.test.languages))
        for one in targets
    }
    assert measured == {
        entry.folder: (entry.task, entry.split, sorted(entry.languages)) for entry in which.entries
    }


@pytest.mark.long
def test_forty_languages_of_ten_thousand_sentences_take_seconds(tmp_path: Path) -> None:
    entry = XTREME.entry("panx")
    assert entry is not None
    sentence = ["O", "B-PER", "I-PER", "O", "O", "B-LOC", "O", "O", "O", "O"]
    said = {str(row): sentence for row in range(10_000)}
    for code in entry.languages:
        for kind in ("predictions", "labels"):
            entry.form.write(tmp_path / kind / "panx" / entry.file(code), said, kind)  # type: ignore[arg-type]
    start = time.perf_counter()
    found = score(XTREME, tmp_path / "predictions", tmp_path / "labels")
    assert named(found, "panx").score == 100.0
    assert time.perf_counter() - start < 60


def test_no_answer_at_all_scores_0(mine: tuple[Path, Path]) -> None:
    (mine[0] / "xquad" / "test-de.json").write_text("{}")
    found = score(XTREME, *mine)
    assert named(found, "xquad").values[SQUAD_EM.name]["deu"] == 0.0
    assert any("6 of 6 ids are missing" in note for note in found.notes)


def test_words_without_a_tag_are_scored_as_the_file_says(mine: tuple[Path, Path]) -> None:
    for root in mine:
        (root / "udpos" / "test-de.tsv").write_text("NOUN\n_\n")
    assert named(score(XTREME, *mine), "udpos").values["span F1"]["deu"] == 100.0


def test_an_id_has_one_entity_and_any_number_of_sentences(tmp_path: Path) -> None:
    predictions, labels = write_whole(tmp_path, XTREME_R)
    said = json.dumps({f"q{row}": ["Q1", "Q2"] for row in range(6)})
    (labels / "lareqa" / "test-de.json").write_text(said)
    score(XTREME_R, predictions, labels)
    (labels / "mewslix" / "test-de.json").write_text(said)
    with pytest.raises(DataError, match="expected a list of one name"):
        score(XTREME_R, predictions, labels)
