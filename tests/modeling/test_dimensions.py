"""Encoders are counted from their configurations as torch counts their weights."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from families import COMMON, SHAPES, write_family
from transformers import AutoConfig, AutoModel

from layover.dimensions import dimensions
from layover.encoders import LADDER, MBERT, MMBERT_BASE, XLMR_BASE, XLMR_LARGE, Folder, Tiny
from layover.factors import parameters
from layover.modeling.initial import write_random
from layover.stages import Initial, Vocabulary
from layover.tasks.mlm import MLM
from layover.tasks.task import Data

COUNTED = ("bert", "roberta", "xlm-roberta", "camembert", "modernbert")


def weights(folder: Path) -> tuple[int, int]:
    """(all, those of the table of words) of the encoder, by torch."""
    config = AutoConfig.from_pretrained(folder)
    pooler = {} if config.model_type == "modernbert" else {"add_pooling_layer": False}
    model: Any = AutoModel.from_config(config, **pooler)
    return sum(
        one.numel() for one in model.parameters()
    ), model.get_input_embeddings().weight.numel()


@pytest.mark.parametrize("family", COUNTED)
def test_a_configuration_tells_how_many_weights_there_are(
    family: str, vocabulary: Path, tmp_path: Path
) -> None:
    folder = Folder(path=str(write_family(family, vocabulary, tmp_path / family)))
    found = parameters(folder)
    assert found is not None
    assert (found.total, found.word_table) == weights(Path(folder.path))


@pytest.mark.parametrize("shape", LADDER[:4], ids=lambda shape: shape.label)
def test_a_shape_tells_how_many_weights_it_will_have(
    shape: Tiny, vocabulary: Path, tmp_path: Path
) -> None:
    write_random(shape, vocabulary, 0, tmp_path / "encoder")
    total, words = weights(tmp_path / "encoder")
    found = shape.with_words(words // shape.width).parameters
    assert (found.total, found.word_table) == (total, words)


def test_every_rung_of_the_ladder_is_larger_than_the_one_below() -> None:
    bodies = [shape.with_words(vocabulary=0).parameters.body for shape in LADDER]
    assert len(bodies) >= 5
    assert all(1.7 < high / low < 4.5 for low, high in itertools.pairwise(bodies))


def test_published_encoders_have_the_sizes_that_were_published() -> None:
    found = {one.name: one.published for one in (XLMR_BASE, XLMR_LARGE, MBERT, MMBERT_BASE)}
    told = {name: size.parameters for name, size in found.items() if size}
    # Of the weights that others counted: Hugging Face's of mmBERT, without heads.
    assert (told["mmbert-base"].total, told["mmbert-base"].word_table) == (306_939_648, 196_608_000)
    millions = {name: (round(one.total / 1e6), round(one.body / 1e6)) for name, one in told.items()}
    assert millions["xlm-r-base"] == (277, 85)
    assert millions["xlm-r-large"] == (559, 303)
    assert millions["mbert"] == (177, 85)


def test_what_is_not_known_is_not_guessed(tmp_path: Path) -> None:
    assert dimensions({"model_type": "deberta-v2", **COMMON, "vocab_size": 9}) is None
    assert dimensions({"model_type": "bert", "vocab_size": 9}) is None
    assert parameters(Folder(path=str(tmp_path))) is None
    (tmp_path / "config.json").write_text("[]", encoding="utf-8")
    assert parameters(Folder(path=str(tmp_path))) is None
    config = {"model_type": "bert", **COMMON, **SHAPES["bert"], "vocab_size": 9}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert parameters(Folder(path=str(tmp_path))) is not None


def test_a_random_encoder_has_the_words_that_its_vocabulary_may_have() -> None:
    text = Data(task=MLM, split="train", languages=("eng",))
    shape = Tiny(layers=1, width=32, heads=1)
    start = Initial(shape=shape, vocabulary=Vocabulary(data=text, size=600), seed=0)
    found = parameters(start)
    assert found is not None and found.word_table == 600 * 32
