"""The tidy frame of a study: one row for each arm, target, language and seed."""

from __future__ import annotations

import json

import pandas
import pytest

from layover.executors.execute import Outcome
from layover.results import COLUMNS, report, rows
from layover.stages import Score
from layover.store import Store
from layover.study import Study

RUN = tuple[Store, Outcome]


@pytest.fixture(scope="module")
def frame(tiny: Study, tiny_run: RUN) -> pandas.DataFrame:
    return rows(tiny, tiny_run[0])


def test_there_is_one_row_for_each_arm_target_language_and_seed(frame: pandas.DataFrame) -> None:
    assert tuple(frame.columns) == COLUMNS
    assert not frame.duplicated(["arm", "target", "language", "seed"]).any()
    assert set(frame.arm) == {"direct", "nli", "tags + mlm"}
    assert set(frame.role[frame.arm == "direct"]) == {"baseline"}
    counts = frame.groupby(["arm", "target"]).size().unique()
    assert set(counts) == {2, 5, 6}


def test_its_scores_are_those_that_were_written(
    frame: pandas.DataFrame, tiny: Study, tiny_run: RUN
) -> None:
    store = tiny_run[0]
    for leaf in tiny.arm("nli").leaves:
        assert isinstance(leaf, Score)
        told = json.loads((store.result(leaf) / "scores.json").read_text(encoding="utf-8"))
        mine = frame[(frame.arm == "nli") & (frame.target == leaf.target)]
        found = {
            code: {"score": score, "n": n}
            for code, score, n in zip(mine.language, mine.score, mine.n, strict=True)
        }
        assert found == told["scores"]


def test_it_says_what_the_model_had_seen(frame: pandas.DataFrame) -> None:
    nli = frame[frame.arm == "nli"]
    assert set(nli.encoder) == {"tiny 2x32"}
    assert set(nli.intermediate) == {"nli"}
    assert set(nli.languages) == {"qal"}
    assert set(nli.examples) == {40}
    direct = frame[frame.arm == "direct"]
    assert set(direct.intermediate) == {""} and direct.examples.isna().all()
    assert set(frame[frame.arm == "tags + mlm"].intermediate) == {"supertags"}
    assert set(frame[frame.arm == "tags + mlm"].beside_mlm) == {True}
    assert set(nli.beside_mlm) == {False}
    assert set(frame[frame.zero_shot].language) == set(frame.language) - {"qal"}


def test_any_two_arms_differ_in_what_they_were_trained_on(frame: pandas.DataFrame) -> None:
    factors = ["encoder", "intermediate", "languages", "examples", "beside_mlm"]
    kinds = frame.groupby("arm")[factors].first().fillna(0)
    assert len(kinds.drop_duplicates()) == frame.arm.nunique()


def test_a_store_without_results_gives_an_empty_frame(
    tiny: Study, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = rows(tiny, Store(tmp_path_factory.mktemp("empty"), read_only=True))
    assert empty.empty and tuple(empty.columns) == COLUMNS


def test_a_report_names_the_arms_and_seeds_that_are_missing(
    tiny: Study, tmp_path_factory: pytest.TempPathFactory
) -> None:
    told = report(tiny, Store(tmp_path_factory.mktemp("none"), read_only=True)).notes
    assert any(note.endswith("missing: of direct, nli, tags + mlm, under seed 0.") for note in told)
