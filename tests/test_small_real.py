"""The study on real text, with one seed and a twentieth of its training: everything is measured."""

import json
from pathlib import Path

import pytest

from layover.executors.execute import execute, plan
from layover.executors.process import Process
from layover.measured import measurements
from layover.stages import Score
from layover.store import Store
from layover.study import Origin, load
from layover.xtreme.benchmarks import XTREME
from layover.xtreme.score import score
from layover.xtreme.submission import write_submission

pytestmark = [pytest.mark.real, pytest.mark.long]
STUDY = Path(__file__).parent.parent / "studies" / "small_real.py"


def test_a_small_real_study_runs_to_the_end(real_data: Path, tmp_path: Path) -> None:
    origin = Origin(file=str(STUDY), arguments=(("seeds", 1), ("share", 0.05)))
    study, store = load(origin), Store(tmp_path)
    assert all(not names for _, names in plan(study, store).unresolved)
    executor = Process(store, origin, 2, 1, lambda event: None)
    try:
        outcome = execute(plan(study, store), executor)
    finally:
        executor.close()
    assert [str(error) for _, error in outcome.failed] == []

    assert len(measurements(study, store)) == 6 * 4
    for leaf in study.leaves:
        told = json.loads((store.result(leaf) / "scores.json").read_text("utf-8"))
        assert all(
            score["score"] is not None and score["n"] > 0 for score in told["scores"].values()
        )

    out = tmp_path / "out"
    write_submission(study, store, "direct", XTREME, out)
    found = score(XTREME, out / "predictions", out / "labels", partial=True)
    values = {task.entry.task: task.values for task in found.tasks}
    assert values.keys() == {"udpos", "panx", "tatoeba"}
    for leaf in study.arm("direct").leaves:
        assert isinstance(leaf, Score)
        told = json.loads((store.result(leaf) / "scores.json").read_text("utf-8"))["scores"]
        mine = values[leaf.predictions.data.task.name][leaf.metric.name]
        assert all(mine[code] == one["score"] for code, one in told.items())
