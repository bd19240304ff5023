"""Masks of a language model: as many as declared, never special tokens, drawn by seed and step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from layover.inference.masking import mask
from layover.modeling.batch import Batch, collate
from layover.modeling.features import Features
from layover.recipe import steps
from layover.tasks.mixture import Mixture
from layover.tasks.task import Data, Task, Unit
from layover.tasks.types.text import MaskedText, Text
from toys import SENTENCES, Toy, memory
from trainable import RECIPE, TAGS, TEXTS, make_loop, plain


@pytest.fixture(scope="session")
def tokenizer(vocabulary: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(vocabulary)


def batch(tokenizer: Any, texts: Iterable[str]) -> Batch:
    encoded = tokenizer(list(texts))["input_ids"]
    units = [Unit(n, (tuple(ids),), ((),), ()) for n, ids in enumerate(encoded)]
    return collate(Features.of(units), range(len(units)))


def test_the_share_of_masked_tokens_and_their_fates_are_as_declared(tokenizer: Any) -> None:
    whole = batch(tokenizer, SENTENCES * 150)
    masked = mask(whole, tokenizer, 0.15, (1, 2, 3))
    before, after = whole.tokens, masked.tokens
    chosen = masked.target != -100
    special = torch.isin(before, torch.tensor(tokenizer.all_special_ids))
    count, candidates = int(chosen.sum()), int((~special).sum())
    assert not (chosen & special).any()
    assert torch.equal(before[~chosen], after[~chosen])
    assert torch.equal(before[chosen], masked.target[chosen])
    assert abs(count - 0.15 * candidates) < 4 * np.sqrt(candidates * 0.15 * 0.85)
    became_mask = int((after[chosen] == tokenizer.mask_token_id).sum())
    stayed = int((after[chosen] == before[chosen]).sum())
    # A random token is the mask, or the token itself, once in as many draws as there are tokens.
    lucky = 0.1 / len(tokenizer)
    for found, share in ((became_mask, 0.8 + lucky), (stayed, 0.1 + lucky)):
        assert abs(found - share * count) < 4 * np.sqrt(count * share * (1 - share))
    assert became_mask + stayed < count


def test_at_least_one_token_is_masked_and_it_is_never_special(tokenizer: Any) -> None:
    small = batch(tokenizer, ["girl", "the old tower"])
    special = torch.isin(small.tokens, torch.tensor(tokenizer.all_special_ids))
    assert special[-1]
    for seed in range(50):
        chosen = mask(small, tokenizer, 0.001, (seed,)).target != -100
        assert chosen.any()
        assert not (chosen & special).any()


def drawn_inputs(folder: Path, context: Toy, seed: int) -> list[list[int]]:
    """What the encoder sees at each step of training on one text."""
    rows = [{"text": SENTENCES[0]}]
    task = Task(name="texts", type=MaskedText(rate=0.3), source=memory(eng=rows), parse=plain)
    text = Data(task=task, split="train", languages=("eng",))
    loop = make_loop(folder, text, replace(RECIPE, batch=1), context, seed)
    seen: list[list[int]] = []

    def keep(unused: object, args: object, inputs: dict[str, Tensor]) -> None:
        seen.append(inputs["input_ids"].flatten().tolist())

    encoder: Any = loop.heads["texts"]
    encoder.base_model.register_forward_pre_hook(keep, with_kwargs=True)
    loop.run()
    return seen


def test_masks_are_drawn_afresh_at_every_step_from_the_seed(calm: Path, tmp_path: Path) -> None:
    first = drawn_inputs(calm, Toy(folder=tmp_path), 0)
    assert len(first) == 8
    assert len({tuple(ids) for ids in first}) >= 7
    assert drawn_inputs(calm, Toy(folder=tmp_path), 0) == first
    assert drawn_inputs(calm, Toy(folder=tmp_path), 1) != first


def seen_units(
    folder: Path, data: Data | Mixture, context: Toy
) -> dict[int, list[tuple[int, ...]]]:
    """Unit of the language model -> its masked tokens' positions, once for every time that it was
    trained on."""
    loop = make_loop(folder, data, replace(RECIPE, duration=steps(18)), context)
    part = next(n for n, each in enumerate(loop.parts) if each.task.type.head == "lm")
    found: dict[int, list[tuple[int, ...]]] = {}
    for step in range(18):
        draws = loop.sampler.at(step)
        for place, (number, chosen) in enumerate(draws):
            if number == part:
                whole = loop.gradient._whole(step, place, draws).batch
                for unit, row in zip(chosen, whole.target.split(whole.widths), strict=True):
                    positions = tuple((row != -100).nonzero().flatten().tolist())
                    found.setdefault(unit, []).append(positions)
    return found


BESIDE = Mixture(parts=(TAGS,), beside=TEXTS, ratio=0.5)


@pytest.mark.parametrize(
    "data",
    [TEXTS, BESIDE, replace(BESIDE, each_step="several")],
    ids=["alone", "beside a task", "in a step with a task"],
)
def test_every_pass_over_a_text_masks_other_tokens(
    calm: Path, tmp_path: Path, data: Data | Mixture
) -> None:
    found = seen_units(calm, data, Toy(folder=tmp_path))
    assert max(map(len, found.values())) >= 3
    pairs = [pair for passes in found.values() for pair in pairwise(passes)]
    # Short texts may draw the same few tokens twice.
    assert sum(first != second for first, second in pairs) > 0.8 * len(pairs)
    assert seen_units(calm, data, Toy(folder=tmp_path)) == found


def test_short_rows_begin_where_texts_do_only_if_that_is_asked_for(tokenizer: Any) -> None:
    texts = [Text(id=str(n), cluster="", text=text) for n, text in enumerate(SENTENCES)]
    begun = [tokenizer(text.text)["input_ids"][:8] for text in texts]
    beginnings = list(MaskedText(beginnings=True).encode(texts, tokenizer, 9))
    assert [list(unit.sequences[0][:8]) for unit in beginnings] == begun
    rows = list(MaskedText().encode(texts, tokenizer, 9))
    assert len(rows) > len(beginnings)
    for number, text in enumerate(texts):
        mine = [unit.sequences[0] for unit in rows if unit.example == number]
        assert list(mine[0][:8]) == begun[number]
        # Nothing is lost and nothing repeated.
        tokens = [token for row in mine for token in row[1:-1]]
        assert tokens == tokenizer(text.text)["input_ids"][1:-1]
