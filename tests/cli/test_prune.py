"""Pruning frees what is not needed any more, and loses no result."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from stores import (
    TINY,
    Layover,
    altered,
    folder,
    pos,
    redone,
    remove_leaf,
    state,
)

from layover import lease
from layover.stage import closure
from layover.stages import Train, trainings
from layover.store import Store
from layover.study import Study


def models(store: Path) -> set[str]:
    return {path.parts[-4] for path in store.glob("results/*/models/*/model.safetensors")}


def test_pruning_frees_models_and_loses_no_result(
    layover: Layover, store: Path, tiny: Study
) -> None:
    command = ("compare", TINY, "--store", store, "--json")
    told = layover(*command)
    code, out, _ = layover("prune", TINY, "--store", store)
    assert code == 0 and float(out.removeprefix("freed ").partition(" ")[0]) > 0
    assert not any(name.startswith("train-") for name in models(store))
    # How a training went is still known.
    trained = [folder(store, stage) for stage in tiny.stages if isinstance(stage, Train)]
    assert all((place / "log.jsonl").exists() for place in trained)
    assert layover(*command) == told
    before = state(store)
    assert layover("run", TINY, "--store", store)[0] == 0
    assert layover("prune", TINY, "--store", store)[1].startswith("freed 0.0 MB")
    assert state(store) == before


def test_after_pruning_only_what_is_needed_is_trained_again(
    layover: Layover, store: Path, tiny: Study
) -> None:
    leaf = pos(tiny, "nli")
    chain = trainings(leaf.predictions.model)
    scores = (folder(store, leaf) / "scores.json").read_bytes()
    layover("prune", TINY, "--store", store)
    # Predictions are kept, so that scoring them again needs no model.
    shutil.rmtree(folder(store, leaf))
    before = state(store)
    assert layover("run", TINY, "--store", store)[0] == 0
    assert redone(store, before) == {leaf.name}
    remove_leaf(store, leaf)
    before = state(store)
    assert layover("run", TINY, "--store", store)[0] == 0
    assert redone(store, before) == {leaf.name, leaf.predictions.name, *(x.name for x in chain)}
    assert (folder(store, leaf) / "scores.json").read_bytes() == scores


def test_pruning_leaves_what_is_still_needed_and_what_is_kept(
    layover: Layover, store: Path, tiny: Study, tmp_path: Path
) -> None:
    file = altered(
        tmp_path,
        "def study():\n    return dataclasses.replace(tiny_study.study(), keep=('nli',))\n",
    )
    waiting = pos(tiny)
    remove_leaf(store, waiting)
    layover("prune", file, "--store", store)
    kept = {x.name for x in closure(tiny.arm("nli").leaves) if isinstance(x, Train)}
    expected = kept | {trainings(waiting.predictions.model)[-1].name}
    assert {name for name in models(store) if name.startswith("train-")} == expected


def test_pruning_frees_what_killed_runs_left(layover: Layover, store: Path, tiny: Study) -> None:
    layover("prune", TINY, "--store", store)
    left = Store(store).work_folder(tiny.stages[0]) / "scratch" / "checkpoint"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"0" * 10**6)
    drafts = [store / "work" / f".{tiny.stages[0].name}.lease.{'0' * 32}", store / f".x.{'1' * 32}"]
    for draft in drafts:
        draft.write_text(json.dumps({"machine": lease._machine(), "pid": os.getpid(), "born": "1"}))
    before = state(store)
    code, out, _ = layover("prune", TINY, "--store", store)
    assert code == 0 and out.startswith("freed 1.0 MB")
    assert not left.exists() and not any(draft.exists() for draft in drafts)
    assert state(store) == before


def test_pruning_deletes_encoded_data_once_no_result_is_missing(
    layover: Layover, store: Path, tiny: Study
) -> None:
    encoded = store / "features"
    there = set(encoded.iterdir())
    leaf = pos(tiny)
    predictions = folder(store, leaf.predictions) / "predictions.parquet"
    before = predictions.read_bytes()
    remove_leaf(store, leaf)
    layover("prune", TINY, "--store", store)
    assert there and set(encoded.iterdir()) == there
    assert layover("run", TINY, "--store", store)[0] == 0
    layover("prune", TINY, "--store", store)
    assert not any(encoded.iterdir())
    # Encoded again, they are the same.
    remove_leaf(store, leaf)
    assert layover("run", TINY, "--store", store)[0] == 0
    assert predictions.read_bytes() == before
    assert {path.name for path in encoded.iterdir()} < {path.name for path in there}
