"""A small encoder, with dropout for where it should not act."""

from __future__ import annotations

from pathlib import Path

import pytest

from toys import write_encoder, write_vocabulary


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inference")
    return write_encoder(write_vocabulary(folder / "vocabulary"), folder / "encoder", dropout=0.2)
