"""One tokenizer for all tests of task types."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoTokenizer

from toys import write_vocabulary


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return AutoTokenizer.from_pretrained(
        write_vocabulary(tmp_path_factory.mktemp("types") / "vocabulary")
    )
