"""Outputs do not depend on what runs together, nor on the order in which examples come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layover.encoders import Folder
from layover.inference import predict
from layover.inference.masking import mask, masked
from layover.modeling.batch import collate
from layover.modeling.features import Features
from layover.modeling.load import Model, load
from layover.tasks.task import Data
from toys import Toy
from trainable import BITEXT, TEXTS, TYPES

ALL = (*TYPES, BITEXT)
each = pytest.mark.parametrize("data", ALL, ids=lambda data: data.label)


def opened(encoder: Path, data: Data) -> tuple[Model, list[Any]]:
    context = Toy(folder=encoder)
    model = load(Folder(path=str(encoder)), [data.task], "new", 0, context)
    kind = data.task.type
    return model, list(kind.encode(context.data(data).items, model.tokenizer, 40))


def outputs(
    model: Model,
    data: Data,
    units: list[Any],
    tokens: int,
    watch: predict.Watch = predict.UNWATCHED,
) -> list[Any]:
    head: Any = model.heads[data.task.name]
    return predict.run(head.eval(), data.task.type, Features.of(units), model, tokens, watch)


def close(mine: list[Any], theirs: list[Any]) -> bool:
    return all(
        one.shape == two.shape and np.allclose(one, two, rtol=0, atol=1e-5)
        for one, two in zip(mine, theirs, strict=True)
    )


@each
def test_what_runs_together_changes_no_output(encoder: Path, data: Data) -> None:
    model, units = opened(encoder, data)
    expected = outputs(model, data, units, predict.TOKENS["cpu"])
    for tokens in (1, 30, 77, 10**9):
        assert close(outputs(model, data, units, tokens), expected)


@pytest.mark.parametrize(
    "data", [data for data in ALL if data != TEXTS], ids=lambda data: data.label
)
def test_the_order_of_examples_changes_no_output(encoder: Path, data: Data) -> None:
    model, units = opened(encoder, data)
    expected = outputs(model, data, units, 77)
    order = np.random.default_rng(0).permutation(len(units)).tolist()
    found = outputs(model, data, [units[at] for at in order], 77)
    assert close(found, [expected[at] for at in order])


@each
def test_no_more_tokens_run_together_than_are_allowed(
    encoder: Path, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, units = opened(encoder, data)
    sizes: list[tuple[int, int]] = []

    def watched(features: Features, chosen: Any) -> Any:
        batch = collate(features, chosen)
        sizes.append((batch.packing.total, len(chosen)))
        return batch

    monkeypatch.setattr(predict, "collate", watched)
    told: list[int] = []
    outputs(model, data, units, 77, predict.Watch(progress=told.append))
    assert told == np.cumsum([count for _, count in sizes]).tolist() and told[-1] == len(units)
    assert all(total <= 77 or count == 1 for total, count in sizes)


def test_masks_of_a_data_set_are_those_of_its_one_batch(encoder: Path) -> None:
    """However it is read, and as many as the rate says."""
    model, units = opened(encoder, TEXTS)
    features = Features.of(units * 40)
    found = masked(features, model.tokenizer, 0.3, (0,))
    assert found.tokens.starts is features.tokens.starts
    whole = mask(collate(features, range(len(features))), model.tokenizer, 0.3, (0,))
    order = np.random.default_rng(0).permutation(len(features))
    for pieces in (np.split(order, 8), [order]):
        for piece in pieces:
            batch = collate(found, piece)
            expected = whole.take(piece.tolist())
            assert np.array_equal(batch.tokens, expected.tokens)
            assert np.array_equal(batch.target, expected.target)
            assert batch.widths == expected.widths == batch.packing.lengths
    special = np.isin(features.tokens.values, model.tokenizer.all_special_ids)
    share = float((found.target.values[~special] != -100).mean())
    assert abs(share - 0.3) < 4 * (0.21 / int((~special).sum())) ** 0.5
    assert not (found.target.values[special] != -100).any()
