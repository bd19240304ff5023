"""Layers that are computed again for the gradient give the same bits, dropout included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layover.encoders import Folder
from layover.stage import Resources
from layover.stages import Train
from layover.tasks.mixture import Mixture
from layover.tasks.task import Data
from toys import Toy
from trainable import EACH, RECIPE, TYPES, files

AGAIN = Resources(checkpointing=True)


def trained(encoder: Path, data: Data | Mixture, context: Toy, **recipe: Any) -> dict[str, bytes]:
    """What training writes."""
    stage = Train(
        start=Folder(path=str(encoder)), data=data, recipe=replace(RECIPE, **recipe), seed=0
    )
    context.folder.mkdir(parents=True)
    stage.run(context)
    return files(context.folder)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("data", [*TYPES, EACH], ids=lambda data: data.label)
def test_a_training_has_the_same_bits(
    noisy: Path, tmp_path: Path, data: Data | Mixture, precision: str
) -> None:
    kept = trained(noisy, data, Toy(folder=tmp_path / "kept"), precision=precision)
    context = Toy(folder=tmp_path / "again", resources=AGAIN)
    assert kept == trained(noisy, data, context, precision=precision)
