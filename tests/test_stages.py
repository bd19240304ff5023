"""What does not fit together is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from layover.errors import StudyError
from layover.metrics.accuracy import ACCURACY
from layover.metrics.mining import PAIR_F1
from layover.recipe import Check, Recipe
from layover.stage import Resources
from layover.stages import Initial, Predict, Score, Train, evaluate, leaves
from layover.study import Study
from layover.tasks.target import Target
from layover.tasks.types.tagging import Tagging


def leaf_of(study: Study, target: str) -> Score:
    found = [leaf for leaf in study.leaves if isinstance(leaf, Score) and leaf.target == target]
    return found[0]


def target_of(leaf: Score) -> Target:
    model = leaf.predictions.model
    assert isinstance(model, Train)
    return Target(
        name=leaf.target,
        train=(),
        test=leaf.predictions.data,
        dev=leaf.choose.data if leaf.choose else None,
        metric=leaf.metric,
    )


def test_a_metric_of_other_predictions_is_refused(tiny: Study) -> None:
    leaf = leaf_of(tiny, "POS")
    message = "pair F1 compares predictions of the kind 'pairs', and those of pos are .* 'tags'"
    with pytest.raises(StudyError, match=message):
        evaluate(leaf.predictions.model, replace(target_of(leaf), metric=PAIR_F1))
    with pytest.raises(StudyError, match=message):
        Check(data=leaf.predictions.data, metric=PAIR_F1)


def test_a_metric_that_is_not_defined_in_a_language_is_refused(tiny: Study) -> None:
    leaf = leaf_of(tiny, "POS")
    model, data = leaf.predictions.model, leaf.predictions.data
    first, *others = data.languages
    target = replace(target_of(leaf), metric=replace(leaf.metric, languages=(first,)))
    message = rf"is defined for {first}, not for {', '.join(sorted(others))}: give the task another"
    with pytest.raises(StudyError, match=message):
        evaluate(model, target)
    with pytest.raises(StudyError, match=message):
        Check(data=data, metric=target.metric)
    target = replace(target, test=replace(data, languages=(first,)))
    assert evaluate(model, target)
    with pytest.raises(StudyError, match=message):
        evaluate(model, replace(target, dev=data))


def test_a_prediction_needs_a_model_that_was_trained_with_its_head(tiny: Study) -> None:
    tagged, ranked = leaf_of(tiny, "POS"), leaf_of(tiny, "ranking")
    with pytest.raises(StudyError, match=r"ranking is predicted by a dual head, .* trains token"):
        Predict(model=tagged.predictions.model, data=ranked.predictions.data)
    # Without a head of its own, any model will do.
    Predict(model=tagged.predictions.model, data=leaf_of(tiny, "retrieval").predictions.data)


def test_seeds_that_share_a_model_are_told_apart(tiny: Study) -> None:
    leaf = leaf_of(tiny, "retrieval")
    target = target_of(leaf)
    model = leaf.predictions.model
    recipe = next(stage.recipe for stage in tiny.stages if isinstance(stage, Train))
    found = leaves(model, targets=(target,), recipe=recipe, seeds=(3, 4))
    assert [one.seed for one in found] == [3, 4]
    assert len({one.key for one in found}) == 1, "it is measured once"


def test_a_start_without_training_predicts_what_it_can(tiny: Study) -> None:
    start = next(stage for stage in tiny.stages if isinstance(stage, Initial))
    target = replace(target_of(leaf_of(tiny, "retrieval")), metric=ACCURACY)
    (leaf,) = evaluate(start, target)
    assert leaf.predictions.model is start


def test_a_prediction_needs_a_model_that_knows_its_labels(tiny: Study) -> None:
    leaf = leaf_of(tiny, "POS")
    kind = leaf.predictions.data.task.type
    others = replace(leaf.predictions.data.task, name="other tags", type=Tagging(labels=("A", "B")))
    data = replace(leaf.predictions.data, task=others)
    with pytest.raises(StudyError, match=r"other tags .*has the labels A, B, and .* has ADJ, "):
        Predict(model=leaf.predictions.model, data=data)
    fewer = replace(others, type=Tagging(labels=kind.labels[:2]))
    Predict(model=leaf.predictions.model, data=replace(data, task=fewer))


def test_what_is_asked_for_reaches_trainings_and_predictions(tiny: Study) -> None:
    leaf = leaf_of(tiny, "retrieval")
    model, target = leaf.predictions.model, target_of(leaf)
    assert isinstance(model, Train) and target.dev
    given: dict[str, Any] = {"targets": (target,), "recipe": model.recipe, "seeds": (1,)}
    (plain,) = leaves(model, model.data, **given)
    asked = Resources(threads=3, gpus=2)
    (one,) = leaves(model, model.data, **given, resources=asked, precision="bfloat16")
    assert one.choose and one.predictions.model.resources == asked  # type: ignore[union-attr]
    for predictions in (one.predictions, one.choose):
        assert predictions.precision == "bfloat16"
        assert predictions.resources == Resources(threads=3)
    assert one.key != plain.key
    (threaded,) = leaves(model, model.data, **given, resources=Resources(threads=3))
    assert threaded.key == plain.key


def test_texts_are_read_as_far_as_their_target_is_trained_and_128_tokens_at_least(
    tiny: Study,
) -> None:
    leaf = leaf_of(tiny, "POS")
    model = leaf.predictions.model
    assert isinstance(model, Train)

    def lengths(target: Target, recipe: Recipe, **given: int) -> set[int]:
        found = leaves(model.start, targets=(target,), recipe=recipe, seeds=(1,), **given)
        return {score.predictions.max_length for score in found}

    target = replace(target_of(leaf), train=(leaf.predictions.data,))
    short, long, longer = (replace(model.recipe, max_length=n) for n in (24, 256, 384))
    assert lengths(target, short) == {128}
    assert lengths(target, long) == {256}
    assert lengths(replace(target, recipe=longer), long) == {384}
    assert lengths(target, long, max_length=64) == {64}
    (score,) = evaluate(model, replace(target, recipe=longer))
    assert score.predictions.max_length == 384
