"""`layover bench` and `layover serving`, and the stage between them."""

from __future__ import annotations

import json
import math
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from served import served_in_process, write_model
from typer.testing import CliRunner

from layover import spec
from layover.bench import backends
from layover.bench.backends import Backend, Opened
from layover.bench.samples import read, write
from layover.cli import app
from layover.encoders import Folder
from layover.errors import LayoverError, ModelError, StudyError
from layover.executors.execute import execute, plan
from layover.executors.local import Local
from layover.latency import by_pair, comparisons, summaries
from layover.metrics.accuracy import ACCURACY
from layover.report import render
from layover.report.prose import answer
from layover.report.report import Curve, Point
from layover.results import report
from layover.serving import failures, served
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
        assert row["verdict"] == "reference" and row["p50"]["low"] <= row["p50"]["estimate"]
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


@pytest.fixture(scope="module")
def kept(
    vocabulary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Study, Path]]:
    """Two arms of two models each, scored and served, and their store: once for all tests, which
    change copies alone."""
    place = tmp_path_factory.mktemp("costs")
    write_text(place)
    test = data(place)
    arms, leaves = [], []
    for name, seeds in (("direct", (0, 1)), ("nli", (2, 3))):
        mine = []
        for number, seed in enumerate(seeds):
            folder = write_model("sequence", vocabulary, place / f"model-{seed}", seed)
            about = {"task": "own", "head": "sequence", "labels": ["A", "B", "C"]}
            (folder / "layover.json").write_text(json.dumps(about), encoding="utf-8")
            predict = Predict(model=Folder(path=str(folder)), data=test, max_length=40)
            mine.append(Score(predictions=predict, metric=ACCURACY, target="own", seed=number))
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
    with pytest.MonkeyPatch.context() as patch:
        served_in_process(patch)
        done(study, Store(place / "store"))
    yield study, place / "store"


def done(study: Study, store: Store) -> None:
    outcome = execute(plan(study, store), Local(store, lambda event: None))
    assert not outcome.failed, outcome.failed


@pytest.fixture
def finished(kept: tuple[Study, Path]) -> tuple[Study, Store]:
    """To look at."""
    return kept[0], Store(kept[1], read_only=True)


@pytest.fixture
def copied(kept: tuple[Study, Path], tmp_path: Path, in_process: list[str]) -> tuple[Study, Store]:
    """To change."""
    shutil.copytree(kept[1], tmp_path / "store")
    return kept[0], Store(tmp_path / "store")


def test_an_arm_is_all_its_models_with_its_quality_beside_its_latency(
    finished: tuple[Study, Store],
) -> None:
    study, store = finished
    found = served(study, store)
    assert {(one.model, one.language, one.batch) for one in found} == {
        (arm, code, size)
        for arm in ("direct", "nli")
        for code in ("", "eng", "deu")
        for size in (1, 2)
    }
    for one in found:
        assert one.quality and one.quality.seeds == 2
        assert one.per_millisecond == pytest.approx(one.quality.estimate / one.p50.estimate)
        assert one.agrees == 1.0 and not one.sampled


@pytest.fixture
def edited(copied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch) -> tuple[Study, Store]:
    """Where a file of another size is no damage."""
    monkeypatch.setattr(Store, "complete", lambda *given: True)
    return copied


def told_of(study: Study, store: Store) -> Path:
    (leaf,) = {leaf for leaf in study.leaves if isinstance(leaf, Benchmark)}
    return store.result(leaf)


def test_one_row_has_latency_and_quality_of_the_same_languages(
    finished: tuple[Study, Store],
) -> None:
    found = {(one.model, one.language, one.batch): one for one in served(*finished)}
    for arm in ("direct", "nli"):
        together, alone = found[arm, "", 1], found[arm, "deu", 1]
        assert together.p50 == alone.p50 and together.quality == alone.quality
        assert found[arm, "eng", 1].p50 != alone.p50


