"""Layers that are computed again for the gradient, in every family of encoders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from families import SHAPES, write_family
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from layover.encoders import Folder
from layover.errors import ModelError
from layover.modeling.checkpointing import checkpoint_layers
from layover.stage import Resources
from layover.stages import Train
from layover.tasks.task import Data
from toys import Toy
from trainable import CLASSES, RECIPE, TAGS, make_loop

UNABLE = {"albert", "mpnet"}


def runs_of_layers(model: nn.Module) -> list[str]:
    """Filled with the name of each layer that runs."""
    found: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.register_forward_pre_hook(lambda *given, name=name: found.append(name))
            # The last one, which every way of computing the layer goes through.
            *_, inner = module.children()
            inner.register_forward_pre_hook(lambda *given, name=name: found.append(f"in {name}"))
    return found


@pytest.mark.parametrize("data", [TAGS, CLASSES], ids=lambda one: one.label)
@pytest.mark.parametrize("family", sorted(SHAPES.keys() - UNABLE))
def test_every_family_computes_its_layers_twice(
    vocabulary: Path, tmp_path: Path, family: str, data: Data
) -> None:
    """Also where classes need the last layer for first tokens alone."""
    folder = write_family(family, vocabulary, tmp_path / "encoder")
    ends = []
    for again in (False, True):
        loop = make_loop(folder, data, RECIPE, Toy(folder=tmp_path))
        (model,) = loop.model.heads.values()
        if again:
            checkpoint_layers(model)
        found = runs_of_layers(model)
        loop.heads.train()
        torch.manual_seed(0)
        loop.gradient.add(0, loop.sampler.at(0))
        ends.append((found, {n: w.grad for n, w in loop.heads.named_parameters()}))
    (once, kept), (twice, computed) = ends
    inside = [name for name in once if name.startswith("in ")]
    assert inside and sum(name.startswith("in ") for name in twice) == 2 * len(inside)
    for name, value in kept.items():
        assert value is None or torch.equal(value, computed[name]), name


@pytest.mark.parametrize("family", sorted(UNABLE))
def test_an_encoder_that_cannot_is_named(vocabulary: Path, tmp_path: Path, family: str) -> None:
    folder = write_family(family, vocabulary, tmp_path / "encoder")
    stage = Train(start=Folder(path=str(folder)), data=TAGS, recipe=RECIPE, seed=0)
    with pytest.raises(ModelError, match="TokenClassification cannot compute its layers again: le"):
        stage.run(Toy(folder=tmp_path, resources=Resources(checkpointing=True)))
