"""The studies of size and language ask what they say, in miniature and in full."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from layover.claims import Claim
from layover.cost import price
from layover.factors import factors, phases
from layover.languages import language
from layover.stage import closure
from layover.stages import Score, Train
from layover.study import Origin, Study, load
from layover.tasks.mixture import parts_of

STUDIES = Path(__file__).parent.parent / "studies"
NAMES = ("data_size", "target_language", "model_size")

each_study = pytest.mark.parametrize("name", NAMES)
each_form = pytest.mark.parametrize("miniature", [True, False])


def opened(name: str, **arguments: Any) -> Study:
    return load(Origin(file=str(STUDIES / f"{name}.py"), arguments=tuple(arguments.items())))


def leaves(study: Study) -> list[tuple[str, Score]]:
    return [
        (arm.name, leaf) for arm in study.arms for leaf in arm.leaves if isinstance(leaf, Score)
    ]


@each_form
@each_study
def test_claims_name_what_the_study_measures(name: str, miniature: bool) -> None:
    study = opened(name, miniature=miniature, seeds=2)
    cells: dict[tuple[str, str], set[str]] = {}
    for arm, leaf in leaves(study):
        cells.setdefault((arm, leaf.target), set()).update(leaf.predictions.data.languages)
    assert study.claims
    for claim in study.claims:
        assert isinstance(claim, Claim)
        for contrast in claim.contrasts:
            for _, one in contrast.terms:
                assert isinstance(one.arm, str)
                assert set(one.languages) <= cells[one.arm, one.target]


@each_form
@each_study
def test_no_claim_rests_on_a_target_whose_task_is_taught_in_other_languages(
    name: str, miniature: bool
) -> None:
    study = opened(name, miniature=miniature, seeds=1)
    taught = {
        (arm, leaf.target)
        for arm, leaf in leaves(study)
        if set(factors(leaf).languages) - {study.source}
        and {part.task.name for one in phases(leaf).target for part in parts_of(one.data)}
        & set(factors(leaf).intermediate)
    }
    # Such targets are measured all the same.
    assert bool(taught) == (name == "target_language" or (name == "model_size" and not miniature))
    for claim in study.claims:
        assert isinstance(claim, Claim)
        cells = {(one.arm, one.target) for each in claim.contrasts for _, one in each.terms}
        assert cells and not cells & taught


@pytest.mark.parametrize("name", (*NAMES, "deployment_cost", "quickstart_xlmr", "phang2020"))
def test_miniatures_have_names_of_their_own(name: str) -> None:
    names = [opened(name, miniature=miniature, seeds=1).name for miniature in (False, True)]
    assert names == [name, f"{name}-miniature"]


@pytest.mark.parametrize("name", (*NAMES, "deployment_cost", "quickstart_xlmr", "phang2020"))
def test_published_encoders_are_trained_on_a_gpu(name: str) -> None:
    study = opened(name, seeds=1)
    assert {one.resources.gpus for one in study.stages if isinstance(one, Train)} == {1}


@each_form
@pytest.mark.parametrize("name", ("data_size", "target_language", "quickstart_xlmr", "phang2020"))
def test_portraits_are_of_checkpoints_that_the_arms_train(name: str, miniature: bool) -> None:
    study = opened(name, miniature=miniature, seeds=2)
    trained = {
        stage.key
        for stage in closure(tuple(leaf for arm in study.arms for leaf in arm.leaves))
        if isinstance(stage, Train)
    }
    every = {stage.key for stage in study.stages if isinstance(stage, Train)}
    assert every == trained
    assert study.baseline in [each.name for each in study.portraits]
    for each in study.portraits:
        kinds = [type(leaf).__name__ for leaf in each.leaves]
        moved = [] if each.name == study.baseline else ["Distance"]
        assert kinds == ["Score", "Score", *moved] * 2
        study.arm(each.name)


def test_targets_of_published_encoders_are_trained_and_read_alike_in_every_study() -> None:
    found: dict[str, set[Any]] = {}
    for name in (*NAMES, "deployment_cost"):
        for _, leaf in leaves(opened(name, seeds=1)):
            for training in phases(leaf).target:
                read = (training.recipe, leaf.predictions.max_length, leaf.predictions.precision)
                found.setdefault(leaf.target.partition(",")[0], set()).add(read)
    assert set(found) == {"xnli", "udpos", "panx", "xquad", "tydiqa"}
    assert all(len(each) == 1 for each in found.values())
    ((recipe, length, _),) = found["xquad"]
    assert recipe.max_length == length == 384


@each_form
@each_study
def test_their_price_is_known_but_for_what_no_one_published(name: str, miniature: bool) -> None:
    study = opened(name, miniature=miniature, seeds=1)
    found = price(study, study.stages)
    assert found.total.flops > 0
    if miniature:
        assert found.unknown == ()
    assert not any(told.startswith("weights") for told in found.unknown)


@each_study
def test_languages_beside_english_are_allowed_by_name(name: str) -> None:
    study = opened(name, miniature=True, seeds=1)
    taught = {
        f"{task} in {code}"
        for _, leaf in leaves(study)
        for task in factors(leaf).intermediate
        for code in factors(leaf).languages
        if code != study.source
    }
    assert taught and taught <= set(study.allow)


def sizes(study: Study, kind: str) -> list[int | None]:
    named = {arm: factors(leaf).examples for arm, leaf in leaves(study)}
    return [size for arm, size in named.items() if arm.startswith(kind)]


def test_data_double_and_are_as_many_in_other_languages_as_in_english() -> None:
    for miniature in (True, False):
        study = opened("data_size", miniature=miniature, seeds=1)
        taught = language(study.source).name
        english, others = sizes(study, taught), sizes(study, "others")
        assert english == others and len(english) >= 5
        assert all(b == 2 * (a or 0) for a, b in itertools.pairwise(english))


def test_equal_steps_and_equal_epochs_are_two_studies() -> None:
    for equal, units in (("steps", {"steps"}), ("epochs", {"epochs"})):
        study = opened("data_size", miniature=True, seeds=1, equal=equal)
        found = [
            stage.recipe.duration
            for stage in study.stages
            if isinstance(stage, Train) and stage.data.label.startswith("supertags")
        ]
        assert {duration.unit for duration in found} == units and len(set(found)) == 1


def test_every_encoder_is_compared_with_itself() -> None:
    for miniature, count in ((True, 5), (False, 4)):
        study = opened("model_size", miniature=miniature, seeds=1)
        encoders: dict[str, set[str]] = {}
        for _, leaf in leaves(study):
            encoders.setdefault(leaf.target, set()).add(factors(leaf).encoder)
        assert all(len(found) == 1 for found in encoders.values())
        assert len(set.union(*encoders.values())) == count


def test_english_and_other_languages_have_the_same_examples_in_all() -> None:
    study = opened("target_language", miniature=True, seeds=1)
    named = {arm: factors(leaf) for arm, leaf in leaves(study)}
    taught = language(study.source).name
    together = named[f"multi-task, {taught}"]
    assert named["one task, others"].examples == named[f"one task, {taught}"].examples
    assert named["multi-task, others"].examples == together.examples
    assert named["multi-task, others, more"].examples == 4 * (together.examples or 0)
