"""One step's gradient: the same however it is split, and weighted as declared where a step has
several tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from layover.encoders import Folder
from layover.errors import ModelError, TrainingError
from layover.inference import predict
from layover.modeling.features import Features
from layover.modeling.load import load
from layover.modeling.memory import out_of_memory
from layover.stages import Train
from layover.tasks.mixture import Mixture
from layover.tasks.task import Data
from layover.training.loop import Loop
from layover.training.sampler import Draws
from toys import Killed, Toy, killer
from trainable import (
    CLASSES,
    EACH,
    PAIRS,
    RECIPE,
    SELECTION,
    TAGS,
    TEXTS,
    TYPES,
    eager,
    entries,
    limit,
    make_loop,
    same,
    snapshot,
)

each_type = pytest.mark.parametrize("data", TYPES, ids=lambda data: data.label)


def gradient(loop: Loop, draws: Draws) -> dict[str, Tensor]:
    loop.gradient.add(0, draws)
    found = {
        name: item.grad.clone()
        for name, item in loop.heads.named_parameters()
        if item.grad is not None
    }
    loop.optimiser.zero_grad(set_to_none=True)
    return found


def first(
    folder: Path, data: Data | Mixture, context: Toy, accumulation: int = 1
) -> dict[str, Tensor]:
    """The gradient of the first step, before clipping."""
    recipe = replace(RECIPE, batch=8, accumulation=accumulation)
    loop = make_loop(folder, data, recipe, context)
    return gradient(loop, loop.sampler.at(0))


def close(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    assert max(float(value.abs().max()) for value in mine.values()) > 1e-4
    return mine.keys() == theirs.keys() and all(
        torch.allclose(mine[name], theirs[name], atol=1e-6) for name in mine
    )


@pytest.mark.parametrize("data", [*TYPES, EACH], ids=lambda data: data.label)
@pytest.mark.parametrize("accumulation", [2, 4, 8])
def test_a_step_in_pieces_has_the_gradient_of_the_whole(
    calm: Path, tmp_path: Path, data: Data | Mixture, accumulation: int
) -> None:
    context = Toy(folder=tmp_path)
    assert close(first(calm, data, context), first(calm, data, context, accumulation))


def test_a_step_of_several_tasks_weighs_their_mean_losses_by_their_examples(
    calm: Path, tmp_path: Path
) -> None:
    mixture = Mixture(parts=(TAGS, CLASSES), each_step="several")
    loop = make_loop(calm, mixture, RECIPE, Toy(folder=tmp_path))
    tags, classes = (0, [0, 5, 7]), (1, [3])
    both = gradient(loop, [tags, classes])
    alone = [gradient(loop, [draw]) for draw in (tags, classes)]
    expected: dict[str, Tensor] = {}
    for share, found in zip((0.75, 0.25), alone, strict=True):
        for name, value in found.items():
            expected[name] = expected.get(name, torch.zeros_like(value)) + share * value
    assert close(both, expected)
    assert loop.gradient.add(0, [tags, classes]).keys() == {0, 1}


def test_the_tasks_of_a_step_are_logged_apart(calm: Path, tmp_path: Path) -> None:
    context = Toy(folder=tmp_path)
    loop = make_loop(calm, replace(EACH, beside=None, ratio=0.0), RECIPE, context)
    loop.run()
    found = [(entry["step"], entry["task"]) for entry in entries(context)]
    expected = [
        (step + 1, loop.parts[part].task.name)
        for step in range(8)
        for part, _ in loop.sampler.at(step)
    ]
    assert found == expected
    assert len(found) > 8


# Memory

Limit = Callable[..., None]


@pytest.fixture(name="limit")
def set_limit(monkeypatch: pytest.MonkeyPatch) -> Limit:
    return partial(limit, monkeypatch)


@pytest.mark.parametrize("always", [True, False])
@each_type
def test_a_step_that_memory_splits_has_the_gradient_of_the_whole(
    calm: Path, tmp_path: Path, data: Data, limit: Limit, always: bool
) -> None:
    """A dual encoder's pieces may fit without a graph, and not with one."""
    context = Toy(folder=tmp_path)
    whole = first(calm, data, context)
    limit(100 if data is not PAIRS else 40, always=always)
    assert close(whole, first(calm, data, context))
    assert any("step 1: out of memory; from here on at most" in line for line in context.said)


