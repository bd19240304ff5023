"""The quick study of XLM-R base, and its miniature: what each would train, measure and read."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layover.claims import Claim, gain
from layover.distance import Distance
from layover.encoders import XLMR_BASE, origin
from layover.evidence import check_claims
from layover.executors.execute import plan
from layover.stages import Initial, Predict, Score, Train, trainings
from layover.store import Store
from layover.study import Origin, Study, load
from layover.tasks.mixture import parts_of

STUDY = Path(__file__).parent.parent / "studies" / "quickstart_xlmr.py"


def of(**arguments: Any) -> Study:
    return load(Origin(file=str(STUDY), arguments=tuple(arguments.items())))


def ends(study: Study) -> Iterator[Score]:
    return (leaf for arm in study.arms for leaf in arm.leaves if isinstance(leaf, Score))


@pytest.mark.parametrize("miniature", [False, True])
def test_two_arms_differ_by_one_stop(miniature: bool) -> None:
    study = of(miniature=miniature)
    starts = {type(origin(leaf.predictions.model)) for leaf in ends(study)}
    assert starts == ({Initial} if miniature else {type(XLMR_BASE)})
    counts = {
        arm.name: Counter(len(trainings(leaf.predictions.model)) for leaf in ends(study)
                          if leaf in arm.leaves)
        for arm in study.arms
    }  # fmt: skip
    before = 2 if miniature else 0
    assert counts["direct"] == {before: 3, before + 1: 3}
    assert counts["NLI"] == {before + 1: 3, before + 2: 3}
    assert [each.name for each in study.portraits] == ["direct", "NLI"]


@pytest.mark.parametrize("miniature", [False, True])
def test_its_claims_ask_its_question_of_each_target_and_of_xlm_r_only(miniature: bool) -> None:
    study = of(miniature=miniature)
    check_claims(study)
    each = [claim.contrasts for claim in study.claims if isinstance(claim, Claim)]
    targets = dict.fromkeys(leaf.target for leaf in ends(study))
    questions = [gain("NLI", name, over="direct") for name in targets]
    assert each == [(questions[0],), (questions[1],), tuple(questions)]
    assert [claim.margin for claim in study.claims if isinstance(claim, Claim)] == [0, 0, -1]
    assert {claim.encoders for claim in study.claims} == {(XLMR_BASE.name,)}


def test_the_stop_is_20000_examples_of_mnli() -> None:
    stages = [stage for stage in of(seeds=1).stages if isinstance(stage, Train)]
    labels = sorted(part.label for stage in stages for part in parts_of(stage.data))
    assert labels == ["mnli 20000", "pawsx", "pawsx"]


def test_without_a_lock_the_plan_says_which_commits_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYOVER_LOCK", str(tmp_path / "layover.lock"))
    planned = plan(of(), Store(tmp_path / "store"))
    told = {name for _, names in planned.unresolved for name in names}
    for repository in ("nyu-mll/multi_nli", "google-research-datasets/paws-x", "google/xtreme"):
        assert any(repository in name and "layover lock" in name for name in told)


@pytest.mark.parametrize("miniature", [False, True])
def test_portraits_cost_no_training_and_no_retrieval(miniature: bool) -> None:
    study = of(miniature=miniature)
    without = replace(study, portraits=())
    new = [stage for stage in study.stages if stage.key not in without.by_key]
    heads = {each.data.task.type.head for each in new if isinstance(each, Predict)}
    assert heads == {"lm"} and not any(isinstance(each, Train) for each in new)
    assert sum(isinstance(each, Distance) for each in new) == 3
