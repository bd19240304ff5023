"""A head that is lent reads the states of any kind of encoder as it reads its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from families import SHAPES, write_family

from layover.encoders import Folder
from layover.inference.predict import run
from layover.modeling.features import Features
from layover.modeling.load import load
from toys import Toy
from trainable import TEXTS


@pytest.mark.parametrize("family", sorted(SHAPES))
def test_the_same_encoder_under_a_lent_head_has_the_same_loss(
    family: str, vocabulary: Path, tmp_path: Path
) -> None:
    own = write_family(family, vocabulary, tmp_path / "own")
    shutil.copytree(own, tmp_path / "lender")
    context = Toy(folder=tmp_path)
    losses = []
    for lender in (None, Folder(path=str(tmp_path / "lender"))):
        model = load(Folder(path=str(own)), [TEXTS.task], "unchanged", 0, context, lender)
        items = context.data(TEXTS).items
        units = Features.of(TEXTS.task.type.encode(items, model.tokenizer, 32))
        head = model.heads[TEXTS.task.name].eval()
        losses.append(torch.tensor([[*each] for each in run(head, TEXTS.task.type, units, model)]))
    assert losses[0][:, 1].sum() > 0 and torch.allclose(*losses)
