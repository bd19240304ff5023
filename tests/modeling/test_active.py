"""Training on the rows in use ends in the model that training on the whole table ends in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import write_family
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForMaskedLM

import stock
from layover.encoders import Folder
from layover.modeling.active import _decay, trim
from layover.modeling.batch import collate
from layover.modeling.features import Features, Ragged
from layover.modeling.heads import HEADS
from layover.modeling.load import Model, load, load_whole
from layover.recipe import Selection, steps
from layover.stages import Train
from layover.tasks.mixture import Mixture
from layover.tasks.task import Data
from layover.training import train as train_module
from toys import SENTENCES, Killed, Toy, killer
from trainable import (
    CHOICES,
    CLASSES,
    PAIRS,
    RECIPE,
    SELECTION,
    SPANS,
    TAGS,
    TEXTS,
    data,
    eager,
    labelled,
    models,
    same,
)

ROWS = 700
"""Of the word table. The tokenizer knows 120 of them."""
LONG = replace(RECIPE, duration=steps(25), learning_rate=1e-3, clip=1e9, weight_decay=0.0)
NARROW = data(CLASSES.task.type, labelled, "classes", text=SENTENCES[0])
"""Without most words of what selections measure."""
TWO = Mixture(parts=(TAGS, CLASSES), each_step="several")
FAMILIES = ("xlm-roberta", "deberta-v2", "bert")


@pytest.fixture(scope="module")
def folders(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Encoders with dropout, most of whose words no data use."""
    root = tmp_path_factory.mktemp("wide")
    for family in FAMILIES:
        folder = write_family(family, vocabulary, root / family)
        model = AutoModelForMaskedLM.from_pretrained(folder)
        torch.manual_seed(1)
        model.resize_token_embeddings(ROWS, mean_resizing=False)
        assert model.config.hidden_dropout_prob > 0
        model.save_pretrained(folder)
    return {family: root / family for family in FAMILIES}


Trained = Callable[..., dict[str, Tensor]]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """(folder, data, recipe, ...) -> every tensor that a training writes, on the rows in use or on
    all."""

    def run(
        folder: Path,
        data: Data | Mixture,
        recipe: Any = LONG,
        *,
        whole: bool = False,
        selection: Selection | None = None,
        kill: int = 0,
    ) -> dict[str, Tensor]:
        place = tmp_path / ("whole" if whole else "trimmed")
        place.mkdir(exist_ok=True)
        stage = Train(
            start=Folder(path=str(folder)), data=data, recipe=recipe, seed=3, selection=selection
        )
        context = Toy(folder=place)
        with monkeypatch.context() as patch:
            if whole:
                patch.setattr(train_module, "trim", lambda *given: None)
            if kill:
                eager(patch)
                with pytest.raises(Killed):
                    stage.run(replace(context, watch=killer(kill)))
            stage.run(context)
        assert any("trains " in line for line in context.said) == (not whole)
        assert any("goes on at step" in line for line in context.said) == bool(kill)
        if selection:
            (kept,) = (line for line in context.said if line.startswith("keeps the weights of"))
            assert int(kept.split()[5].strip(",")) < recipe.duration.amount
        return models(place)

    return run


def table(tensors: dict[str, Tensor]) -> Tensor:
    found = [value for name, value in tensors.items() if name.endswith("word_embeddings.weight")]
    assert all(len(each) == ROWS for each in found)
    return found[0]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("rate", [1.0, 0.3])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_every_tensor_ends_in_the_same_bits(
    folders: dict[str, Path], trained: Trained, decay: float, rate: float, precision: str
) -> None:
    recipe: Any = replace(LONG, weight_decay=decay, embedding_rate=rate, precision=precision)
    folder = folders["xlm-roberta"]
    mine = trained(folder, CLASSES, recipe)
    assert same(mine, trained(folder, CLASSES, recipe, whole=True))
    start = load_file(folder / "model.safetensors")["roberta.embeddings.word_embeddings.weight"]
    untouched = (table(mine) == start).all(dim=1)
    assert int(untouched.sum()) > 500 if decay == 0 else not untouched[200:].any()
    assert not untouched.all()


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_with_clipping_only_the_last_bits_of_the_norm_differ(
    folders: dict[str, Path], trained: Trained, decay: float
) -> None:
    recipe = replace(LONG, weight_decay=decay, clip=0.1)
    mine = trained(folders["xlm-roberta"], CLASSES, recipe)
    theirs = trained(folders["xlm-roberta"], CLASSES, recipe, whole=True)
    assert not same(mine, trained(folders["xlm-roberta"], CLASSES, replace(recipe, clip=1e9)))
    for name, value in mine.items():
        assert torch.allclose(value, theirs[name], rtol=0, atol=1e-6), name