def test_a_backend_that_answers_otherwise_has_its_own_quality_and_not_the_models(
    edited: tuple[Study, Store],
) -> None:
    study, store = edited
    usual = {(one.model, one.language, one.batch): one for one in served(study, store)}
    path = told_of(study, store) / "bench.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    for one in told["contenders"]:
        one["agreement"] |= {"verdict": "approximate", "quality": {"eng": 12.0, "deu": 34.0}}
    path.chmod(0o600)
    path.write_text(json.dumps(told), encoding="utf-8")
    for one in served(study, store):
        same = usual[one.model, one.language, one.batch]
        assert one.quality and same.quality and one.sampled and not same.sampled
        assert one.quality.estimate == (12.0 if one.language == "eng" else 34.0)
        assert math.isnan(one.quality.low) and one.quality.seeds == 2
    assert "of served examples" in render(report(study, store))


def test_the_report_shows_what_arms_cost(finished: tuple[Study, Store]) -> None:
    study, store = finished
    shown = report(study, store)
    assert shown.costs == served(study, store)
    assert [one.startswith("The median latency of nli") for one in shown.latencies] == [True]
    page = render(shown)
    assert 'id="costs"' in page and "own, zero-shot languages" in page


def timed(study: Study, store: Store, seconds: dict[str, tuple[float, ...]]) -> None:
    """Requests that take so many seconds, by arm and (seed, launch) in turn."""
    path = told_of(study, store) / "samples.parquet"
    models = {
        spec.key(leaf.predictions.model): (arm.name, leaf.seed)
        for arm in study.arms
        for leaf in arm.leaves
        if isinstance(leaf, Score)
    }
    made = []
    for one in read(path):
        arm, seed = models[one.model]
        assert seed is not None
        time = seconds[arm][2 * seed + one.launch] * one.batch
        made.append(replace(one, tokenise=1e-9, run=time * (1 + one.round)))
    path.chmod(0o600)
    write(made, path)


def test_a_slower_arm_is_slower_by_as_much_and_launches_of_a_seed_are_paired(
    edited: tuple[Study, Store],
) -> None:
    study, store = edited
    timed(study, store, {"direct": (1.0, 2.0, 3.0, 4.0), "nli": (1.2, 2.44, 3.6, 4.88)})
    found = comparisons(study, store)
    assert [one.batch for one in found] == [1, 2]
    for one in found:
        assert (one.arm, one.over, one.log.seeds) == ("nli", "direct", 4)
        value, low, high = one.ratio
        assert value == pytest.approx(math.sqrt(1.2 * 1.22)) and 1.19 < low < value < high < 1.24
        assert one.verdict == "different" and "21.0 % more time than direct's" in one.sentence
        assert one.alike == ("of which no difference is expected" in one.sentence)


def test_two_arms_are_the_same_where_the_interval_lies_within_the_margin(
    edited: tuple[Study, Store],
) -> None:
    study, store = edited
    timed(study, store, {"direct": (1.0, 2.0, 3.0, 4.0), "nli": (0.99, 1.98, 3.0, 4.0)})
    found = comparisons(study, store)
    assert [one.batch for one in found] == [1, 2] and {one.margin for one in found} == {0.05}
    assert {one.verdict for one in found} == {"same"} and all(one.p < 0.05 for one in found)
    # Two decisions share the error of one: 2.5 % to each side of each.
    assert found[0].level == pytest.approx(0.95) and "the same within 5 %" in found[0].sentence
    narrow = comparisons(study, store, margin=0.005)
    assert {one.verdict for one in narrow} == {"open"}
    assert "whether it is within 0.5 % is not settled" in narrow[0].sentence
    assert "0.5 % less time than direct's" in narrow[0].sentence
    shown = report(study, store)
    assert [one.label for one in shown.ratios] == ["own, eager, batch 1", "own, eager, batch 2"]
    assert "Latency of nli as a multiple of direct" in render(shown)
    (told,) = summaries(by_pair(narrow, study.baseline))
    assert "in 2 comparisons" in told and "within 0.5 % is not settled in 2" in told


