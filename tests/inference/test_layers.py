"""Of the states of all layers, those are kept that the task type asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layover.encoders import Folder
from layover.errors import ModelError
from layover.inference.predict import run
from layover.modeling.features import Features
from layover.modeling.load import load
from layover.tasks.bucc import BUCC
from layover.tasks.types.mining import Line, Mining
from toys import SENTENCES, Toy


def states(encoder: Path, *layers: int) -> list[Any]:
    model = load(Folder(path=str(encoder)), [BUCC], "new", 0, Toy(folder=encoder))
    lines = [Line(id="1", cluster="1", side="source", text=text) for text in SENTENCES]
    kind = Mining(layers=layers)
    units = Features.of(kind.encode(lines, model.tokenizer, 64))
    head: Any = model.heads["bucc"]
    return run(head.eval(), kind, units, model, 100)


def test_the_layers_that_a_type_names_are_those_of_all(encoder: Path) -> None:
    every, some = states(encoder), states(encoder, 2, 0)
    assert every[0].shape == (1, 3, 16) and some[0].shape == (1, 2, 16)
    for whole, kept in zip(every, some, strict=True):
        assert np.array_equal(kept, whole[:, [2, 0]])
        assert kept.base is None, "what is not kept is free"


@pytest.mark.parametrize("layer", [3, -1])
def test_a_layer_that_the_encoder_does_not_have_is_refused(encoder: Path, layer: int) -> None:
    with pytest.raises(ModelError, match=rf"keeps the layers \[{layer}\], and .* has 0 to 2"):
        states(encoder, layer)