@pytest.mark.parametrize("data", [TAGS, SPANS, CHOICES, PAIRS, TWO], ids=lambda one: one.label)
def test_under_every_head_and_under_two_at_once(
    folders: dict[str, Path], trained: Trained, data: Data | Mixture
) -> None:
    recipe = replace(LONG, weight_decay=0.01)
    mine = trained(folders["xlm-roberta"], data, recipe)
    assert same(mine, trained(folders["xlm-roberta"], data, recipe, whole=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_in_other_families_too(folders: dict[str, Path], trained: Trained, family: str) -> None:
    """Also in those that run padded, whose padding is a row in use."""
    recipe = replace(LONG, weight_decay=0.01)
    mine = trained(folders[family], SPANS, recipe)
    assert same(mine, trained(folders[family], SPANS, recipe, whole=True))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_earlier_step_that_a_selection_keeps_has_decayed_until_then(
    folders: dict[str, Path], trained: Trained, precision: Any
) -> None:
    recipe = replace(LONG, weight_decay=0.01, precision=precision)
    chosen = replace(SELECTION, every=4)
    mine = trained(folders["xlm-roberta"], NARROW, recipe, selection=chosen)
    theirs = trained(folders["xlm-roberta"], NARROW, recipe, selection=chosen, whole=True)
    assert same(mine, theirs)


@pytest.mark.parametrize("selection", [None, replace(SELECTION, every=4)])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_that_was_killed_ends_in_the_same_bits(
    folders: dict[str, Path], trained: Trained, precision: Any, selection: Selection | None
) -> None:
    recipe = replace(LONG, weight_decay=0.01, precision=precision)
    mine = trained(folders["xlm-roberta"], CLASSES, recipe, kill=13, selection=selection)
    theirs = trained(folders["xlm-roberta"], CLASSES, recipe, whole=True, selection=selection)
    assert same(mine, theirs)


def test_what_is_saved_on_the_way_holds_the_rows_in_use_only(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager(monkeypatch)
    start = Folder(path=str(folders["xlm-roberta"]))
    chosen = replace(SELECTION, every=4)
    Train(start=start, data=CLASSES, recipe=LONG, seed=0, selection=chosen).run(
        Toy(folder=tmp_path)
    )
    files = sorted((tmp_path / "scratch").rglob("*.safetensors"))
    assert len(files) == 2
    for file in files:
        assert max(len(value) for value in load_file(file).values() if value.ndim > 1) < 130


def test_the_saved_folder_is_everyones_with_the_full_table(
    folders: dict[str, Path], trained: Trained, tmp_path: Path
) -> None:
    trained(folders["xlm-roberta"], CLASSES)
    place = tmp_path / "trimmed/models/classes"
    theirs = stock.stock(place, "sequence")
    assert theirs.get_input_embeddings().num_embeddings == theirs.config.vocab_size == ROWS
    model = load_whole(place)
    examples = Toy(folder=tmp_path).data(CLASSES)
    units = Features.of(CLASSES.task.type.encode(examples.items, model.tokenizer, 40))
    batch = collate(units, range(5))
    with torch.no_grad():
        mine = HEADS["sequence"].logits(model.heads["classes"].eval(), batch)
        expected = stock.logits(theirs, "sequence", batch, model.tokenizer.pad_token_id)
    assert torch.allclose(mine, expected, rtol=0, atol=1e-5)


def test_what_a_selection_measures_is_in_use_too(folders: dict[str, Path], tmp_path: Path) -> None:
    start = Folder(path=str(folders["xlm-roberta"]))
    rows = []
    for selection in (None, SELECTION):
        context = Toy(folder=tmp_path)
        short = replace(LONG, duration=steps(2))
        Train(start=start, data=NARROW, recipe=short, seed=0, selection=selection).run(context)
        (told,) = (line for line in context.said if "word table" in line)
        rows.append(int(told.split()[1]))
    assert rows[0] < rows[1]


# What is left out


def opened(folder: Path, *given: Data) -> tuple[Model, list[Features]]:
    context = Toy(folder=folder)
    model = load(Folder(path=str(folder)), [each.task for each in given], "new", 0, context)
    return model, [
        Features.of(each.task.type.encode(context.data(each).items, model.tokenizer, 40))
        for each in given
    ]


def test_rows_are_renumbered_and_every_token_keeps_its_vector(folders: dict[str, Path]) -> None:
    model, features = opened(folders["xlm-roberta"], CLASSES, TAGS)
    heads: list[Any] = list(model.heads.values())
    before = heads[0].get_input_embeddings().weight.detach().clone()
    found = trim(model, [CLASSES.task, TAGS.task], features)
    assert found is not None
    assert f"trains {len(found.rows)} of the word table's {ROWS} rows" in found.told
    used = {model.tokenizer.pad_token_id}
    used |= {token for each in features for token in each.tokens.values.tolist()}
    assert found.rows.tolist() == sorted(used)
    for head in heads:
        assert head.get_input_embeddings() is found.table
        assert head.base_model.layover.padding == found.places[model.tokenizer.pad_token_id]
    for each in features:
        renumbered = found.renumbered(each)
        assert np.array_equal(renumbered.tokens.starts, each.tokens.starts)
        vectors = found.table(torch.from_numpy(renumbered.tokens.values))
        assert torch.equal(vectors, before[torch.from_numpy(each.tokens.values)])


def test_the_paddings_row_is_kept_whatever_is_used_and_found_by_its_new_number(
    folders: dict[str, Path],
) -> None:
    model, features = opened(folders["xlm-roberta"], CLASSES)
    encoder: Any = model.heads["classes"].base_model  # type: ignore[union-attr]
    few = replace(features[0], tokens=Ragged.of([[90, 40], [41]]))
    found = trim(model, [CLASSES.task], [few])
    assert found is not None and model.tokenizer.pad_token_id == 1
    assert found.rows.tolist() == [1, 40, 41, 90]
    assert found.renumbered(few).tokens.values.tolist() == [3, 1, 2]
    assert found.table.padding_idx == encoder.layover.padding == 0
    found.restore([])
    assert found.table.padding_idx == encoder.layover.padding == 1


def test_where_positions_are_counted_from_the_padding_it_keeps_its_number(
    vocabulary: Path, tmp_path: Path
) -> None:
    model, features = opened(write_family("mpnet", vocabulary, tmp_path / "mpnet"), CLASSES)
    few = replace(features[0], tokens=Ragged.of([[90, 40], [41]]))
    found = trim(model, [CLASSES.task], [few])
    assert found is not None and found.table.padding_idx == model.tokenizer.pad_token_id == 1
    assert found.rows.tolist() == [0, 1, 40, 41, 90]


@pytest.mark.parametrize("family", ["modernbert", "eurobert"])
def test_a_table_whose_padding_is_far_behind_is_trimmed_to_the_same_bits(
    vocabulary: Path, tmp_path: Path, trained: Trained, family: str
) -> None:
    """As the published ones, whose padding is near the last row."""
    folder = write_family(family, vocabulary, tmp_path / family)
    model = AutoModelForMaskedLM.from_pretrained(folder)
    torch.manual_seed(1)
    model.resize_token_embeddings(ROWS, mean_resizing=False)
    model.config.pad_token_id = ROWS - 5
    model.get_input_embeddings().padding_idx = ROWS - 5
    model.save_pretrained(folder)
    recipe = replace(LONG, weight_decay=0.01)
    mine = trained(folder, CLASSES, recipe)
    assert same(mine, trained(folder, CLASSES, recipe, whole=True))


def test_decay_that_is_rounded_once_is_that_of_float64() -> None:
    """As fused AdamW on CUDA computes `p -= rate * decay * p`: in float64, then rounded."""
    torch.manual_seed(0)
    start = torch.randn(10000)
    factors = [1 - 2e-5 * 0.01 * (100 - step) / 100 for step in range(100)]
    found = {once: start.clone() for once in (True, False)}
    for once, part in found.items():
        _decay(part, factors, once=once)
    expected = start.clone()
    for factor in factors:
        away = (1 - factor) * expected.double()
        expected = (expected.double() - away).float()
    assert torch.equal(found[True], expected)
    assert not torch.equal(found[False], expected)


def test_a_table_that_is_used_almost_whole_is_left_whole(xlmr: Path) -> None:
    model, features = opened(xlmr, CLASSES)
    head: Any = model.heads["classes"]
    weight = head.get_input_embeddings().weight
    every = replace(
        features[0],
        tokens=replace(features[0].tokens, values=np.arange(len(features[0].tokens.values)) % 120),
    )
    assert trim(model, [CLASSES.task], [every]) is None
    assert head.get_input_embeddings().weight is weight


@pytest.mark.parametrize("data", [(TEXTS,), (TAGS, TEXTS)], ids=["alone", "beside another"])
def test_a_model_that_scores_every_word_keeps_every_row(
    folders: dict[str, Path], data: tuple[Data, ...]
) -> None:
    model, features = opened(folders["xlm-roberta"], *data)
    assert trim(model, [each.task for each in data], features) is None
