"""A price is what torch counts and what a recipe says, and what is not known is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModel

import tiny_study
from command import layover
from layover.cost import FORWARD, TRAINING, Work, at_once, kept, price
from layover.encoders import XLMR_BASE, Encoder, Tiny
from layover.executors.execute import Outcome
from layover.metrics.accuracy import ACCURACY
from layover.modeling.initial import write_random
from layover.recipe import Check, Recipe, Selection, epochs, steps
from layover.stages import Benchmark, Train, World, chain, evaluate
from layover.store import Store
from layover.study import Arm, Study
from layover.tasks.anli import ANLI_PLUS
from layover.tasks.generated import Tasks
from layover.tasks.mixture import Mixture
from layover.tasks.mnli import MNLI
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, Task
from layover.tasks.xcopa import COPA
from layover.tasks.xnli import XNLI, XNLI_TRANSLATED
from toys import write_vocabulary

BODY = XLMR_BASE.published.parameters.body if XLMR_BASE.published else 0
RECIPE = Recipe(duration=epochs(2), learning_rate=1e-5, batch=32, max_length=100)


def some(task: Task, size: int, code: str = "eng") -> Data:
    return Data(task=task, split="train", languages=(code,), subset=Subset(size=size))


def study(*stops: Any, start: Any = XLMR_BASE, recipe: Recipe = RECIPE, **more: Any) -> Study:
    """A study of one chain that ends in XNLI."""
    test = Data(task=XNLI, split="test", languages=("deu", "fra"))
    target = Target(name="XNLI", train=(some(XNLI, 64),), test=test, metric=ACCURACY)
    model = chain(start, *stops, target, recipe=recipe, seed=1)
    arm = Arm(name="direct", leaves=evaluate(model, target, max_length=50))
    return Study(name="one", question="?", baseline="direct", arms=(arm,), **more)


@pytest.mark.parametrize("trained", [False, True])
def test_operations_are_those_that_torch_counts(trained: bool, tmp_path: Path) -> None:
    shape = Tiny(layers=3, width=192, heads=6)
    write_random(shape, write_vocabulary(tmp_path / "words"), 0, tmp_path / "encoder")
    model: Any = AutoModel.from_pretrained(tmp_path / "encoder", add_pooling_layer=False)
    words = torch.full((8, 24), 7)
    with FlopCounterMode(display=False) as counter:
        states = model(words, attention_mask=torch.ones_like(words)).last_hidden_state
        if trained:
            states.sum().backward()
    found = shape.with_words(vocabulary=0).parameters.body * words.numel()
    assert counter.get_total_flops() == pytest.approx(
        (TRAINING if trained else FORWARD) * found, rel=0.1
    )


def test_a_price_is_steps_times_sequences_times_weights() -> None:
    value = study(some(MNLI, 330))
    found = price(value, value.stages)
    # 11 steps an epoch of 330, 2 of 64.
    intermediate, target = found.phases["intermediate"], found.phases["target"]
    assert (intermediate.steps, target.steps) == (22, 4)
    assert intermediate.tokens == 22 * 32 * 100
    assert intermediate.flops == 6.0 * BODY * intermediate.tokens
    prediction = found.phases["prediction"]
    assert prediction.tokens == 2 * 5_010 * 50
    assert prediction.flops == 2.0 * BODY * prediction.tokens
    assert found.total.trainings == 2 and found.unknown == ()
    assert found.phases["language model"] == Work()


def test_the_length_of_texts_is_taken_as_it_is_stated_and_never_longer_than_they_are_read() -> None:
    value = study(some(MNLI, 330))
    tokens = [
        price(value, value.stages, length).phases["intermediate"].tokens for length in (0, 25, 999)
    ]
    assert [one / tokens[0] for one in tokens] == [1, 0.25, 1]


def test_options_and_parts_and_checks_are_paid_for() -> None:
    steps_of = replace(RECIPE, duration=steps(10))
    choice = study(some(COPA, 64), recipe=steps_of)
    assert price(choice, choice.stages).phases["intermediate"].tokens == 10 * 32 * 2 * 100
    mixed = study(Mixture(parts=(some(MNLI, 64), some(COPA, 64))), recipe=steps_of)
    one = price(choice, choice.stages).phases["intermediate"].saved
    assert price(mixed, mixed.stages).phases["intermediate"].saved == 2 * one
    check = Check(data=some(MNLI, 7), metric=ACCURACY)
    train = Train(
        start=XLMR_BASE,
        data=some(MNLI, 64),
        recipe=steps_of,
        seed=1,
        selection=Selection(checks=(check,), every=3),
    )
    assert price(choice, [train]).total.tokens == 10 * 32 * 100 + 3 * 7 * 100


def test_what_is_not_known_is_said_and_not_counted() -> None:
    value = study(
        Data(task=XNLI_TRANSLATED, split="train", languages=("deu",)),
        Data(task=replace(ANLI_PLUS, sizes=()), split="train", languages=("eng",)),
        start=Encoder(name="new", hub="a/b", revision="UNPINNED"),
    )
    found = price(value, value.stages)
    assert found.unknown == (
        "weights of new",
        "examples of xnli-translated train",
        "examples of anli+ train",
    )
    assert found.total.flops == 0 and found.phases["intermediate"] == Work(trainings=2)
    assert found.phases["target"].steps == 4


def test_languages_whose_size_is_known_are_priced_beside_those_whose_is_not() -> None:
    codes = ("deu", "fra")
    sizes = (("test/deu", 70),)
    test = Data(task=replace(XNLI, sizes=sizes), split="test", languages=codes)
    target = Target(name="XNLI", train=(some(XNLI, 64),), test=test, metric=ACCURACY)
    (leaf,) = evaluate(chain(XLMR_BASE, target, recipe=RECIPE, seed=1), target)
    value = replace(study(some(MNLI, 330)), arms=(Arm(name="direct", leaves=(leaf,)),))
    found = price(value, [leaf.predictions])
    assert found.total.tokens == 70 * leaf.predictions.max_length
    assert found.unknown == ("examples of xnli test in 1 of 2 languages",)


def test_all_of_a_generated_world_is_known() -> None:
    value = tiny_study.study()
    found = price(value, value.stages)
    assert found.unknown == ()
    assert found.phases["language model"].trainings == 1
    assert found.phases["intermediate"].trainings == 2
    assert all(work.tokens for phase, work in found.phases.items() if phase != "serving")


def test_a_price_names_the_options_that_it_would_need() -> None:
    world = World(seed=0)
    value = study(Data(task=Tasks(world=world).choice, split="train", languages=("qal",)))
    assert price(value, value.stages).unknown == ()
    loose = replace(COPA, type=replace(COPA.type, count=None))  # type: ignore[type-var]
    other = study(some(loose, 64))
    assert price(other, other.stages).unknown == ("options of a question of copa",)


def test_models_that_a_study_keeps_stay_after_pruning() -> None:
    value = tiny_study.study()
    none, one = price(value, kept(value)).total.saved, replace(value, keep=("direct",))
    assert none == 0
    assert 0 < price(one, kept(one)).total.saved < price(one, one.stages).total.saved


def test_models_that_are_needed_together_are_counted_together() -> None:
    value = study(some(MNLI, 330))
    first, second = (stage for stage in value.stages if isinstance(stage, Train))
    each = price(value, [first]).total.saved
    # The first goes when the second is trained, and must be there until then.
    assert at_once(value) == 2 * each == price(value, value.stages).total.saved
    chains = [study(some(MNLI, size)).arms[0].leaves for size in (100, 200, 300)]
    arms = tuple(Arm(name=f"{at}", leaves=leaves) for at, leaves in enumerate(chains))
    several = replace(value, arms=arms, baseline="0")
    assert at_once(several) == 2 * each
    assert at_once(replace(several, keep=("0",))) == 4 * each
    assert second.key != first.key


def test_requests_that_are_served_are_priced() -> None:
    value = study(some(MNLI, 330))
    (leaf,) = value.leaves
    served = Benchmark(
        models=(leaf.predictions.model, XLMR_BASE),  # type: ignore[attr-defined]
        data=Data(task=XNLI, split="test", languages=("deu", "fra"), subset=Subset(size=100)),
        metric=ACCURACY,
        backends=("onnx",),
        batches=(1, 8),
        rounds=3,
        requests=5,
        launches=2,
        max_length=50,
    )
    value = replace(value, arms=(Arm(name="direct", leaves=(leaf, served)),))
    work = price(value, value.stages).phases["serving"]
    # The reference, eager, answers beside those that were asked for.
    assert work.requests == 2 * 2 * (2 * 2 * 3 * 5 * 2)
    assert work.tokens == 2 * 2 * (2 * 3 * 5 * 2) * 9 * 50
    assert work.flops == 2.0 * BODY * work.tokens


def test_the_steps_that_are_priced_are_those_that_are_taken(
    tiny_run: tuple[Store, Outcome],
) -> None:
    store, value = tiny_run[0], tiny_study.study()
    for stage in value.stages:
        if isinstance(stage, Train) and stage.selection is None:
            log = (store.result_folder(stage) / "log.jsonl").read_text(encoding="utf-8")
            taken = max(json.loads(line)["step"] for line in log.splitlines())
            assert price(value, [stage]).total.steps == taken


def test_the_list_of_encoders_says_how_large_they_are() -> None:
    rows = [json.loads(line) for line in layover("encoders", "--json").out.splitlines()]
    bodies = {row["name"]: row["body"] for row in rows}
    assert bodies["xlm-r-base"] == BODY and bodies["tiny 2x128"] < 1_000_000
    assert "277 M, 85.5 M without the word table" in layover("encoders", "xlm-r-base").out


def test_the_command_prices_a_study_and_says_at_what_rate(tmp_path: Path) -> None:
    file = Path(tiny_study.__file__)
    asked = ("plan", file, "--store", tmp_path)
    plain = layover(*asked).out
    assert "language model" in plain and "hours" in plain
    assert "at the longest" in plain and "4e+13 FLOPs a second (40% of 1e+14, unless" in plain
    assert "hours" not in layover(*asked, "--flops-per-second", "0").out
    assert "the longest sequences that recipes allow" in plain and "after `layover prune`" in plain
    rated = layover(*asked, "--flops-per-second", "1e9", "--tokens", "12").out
    assert "at 12 tokens a sequence and 1e+09 FLOPs a second" in rated
    cost = json.loads(layover(*asked, "--json", "--flops-per-second", "1e9").out)["cost"]
    assert cost["whole"] == cost["todo"] and cost["unknown"] == [] and cost["tokens"] is None
    total = cost["whole"]["total"]
    assert total["hours"] == pytest.approx(total["flops"] / 3.6e12)
    refused = layover(*asked, "--tokens", "-1")
    assert refused.code == 2 and "--tokens" in refused.error
