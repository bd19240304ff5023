"""What holds for an XLM-R holds for the other families of encoders, under every head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from families import POSITIONS, SHAPES, write_family
from torch import Tensor

import stock
from layover.encoders import Folder
from layover.errors import ModelError
from layover.inference.masking import mask
from layover.inference.predict import check_length
from layover.modeling.batch import Batch, collate
from layover.modeling.features import Features
from layover.modeling.heads import HEADS, output_head
from layover.modeling.load import Model, load, load_whole, positions
from layover.modeling.save import save
from layover.recipe import steps
from layover.tasks.task import Data
from layover.training import loop as loop_module
from stock import only
from toys import Toy
from trainable import (
    BITEXT,
    CHOICES,
    CLASSES,
    RECIPE,
    SPANS,
    TAGS,
    TEXTS,
    make_loop,
    same,
    snapshot,
)

SHORT = replace(RECIPE, duration=steps(2))
TRAINED = {data.task.name: data for data in (CLASSES, TAGS, SPANS, CHOICES, TEXTS)}


@pytest.fixture(scope="module")
def folders(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    return {family: write_family(family, vocabulary, root / family) for family in SHAPES}


def batch_of(data: Data, model: Model, length: int = 40) -> Batch:
    """Some of the data's units, of different lengths."""
    examples = Toy(folder=Path()).data(data)
    units = Features.of(data.task.type.encode(examples.items, model.tokenizer, length))
    batch = collate(units, range(5))
    return mask(batch, model.tokenizer, 0.3, (0,)) if data is TEXTS else batch


def logits(model: Any, data: Data, batch: Batch) -> Tensor:
    with torch.inference_mode():
        return HEADS[data.task.type.head].logits(model.eval(), batch)


def plain(model: Any, data: Data, batch: Batch, padding: int) -> Tensor:
    """What transformers' own model gives."""
    with torch.inference_mode():
        return stock.logits(model.eval(), data.task.type.head, batch, padding)


def auto(folder: Path, data: Data) -> tuple[Any, dict[str, Any]]:
    """What plain transformers makes of a folder, and what it has to say about it."""
    kind = getattr(transformers, HEADS[data.task.type.head].auto)
    model, info = kind.from_pretrained(folder, output_loading_info=True)
    return model, {name: found for name, found in info.items() if found}


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("family", SHAPES)
def test_every_head_of_every_family_trains_and_comes_back_as_it_was(
    folders: dict[str, Path], tmp_path: Path, family: str, name: str
) -> None:
    data = TRAINED[name]
    loop = make_loop(folders[family], data, SHORT, Toy(folder=tmp_path))
    before = snapshot(loop.model.heads)
    loop.run()
    after = snapshot(loop.model.heads)
    assert not same(before, after)
    save(loop.model, (data.task,), 40, tmp_path)
    place = tmp_path / name
    theirs, remarks = auto(place, data)
    assert not remarks
    trained: Any = loop.model.heads[name]
    assert same(trained.state_dict(), theirs.state_dict())
    ours: Any = load_whole(place).heads[name]
    batch = batch_of(data, loop.model)
    found = logits(ours, data, batch)
    # Memory that is aligned in another way may round the last bit in another way.
    assert torch.allclose(logits(trained, data, batch), found, rtol=0, atol=1e-6)
    assert torch.allclose(
        plain(theirs, data, batch, loop.model.tokenizer.pad_token_id), found, atol=1e-5
    )
    # The next phase.
    carried = load(Folder(path=str(place)), [data.task], "carry", 1, Toy(folder=tmp_path))
    assert same(after, snapshot(carried.heads))
    other = TAGS if data is not TAGS else CLASSES
    following = load(Folder(path=str(place)), [other.task], "new", 1, Toy(folder=tmp_path))
    next_one: Any = following.heads[other.task.name]
    theirs = next_one.base_model.state_dict()
    shared = {
        name: value for name, value in trained.base_model.state_dict().items() if name in theirs
    }
    assert len(shared) > 10
    # A pooler belongs to its head.
    for tensor in [name for name in shared if not name.startswith("pooler.")]:
        assert torch.equal(shared[tensor], theirs[tensor]), tensor


@pytest.mark.parametrize("family", SHAPES)
def test_the_bare_encoder_of_every_family_comes_back_as_it_was(
    folders: dict[str, Path], tmp_path: Path, family: str
) -> None:
    start = Folder(path=str(folders[family]))
    model = load(start, [BITEXT.task], "carry", 0, Toy(folder=tmp_path))
    save(model, (BITEXT.task,), 40, tmp_path)
    theirs, remarks = auto(tmp_path / "bitext", BITEXT)
    assert not remarks
    batch = batch_of(BITEXT, model)
    mine: Any = model.heads["bitext"]
    found = logits(mine, BITEXT, batch)
    assert torch.allclose(
        found, plain(theirs, BITEXT, batch, model.tokenizer.pad_token_id), atol=1e-5
    )


