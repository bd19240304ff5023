"""How many workers a run has, and which GPUs each of them sees."""

from __future__ import annotations

import io
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layover import running
from layover.executors import accelerators, child, local, process, together
from layover.executors.execute import Plan
from layover.executors.local import Local
from layover.executors.process import Process
from layover.running import Where
from layover.stage import Resources, Stage
from layover.stages import World
from layover.store import Store
from layover.study import Origin
from layover.world import Shape

SHAPE = Shape(paragraphs=5)


def machine(patch: pytest.MonkeyPatch, gpus: int, cores: int) -> None:
    patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    patch.setattr(accelerators, "_there", lambda: gpus)
    patch.setattr(running, "_cores", lambda: cores)


def planned(*asked: Resources, count: int = 20) -> Plan:
    stages: tuple[Stage, ...] = tuple(
        World(shape=SHAPE, seed=seed, resources=each)
        for seed, each in enumerate((*asked, *[asked[-1]] * (count - len(asked))))
    )
    return Plan(stages=stages, done=(), todo=stages, unresolved=())


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environments of the processes that were to be started."""
    environments: list[dict[str, str]] = []

    class Still:
        def __init__(self, command: Any, **options: Any) -> None:
            environments.append(options["env"])
            self.stdin = self.stdout = None
            self.stderr = io.StringIO()

        def poll(self) -> int:
            return 0

        def terminate(self) -> None:
            """It does not run."""

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(child.subprocess, "Popen", Still)
    return environments


def seen(
    started: list[dict[str, str]], tmp_path: Path, plan: Plan, workers: int = 0
) -> list[str | None]:
    """The GPUs that each worker sees."""
    watch: Any = type("Watch", (), {"event": None})
    where = Where(workers=workers)
    executor = running._executor(plan, Store(tmp_path), Origin(file="x"), where, watch)
    assert isinstance(executor, Process) and executor.capacity == len(started)
    executor.close()
    return [each.get("CUDA_VISIBLE_DEVICES") for each in started]


@pytest.mark.parametrize(
    ("gpus", "cores", "asked", "expected"),
    [
        (0, 4, (0,), [None] * 4),
        (1, 4, (0,), ["0"]),
        (4, 16, (0,), ["0", "1", "2", "3"]),
        (4, 16, (1,), ["0", "1", "2", "3"]),
        (4, 16, (0, 2), ["0,1", "2,3"]),
        (5, 16, (2,), ["0,1", "2,3"]),
        (4, 16, (3,), ["0,1,2"]),
        (1, 16, (2,), ["0"]),
        (4, 2, (1,), ["0", "1"]),
        (4, 1, (4,), ["0,1,2,3"]),
    ],
)
def test_each_worker_has_gpus_of_its_own(
    gpus: int,
    cores: int,
    asked: tuple[int, ...],
    expected: list[str | None],
    started: list[dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(monkeypatch, gpus, cores)
    resources = [Resources(gpus=each) for each in asked]
    assert seen(started, tmp_path, planned(*resources)) == expected


def test_more_workers_than_gpus_share_them_evenly(
    started: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, 2, 16)
    found = seen(started, tmp_path, planned(Resources()), workers=5)
    assert found == ["0", "1", "0", "1", "0"]


def test_a_worker_that_takes_another_s_place_has_its_gpus(
    started: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process.Worker, "do", lambda *_: len(started) == 3)
    told: list[object] = []
    executor = Process(Store(tmp_path), Origin(file="x"), 2, 1, told.append, ("2", "3"))
    executor.submit(World(shape=SHAPE, seed=0)).result(timeout=20)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in started] == ["2", "3", "2"]
    assert len(told) == 1


def test_processes_of_a_stage_see_the_gpus_of_their_worker(
    started: list[dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    for asked, expected in ((Resources(gpus=2), "2,3"), (Resources(processes=2), "")):
        context: Any = type("Context", (), {"resources": asked, "store": Store(tmp_path)})
        together._start(context)
        assert started.pop()["CUDA_VISIBLE_DEVICES"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ()),
        ("-1", ()),
        ("2", ("2",)),
        ("3, 1", ("3", "1")),
        ("0,-1,2", ("0",)),
        ("GPU-8932f937", ("GPU-8932f937",)),
    ],
)
def test_gpus_that_are_hidden_stay_so(
    given: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert accelerators.visible() == expected


def test_gpus_are_counted_as_the_driver_lists_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    listed = "GPU 0: NVIDIA H100 (UUID: GPU-1)\n  MIG 1g.10gb Device 0: (UUID: MIG-2)\nGPU 1: x\n"

    def run(command: list[str], **options: Any) -> Any:
        return subprocess.CompletedProcess(command, 0, listed, "")

    monkeypatch.setattr(accelerators.subprocess, "run", run)
    assert accelerators.visible() == ("0", "1")


def test_a_machine_without_a_driver_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert accelerators.visible() == accelerators.groups(1) == ()


@pytest.mark.parametrize("before", [None, "7"])
def test_a_stage_in_this_process_has_its_threads_and_leaves_the_environment_as_it_was(
    before: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAYON_NUM_THREADS", raising=False)
    if before:
        monkeypatch.setenv("RAYON_NUM_THREADS", before)
    found: list[str | None] = []
    monkeypatch.setattr(
        local, "perform", lambda *_: found.append(os.environ.get("RAYON_NUM_THREADS"))
    )
    stage = replace(World(shape=SHAPE, seed=0), resources=Resources(threads=3))
    assert Local(Store(tmp_path), print).submit(stage).exception() is None
    assert found == ["3"] and os.environ.get("RAYON_NUM_THREADS") == before
