"""Processes that do one stage together: started, watched and ended by whoever runs it."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from command import PATIENCE, runs, start, until
from layover.errors import StudyError
from layover.executors import rank, slurm
from layover.executors.execute import Executor, Outcome, execute, plan
from layover.executors.local import Local
from layover.executors.process import Process
from layover.executors.slurm import Slurm
from layover.stage import Resources, Stage
from layover.store import Store
from layover.study import Origin, Study, load
from layover.world import Shape
from toys import write_encoder, write_vocabulary

pytestmark = pytest.mark.slow

STUDY = Path(__file__).parent.parent / "shared_study.py"


@dataclass(kw_only=True)
class Place:
    """A store, and a folder in which the processes say who they are."""

    encoder: Path
    folder: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.store = Store(self.folder / "a store")

    def origin(self, **arguments: Any) -> Origin:
        given = {"encoder": str(self.encoder), "place": str(self.folder), **arguments}
        return Origin(file=str(STUDY), arguments=tuple(given.items()))

    def study(self, **arguments: Any) -> Study:
        return load(self.origin(**arguments))

    def run(self, kind: str = "local", **arguments: Any) -> Outcome:
        origin = self.origin(**arguments)
        executor: Executor
        if kind == "process":
            executor = Process(
                self.store, origin, 1, 1, lambda event: self.said.append(event.message)
            )
        elif kind == "slurm":
            executor = Slurm(self.store, origin, 1, {}, lambda event: None, "local")
        else:
            executor = Local(self.store, lambda event: self.said.append(event.message), origin)
        try:
            return execute(plan(load(origin), self.store), executor)
        finally:
            executor.close()

    @property
    def pids(self) -> list[int]:
        """Of all processes that ever had a part."""
        return [int(path.stem) for path in self.folder.glob("*.pid")]

    @property
    def alive(self) -> list[int]:
        return [pid for pid in self.pids if runs(pid)]

    def files(self) -> dict[str, str]:
        """The digests of what the training wrote."""
        (stage,) = self.study().stages
        record = self.store.record(stage)
        assert record
        return {
            name: entry["sha256"] for name, entry in record["files"].items() if name != "stage.log"
        }


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    vocabulary = write_vocabulary(folder / "vocabulary")
    return write_encoder(vocabulary, folder / "encoder", dropout=0.2)


@pytest.fixture(scope="module")
def undisturbed(noisy: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """What a job of a cluster did."""
    place = Place(encoder=noisy, folder=tmp_path_factory.mktemp("undisturbed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm, "POLL_SECONDS", 0.05)
        outcome = place.run("slurm")
    assert [str(error) for _, error in outcome.failed] == []
    return place


@pytest.fixture(scope="module")
def died(noisy: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Outcome]:
    """A training in the middle of which one process died every time that all were started."""
    place = Place(encoder=noisy, folder=tmp_path_factory.mktemp("died"))
    return place, place.run("process", does="die")


@pytest.fixture
def left(died: tuple[Place, Outcome], tmp_path: Path) -> Place:
    """What they left, for another run to go on with."""
    encoder, folder = died[0].encoder, died[0].folder
    return Place(encoder=encoder, folder=Path(shutil.copytree(folder, tmp_path / "place")))


@pytest.fixture
def place(noisy: Path, tmp_path: Path) -> Place:
    return Place(encoder=noisy, folder=tmp_path / "place")


def message(outcome: Outcome) -> str:
    ((_, error),) = outcome.failed
    return str(error)


def test_what_several_processes_did_is_one_result(undisturbed: Place) -> None:
    assert len(undisturbed.pids) == 2 and undisturbed.alive == []
    (stage,) = undisturbed.study().stages
    log = (undisturbed.store.result(stage) / "stage.log").read_text(encoding="utf-8")
    assert log.count("encoder tensors loaded") == 1, "the first speaks for all"
    record = undisturbed.store.record(stage)
    assert record and record["resources"]["processes"] == 2


def test_one_that_dies_takes_the_others_along(died: tuple[Place, Outcome]) -> None:
    place, outcome = died
    told = message(outcome)
    assert "process 2 of 2 (rank 1) died of SIGKILL (was there too little memory?)" in told
    assert "and the others were ended, 3 times without saving anything in between" in told
    assert sum("all are started again" in line for line in place.said) == 2
    log = (place.store.work_folder(outcome.failed[0][0]) / "stage.log").read_text(encoding="utf-8")
    assert log.count("it printed last:\nthe last words") == 3
    assert len(place.pids) == 6 and place.alive == []


def test_a_stage_in_which_one_died_goes_on_later(undisturbed: Place, left: Place) -> None:
    assert not left.run().failed
    assert any("goes on at step 4 of 8" in line for line in left.said)
    assert left.files() == undisturbed.files()


def test_where_one_died_all_are_started_again_and_go_on(undisturbed: Place, place: Place) -> None:
    assert not place.run(does="die once").failed
    assert any(
        line.startswith("process 2 of 2 (rank 1) died of SIGKILL")
        and line.endswith("; all are started again")
        for line in place.said
    )
    assert any("goes on at step 4 of 8" in line for line in place.said)
    assert len(place.pids) == 4
    assert place.files() == undisturbed.files()


def test_a_training_goes_on_in_another_number_of_processes(left: Place) -> None:
    assert not left.run(processes=1).failed
    assert any("goes on at step 4 of 8" in line for line in left.said)
    assert len(left.pids) == 6


def test_an_error_in_one_of_them_is_the_error_of_the_stage(place: Place) -> None:
    outcome = place.run(does="fail")
    assert message(outcome) == "ZeroDivisionError: a fault in the middle"
    log = (place.store.work_folder(outcome.failed[0][0]) / "stage.log").read_text(encoding="utf-8")
    assert "process 2 of 2 (rank 1) failed:\nTraceback" in log
    assert place.alive == []


def test_they_end_with_whoever_started_them(undisturbed: Place, place: Place) -> None:
    outcome = place.run("process", does="orphan")
    assert not outcome.failed
    assert len(place.pids) == 4, "another worker started two more"
    until(lambda: place.alive == [])
    assert place.files() == undisturbed.files()


def test_control_c_ends_them(place: Place) -> None:
    given = [f"{name}={value}" for name, value in place.origin(does="wait").arguments]
    arguments = [word for pair in given for word in ("--set", pair)]
    process = start("run", STUDY, "--store", place.store.root, "--executor", "local", *arguments)
    try:
        until(lambda: (place.folder / "waits").exists() or process.poll() is not None)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert len(place.pids) == 2
    until(lambda: place.alive == [])


def test_gpus_that_are_not_there_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, instead in ((0, "none"), (1, "gpus=1")):
        monkeypatch.setattr("torch.cuda.device_count", lambda count=there: count)
        with pytest.raises(StudyError) as caught:
            rank.check(Resources(gpus=2))
        assert str(caught.value) == (
            f"Resources(gpus=2) is declared, and torch finds {there} GPUs here: declare {instead}, "
            "or processes=2 for as many processes on processors"
        )
    rank.check(Resources(processes=2))


def test_a_study_that_no_other_process_can_load_is_refused(place: Place) -> None:
    study = place.study()
    outcome = execute(plan(study, place.store), Local(place.store, lambda event: None))
    assert "each of which must load the study from its file" in message(outcome)


def test_only_trainings_run_in_several_processes(tmp_path: Path) -> None:
    from layover.executors.perform import perform
    from layover.stages import World

    stage: Stage = World(shape=Shape(paragraphs=5), seed=1, resources=Resources(processes=2))
    with pytest.raises(StudyError, match="world 1 declares 2 processes, but only trainings run"):
        perform(stage, Store(tmp_path), lambda event: None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"threads": 0}, "0 threads"),
        ({"processes": 0}, "0 processes"),
        ({"gpus": 2, "processes": 2}, "declare gpus alone"),
    ],
)
def test_resources_that_cannot_be_are_refused(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        Resources(**wrong)


def test_a_cluster_is_asked_for_one_node(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="--slurm nodes=2: a stage runs on one node"):
        Slurm(Store(tmp_path), Origin(file="x"), 1, {"nodes": 2}, lambda event: None, "local")
