"""A dual encoder learns from all pairs of a step, however the step is split."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from layover.encoders import Folder
from layover.errors import TrainingError
from layover.modeling import run
from layover.modeling.batch import Batch, collate
from layover.modeling.features import Features
from layover.modeling.heads import HEADS
from layover.modeling.load import load
from layover.recipe import steps
from layover.stages import Train
from layover.tasks.sources import Row
from layover.tasks.types.ranking import Match
from layover.training.backward import backward
from stock import only
from toys import Toy
from trainable import PAIRS, RECIPE, entries, make_loop, matched, snapshot

DUAL = HEADS["dual"]


def dual_encoder(folder: Path, split: int) -> tuple[Any, list[Batch]]:
    """A new dual encoder, and the twelve pairs in pieces."""
    context = Toy(folder=folder)
    model = load(Folder(path=str(folder)), [PAIRS.task], "new", 0, context)
    units = Features.of(PAIRS.task.type.encode(context.data(PAIRS).items, model.tokenizer, 40))
    assert len(units) == 12
    size = 12 // split
    pieces = [collate(units, range(at, at + size)) for at in range(0, 12, size)]
    return model.heads["pairs"], pieces


def gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    return {
        name: item.grad.clone() for name, item in model.named_parameters() if item.grad is not None
    }


@pytest.mark.parametrize("split", [2, 3, 12])
def test_a_split_step_has_the_gradient_of_the_whole_one(calm: Path, split: int) -> None:
    found = []
    for number in (1, split):
        model, pieces = dual_encoder(calm, number)
        loss = backward(DUAL, partial(DUAL.logits, model), pieces, 12, 1.0)
        found.append((loss, gradients(model)))
    (loss, whole), (other, parts) = found
    assert other == pytest.approx(loss, rel=1e-5)
    assert whole.keys() == parts.keys()
    assert "dual_scale" in whole
    for name in whole:
        torch.testing.assert_close(parts[name], whole[name], rtol=1e-4, atol=1e-6)


def test_both_runs_of_a_piece_drop_the_same_units(noisy: Path) -> None:
    model, pieces = dual_encoder(noisy, 3)
    model.train()
    torch.manual_seed(3)
    found = torch.cat([DUAL.logits(model, piece) for piece in pieces])
    whole = replace(pieces[0], target=torch.cat([piece.target for piece in pieces]))
    DUAL.loss(found, whole).backward()
    expected = gradients(model)
    after = torch.get_rng_state()
    model.zero_grad()
    torch.manual_seed(3)
    backward(DUAL, partial(DUAL.logits, model), pieces, 1, 1.0)
    for name, value in gradients(model).items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-5)
    assert torch.equal(torch.get_rng_state(), after), "the next step goes on from the same state"


def test_the_loss_is_the_softmax_of_the_scaled_cosines(calm: Path) -> None:
    model, (piece,) = dual_encoder(calm, 1)
    with torch.no_grad():
        states = run.states(model, piece)
        loss = DUAL.loss(DUAL.logits(model, piece), piece)
    texts = [state.mean(dim=0) for state in states.split(piece.packing.lengths)]
    names = piece.target.tolist()
    assert names[0] == names[1], "two queries share their candidate"
    expected = 0.0
    for row, query in enumerate(texts[0::2]):
        scores = {
            at: 5.0 * float(torch.cosine_similarity(query, candidate, dim=0))
            for at, candidate in enumerate(texts[1::2])
            if at == row or names[at] != names[row]
        }
        own = scores[row]
        expected += float(torch.logsumexp(torch.tensor(list(scores.values())), dim=0)) - own
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_a_candidate_is_no_wrong_answer_to_another_query_that_it_answers() -> None:
    outputs = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    same, other = (replace(only([5]), target=torch.tensor([7, name])) for name in (7, 8))
    assert float(DUAL.loss(outputs, same)) == 0
    assert float(DUAL.loss(outputs, other)) > 0


def only_asked(row: Row) -> Match:
    """As `matched`, but every third text is a query alone."""
    pair = matched(row)
    return pair if row.fields["row"] % 3 else replace(pair, candidate=None)


def test_a_query_without_a_candidate_is_not_trained_on(calm: Path, tmp_path: Path) -> None:
    mixed = replace(PAIRS, task=replace(PAIRS.task, parse=only_asked))
    stage = Train(start=Folder(path=str(calm)), data=mixed, recipe=RECIPE, seed=0)
    with pytest.raises(TrainingError, match=r"4 of 12 examples, such as '0', are a query or"):
        stage.run(Toy(folder=tmp_path))


def test_training_brings_pairs_together_and_learns_the_scale(calm: Path, tmp_path: Path) -> None:
    context = Toy(folder=tmp_path)
    recipe = replace(RECIPE, batch=12, accumulation=2, duration=steps(40))
    loop = make_loop(calm, PAIRS, recipe, context)
    loop.run()
    told = entries(context)
    assert told[-1]["loss"] < 0.5 * told[0]["loss"]
    assert snapshot(loop.heads)["pairs.dual_scale"].item() != 5