def test_arms_are_compared_with_each_other_too(finished: tuple[Study, Store]) -> None:
    study, store = finished
    (direct, nli) = study.arms
    third = replace(study, arms=(nli, direct, replace(nli, name="again")))
    pairs = [(one.arm, one.over) for one in comparisons(third, store) if one.batch == 1]
    assert pairs == [("nli", "direct"), ("again", "direct"), ("again", "nli")]


def test_a_study_that_serves_is_answered_by_its_latency_and_of_many_pairs_by_the_clearest(
    edited: tuple[Study, Store],
) -> None:
    study, store = edited
    timed(study, store, {"direct": (1.0, 2.0, 3.0, 4.0), "nli": (1.2, 2.44, 3.6, 4.88)})
    direct, nli = study.arms
    twins = (replace(direct, name="twin"), nli, direct, replace(nli, name="again"))
    shown = report(replace(study, arms=twins), store)
    assert [one.split(" beside ")[1].split("'s")[0] for one in shown.latencies[:3]] == [
        "direct"
    ] * 3
    assert (shown.ratios[0].arm, shown.ratios[0].over) == ("nli", "direct")
    told = answer(shown)
    assert told.lead.startswith("The median latency of nli beside direct's, in 2 comparisons")
    assert told.lead.endswith(
        "It takes 21.0 % more time. All other pairs of arms, in 10 comparisons: "
        "the same within 5 % in 4; a difference of more than 5 % in 6."
    )
    assert str(told).startswith(told.lead) and "latency" not in told.summary
    page = render(shown)
    places = [told.lead[:30], told.summary[:30], ">Latency of nli as a multiple", "What each arm"]
    assert sorted(places, key=page.index) == places


def test_a_study_that_turns_a_number_is_answered_by_that_first(
    finished: tuple[Study, Store],
) -> None:
    shown = report(*finished)
    slope = shown.differences[0].estimates.mean
    points = tuple(Point(at=at, value=slope) for at in (1.0, 2.0, 4.0))
    told = answer(replace(shown, curves=(Curve(arm="nli", points=points, slope=slope),)))
    assert not told.lead
    assert told.summary.index("Doubling") < told.summary.index("The median latency of nli")


@pytest.mark.parametrize("margin", [0.0, -1.0, math.inf, math.nan])
def test_a_margin_of_nothing_is_refused(margin: float, finished: tuple[Study, Store]) -> None:
    (leaf,) = {leaf for leaf in finished[0].leaves if isinstance(leaf, Benchmark)}
    with pytest.raises(StudyError, match="smallest difference in latency"):
        replace(leaf, margin=margin)
    told = CliRunner().invoke(app, ["serving", "study.py", f"--margin={margin}"])
    assert isinstance(told.exception, StudyError) and "above 0" in str(told.exception)


