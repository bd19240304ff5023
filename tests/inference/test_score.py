"""What is chosen on a dev set is carried to the test, or refused where that has no such thing."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layover.encoders import Folder
from layover.errors import DataError
from layover.inference.rows import Rows, write
from layover.measured import measurements
from layover.metrics.mining import PAIR_F1
from layover.results import report
from layover.stage import Stage
from layover.stages import Predict, Score
from layover.study import Arm, Study
from layover.tasks.bucc import BUCC
from layover.tasks.task import Data
from toys import Toy

TEST, DEV = (
    Predict(model=Folder(path="any"), data=Data(task=BUCC, split=split, languages=languages))
    for split, languages in (("test", ("deu", "fra", "rus")), ("dev", ("deu",)))
)
LEAF = Score(predictions=TEST, metric=PAIR_F1, choose=DEV, target="BUCC")


@dataclass(kw_only=True)
class Written(Toy):
    """A context in which predictions are complete."""

    places: dict[Stage, Path]

    def result(self, stage: Stage) -> Path:
        return self.places[stage]


def rows(variant: str, *lines: tuple[str, float, bool | None]) -> Rows:
    """(language, score, right or not or withheld) of each line."""
    names = [f"{language}-{number}" for number, (language, _, _) in enumerate(lines)]
    return Rows(
        example_id=names,
        cluster_id=names,
        language=[language for language, _, _ in lines],
        variant=[variant] * len(lines),
        prediction=[["t"] for _ in lines],
        target=[None if right is None else ["t"] if right else [] for *_, right in lines],
        score=[score for _, score, _ in lines],
    )


def scored(folder: Path, test: Rows, dev: Rows) -> dict[str, Any]:
    """What `Score` writes to scores.json."""
    places: dict[Stage, Path] = {TEST: folder / "test", DEV: folder / "dev"}
    for place, found in zip(places.values(), (test, dev), strict=True):
        place.mkdir()
        write(found, place / "predictions.parquet")
    LEAF.run(Written(folder=folder, places=places))
    told: dict[str, Any] = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return told


FOUND = rows(
    "layer 7",
    *(("deu", 1.5, True), ("deu", 1.1, False)),
    *(("fra", 1.5, True), ("fra", 1.1, False)),
    *(("rus", 1.5, None), ("rus", 1.1, None)),
)
CHOSEN = rows("layer 7", ("deu", 1.4, True), ("deu", 1.2, False))


def test_a_language_without_dev_has_the_threshold_of_all(tmp_path: Path) -> None:
    told = scored(tmp_path, FOUND, CHOSEN)
    assert told["thresholds"] == pytest.approx({"deu": 1.3, "": 1.3})
    assert told["scores"] == {
        "deu": {"score": 100.0, "n": 2},
        "fra": {"score": 100.0, "n": 2},
        "rus": {"score": None, "n": 0},
    }


class Full:
    """A store that holds the one result."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def complete(self, stage: Stage) -> bool:
        return stage == LEAF

    def result(self, stage: Stage) -> Path:
        return self.folder

    def record(self, stage: Stage) -> None:
        return None


def test_what_was_not_measured_is_not_a_number_in_the_report(tmp_path: Path) -> None:
    scored(tmp_path, FOUND, CHOSEN)
    study = Study(name="toy", question="?", arms=(Arm(name="arm", leaves=(LEAF,)),), baseline="arm")
    store: Any = Full(tmp_path)
    (found,) = measurements(study, store)
    assert np.isnan(found.statistics["rus"]).all() and math.isnan(found.chance)
    (cell,) = report(study, store).scores
    assert cell.estimates.languages["deu"].estimate == 100
    assert math.isnan(cell.estimates.languages["rus"].estimate)
    assert cell.estimates.mean.estimate == 100


def test_a_layer_that_the_test_does_not_have_is_refused(tmp_path: Path) -> None:
    other = replace(CHOSEN, variant=["layer 3"] * 2)
    with pytest.raises(
        DataError, match="layer 3 is the best on the dev set, and the test has only"
    ):
        scored(tmp_path, FOUND, other)


def test_a_dev_set_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"threshold is chosen have no labels: give the target a"):
        scored(tmp_path, FOUND, rows("layer 7", ("deu", 1.4, None)))
