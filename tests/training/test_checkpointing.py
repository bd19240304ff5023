"""Layers that are computed again for the gradient give the same bits, dropout included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from families import SHAPES, write_family
from test_joint_loss import PAIRS
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from layover.encoders import Folder
from layover.errors import ModelError
from layover.modeling.checkpointing import checkpoint_layers
from layover.stage import Resources
from layover.stages import Train
from layover.tasks.mixture import Mixture
from layover.tasks.task import Data
from toys import Toy
from trainable import CLASSES, EACH, RECIPE, SPANS, TAGS, TEXTS, make_loop

AGAIN = Resources(checkpointing=True)
UNABLE = {"albert", "mpnet"}


def trained(encoder: Path, data: Data | Mixture, context: Toy, **recipe: Any) -> dict[str, bytes]:
    """What training writes."""
    stage = Train(
        start=Folder(path=str(encoder)), data=data, recipe=replace(RECIPE, **recipe), seed=0
    )
    context.folder.mkdir(parents=True)
    stage.run(context)
    return {
        str(path.relative_to(context.folder)): path.read_bytes()
        for path in context.folder.rglob("*.*")
        if path.is_file()
    }


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "data", [CLASSES, TAGS, SPANS, TEXTS, PAIRS, EACH], ids=lambda data: data.label
)
def test_a_training_has_the_same_bits(
    noisy: Path, tmp_path: Path, data: Data | Mixture, precision: str
) -> None:
    kept = trained(noisy, data, Toy(folder=tmp_path / "kept"), precision=precision)
    context = Toy(folder=tmp_path / "again", resources=AGAIN)
    assert kept == trained(noisy, data, context, precision=precision)


def runs_of_layers(model: nn.Module) -> list[str]:
    """Filled with the name of each layer that runs."""
    found: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.register_forward_pre_hook(lambda *given, name=name: found.append(name))
            inner = next(iter(module.children()))
            inner.register_forward_pre_hook(lambda *given, name=name: found.append(f"in {name}"))
    return found


@pytest.mark.parametrize("family", sorted(SHAPES.keys() - UNABLE))
def test_every_family_computes_its_layers_twice(
    vocabulary: Path, tmp_path: Path, family: str
) -> None:
    folder = write_family(family, vocabulary, tmp_path / "encoder")
    ends = []
    for again in (False, True):
        loop = make_loop(folder, TAGS, RECIPE, Toy(folder=tmp_path))
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
    with pytest.raises(ModelError, match="TokenClassification cannot compute its layers again: le"):
        trained(folder, TAGS, Toy(folder=tmp_path / "out", resources=AGAIN))
