"""From a store's logs to training curves: what is of different kinds is kept apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from layover.encoders import Folder
from layover.measured import Measurement
from layover.metrics.accuracy import ACCURACY
from layover.recipe import Check, Recipe, Selection, steps
from layover.results import _curves, _unlabelled
from layover.stages import Train
from layover.tasks.mixture import Mixture
from layover.tasks.mlm import MLM
from layover.tasks.panx import PANX
from layover.tasks.task import Data
from layover.tasks.xnli import XNLI

NLI, NER, TEXT = (Data(task=task, split="train", languages=("eng",)) for task in (XNLI, PANX, MLM))
LOG: list[dict[str, Any]] = [
    {"step": 1, "task": "xnli", "loss": 1.1, "rate": 0.1},
    {"step": 1, "task": "mlm", "loss": 9.0, "rate": 0.1},
    {"step": 2, "task": "xnli", "data": "xnli dev (eng)", "dev": 40.0, "metric": "accuracy@1"},
    {"step": 2, "task": "xnli", "data": "xnli dev (deu)", "dev": 30.0, "metric": "accuracy@1"},
    {"step": 2, "task": "panx", "data": "panx dev (eng)", "dev": 5.0, "metric": "span F1@1"},
    {"step": 2, "aggregate": "mean", "dev": 25.0},
    {"step": 3, "task": "panx", "loss": 2.0, "rate": 0.1},
    {"step": 4, "task": "xnli", "data": "xnli dev (eng)", "dev": 41.0, "metric": "accuracy@1"},
]


def test_losses_and_scores_of_different_tasks_are_curves_of_their_own(tmp_path: Path) -> None:
    class Logged:
        def result_folder(self, stage: object) -> Path:
            return tmp_path

    lines = "".join(json.dumps(entry) + "\n" for entry in LOG)
    (tmp_path / "log.jsonl").write_text(lines, encoding="utf-8")
    stage = Train(
        start=Folder(path="encoder"),
        data=Mixture(parts=(NLI, NER), beside=TEXT, ratio=0.2),
        recipe=Recipe(duration=steps(4), learning_rate=0.1),
        seed=0,
        selection=Selection(checks=(Check(data=NLI, metric=ACCURACY),), every=2),
    )
    store: Any = Logged()
    nli, ner, text = _curves("multi-task", stage, store)
    assert nli.phase == "xnli, of xnli+panx+mlm"
    assert (nli.loss, nli.dev, nli.metric) == (((1, 1.1),), ((2, 40.0), (4, 41.0)), "accuracy@1")
    assert (ner.loss, ner.dev, ner.metric) == (((3, 2.0),), ((2, 5.0),), "span F1@1")
    assert (text.loss, text.dev, text.metric) == (((1, 9.0),), (), "")


def test_languages_without_labels_are_named_beside_the_mean_that_lacks_them() -> None:
    known, unknown = np.ones((2, 2)), np.full((2, 2), np.nan)

    def measured(target: str, **statistics: Any) -> Measurement:
        words = dict.fromkeys(("arm", "metric", "model_key", "data_key", "variant"), "")
        return Measurement(
            **words, target=target, seed=1, chance=0, clusters=(), statistics=statistics, curve=()
        )

    found = (
        measured("POS", nld=known, deu=unknown, est=unknown),
        measured("POS", nld=known, deu=unknown, est=known),
        measured("NER", nld=known),
    )
    assert _unlabelled("POS", found) == "POS: deu without labels; measured in 2 of 3 languages."
    assert _unlabelled("NER", found) == ""
