"""A study that is stopped, in whatever way, goes on where it was and ends in the same bits."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from command import PATIENCE, runs, start, until
from layover.executors.execute import Outcome, execute, plan
from layover.executors.local import Local
from layover.stage import Stage, closure
from layover.stages import Initial, Train, Vocabulary, World
from layover.store import Store
from layover.study import Study
from layover.tasks.mixture import parts_of
from layover.training import loop
from tiny_study import part

pytestmark = pytest.mark.slow

Run = tuple[Store, Outcome]

STUDY = """
import os, sys, time

with open({pids!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
sys.path.insert(0, {tests!r})
import tiny_study

def study():
    return tiny_study.part(tiny_study.study())

if sys.argv[0].endswith("worker.py"):
    import layover.training.loop as loop

    loop.CHECKPOINT_SECONDS = 0.0
    step = loop.Loop._step

    def slow(self, *step_and_draws):
        if any(part.task.name in os.environ["SLOW"].split() for part in self.parts):
            time.sleep(0.2)
        return step(self, *step_and_draws)

    loop.Loop._step = slow
"""
"""Part of the tiny study, whose processes say who they are, save every step and may be slow."""


@dataclass(kw_only=True)
class Place:
    """A study file whose processes are known, and its store."""

    folder: Path

    def __post_init__(self) -> None:
        self.study = self.folder / "slow_study.py"
        self.store = self.folder / "store"
        self.pids = self.folder / "pids"
        tests = str(Path(__file__).parent)
        self.study.write_text(STUDY.format(pids=str(self.pids), tests=tests), encoding="utf-8")

    @contextmanager
    def run(self, slow: str = "", workers: int = 1) -> Iterator[subprocess.Popen[str]]:
        """`layover run` in a process group of its own; nothing outlives the block."""
        arguments = ["run", self.study, "--store", self.store, "--workers", workers]
        process = start(*arguments, SLOW=slow, PYTHONFAULTHANDLER="1")
        try:
            yield process
        finally:
            self.kill_all(process)
            process.communicate()

    def kill_all(self, process: subprocess.Popen[str]) -> None:
        """As when the machine loses power."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        for worker in self.alive:
            os.kill(worker, signal.SIGKILL)
        process.wait()
        until(lambda: not self.alive)

    def take(self, store: Store, study: Study, wanted: Callable[[Stage], bool]) -> None:
        """Begin with some of the results of another store."""
        for stage in filter(wanted, study.stages):
            source = store.result_folder(stage)
            shutil.copytree(source, self.store / "results" / stage.name)

    @property
    def alive(self) -> list[int]:
        """The processes of this study that run."""
        known = self.pids.read_text(encoding="utf-8").split() if self.pids.exists() else []
        return [int(pid) for pid in known if runs(int(pid))]

    def checkpoints(self) -> dict[str, int]:
        """Training under way -> the step of its checkpoint."""
        found: dict[str, int] = {}
        for path in self.store.glob("work/train-*/scratch/checkpoint/state.json"):
            try:
                state = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            found[path.parts[-4]] = state["position"]["step"]
        return found

    def records(self) -> dict[str, tuple[int, int]]:
        """Complete stage -> when its record was written, and its inode."""
        states = {path: path.stat() for path in self.store.glob("results/*/record.json")}
        return {path.parent.name: (s.st_mtime_ns, s.st_ino) for path, s in states.items()}


def training_of(study: Study, *tasks: str) -> str:
    """The name of the first training of these tasks."""
    return next(
        stage.name
        for stage in study.stages
        if isinstance(stage, Train) and tuple(p.task.name for p in parts_of(stage.data)) == tasks
    )


def names(stages: Iterable[Stage]) -> set[str]:
    return {stage.name for stage in stages}


@dataclass(frozen=True, kw_only=True)
class History:
    """What became of a study that was killed twice and run a third time."""

    place: Place
    complete: tuple[dict[str, tuple[int, int]], ...]
    """The records after each of the three runs."""
    orphans: tuple[int, ...]
    """Workers that outlived their killed parent."""
    errors: str


@pytest.fixture(scope="module")
def study(tiny: Study) -> Study:
    return part(tiny)


@pytest.fixture(scope="module")
def history(study: Study, tiny_run: Run, tmp_path_factory: pytest.TempPathFactory) -> History:
    place = Place(folder=tmp_path_factory.mktemp("killed"))
    # What is not what this is about is there already.
    place.take(tiny_run[0], study, lambda stage: isinstance(stage, World | Vocabulary))
    complete = []
    with place.run(slow="mlm") as process:
        first = training_of(study, "mlm")
        until(lambda: place.checkpoints().get(first, 0) >= 2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        end = time.monotonic() + 5
        while place.alive and time.monotonic() < end:
            time.sleep(0.02)
        orphans = tuple(place.alive)
        complete.append(place.records())
    with place.run(slow="nli") as process:
        # Its third step comes after a measurement, so that there is a best model to remember.
        second = training_of(study, "nli")
        until(lambda: place.checkpoints().get(second, 0) >= 3)
        place.kill_all(process)
        complete.append(place.records())
    with place.run() as process:
        _, errors = process.communicate(timeout=2 * PATIENCE)
        assert process.returncode == 0, errors
        complete.append(place.records())
    return History(place=place, complete=tuple(complete), orphans=orphans, errors=errors)


def test_no_worker_outlives_a_killed_parent(history: History) -> None:
    assert history.orphans == ()


def test_a_killed_study_finishes_when_it_is_run_again(history: History, study: Study) -> None:
    assert plan(study, Store(history.place.store)).todo == ()
    assert list(history.place.store.glob("work/*-*")) == []


def test_what_was_complete_when_a_study_was_killed_is_not_done_again(
    history: History, study: Study
) -> None:
    first, second, last = history.complete
    assert len(first) < len(second) < len(last) == len(study.stages)
    assert first.items() <= second.items() <= last.items()


def test_a_killed_training_goes_on_at_its_last_checkpoint(history: History, study: Study) -> None:
    for name in (training_of(study, "mlm"), training_of(study, "nli")):
        log = (history.place.store / "results" / name / "stage.log").read_text(encoding="utf-8")
        (line,) = [line for line in log.splitlines() if "goes on at step" in line]
        assert re.search(r"goes on at step [1-9]\d* of", line)


def files_of(store: Store, study: Study) -> dict[tuple[str, str], str]:
    """(stage, file) -> digest, without the logs that tell the time of day."""
    found = {}
    for stage in study.stages:
        record = store.record(stage)
        assert record is not None
        for name, entry in record["files"].items():
            if name != "stage.log":
                found[stage.name, name] = entry["sha256"]
    return found


def test_a_killed_study_ends_in_the_same_bits_as_an_undisturbed_one(
    history: History, study: Study, tiny_run: Run
) -> None:
    mine, theirs = (files_of(store, study) for store in (Store(history.place.store), tiny_run[0]))
    assert mine.keys() == theirs.keys()
    assert {name for name in mine if mine[name] != theirs[name]} == set()
    assert sum(name == "predictions.parquet" for _, name in mine) == 2


# Pressed between the opening of a file and its `with`, it leaves the closing to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_control_c_at_any_point_of_a_training_in_this_process_costs_no_bit(
    study: Study, tiny_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = training_of(study, "nli")
    stage = next(stage for stage in study.stages if stage.name == name)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    rng, pressed = random.Random(0), 0

    def fresh() -> Place:
        place = Place(folder=Path(tempfile.mkdtemp(dir=tmp_path)))
        place.take(tiny_run[0], study, lambda one: one in closure((stage,))[:-1])
        return place

    def press(*received: object) -> None:
        raise KeyboardInterrupt

    place = fresh()
    store = Store(place.store)
    # The alarm stands for Control-C, which a test cannot time so well.
    before = signal.signal(signal.SIGALRM, press)
    try:
        while pressed < 2 or not store.complete(stage):
            if store.complete(stage):
                # A press was swallowed, by safetensors or a callback of the garbage collector.
                place, pressed = fresh(), 0
                store = Store(place.store)
            # Longer and longer, so that it ends however slow the machine is.
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.02, 0.08) * (1 + pressed / 10))
            try:
                execute(plan(study, store, (stage,)), Local(store, lambda event: None))
            except KeyboardInterrupt:
                pressed += 1
                assert list(place.store.glob("work/*.lease")) == []
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    mine, theirs = (one.record(stage) for one in (store, tiny_run[0]))
    assert mine and theirs
    weights = "models/nli/model.safetensors"
    assert mine["files"][weights] == theirs["files"][weights]
    assert mine["files"]["log.jsonl"] == theirs["files"]["log.jsonl"]


def test_control_c_stops_in_order(study: Study, tiny_run: Run, tmp_path: Path) -> None:
    place = Place(folder=tmp_path)
    text = training_of(study, "mlm")
    early = World, Vocabulary, Initial
    place.take(tiny_run[0], study, lambda stage: isinstance(stage, early) or stage.name == text)
    before = place.records()
    with place.run(slow="pos nli", workers=2) as process:
        # Both workers are busy, so that both have to be stopped in the middle of something.
        until(lambda: len(place.checkpoints()) == 2)
        os.killpg(process.pid, signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=PATIENCE / 2)
        except subprocess.TimeoutExpired:
            # The fault handler says where it hangs.
            process.send_signal(signal.SIGABRT)
            pytest.fail(f"Control-C did not end the run:\n{process.communicate()[1]}")
        assert process.returncode == 130
        assert errors.endswith("stopped; run the same command again to go on\n")
        assert place.alive == []
    store = Store(place.store)
    assert before.items() <= place.records().items()
    assert all(
        store.complete(stage) for stage in study.stages if store.result_folder(stage).exists()
    )
    stopped = next(stage for stage in study.stages if stage.name in place.checkpoints())
    outcome = execute(plan(study, store, (stopped,)), Local(store, lambda event: None))
    assert outcome.done == (stopped,)
    log = (store.result_folder(stopped) / "stage.log").read_text(encoding="utf-8")
    assert "goes on at step" in log
