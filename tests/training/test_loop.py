"""The training loop: one step, however it is split; what stops it; which weights it keeps."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from layover.encoders import Folder
from layover.errors import ModelError, StudyError, TrainingError
from layover.metrics.accuracy import ACCURACY
from layover.recipe import Check, Recipe, Selection, steps
from layover.stages import Train
from layover.tasks.sources import Row
from layover.tasks.task import Example, TaskType
from layover.tasks.types.choice import Choice, Question
from layover.tasks.types.classification import Classification, Labelled
from layover.training import loop as module
from layover.training.loop import Loop, Selector
from layover.training.sampler import Draws
from toys import Toy
from trainable import (
    CLASSES,
    EACH,
    LABELS,
    RECIPE,
    SELECTION,
    SPANS,
    TAGS,
    TWO,
    data,
    entries,
    labelled,
    make_loop,
    optional,
    same,
    snapshot,
)

# What a training does


def test_training_in_pieces_ends_in_the_same_weights(calm: Path, tmp_path: Path) -> None:
    ends = []
    for accumulation in (1, 4):
        recipe = replace(RECIPE, batch=8, accumulation=accumulation, learning_rate=1e-3)
        loop = make_loop(calm, TAGS, recipe, Toy(folder=tmp_path))
        loop.run()
        ends.append(snapshot(loop.heads))
    for name in ends[0]:
        assert torch.allclose(ends[0][name], ends[1][name], atol=1e-5), name


def test_the_rate_rises_then_falls_and_the_loss_goes_down(calm: Path, tmp_path: Path) -> None:
    context = Toy(folder=tmp_path)
    make_loop(calm, TAGS, replace(RECIPE, duration=steps(40), warmup=0.25), context).run()
    rates = [entry["rate"] for entry in entries(context)]
    losses = [entry["loss"] for entry in entries(context)]
    assert len(rates) == 40
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert max(rates) == pytest.approx(RECIPE.learning_rate)
    assert 0 < rates[-1] < 0.05 * RECIPE.learning_rate
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_bfloat16_runs_and_keeps_its_weights_in_float32(calm: Path, tmp_path: Path) -> None:
    ends = {}
    for precision in ("float32", "bfloat16"):
        context = Toy(folder=tmp_path)
        recipe: Recipe = replace(RECIPE, precision=precision)
        loop = make_loop(calm, SPANS, recipe, context)
        loop.run()
        assert all(np.isfinite(entry["loss"]) for entry in entries(context))
        ends[precision] = snapshot(loop.heads)
    assert not any(value.dtype == torch.bfloat16 for value in ends["bfloat16"].values())
    assert not same(*ends.values())


# Numbers that are not finite


def test_a_rate_far_too_high_stops_the_training_with_step_lever_and_log(
    calm: Path, tmp_path: Path
) -> None:
    wild = replace(RECIPE, learning_rate=1e30, warmup=0.0)
    stage = Train(start=Folder(path=str(calm)), data=CLASSES, recipe=wild, seed=0)
    with pytest.raises(
        TrainingError, match=r"step [2-4] of 8 on classes: .*learning rate \(1e\+30"
    ):
        stage.run(Toy(folder=tmp_path))
    assert not (tmp_path / "models").exists()


def test_weights_that_are_not_numbers_stop_at_the_first_step(calm: Path, tmp_path: Path) -> None:
    loop = make_loop(calm, CLASSES, RECIPE, Toy(folder=tmp_path))
    with torch.no_grad():
        next(loop.heads.parameters())[:] = torch.nan
    with pytest.raises(TrainingError, match=r"step 1 of 8 on classes: the loss is nan") as caught:
        loop.run()
    assert str(tmp_path / "log.jsonl") in str(caught.value)


@pytest.mark.parametrize("factor", [torch.inf, torch.nan])
def test_a_gradient_that_is_no_number_stops_before_the_weights_change(
    calm: Path, tmp_path: Path, factor: float
) -> None:
    """The loss is finite."""
    loop = make_loop(calm, CLASSES, RECIPE, Toy(folder=tmp_path))
    before = snapshot(loop.heads)
    next(loop.heads.parameters()).register_hook(lambda gradient: gradient * factor)
    with pytest.raises(TrainingError, match=r"loss is [0-9.]+ and the gradient's norm (nan|inf)"):
        loop.run()
    assert same(before, snapshot(loop.heads))


def at_step(number: int, spoil: Callable[[Loop], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `spoil` happen in every loop before its step `number`, and checkpoints after each."""
    step = Loop._step

    def spoiled(loop: Loop, at: int, draws: Draws) -> dict[int, float]:
        if at + 1 == number:
            spoil(loop)
        return step(loop, at, draws)

    monkeypatch.setattr(Loop, "_step", spoiled)
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", -1.0)


