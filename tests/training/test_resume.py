"""A training that is interrupted ends in the same bits as one that is not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from layover.encoders import Folder
from layover.errors import TrainingError
from layover.recipe import steps
from layover.stages import Train
from layover.store import digest, read_json, write_json
from layover.training import checkpoint
from layover.training.loop import Selector
from toys import SENTENCES, Killed, Toy, killer, memory
from trainable import (
    BOTH,
    CLASSES,
    EACH,
    RECIPE,
    SELECTION,
    TEXTS,
    TWO,
    eager,
    entries,
    make_loop,
    models,
    same,
    snapshot,
)

LANGUAGES = replace(
    TEXTS,
    task=replace(
        TEXTS.task,
        source=memory(eng=[{"text": text} for text in SENTENCES], deu=[{"text": SENTENCES[0]}]),
    ),
    languages=("eng", "deu"),
    exponent=0.3,
)
STAGES: dict[str, dict[str, Any]] = {
    "one task": {"data": CLASSES},
    "tags and text": {"data": BOTH},
    "several tasks in a step": {"data": EACH},
    "languages by size": {"data": LANGUAGES},
    "with a selection": {"data": CLASSES, "selection": SELECTION},
    "with two checks": {"data": EACH, "selection": TWO},
}


def stage(folder: Path, name: str) -> Train:
    return Train(start=Folder(path=str(folder)), recipe=RECIPE, seed=3, **STAGES[name])


def run(stage: Train, folder: Path, watch: Callable[[int], None] = lambda step: None) -> Toy:
    folder.mkdir(exist_ok=True)
    # Whatever was drawn before in this process must not matter.
    torch.rand(len(str(folder)))
    context = Toy(folder=folder, watch=watch)
    stage.run(context)
    return context


@pytest.fixture(name="eager")
def each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    eager(monkeypatch)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("at", [1, 4, 8])
def test_a_training_that_was_killed_ends_in_the_same_bits(
    noisy: Path, tmp_path: Path, name: str, at: int
) -> None:
    undisturbed = run(stage(noisy, name), tmp_path / "undisturbed")
    with pytest.raises(Killed):
        run(stage(noisy, name), tmp_path / "killed", killer(at))
    assert not (tmp_path / "killed" / "models").exists()
    resumed = run(stage(noisy, name), tmp_path / "killed")
    assert (f"goes on at step {at - 1} of 8" in resumed.said) == (at > 1)
    expected = models(tmp_path / "undisturbed")
    assert len(expected) > 30
    assert same(expected, models(tmp_path / "killed"))
    assert entries(resumed) == entries(undisturbed)


@pytest.mark.usefixtures("eager")
def test_a_training_may_be_killed_many_times(noisy: Path, tmp_path: Path) -> None:
    run(stage(noisy, "tags and text"), tmp_path / "undisturbed")
    for at in (2, 3, 3, 6, 8):
        with pytest.raises(Killed):
            run(stage(noisy, "tags and text"), tmp_path / "killed", killer(at))
    run(stage(noisy, "tags and text"), tmp_path / "killed")
    assert same(models(tmp_path / "undisturbed"), models(tmp_path / "killed"))


@pytest.mark.usefixtures("eager")
def test_a_kill_between_two_checkpoints_leaves_the_newer_one(noisy: Path, tmp_path: Path) -> None:
    run(stage(noisy, "one task"), tmp_path / "undisturbed")
    with pytest.raises(Killed):
        run(stage(noisy, "one task"), tmp_path / "killed", killer(5))
    scratch = tmp_path / "killed" / "scratch"
    (scratch / "checkpoint").rename(scratch / "checkpoint.new")
    resumed = run(stage(noisy, "one task"), tmp_path / "killed")
    assert "goes on at step 4 of 8" in resumed.said
    assert same(models(tmp_path / "undisturbed"), models(tmp_path / "killed"))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
def test_a_kill_while_the_older_checkpoint_is_deleted_loses_nothing(
    noisy: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(Killed):
        run(stage(noisy, "one task"), tmp_path / "killed", killer(5))
    scratch = tmp_path / "killed" / "scratch"
    shutil.copytree(scratch / "checkpoint", scratch / "checkpoint.new")
    (scratch / "checkpoint" / name).unlink()
    resumed = run(stage(noisy, "one task"), tmp_path / "killed")
    assert "goes on at step 4 of 8" in resumed.said


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("tensors.safetensors", truncate, "is damaged: this stage starts over"),
        ("tensors.safetensors", flip, "is damaged: this stage starts over"),
        ("tensors.safetensors", Path.unlink, "cannot be read .*: this stage starts over"),
        ("state.json", truncate, "cannot be read .*: this stage starts over"),
    ],
)
def test_a_damaged_checkpoint_is_said_and_the_stage_starts_over(
    noisy: Path, tmp_path: Path, name: str, damage: Callable[[Path], None], said: str
) -> None:
    run(stage(noisy, "one task"), tmp_path / "undisturbed")
    with pytest.raises(Killed):
        run(stage(noisy, "one task"), tmp_path / "killed", killer(5))
    damage(tmp_path / "killed/scratch/checkpoint" / name)
    resumed = run(stage(noisy, "one task"), tmp_path / "killed")
    (told,) = (line for line in resumed.said if "checkpoint" in line)
    assert re.search(said, told)
    assert not any("goes on" in line for line in resumed.said)
    assert same(models(tmp_path / "undisturbed"), models(tmp_path / "killed"))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("shape", [True, False], ids=["of another shape", "of other rows"])
def test_a_checkpoint_of_other_rows_of_the_word_table_is_said_and_the_stage_starts_over(
    noisy: Path, tmp_path: Path, shape: bool
) -> None:
    run(stage(noisy, "one task"), tmp_path / "undisturbed")
    with pytest.raises(Killed):
        run(stage(noisy, "one task"), tmp_path / "killed", killer(5))
    place = tmp_path / "killed/scratch/checkpoint"
    state = read_json(place / "state.json")
    if shape:
        tensors = load_file(place / "tensors.safetensors")
        (table,) = (name for name in tensors if re.search(r"^weights.*word_embeddings", name))
        tensors[table] = tensors[table][:-1].clone()
        save_file(tensors, place / "tensors.safetensors")
        state["sha256"] = digest(place / "tensors.safetensors")
    else:
        state["rows"] = "of others"
    write_json(place / "state.json", state)
    resumed = run(stage(noisy, "one task"), tmp_path / "killed")
    assert f"the checkpoint in {place} is of other weights: this stage starts over" in resumed.said
    assert not any("goes on" in line for line in resumed.said)
    assert same(models(tmp_path / "undisturbed"), models(tmp_path / "killed"))


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("damage", "what"), [(flip, "damaged"), (Path.unlink, "gone")])
def test_damaged_best_weights_are_said_and_the_stage_starts_over(
    noisy: Path, tmp_path: Path, damage: Callable[[Path], None], what: str
) -> None:
    run(stage(noisy, "with a selection"), tmp_path / "undisturbed")
    with pytest.raises(Killed):
        run(stage(noisy, "with a selection"), tmp_path / "killed", killer(7))
    (best,) = (tmp_path / "killed/scratch").glob("best-*.safetensors")
    damage(best)
    resumed = run(stage(noisy, "with a selection"), tmp_path / "killed")
    assert f"the best weights in {best} are {what}: this stage starts over" in resumed.said
    assert not any("goes on" in line for line in resumed.said)
    assert same(models(tmp_path / "undisturbed"), models(tmp_path / "killed"))


@pytest.mark.usefixtures("eager")
def test_best_weights_that_are_damaged_while_training_goes_on_are_not_published(
    noisy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "spoilt"

    def spoil(step: int) -> None:
        if step == 9:
            for best in folder.glob("scratch/best-*.safetensors"):
                flip(best)

    once = replace(SELECTION, every=4)
    with pytest.raises(TrainingError, match="are damaged: run again, and this stage starts over"):
        run(
            replace(
                stage(noisy, "one task"), selection=once, recipe=replace(RECIPE, duration=steps(9))
            ),
            folder,
            spoil,
        )
    assert not (folder / "models").exists()


@pytest.mark.usefixtures("eager")
def test_a_kill_between_new_best_weights_and_their_checkpoint_loses_nothing(
    noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(folder: Path) -> tuple[Toy, dict[str, Tensor]]:
        """Each measurement is better than the one before."""
        folder.mkdir(exist_ok=True)
        context = Toy(folder=folder)
        loop = make_loop(noisy, CLASSES, RECIPE, context, seed=3)
        loop.run(Selector(selection=SELECTION, measure=lambda heads: [float(loop.position.step)]))
        return context, snapshot(loop.heads)

    save_best = checkpoint.save_best

    def torn(scratch: Path, step: int, weights: dict[str, Tensor]) -> str:
        written = save_best(scratch, step, weights)
        if step == 6:
            raise Killed
        return written

    _, undisturbed = train(tmp_path / "undisturbed")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoint, "save_best", torn)
        train(tmp_path / "killed")
    resumed, weights = train(tmp_path / "killed")
    assert "goes on at step 5 of 8" in resumed.said
    assert same(undisturbed, weights)
    (left,) = (tmp_path / "killed/scratch").glob("best-*")
    assert left.name == "best-8.safetensors"


def test_the_seed_and_nothing_else_decides(noisy: Path, tmp_path: Path) -> None:
    one, two, other = (
        replace(stage(noisy, "tags and text"), recipe=replace(RECIPE, duration=steps(3)), seed=seed)
        for seed in (3, 3, 4)
    )
    for name, each in (("one", one), ("two", two), ("other", other)):
        run(each, tmp_path / name)
    assert same(models(tmp_path / "one"), models(tmp_path / "two"))
    assert not same(models(tmp_path / "one"), models(tmp_path / "other"))


def test_the_tasks_of_a_mixture_share_one_encoder(noisy: Path, tmp_path: Path) -> None:
    run(stage(noisy, "tags and text"), tmp_path / "both")
    found = models(tmp_path / "both")
    shared = [name for name in found if name.startswith("tags/roberta.")]
    assert len(shared) > 30
    for name in shared:
        assert torch.equal(found[name], found[name.replace("tags/", "texts/", 1)])
