"""Sequences that are packed give what plain transformers gives for them padded, and do not know of
each other: outputs and gradients, for every head and every family of encoders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import POSITIONS, SHAPES, write_family
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoModel

import stock
from layover.encoders import Folder
from layover.errors import ModelError
from layover.inference.masking import mask
from layover.modeling import run
from layover.modeling.attention import supported
from layover.modeling.batch import Batch, collate
from layover.modeling.features import Features
from layover.modeling.heads import HEADS, POOLING, SCALE
from layover.modeling.load import Model, load
from layover.modeling.packing import WASTE, _rounded, packing
from layover.modeling.save import save
from layover.tasks.sources import Row
from layover.tasks.task import Data, Unit
from layover.tasks.types.choice import Choice, Question
from layover.tasks.types.ranking import Ranking
from toys import Toy
from trainable import BITEXT, CLASSES, PAIRS, SPANS, TAGS, TEXTS, data, matched

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    **{family: (family, {}) for family in SHAPES},
    # A window that no sequence fills, and a pooling over all tokens.
    "modernbert, wide": ("modernbert", {"local_attention": 4 * POSITIONS}),
    "modernbert, mean": ("modernbert", {"classifier_pooling": "mean"}),
    # Heads of queries share those of keys and values.
    "eurobert": ("eurobert", {"num_key_value_heads": 1}),
}


def unlike(row: Row) -> Question:
    """Options of different lengths, and different numbers of them."""
    words, number = row.fields["text"].split(), row.fields["row"]
    options = tuple(" ".join(words[: 1 + 3 * n]) for n in range(2 + number % 3))
    return Question(id=str(number), cluster="", prompt="the old", options=options, answer=1)


CHOICES = data(Choice(truncate=True), unlike, "choices")
FIRSTS = data(Ranking(pooling="first", scale=5.0), matched, "firsts")
DATA = {one.task.name: one for one in (CLASSES, TAGS, SPANS, CHOICES, TEXTS, BITEXT, PAIRS, FIRSTS)}
LACKING = {("eurobert", "spans"), ("eurobert", "choices")}
IN_BLOCKS = {"mpnet", "deberta-v2"}


@pytest.fixture(scope="module")
def folders(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("packed")
    return {
        name: write_family(family, vocabulary, root / name, **changes)
        for name, (family, changes) in FAMILIES.items()
    }


def loaded(folder: Path, wanted: Data) -> Model:
    policy: Any = "carry" if wanted is TEXTS else "new"
    return load(Folder(path=str(folder)), [wanted.task], policy, 0, Toy(folder=folder))


def batch_of(wanted: Data, model: Model, units: Iterable[int] = range(7)) -> Batch:
    examples = Toy(folder=Path()).data(wanted)
    features = Features.of(wanted.task.type.encode(examples.items, model.tokenizer, 40))
    batch = collate(features, list(units))
    return mask(batch, model.tokenizer, 0.3, (0,)) if wanted is TEXTS else batch


def plain(model: Model, wanted: Data, folder: Path) -> Any:
    """The same model as everyone loads it."""
    save(model, (wanted.task,), 40, folder)
    head = wanted.task.type.head
    theirs = stock.stock(folder / wanted.task.name, head)
    if head == "dual":
        mine: Any = model.heads[wanted.task.name]
        theirs.register_parameter(SCALE, nn.Parameter(getattr(mine, SCALE).detach().clone()))
        assert getattr(theirs.config, POOLING) == wanted.task.type.pooling  # type: ignore[attr-defined]
    return theirs


def gradients(model: Any, found: Tensor) -> dict[str, Tensor]:
    """Of a sum in which every output has another weight."""
    torch.manual_seed(1)
    (found * torch.randn(found.shape)).sum().backward()
    return {name: item.grad for name, item in model.named_parameters() if item.grad is not None}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_head_has_the_outputs_and_gradients_of_the_stock_model_on_padded_rows(
    folders: dict[str, Path], tmp_path: Path, family: str, name: str
) -> None:
    if (family, name) in LACKING:
        pytest.skip("transformers has no such head")
    wanted = DATA[name]
    kind = wanted.task.type.head
    model = loaded(folders[family], wanted)
    mine: Any = model.heads[name].eval()
    theirs = plain(model, wanted, tmp_path)
    batch = batch_of(wanted, model)
    assert len(set(batch.packing.lengths)) > 2
    found = HEADS[kind].logits(mine, batch)
    expected = stock.logits(theirs, kind, batch, model.tokenizer.pad_token_id)
    assert torch.allclose(found, expected, rtol=0, atol=1e-5)
    # Gradients of states that are nearly alike round badly: in float64 nothing hides behind that.
    mine, theirs = mine.double(), theirs.double()
    ours = gradients(mine, HEADS[kind].logits(mine, batch))
    stocks = gradients(theirs, stock.logits(theirs, kind, batch, model.tokenizer.pad_token_id))
    assert ours.keys() == stocks.keys()
    assert len(ours) > 10
    # These average or scale in float32.
    largest = max(1.0, *(float(value.abs().max()) for value in stocks.values()))
    close = 1e-6 * largest if kind in ("embed", "dual") else 1e-9
    for each, value in ours.items():
        assert float((value - stocks[each]).abs().max()) < close, each


def sequences(*lengths: int) -> Batch:
    """Random sequences of these lengths."""
    rng = np.random.default_rng(len(lengths))
    rows = [tuple(rng.integers(7, 60, length).tolist()) for length in lengths]
    return collate(Features.of([Unit(0, (row,), ((),), ()) for row in rows]), range(len(rows)))


@pytest.mark.parametrize(
    "lengths",
    [
        (1,),
        (1, 1, 1),
        (9,),
        (9, 9, 9),
        (POSITIONS,),
        (POSITIONS, 1, POSITIONS),
        (2, 30, 1, 7, 7, 8, POSITIONS),
        tuple(range(30, 1, -1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("family", FAMILIES)
def test_sequences_of_any_lengths_come_back_in_their_order(
    folders: dict[str, Path], family: str, lengths: tuple[int, ...]
) -> None:
    model = loaded(folders[family], BITEXT)
    encoder: Any = model.heads["bitext"].eval()
    theirs = stock.stock(folders[family], "embed")
    batch = sequences(*lengths)
    with torch.no_grad():
        found = run.states(encoder, batch).split(lengths)
        firsts = run.states(encoder, batch, first=True)
        for row, state, first in zip(batch.tokens.split(lengths), found, firsts, strict=True):
            alone = theirs(input_ids=row[None], attention_mask=torch.ones_like(row[None]))[0][0]
            assert torch.allclose(state, alone, rtol=0, atol=1e-5)
            assert torch.allclose(first, alone[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sequence_knows_nothing_of_those_beside_it(folders: dict[str, Path], family: str) -> None:
    encoder: Any = loaded(folders[family], BITEXT).heads["bitext"].eval()
    lengths = (5, 1, 12, 12, 11, 30)
    batch = sequences(*lengths)
    before = run.states(encoder, batch).detach().split(lengths)
    for changed in range(len(lengths)):
        rows = list(batch.tokens.split(lengths))
        rows[changed] = rows[changed].flip(0) - 3
        other = replace(batch, tokens=torch.cat(rows))
        after = run.states(encoder, other).detach().split(lengths)
        for number, (one, two) in enumerate(zip(before, after, strict=True)):
            assert torch.equal(one, two) == (number != changed)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_gradient_reaches_the_words_of_another_sequence(
    folders: dict[str, Path], family: str
) -> None:
    encoder: Any = loaded(folders[family], BITEXT).heads["bitext"].eval()
    table = encoder.get_input_embeddings().weight
    lengths = (3, 8, 9)
    batch = sequences(*lengths)
    tokens = torch.arange(10, 10 + sum(lengths))
    found = run.states(encoder, replace(batch, tokens=tokens)).split(lengths)
    for number, state in enumerate(found):
        (gradient,) = torch.autograd.grad(
            state.square().sum() + state.sum(), table, retain_graph=True
        )
        touched = gradient.abs().sum(dim=1).nonzero().flatten().tolist()
        assert touched == tokens.split(lengths)[number].tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_which_families_are_packed_is_known(folders: dict[str, Path], family: str) -> None:
    encoder: Any = loaded(folders[family], BITEXT).heads["bitext"]
    assert encoder.layover.packed == (family not in IN_BLOCKS)


def test_encoders_that_look_at_neighbours_in_other_ways_are_not_packed() -> None:
    """Attention from left to right, and words that are joined with those beside them."""
    small = {"vocab_size": 80, "hidden_size": 16, "num_hidden_layers": 2, "pad_token_id": 1}
    small |= {"num_attention_heads": 2, "intermediate_size": 32, "bos_token_id": 0}
    narrow = {"embedding_size": 16, "true_hidden_size": 16, "intra_bottleneck_size": 16}
    for family, shape in (("llama", {"eos_token_id": 2}), ("mobilebert", narrow)):
        encoder = AutoModel.from_config(CONFIG_MAPPING[family](**small, **shape)).eval()
        assert encoder._supports_attention_backend and not supported(encoder)
        run.prepare(encoder)
        batch = sequences(5, 5, 5)
        with torch.no_grad():
            found = run.states(encoder, batch)
            expected = encoder(**stock.padded(batch, 1))[0].flatten(0, 1)
        assert torch.allclose(found, expected, rtol=0, atol=1e-6)


def test_a_model_that_was_loaded_for_packing_says_so_where_it_is_called_without(
    folders: dict[str, Path],
) -> None:
    encoder: Any = loaded(folders["xlm-roberta"], BITEXT).heads["bitext"]
    with pytest.raises(
        ModelError, match=r"loaded for packed sequences: run it with layover\.model"
    ):
        encoder(input_ids=torch.tensor([[5, 6, 7]]))


@pytest.mark.parametrize("count", [1, 2, 17, 200])
def test_blocks_hold_every_token_once_in_few_sizes(count: int) -> None:
    rng = np.random.default_rng(count)
    packed = packing(rng.integers(1, 90, count))
    seen = torch.cat([block.tokens[block.real] for block in packed.blocks])
    assert torch.equal(seen.sort().values, torch.arange(packed.total))
    owners = torch.cat([block.sequences for block in packed.blocks])
    assert torch.equal(owners[owners < count].sort().values, torch.arange(count))
    for block, tight in zip(packed.blocks, packed.tight, strict=True):
        rows, length = block.tokens.shape
        assert length % 8 == 0 and rows <= 1.125 * len(tight.sequences)
        # Rounding up to few sizes comes on top of what a block may waste.
        padded = _rounded(tight.real.sum(dim=1).numpy(), 3, 8)
        assert padded.sum() >= (1 - WASTE) * len(padded) * length
        assert tight.tokens.shape[1] == int(tight.real.sum(dim=1).max())
        for row, number in zip(tight.tokens, tight.sequences.tolist(), strict=True):
            mine = row[row < packed.total]
            assert torch.equal(packed.owners[mine], torch.full_like(mine, number))
            assert torch.equal(packed.places[mine], torch.arange(len(mine)))


def test_batches_of_nearly_the_same_tokens_have_the_same() -> None:
    filled = [packing(np.array([total])).filled for total in range(1, 3000)]
    assert all(full > total for total, full in enumerate(filled, start=1))
    assert all(full - total <= 1 + total / 32 for total, full in enumerate(filled, start=1))
    assert len(set(filled[1024:2047])) <= 33
