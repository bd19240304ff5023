"""The benchmarks are no part of the package: they lie beside it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(scope="session", autouse=True)
def invented(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No data and a scratch folder of its own: sequences are invented."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LAYOVER_SCRATCH", str(tmp_path_factory.mktemp("scratch")))
    patch.delenv("LAYOVER_DATA", raising=False)
    yield
    patch.undo()
