"""Every contender runs at toy size, and ours computes what its peers compute."""

from __future__ import annotations

from types import ModuleType

import pytest
from benchmarks.show import Row

from benchmarks import data, equality, evaluate, finetune, mining, mlm

pytest.importorskip("sentence_transformers", reason="the bench extra is not installed")
pytestmark = pytest.mark.long


def whole(rows: list[Row]) -> None:
    assert rows
    assert all(row.rate > 0 and row.low <= row.ratio <= row.high for row in rows)


def test_everything_compared_is_equal_to_the_peers() -> None:
    found = equality.check(small=True)
    assert all(each.holds for each in found), [each for each in found if not each.holds]
    assert len(found) == 13


def test_every_training_contender_runs_and_writes_a_checkpoint() -> None:
    rows = [duel.run() for duel in finetune.headline(2, small=True)]
    whole(rows)
    assert [row.contender for row in rows] == ["Trainer", "Trainer, tuned"]
    assert all(row.checkpoint and row.our_checkpoint and row.growth for row in rows)


def test_every_contender_in_evaluation_runs() -> None:
    rows = [duel.run() for duel in evaluate.duels(2, small=True)]
    whole(rows)
    assert all("the fastest" in row.note for row in rows if "best batch" in row.contender)


@pytest.mark.parametrize("module", [mlm, data, mining])
def test_every_other_contender_runs(module: ModuleType) -> None:
    whole([duel.run() for duel in module.duels(2, small=True)])