def poison_gradients(loop: Loop) -> None:
    next(loop.heads.parameters()).register_hook(lambda gradient: gradient * torch.nan)


def poison_weights(loop: Loop) -> None:
    def overflow(*unused: object) -> None:
        with torch.no_grad():
            next(loop.heads.parameters())[0] = torch.inf

    loop.optimiser.register_step_post_hook(overflow)


@pytest.mark.parametrize("with_selection", [False, True])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (poison_gradients, r"step 4 of 8 on classes: .* norm nan.* examples: \d+, \d+, \d+, \d+$"),
        (poison_weights, r"after step 4 of 8, 1 weights are not finite numbers \(classes\..*rate"),
    ],
)
def test_what_is_not_a_number_reaches_no_checkpoint_and_nothing_is_published(
    calm: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Loop], None],
    message: str,
    with_selection: bool,
) -> None:
    at_step(4, spoil, monkeypatch)
    selection = replace(SELECTION, every=4) if with_selection else None
    stage = Train(
        start=Folder(path=str(calm)), data=CLASSES, recipe=RECIPE, seed=0, selection=selection
    )
    with pytest.raises(TrainingError, match=message):
        stage.run(Toy(folder=tmp_path))
    kept = tmp_path / "scratch" / "checkpoint"
    assert json.loads((kept / "state.json").read_text())["position"]["step"] == 3
    for path in (tmp_path / "scratch").rglob("*.safetensors"):
        assert all(tensor.isfinite().all() for tensor in load_file(path).values())
    assert not (tmp_path / "models").exists()


def test_weights_that_overflow_at_the_last_step_are_not_published(
    calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_step(8, poison_weights, monkeypatch)
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 1e9)
    stage = Train(start=Folder(path=str(calm)), data=CLASSES, recipe=RECIPE, seed=0)
    with pytest.raises(TrainingError, match=r"after step 8 of 8, 1 weights are not finite"):
        stage.run(Toy(folder=tmp_path))
    assert not (tmp_path / "models").exists()


