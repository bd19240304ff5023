"""Small encoders to train: one with dropout, one without."""

from __future__ import annotations

from pathlib import Path

import pytest

from toys import write_encoder, write_vocabulary


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vocabulary(tmp_path_factory.mktemp("training") / "vocabulary")


@pytest.fixture(scope="session")
def noisy(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(vocabulary, tmp_path_factory.mktemp("noisy") / "encoder", dropout=0.2)


@pytest.fixture(scope="session")
def calm(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(vocabulary, tmp_path_factory.mktemp("calm") / "encoder")
