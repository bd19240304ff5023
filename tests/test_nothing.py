"""The study of nothing: its arms are the same treatment, with other random numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from layover.stages import Score, Train
from layover.study import Origin, Study, load

FILE = Path(__file__).parent.parent / "studies" / "nothing.py"


def nothing(**arguments: int) -> Study:
    return load(Origin(file=str(FILE), arguments=tuple(arguments.items())))


def treatment(leaf: Any) -> Score:
    """A leaf without its random numbers."""
    assert isinstance(leaf, Score) and isinstance(leaf.predictions.model, Train)
    model = leaf.predictions.model
    data: Any = model.data
    same = replace(model, seed=0, data=replace(data, subset=replace(data.subset, seed=0)))
    return replace(leaf, predictions=replace(leaf.predictions, model=same))


def test_arms_differ_in_their_random_numbers_alone() -> None:
    study = nothing(seeds=2, arms=3)
    baseline, *others = ([treatment(leaf) for leaf in arm.leaves] for arm in study.arms)
    assert len(others) == 3 and all(other == baseline for other in others)
    keys = [leaf.key for arm in study.arms for leaf in arm.leaves]
    assert len(set(keys)) == len(keys) == 2 * 4 * 3