@pytest.mark.parametrize("data", [TAGS, TEXTS, PAIRS, EACH], ids=lambda data: data.label)
def test_what_memory_splits_trains_as_what_was_declared_so(
    noisy: Path, tmp_path: Path, data: Data | Mixture, limit: Limit
) -> None:
    """With dropout, to the bit: nothing of a failed attempt is left, and nothing it drew."""
    declared = replace(RECIPE, batch=8, accumulation=4)
    loop = make_loop(noisy, data, declared, Toy(folder=tmp_path / "declared"))
    loop.context.folder.mkdir()
    loop.run()
    # Short pieces come first, so some of a step fits before its longest piece does not.
    context = Toy(folder=tmp_path)
    forced = make_loop(noisy, data, replace(declared, accumulation=2), context)
    whole = forced.gradient._whole(0, 0, forced.sampler.at(0))
    pieces = [piece.packing.total for piece in forced.gradient._pieces(whole)]
    assert len(pieces) == 1 or pieces[0] < pieces[-1]
    limit(pieces[-1] - 1)
    forced.run()
    assert forced.gradient.splits == 2
    assert same(snapshot(loop.heads), snapshot(forced.heads))
    assert len([line for line in context.said if "out of memory" in line]) == 1


def test_what_memory_asked_for_is_remembered_when_a_training_goes_on(
    noisy: Path, tmp_path: Path, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager(monkeypatch)
    ends = []
    for name in ("undisturbed", "killed"):
        (tmp_path / name).mkdir()
        limit(40)
        context = Toy(folder=tmp_path / name)
        if name == "killed":
            with pytest.raises(Killed):
                make_loop(noisy, TAGS, RECIPE, replace(context, watch=killer(6))).run()
            # There is memory again, but other pieces would draw another dropout.
            limit(10**6)
        loop = make_loop(noisy, TAGS, RECIPE, context)
        loop.run()
        ends.append((loop.gradient.splits, snapshot(loop.heads)))
    assert ends[0][0] == ends[1][0] > 1
    assert same(ends[0][1], ends[1][1])


def test_one_example_that_does_not_fit_stops_the_training(
    calm: Path, tmp_path: Path, limit: Limit
) -> None:
    limit(5)
    loop = make_loop(calm, TAGS, RECIPE, Toy(folder=tmp_path))
    with pytest.raises(
        TrainingError, match=r"step 1: memory does not suffice for a single example \(CUDA out of "
    ):
        loop.run()


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    calm: Path, tmp_path: Path, limit: Limit
) -> None:
    limit(5, "mat1 and mat2 shapes cannot be multiplied")
    loop = make_loop(calm, TAGS, RECIPE, Toy(folder=tmp_path))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        loop.run()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        outputs(calm, TAGS, Toy(folder=tmp_path), [])


def test_a_lack_of_memory_is_known_by_its_errors() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(caught.value)
    assert out_of_memory(torch.OutOfMemoryError("anything"))
    assert not out_of_memory(RuntimeError("shapes cannot be multiplied"))


def outputs(folder: Path, data: Data, context: Toy, said: list[str]) -> list[Any]:
    model = load(Folder(path=str(folder)), [data.task], "new", 0, context)
    kind = data.task.type
    units = Features.of(kind.encode(context.data(data).items, model.tokenizer, 40))
    watch = predict.Watch(say=said.append)
    return predict.run(model.heads[data.task.name].eval(), kind, units, model, 300, watch)


@each_type
def test_predictions_that_memory_splits_are_the_same(
    calm: Path, tmp_path: Path, data: Data, limit: Limit
) -> None:
    context, said = Toy(folder=tmp_path), list[str]()
    whole = outputs(calm, data, context, said)
    assert said == []
    limit(100 if data is not PAIRS else 40)
    pieces = outputs(calm, data, context, said)
    assert [line.partition(";")[0] for line in said] == ["out of memory"] * len(said) != []
    for mine, theirs in zip(whole, pieces, strict=True):
        assert mine.shape == theirs.shape
        assert torch.allclose(torch.tensor(mine), torch.tensor(theirs), atol=1e-5)


def test_a_selection_says_once_that_memory_splits_it_and_chooses_the_same(
    calm: Path, tmp_path: Path, limit: Limit
) -> None:
    stage = Train(
        start=Folder(path=str(calm)), data=CLASSES, recipe=RECIPE, seed=0, selection=SELECTION
    )
    logs = []
    for name, tokens in (("whole", 10_000), ("split", 120)):
        (tmp_path / name).mkdir()
        limit(tokens)
        context = Toy(folder=tmp_path / name)
        stage.run(context)
        logs.append([line for line in entries(context) if "dev" in line])
        said = [line for line in context.said if "out of memory" in line]
    assert len(said) == 1 and said[0].startswith("out of memory")
    assert logs[0] == logs[1] and len(logs[0]) == 4


def test_one_example_that_does_not_fit_stops_the_prediction(
    calm: Path, tmp_path: Path, limit: Limit
) -> None:
    limit(5)
    with pytest.raises(ModelError, match="memory does not suffice for one example of 16 tokens"):
        outputs(calm, TAGS, Toy(folder=tmp_path), [])
