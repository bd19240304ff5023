"""Every contender runs at toy size, and ours computes what its peers compute."""

from __future__ import annotations

import pytest
from benchmarks.show import Row

from benchmarks import data, equality, evaluate, finetune, mlm

pytest.importorskip("accelerate", reason="the bench extra is not installed")
pytestmark = pytest.mark.long


def whole(rows: list[Row]) -> None:
    assert rows[-1].contender == "Layover"
    assert all(row.rate > 0 and row.low <= row.ratio <= row.high for row in rows)


def test_losses_and_logits_are_equal_to_the_peers() -> None:
    found = equality.check(small=True)
    assert len(found) == 5
    assert all(each.holds for each in found), found
    curve = found[-1]
    assert curve.theirs[0] == pytest.approx(curve.mine[0], abs=0.05)


def test_every_training_contender_runs_and_writes_a_checkpoint() -> None:
    rows = list(finetune.all_rows(2, small=True))
    whole(rows)
    assert [row.contender for row in rows] == ["Trainer", "Trainer, tuned", "Layover"]
    assert all(row.checkpoint and row.growth for row in rows)


def test_every_contender_in_evaluation_runs() -> None:
    whole(evaluate.run(2, small=True))


def test_every_contender_in_masked_language_modelling_runs() -> None:
    whole(mlm.run(2, small=True))


def test_every_reader_of_data_runs() -> None:
    whole(data.run(2, small=True))
