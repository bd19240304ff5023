"""`layover bench` and `layover serving`, and the stage between them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from served import write_model
from typer.testing import CliRunner

from layover.bench.samples import read
from layover.cli import app
from layover.encoders import Folder
from layover.errors import LayoverError
from layover.executors.execute import execute, plan
from layover.executors.local import Local
from layover.metrics.accuracy import ACCURACY
from layover.report import render
from layover.results import report
from layover.serving import comparisons, served
from layover.stages import Benchmark, Predict, Score
from layover.store import Store
from layover.study import Arm, Study
from layover.tasks.own import classification
from layover.tasks.task import Data, Subset, Task
from toys import SENTENCES

INCLUDED = """
from layover.metrics.accuracy import ACCURACY
from layover.tasks.own import classification
from dataclasses import replace
OWN = classification("own", {folder!r}, ("A", "B", "C"))
OWN = replace(OWN, metrics=(ACCURACY,), languages=("eng", "deu"))
"""


def write_text(folder: Path) -> None:
    for code in ("en", "de"):
        lines = [f"{text[n:]}\t{'ABC'[n % 3]}" for n in range(3) for text in SENTENCES]
        (folder / f"test-{code}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def desk(models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_text(tmp_path)
    (tmp_path / "own.py").write_text(INCLUDED.format(folder=str(tmp_path)), encoding="utf-8")
    return tmp_path


def bench(*more: str, model: Path) -> Any:
    words = ["bench", str(model), "--task", "own", "--include", "own.py", "--examples", "6"]
    words += ["--batch", "1,4", "--rounds", "2", "--requests", "2", "--out", "out", *more]
    return CliRunner().invoke(app, words)


@pytest.mark.usefixtures("in_process")
def test_a_row_for_each_language_and_size_with_quality_beside_speed(
    desk: Path, models: dict[str, Path]
) -> None:
    told = bench("--json", model=models["sequence"])
    assert told.exit_code == 0, told.output
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert {(row["language"], row["batch"]) for row in rows} == {
        (code, size) for code in ("", "eng", "deu") for size in (1, 4)
    }
    for row in rows:
        assert row["verdict"] == "reference" and row["p50"]["low"] <= row["p50"]["value"]
        assert (row["quality"] is None) == (row["language"] == "")
    assert len(read(desk / "out" / "samples.parquet")) == 2 * 2 * 2 * 2


@pytest.mark.usefixtures("in_process")
def test_results_are_never_written_over(desk: Path, models: dict[str, Path]) -> None:
    assert bench(model=models["sequence"]).exit_code == 0
    again = bench(model=models["sequence"])
    assert isinstance(again.exception, LayoverError)
    assert "out holds something" in str(again.exception)


@pytest.mark.usefixtures("in_process")
def test_a_model_is_not_trimmed_to_less_than_it_serves(desk: Path, models: dict[str, Path]) -> None:
    told = bench("--languages", "eng,deu", "--vocabulary", "eng", model=models["sequence"])
    assert "deu: a model that is trimmed to eng does not serve them" in str(told.exception)


@pytest.mark.usefixtures("in_process")
def test_the_trimmed_model_stays_in_the_folder(desk: Path, models: dict[str, Path]) -> None:
    told = bench("--vocabulary", "deu", "--keep", "seen", model=models["sequence"])
    assert told.exit_code == 0, told.output
    assert "sequence trimmed" in told.output
    assert (desk / "out" / "models" / "trimmed-0" / "model.safetensors").is_file()


def data(folder: Path) -> Data:
    task: Task = classification("own", str(folder), ("A", "B", "C"))
    return Data(task=task, split="test", languages=("eng", "deu"))


@pytest.fixture
def finished(
    models: dict[str, Path], vocabulary: Path, tmp_path: Path, in_process: list[str]
) -> Iterator[tuple[Study, Store]]:
    """Two arms of two models each, scored and served."""
    write_text(tmp_path)
    test = data(tmp_path)
    arms, leaves = [], []
    for name, seeds in (("direct", (0, 1)), ("nli", (2, 3))):
        mine = []
        for place, seed in enumerate(seeds):
            folder = write_model("sequence", vocabulary, tmp_path / f"model-{seed}", seed)
            about = {"task": "own", "head": "sequence", "labels": ["A", "B", "C"]}
            (folder / "layover.json").write_text(json.dumps(about), encoding="utf-8")
            predict = Predict(model=Folder(path=str(folder)), data=test, max_length=40)
            mine.append(Score(predictions=predict, metric=ACCURACY, target="own", seed=place))
        leaves += mine
        arms.append(Arm(name=name, leaves=tuple(mine)))
    benchmark = Benchmark(
        models=tuple(leaf.predictions.model for leaf in leaves),
        data=replace(test, subset=Subset(size=6)),
        metric=ACCURACY,
        batches=(1, 2),
        rounds=3,
        requests=2,
        launches=2,
        max_length=40,
        after=tuple(leaves),
    )
    study = Study(
        name="costs",
        question="?",
        arms=tuple(replace(arm, leaves=(*arm.leaves, benchmark)) for arm in arms),
        baseline="direct",
    )
    store = Store(tmp_path / "store")
    outcome = execute(plan(study, store), Local(store, lambda event: None))
    assert not outcome.failed, outcome.failed
    yield study, store


def test_an_arm_is_all_its_models_with_its_quality_beside_its_latency(
    finished: tuple[Study, Store],
) -> None:
    study, store = finished
    found = served(study, store)
    assert {(one.arm, one.cost.language, one.cost.batch) for one in found} == {
        (arm, code, size)
        for arm in ("direct", "nli")
        for code in ("", "eng", "deu")
        for size in (1, 2)
    }
    for one in found:
        assert one.cost.rounds == 2 * 2 * 3
        assert one.quality and one.quality.seeds == 2
        assert one.per_millisecond == pytest.approx(one.quality.estimate / one.cost.p50.value)
        assert one.agrees == 1.0


def test_the_report_shows_what_arms_cost(finished: tuple[Study, Store]) -> None:
    study, store = finished
    shown, found = report(study, store), served(study, store)
    assert [cost.p50.estimate for cost in shown.costs] == [one.cost.p50.value for one in found]
    assert [sentence.startswith("nli on own, eager:") for sentence in shown.latencies] == [True]
    page = render(shown)
    assert 'id="costs"' in page and "own, all languages" in page


def test_latency_is_compared_by_launch_and_the_answer_is_a_sentence(
    finished: tuple[Study, Store],
) -> None:
    study, store = finished
    (wide,) = comparisons(study, store, margin=99.0)
    assert wide.arm == "nli" and wide.log.seeds == 4
    assert wide.equivalence.holds and "the same within 9900 %" in wide.sentence
    (narrow,) = comparisons(study, store, margin=1e-6)
    assert not narrow.equivalence.holds
    assert wide.ratio == narrow.ratio and math.isfinite(wide.ratio[1])


def test_the_command_prints_sentences_and_tables(
    finished: tuple[Study, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = finished
    monkeypatch.setattr("layover.cli.serving.open_results", lambda *given: (study, store))
    told = CliRunner().invoke(app, ["serving", "study.py"])
    assert told.exit_code == 0, told.output
    assert "nli on own, eager:" in told.output and "points/ms" in told.output
    rows = CliRunner().invoke(app, ["serving", "study.py", "--json"]).stdout.splitlines()
    assert len([json.loads(row) for row in rows]) == 1 + 12