def test_the_command_prints_sentences_and_tables(
    finished: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = finished
    monkeypatch.setattr("layover.cli.serving.open_results", lambda *given: (study, store))
    told = CliRunner().invoke(app, ["serving", "study.py"])
    assert told.exit_code == 0, told.output
    assert "nli on own with eager, requests of 1:" in told.output and "points/ms" in told.output
    rows = CliRunner().invoke(app, ["serving", "study.py", "--json"]).stdout.splitlines()
    assert len([json.loads(row) for row in rows]) == 2 + 12


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a backend called frail, which stands for one that cannot be exported."""

    def opened(folder: Path, threads: int) -> Opened:
        raise ModelError("no such operator")

    return lambda name: monkeypatch.setitem(
        backends.BACKENDS, name, Backend(name=name, open=opened)
    )


def again(study: Study, **changes: Any) -> Study:
    """With another benchmark."""
    (leaf,) = {leaf for leaf in study.leaves if isinstance(leaf, Benchmark)}
    other = replace(leaf, **changes)
    arms = (replace(arm, leaves=(*arm.leaves[:-1], other)) for arm in study.arms)
    return replace(study, arms=tuple(arms))


def test_a_backend_that_failed_is_out_and_the_others_are_kept(
    copied: tuple[Study, Store], failing: Callable[[str], None]
) -> None:
    failing("frail")
    study, store = again(copied[0], backends=("eager", "frail")), copied[1]
    done(study, store)
    assert {one.backend for one in served(study, store)} == {"eager"}
    assert failures(study, store)[0] == "direct on own with frail is out: no such operator"
    assert "with frail is out: no such operator" in render(report(study, store))


def test_a_reference_that_failed_is_a_failure_of_the_stage(
    copied: tuple[Study, Store], failing: Callable[[str], None]
) -> None:
    failing("eager")
    study, store = again(copied[0], rounds=2), copied[1]
    outcome = execute(plan(study, store), Local(store, lambda event: None))
    assert len(outcome.failed) == 1 and not served(study, store)


@pytest.mark.usefixtures("in_process")
def test_a_model_for_another_task_is_refused_before_anything_is_written(
    desk: Path, models: dict[str, Path]
) -> None:
    told = bench(model=models["span"])
    assert "has a head of the kind span" in str(told.exception)
    assert not (desk / "out").exists()


@pytest.fixture(scope="module")
def compiled(
    kept: tuple[Study, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Study, Store]:
    """One model, served as two arms by all that must answer as the reference."""
    if not any(map(shutil.which, ("g++", "clang++"))):
        pytest.skip("torch.compile needs a C++ compiler")
    pytest.importorskip("onnxruntime")
    place = tmp_path_factory.mktemp("compiled")
    shutil.copytree(kept[1], place / "store")
    store = Store(place / "store")
    (leaf,) = {leaf for leaf in kept[0].leaves if isinstance(leaf, Benchmark)}
    changes = {"batches": (2,), "launches": 1, "backends": ("eager", "compile", "onnx")}
    (direct, _) = kept[0].arms
    arms = direct, replace(direct, name="nli")
    study = again(replace(kept[0], arms=arms), models=leaf.models[:1], **changes)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # The compiler itself uses what torch deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        served_in_process(patch)
        done(study, store)
    return study, store


@pytest.mark.slow
def test_a_compiled_and_an_exported_model_answer_as_the_reference_and_are_timed_beside_it(
    compiled: tuple[Study, Store],
) -> None:
    study, store = compiled
    assert not failures(study, store)
    told = json.loads((told_of(study, store) / "bench.json").read_text(encoding="utf-8"))
    verdicts = {(one["backend"], one["agreement"]["verdict"]) for one in told["contenders"]}
    assert verdicts == {("eager", "reference"), ("compile", "equal"), ("onnx", "equal")}
    assert all(one["agreement"]["same"] == 1 for one in told["contenders"])
    samples = read(told_of(study, store) / "samples.parquet")
    assert len({(one.model, one.backend) for one in samples}) == 3
    assert {(one.model, one.backend) for one in served(study, store)} == {
        (arm, backend) for arm in ("direct", "nli") for backend in ("eager", "compile", "onnx")
    }


@pytest.mark.slow
def test_every_backend_of_a_study_is_on_its_page_and_in_its_tables(
    compiled: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = compiled
    page = render(report(study, store))
    monkeypatch.setattr("layover.cli.serving.open_results", lambda *given: compiled)
    printed = CliRunner().invoke(app, ["serving", "study.py"]).output
    for backend in ("eager", "compile", "onnx"):
        assert f"own, {backend}, batch 2" in page
        assert f"own, {backend}, requests of 2" in printed
        assert f"nli on own with {backend}, requests of 2: " in printed
