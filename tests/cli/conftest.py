"""Commands in this process, and a store in which everything is done."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from stores import Layover

from layover.cli import main
from layover.executors import process
from layover.executors.execute import Outcome
from layover.executors.local import Local
from layover.store import Store


@pytest.fixture
def layover(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Layover:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["layover", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        told = capsys.readouterr()
        return int(stop.value.code or 0), told.out, told.err

    # Worker processes are tested elsewhere; here they would only import torch again and again.
    monkeypatch.setattr(
        process, "Process", lambda store, origin, workers, threads, tell, gpus: Local(store, tell)
    )
    return call


@pytest.fixture
def store(tiny_run: tuple[Store, Outcome], tmp_path: Path) -> Path:
    """A store of one's own in which everything is done."""
    return Path(shutil.copytree(tiny_run[0].root, tmp_path / "store"))
