"""A study of one tiny world, run once for all tests that look at its results."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from layover.executors.execute import Outcome, execute, plan
from layover.executors.local import Local
from layover.store import Store
from layover.study import Origin, Study, load

TINY = Path(__file__).parent / "tiny_study.py"


@pytest.fixture(scope="session")
def tiny() -> Study:
    return load(Origin(file=str(TINY)))


@pytest.fixture(scope="session")
def tiny_run(tiny: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Outcome]:
    store = Store(tmp_path_factory.mktemp("store"))
    return store, execute(plan(tiny, store), Local(store, lambda event: None))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files. Only where none is named is a test skipped for want of it: where
    one is, a file that is missing fails the test."""
    folder = os.environ.get("LAYOVER_DATA")
    if not folder:
        pytest.skip("LAYOVER_DATA is not set")
    return Path(folder)
