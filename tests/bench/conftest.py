"""Small models under every head that is served, and races of them within this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from served import HEADS, served_in_process, write_model

from toys import write_vocabulary


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vocabulary(tmp_path_factory.mktemp("bench") / "vocabulary")


@pytest.fixture(scope="session")
def models(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Head -> a folder as others write it."""
    root = tmp_path_factory.mktemp("models")
    return {head: write_model(head, vocabulary, root / head) for head in HEADS}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of servers, which all live in this process; in order."""
    return served_in_process(monkeypatch)