def test_an_error_names_a_few_of_a_large_steps_examples(
    calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_step(1, poison_gradients, monkeypatch)
    wide = replace(RECIPE, batch=12)
    stage = Train(start=Folder(path=str(calm)), data=CLASSES, recipe=wide, seed=0)
    with pytest.raises(TrainingError, match=r"examples: (\d+, ){7}\d+ and 4 more$"):
        stage.run(Toy(folder=tmp_path))


# Early stopping


def scripted(scores: Iterable[float], patience: int, every: int = 1) -> tuple[Selector, list[Any]]:
    """A selector that gives these scores, and the weights that it saw."""
    given, seen = iter(scores), []

    def measure(heads: torch.nn.ModuleDict) -> tuple[float]:
        assert not heads.training
        seen.append(snapshot(heads))
        return (next(given),)

    selection = replace(SELECTION, every=every, patience=patience)
    return Selector(selection=selection, measure=measure), seen


@pytest.mark.parametrize(
    ("scores", "best"),
    [((10, 30, 20, 25), 1), ((10, 20, 30, 40, 50, 60, 70, 80), 7), ((5, 5, 5), 0)],
)
def test_training_stops_when_patience_is_over_and_keeps_the_best_weights(
    noisy: Path, tmp_path: Path, scores: tuple[float, ...], best: int
) -> None:
    loop = make_loop(noisy, CLASSES, RECIPE, Toy(folder=tmp_path))
    selector, seen = scripted(scores, patience=2)
    loop.run(selector)
    assert len(seen) == len(scores) == loop.position.step
    assert same(snapshot(loop.heads), seen[best])
    assert loop.position.best_step == best + 1


SCORES = ((90.0, 10.0), (50.0, 30.0), (20.0, 40.0), (10.0, 20.0))


@pytest.mark.parametrize(("aggregate", "best", "worth"), [("mean", 0, 50.0), ("least", 1, 30.0)])
def test_a_checkpoint_is_chosen_by_the_aggregate_of_its_checks(
    noisy: Path, tmp_path: Path, aggregate: Any, best: int, worth: float
) -> None:
    selection = replace(TWO, aggregate=aggregate)
    given = iter(SCORES)
    seen: list[Any] = []

    def measure(heads: torch.nn.ModuleDict) -> tuple[float, float]:
        seen.append(snapshot(heads))
        return next(given)

    context = Toy(folder=tmp_path)
    loop = make_loop(noisy, EACH, RECIPE, context)
    loop.run(Selector(selection=selection, measure=measure))
    assert loop.position.best_step == 2 * (best + 1)
    assert loop.position.best_score == worth
    assert same(snapshot(loop.heads), seen[best])
    assert context.said[-1] == (
        f"keeps the weights of step {2 * (best + 1)}, the best by the {aggregate} of accuracy@1 on "
        f"classes train (eng), word accuracy@1 on tags train (eng): {worth:.2f}"
    )


@pytest.mark.parametrize(
    ("aggregate", "worths"), [("mean", (50.0, 40.0, 30.0, 15.0)), ("least", (10, 30, 20, 10))]
)
def test_a_selection_is_worth_its_aggregate(aggregate: Any, worths: tuple[float, ...]) -> None:
    selection = replace(TWO, aggregate=aggregate)
    assert tuple(map(selection.worth, SCORES)) == worths
    assert np.isnan(selection.worth((50.0, float("nan"))))
    assert np.isnan(selection.worth((float("nan"), 50.0)))


def test_each_check_is_told_and_logged_apart(noisy: Path, tmp_path: Path) -> None:
    told: list[dict[str, float]] = []

    class Listening(Toy):
        def progress(self, step: int, total: int, numbers: Mapping[str, float]) -> None:
            told.append(dict(numbers))

    stage = Train(start=Folder(path=str(noisy)), data=EACH, recipe=RECIPE, seed=0, selection=TWO)
    alone = []
    for check in TWO.checks:
        context = Toy(folder=tmp_path)
        replace(stage, selection=replace(TWO, checks=(check,))).run(context)
        alone.append([entry for entry in entries(context) if "dev" in entry])
        shutil.rmtree(tmp_path / "scratch")
    context = Listening(folder=tmp_path)
    stage.run(context)
    found = [entry for entry in entries(context) if "dev" in entry]
    assert [found[::3], found[1::3]] == alone
    assert [entry["step"] for entry in found] == [2, 2, 2, 4, 4, 4, 6, 6, 6, 8, 8, 8]
    for classes, tags, whole in zip(found[::3], found[1::3], found[2::3], strict=True):
        assert (classes["task"], classes["metric"]) == ("classes", "accuracy@1")
        assert (tags["task"], tags["metric"]) == ("tags", "word accuracy@1")
        assert tags["data"] == "tags train (eng)"
        assert whole["aggregate"] == "least"
        assert whole["dev"] == min(classes["dev"], tags["dev"])
    assert {check.label for check in TWO.checks} < told[-1].keys()
    last = told[-1]["accuracy@1 on classes train (eng)"]
    assert last in {entry["dev"] for entry in found[::3]}


def test_a_check_that_is_no_number_is_named(noisy: Path, tmp_path: Path) -> None:
    loop = make_loop(noisy, EACH, RECIPE, Toy(folder=tmp_path))
    selector = Selector(selection=TWO, measure=lambda heads: (50.0, float("nan")))
    with pytest.raises(TrainingError, match=r"word accuracy@1 on tags train \(eng\) is not a num"):
        loop.run(selector)


def test_measuring_does_not_disturb_the_training(noisy: Path, tmp_path: Path) -> None:
    selector, _ = scripted((1, 2, 3, 4), patience=9, every=2)

    def draw(heads: torch.nn.ModuleDict) -> Sequence[float]:
        torch.rand(7)
        return selector.measure(heads)

    ends = []
    for name, watcher in (("alone", None), ("measured", replace(selector, measure=draw))):
        (tmp_path / name).mkdir()
        loop = make_loop(noisy, CLASSES, RECIPE, Toy(folder=tmp_path / name))
        loop.run(watcher)
        ends.append(snapshot(loop.heads))
    assert same(*ends)


def test_without_a_measurement_the_last_weights_are_kept(noisy: Path, tmp_path: Path) -> None:
    loop = make_loop(noisy, CLASSES, RECIPE, Toy(folder=tmp_path))
    selector, seen = scripted((), patience=1, every=100)
    loop.run(selector)
    assert seen == []
    assert loop.position.step == 8


# What cannot be trained


def test_withheld_labels_cannot_be_learned(calm: Path, tmp_path: Path) -> None:
    hidden = data(Classification(labels=LABELS), labelled, label=None)
    wanted = Train(start=Folder(path=str(calm)), data=hidden, recipe=RECIPE, seed=0)
    with pytest.raises(TrainingError, match="toy train: its labels were withheld"):
        wanted.run(Toy(folder=tmp_path))


def partly(row: Row) -> Labelled:
    found = labelled(row)
    return replace(found, label=None) if row.fields["row"] == 3 else found


def partly_chosen(row: Row) -> Question:
    found = optional(row)
    return replace(found, answer=None) if row.fields["row"] == 3 else found


@pytest.mark.parametrize(
    ("kind", "parse"), [(Classification(labels=LABELS), partly), (Choice(), partly_chosen)]
)
def test_one_withheld_label_is_enough(
    calm: Path, tmp_path: Path, kind: TaskType, parse: Callable[[Row], Example]
) -> None:
    hidden = data(kind, parse)
    wanted = Train(start=Folder(path=str(calm)), data=hidden, recipe=RECIPE, seed=0)
    with pytest.raises(TrainingError, match=r"toy train: 1 of \d+ examples, such as '3', have no"):
        wanted.run(Toy(folder=tmp_path))


def test_a_selection_must_measure_what_is_trained(calm: Path, tmp_path: Path) -> None:
    wanted = Train(
        start=Folder(path=str(calm)), data=TAGS, recipe=RECIPE, seed=0, selection=SELECTION
    )
    with pytest.raises(StudyError, match=r"measures classes, which is not .* heads for tags"):
        wanted.run(Toy(folder=tmp_path))


def test_sequences_longer_than_the_encoders_positions_are_refused(
    calm: Path, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, max_length=65)
    wanted = Train(start=Folder(path=str(calm)), data=TAGS, recipe=recipe, seed=0)
    with pytest.raises(ModelError, match="max_length 65 is more than the encoder's 64 positions"):
        wanted.run(Toy(folder=tmp_path))


def test_a_selection_needs_labels(calm: Path, tmp_path: Path) -> None:
    hidden = data(Classification(labels=LABELS), labelled, "classes", label=None)
    selection = replace(SELECTION, checks=(Check(data=hidden, metric=ACCURACY),))
    wanted = Train(
        start=Folder(path=str(calm)), data=CLASSES, recipe=RECIPE, seed=0, selection=selection
    )
    with pytest.raises(StudyError, match="the selection needs labels, which classes train withh"):
        wanted.run(Toy(folder=tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"every": 0}, "trains nothing"),
        ({"patience": 0}, "trains nothing"),
        ({"checks": ()}, "trains nothing"),
        ({"checks": SELECTION.checks * 2}, "the mean of .* counts a check twice"),
    ],
)
def test_a_selection_that_would_train_nothing_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        Selection(**{"checks": SELECTION.checks, "every": 1, **changes})
