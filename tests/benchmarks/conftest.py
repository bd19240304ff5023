"""The benchmarks are no part of the package: they lie beside it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module", autouse=True)
def invented(scratch: Path) -> Iterator[None]:
    """No data and a scratch folder of its own: sequences are invented. What a race sets for its
    contenders does not stay."""
    from benchmarks.harness import ENVIRONMENT

    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("LAYOVER_SCRATCH", str(scratch))
        patch.delenv("LAYOVER_DATA", raising=False)
        yield
