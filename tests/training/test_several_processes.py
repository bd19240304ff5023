"""Several processes train as one does: the same losses, the same weights."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from companies import CASES, MEETING, STEPS, TOKENS, do
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

from layover.modeling.company import Company, Deserted
from toys import LACKING, Toy
from trainable import entries, files

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PATIENCE = 240


@pytest.fixture(scope="module")
def encoders(calm: Path, noisy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoders")
    (folder / "calm").symlink_to(calm)
    (folder / "noisy").symlink_to(noisy)
    return folder


@pytest.fixture(scope="module")
def two(encoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left."""
    out = tmp_path_factory.mktemp("two")
    path = os.pathsep.join((str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")))
    alike = {**os.environ, "PYTHONPATH": path, "GLOO_SOCKET_IFNAME": "lo"}
    given = [sys.executable, str(HERE / "companies.py"), str(encoders), str(out)]
    running = [subprocess.Popen([*given, str(rank), "2"], env=alike) for rank in range(2)]
    try:
        assert [each.wait(PATIENCE) for each in running] == [0, 0]
    finally:
        for each in running:
            each.kill()
            each.wait()
    return out


@pytest.fixture
def one(
    encoders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[Path, list[str]]]:
    """What one process leaves of a case, and what it said."""

    def run(name: str) -> tuple[Path, list[str]]:
        said = do(name, encoders, tmp_path, monkeypatch)
        return tmp_path / name, said

    return run


def ends(folder: Path) -> list[dict[str, Tensor]]:
    return [load_file(path) for path in sorted(folder.glob("rank-*.safetensors"))]


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("dropout")])
def test_two_processes_train_as_one_does(two: Path, one: Any, name: str) -> None:
    folder, _ = one(name)
    alone, (first, second) = ends(folder)[0], ends(two / name)
    assert first.keys() == second.keys() == alone.keys()
    if CASES[name].selection is None:
        # Only the first puts the best weights back, which it alone writes.
        assert all(torch.equal(first[each], second[each]) for each in first), "the same bits"
    near = {"rtol": 0, "atol": 2e-2 if name == "bfloat16" else 1e-6}
    torch.testing.assert_close(first, alone, **near)
    mine, theirs = (entries(Toy(folder=each)) for each in (two / name, folder))
    assert len(mine) == len(theirs) >= STEPS
    for one_, other in zip(mine, theirs, strict=True):
        assert one_ == pytest.approx(other, abs=near["atol"])
    saved, expected = files(two / name / "models"), files(folder / "models")
    assert saved.keys() == expected.keys()
    for path in saved:
        if path.endswith(".safetensors"):
            found = [load_file(each / "models" / path) for each in (two / name, folder)]
            torch.testing.assert_close(*found, **near)
        else:
            assert saved[path] == expected[path]


def test_one_process_that_lacks_memory_splits_the_step_of_all(two: Path) -> None:
    for name in (*TOKENS, MEETING):
        for rank in range(2):
            said = (two / name / f"said-{rank}.txt").read_text(encoding="utf-8")
            assert "out of memory; from here on at most" in said, name


@pytest.mark.parametrize("lacking", ["to sum", "to exchange"])
def test_too_little_memory_here_is_not_said_of_another(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(*given: Any, **named: Any) -> None:
        raise RuntimeError(LACKING)

    def gone(*given: Any, **named: Any) -> None:
        raise RuntimeError("Connection closed by peer")

    mine = Company(rank=0, size=2)
    weights = [nn.Parameter(torch.ones(3)) for _ in range(2)]
    for weight in weights:
        weight.grad = torch.ones(3)
    monkeypatch.setattr(Company, "sum", lambda self, numbers: numbers)
    with monkeypatch.context() as patch:
        patch.setattr("torch.distributed.all_reduce", gone)
        with pytest.raises(Deserted, match=r"does not answer \(Connection closed by peer\)"):
            mine.sum_gradients(weights)
    there = "torch.cat" if lacking == "to sum" else "torch.distributed.all_reduce"
    monkeypatch.setattr("torch.distributed.all_reduce", gone)
    monkeypatch.setattr(there, lacks)
    with pytest.raises(RuntimeError, match=r"^CUDA out of memory"):
        mine.sum_gradients(weights)


def test_rows_out_of_use_are_left_out_in_both(two: Path) -> None:
    said = [(two / "rows in use" / f"said-{rank}.txt").read_text() for rank in range(2)]
    assert said[0] == said[1] and "of the word table's" in said[0]


def test_a_training_of_several_processes_has_the_same_bits_every_time(two: Path) -> None:
    again, before = (ends(two / name)[0] for name in ("dropout again", "dropout"))
    assert all(torch.equal(again[name], before[name]) for name in before)


def test_each_process_drops_other_units(two: Path, one: Any) -> None:
    folder, _ = one("dropout")
    alone, shared = ends(folder)[0], ends(two / "dropout")[0]
    assert not all(torch.equal(shared[name], alone[name]) for name in alone)
    assert len({Company(rank=rank, size=3).seed(7) for rank in range(3)}) == 3
    assert Company(rank=0, size=3).seed(7) == 7


@given(st.lists(st.integers(1, 50), min_size=0, max_size=20), st.integers(1, 5))
def test_shares_are_all_units_once_and_weigh_about_the_same(weights: list[int], size: int) -> None:
    shares = [Company(rank=rank, size=size).share(weights) for rank in range(size)]
    assert sorted(unit for share in shares for unit in share) == list(range(len(weights)))
    assert all(share == sorted(share) for share in shares)
    loads = [sum(weights[unit] for unit in share) for share in shares]
    assert max(loads) - min(loads) <= max(weights, default=0)
    assert len(weights) < size or all(shares), "nobody is idle who could have something"
