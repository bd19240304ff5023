"""The study of the paper is planned without its data, makes fourteen claims about arms and targets
that it has, and its miniature decides none that is about XLM-R Large."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from layover import coverage
from layover.claims import Best, Claim, Contrast
from layover.metrics.squad import SQUAD_BOTH
from layover.stages import Score, Train
from layover.study import Origin, Study, load
from made_rows import verdicts

FILE = Path(__file__).parent.parent / "studies" / "phang2020.py"


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAYOVER_DATA", str(tmp_path))


def opened(miniature: bool) -> Study:
    arguments = (("miniature", miniature), ("seeds", 2))
    return load(Origin(file=str(FILE), arguments=arguments))


def named(study: Study) -> Iterator[tuple[str, str]]:
    """(arm, target) of all that the claims speak of; published figures are no arm."""
    contrasts: list[Contrast] = [
        one
        for claim in study.claims
        for one in (*(claim.contrasts if isinstance(claim, Claim) else ()), *claim.beside)
    ]
    for contrast in contrasts:
        for _, leaf in contrast.terms:
            if isinstance(leaf.arm, str):
                yield leaf.arm, leaf.target
            elif isinstance(leaf.arm, Best):
                yield from ((name, leaf.target) for name in leaf.arm.arms)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("miniature", [False, True])
def test_its_claims_speak_of_arms_and_targets_that_it_has(miniature: bool) -> None:
    study = opened(miniature)
    has = {
        (arm.name, leaf.target)
        for arm in study.arms
        for leaf in arm.leaves
        if isinstance(leaf, Score)
    }
    assert set(named(study)) <= has
    numbers = {
        int(found) for one in study.claims for found in re.findall(r"claim (\d+)", one.source)
    }
    assert numbers == set(range(1, 15))


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("miniature", [False, True])
def test_what_the_paper_has_as_no_worse_or_no_gain_is_tested_against_a_point_that_is_told(
    miniature: bool,
) -> None:
    claims = [one for one in opened(miniature).claims if isinstance(one, Claim)]
    allowed = {one.source.partition("claim ")[2]: one.text for one in claims if one.margin == -1}
    assert list(allowed) == ["2, second half", "4, second half", "6 (i)", "6 (ii)"]
    assert all("than a point" in text for text in allowed.values())
    assert {one.margin for one in claims} == {0.0, -1.0}


@pytest.mark.usefixtures("nowhere")
def test_the_study_in_full_covers_what_the_paper_says() -> None:
    study = opened(False)
    counted = {one.claim.source: one.verdict for one in verdicts((), *study.claims, within=study)}
    words = [word for source, word in counted.items() if re.search(r"claim ([7-9]|1\d)", source)]
    assert words == ["supported"] * 9
    assert set(counted.values()) == {"supported", "not tested"}
    assert len(coverage.targets(study).found) == 9
    assert len(coverage.languages(study).found) == 40


@pytest.mark.usefixtures("nowhere")
def test_trainings_are_as_the_guide_to_the_paper_has_them() -> None:
    study = opened(False)
    stages = [stage for stage in study.stages if isinstance(stage, Train)]
    assert {(s.recipe.learning_rate, s.recipe.weight_decay, s.recipe.warmup) for s in stages} == {
        (1e-5, 0.01, 0.1)
    }
    panx = next(s for s in stages if s.data.label == "panx")
    assert (panx.recipe.batch, panx.recipe.duration.amount, panx.recipe.max_length) == (32, 10, 256)
    assert panx.selection is not None
    assert (panx.selection.every, panx.selection.patience) == (1_000, 30)
    leaf = next(x for x in study.leaves if isinstance(x, Score) and x.target == "tydiqa")
    assert leaf.metric == SQUAD_BOTH
    assert isinstance(leaf.predictions.model, Train) and leaf.predictions.model.selection is None


@pytest.mark.usefixtures("nowhere")
def test_the_miniature_never_speaks_for_xlm_r_large() -> None:
    study = opened(True)
    assert {one.encoders for one in study.claims} == {("xlm-r-large",)}
    found = verdicts((), *study.claims, within=study)
    assert {one.verdict for one in found} == {"not tested"}