@pytest.mark.parametrize("family", SHAPES)
def test_what_runs_beside_it_changes_no_logits(
    folders: dict[str, Path], tmp_path: Path, family: str
) -> None:
    start = Folder(path=str(folders[family]))
    model = load(start, [TAGS.task], "new", 0, Toy(folder=tmp_path))
    examples = Toy(folder=tmp_path).data(TAGS)
    units = Features.of(TAGS.task.type.encode(examples.items, model.tokenizer, 40))
    head: Any = model.heads["tags"]
    whole = collate(units, range(len(units)))
    for at, row in enumerate(HEADS["token"].split(logits(head, TAGS, whole), whole)):
        alone = logits(head, TAGS, collate(units, [at]))
        assert torch.allclose(alone, torch.from_numpy(row), atol=1e-5)


# Positions


@pytest.mark.parametrize("family", SHAPES)
def test_the_longest_sequence_that_is_allowed_runs_and_one_more_is_refused(
    folders: dict[str, Path], tmp_path: Path, family: str
) -> None:
    start = Folder(path=str(folders[family]))
    model = load(start, [TAGS.task], "new", 0, Toy(folder=tmp_path))
    head: Any = model.heads["tags"]
    if family == "deberta-v2":
        assert positions(head.base_model) is None
        check_length(model, 10 * POSITIONS)
        assert torch.isfinite(logits(head, TAGS, only([7] * (10 * POSITIONS)))).all()
        return
    check_length(model, POSITIONS)
    assert torch.isfinite(logits(head, TAGS, only([7] * POSITIONS))).all()
    with pytest.raises(ModelError, match=f"max_length {POSITIONS + 1} is more .* {POSITIONS} pos"):
        check_length(model, POSITIONS + 1)


@pytest.mark.parametrize("family", sorted(set(SHAPES) - {"deberta-v2", "modernbert"}))
def test_an_encoder_with_a_table_of_positions_cannot_take_one_more(
    folders: dict[str, Path], tmp_path: Path, family: str
) -> None:
    start = Folder(path=str(folders[family]))
    model = load(start, [TAGS.task], "new", 0, Toy(folder=tmp_path))
    with pytest.raises((IndexError, RuntimeError)):
        logits(model.heads["tags"], TAGS, only([7] * (POSITIONS + 1)))


def test_a_deberta_with_a_table_of_positions_is_held_to_it(
    vocabulary: Path, tmp_path: Path
) -> None:
    folder = write_family(
        "deberta-v2", vocabulary, tmp_path / "absolute", position_biased_input=True
    )
    model = load(Folder(path=str(folder)), [TAGS.task], "new", 0, Toy(folder=tmp_path))
    assert positions(next(iter(model.heads.values())).base_model) == POSITIONS


# Segments


def test_a_bert_is_told_the_two_texts_of_a_pair_apart(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    for data in (SPANS, CHOICES):
        model = load(Folder(path=str(folders["bert"])), [data.task], "new", 0, Toy(folder=tmp_path))
        batch = batch_of(data, model)
        assert batch.segments is not None
        lengths = batch.packing.lengths
        for row, kinds in zip(
            batch.tokens.split(lengths), batch.segments.split(lengths), strict=True
        ):
            middle, end = (row == model.tokenizer.sep_token_id).nonzero()[:, 0].tolist()
            assert kinds.tolist() == [0] * (middle + 1) + [1] * (end - middle)
            assert len(row) == end + 1
        without = replace(batch, segments=torch.zeros_like(batch.segments))
        head: Any = model.heads[data.task.name]
        assert not torch.equal(logits(head, data, batch), logits(head, data, without))


# Masked language modelling


@pytest.mark.parametrize("family", SHAPES)
def test_only_masked_positions_are_scored_and_as_the_whole_model_scores_them(
    folders: dict[str, Path], tmp_path: Path, family: str
) -> None:
    start = Folder(path=str(folders[family]))
    model = load(start, [TEXTS.task], "carry", 0, Toy(folder=tmp_path))
    head: Any = model.heads["texts"]
    batch = batch_of(TEXTS, model)
    masked = batch.target != -100
    assert 0 < masked.sum() < masked.numel()
    # Where these keep their head is not known, and all positions are scored.
    assert (output_head(head) is None) == (family in ("electra", "distilbert", "albert"))
    theirs = plain(stock.stock(folders[family], "lm"), TEXTS, batch, model.tokenizer.pad_token_id)
    assert torch.allclose(logits(head, TEXTS, batch), theirs, atol=1e-5)


# Interruption


class Killed(Exception):
    """Stands for a process that ends in the middle of a stage."""


@pytest.mark.parametrize("family", ["deberta-v2", "modernbert"])
def test_a_training_that_was_killed_ends_in_the_same_bits(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setattr(loop_module, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(loop_module, "REPORT_SECONDS", 0.0)
    recipe = replace(RECIPE, duration=steps(5))

    def kill(step: int) -> None:
        if step == 4:
            raise Killed

    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole = make_loop(folders[family], SPANS, recipe, Toy(folder=tmp_path / "whole"))
    whole.run()
    killed = Toy(folder=tmp_path / "killed", watch=kill)
    with pytest.raises(Killed):
        make_loop(folders[family], SPANS, recipe, killed).run()
    again = Toy(folder=tmp_path / "killed")
    resumed = make_loop(folders[family], SPANS, recipe, again)
    resumed.run()
    assert "goes on at step 3 of 5" in again.said
    assert same(snapshot(whole.model.heads), snapshot(resumed.model.heads))
