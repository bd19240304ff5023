"""Further languages of training examples say the same, and change nothing else that is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from layover.errors import StudyError
from layover.stages import World
from layover.tasks.generated import CODES, SOURCE, ZERO_SHOT, Tasks
from layover.tasks.task import Data, Task, load
from layover.world import Shape, Sizes, write

FEW = Sizes(train=30, dev=5, test=7)
PLAIN = Shape(
    paragraphs=20,
    udpos=FEW,
    panx=FEW,
    ccg=replace(FEW, test=0),
    xnli=FEW,
    pawsx=FEW,
    hellaswag=FEW,
    squad=FEW,
    tatoeba=replace(FEW, train=0),
    bucc=replace(FEW, train=0),
)
TAUGHT = replace(PLAIN, taught=("qbe", "qel"))
SEED = 5


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    write(folder, TAUGHT, SEED)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_more_languages_to_train_in_leave_every_other_file_as_it_was(
    taught: Path, tmp_path: Path
) -> None:
    write(tmp_path, PLAIN, SEED)
    before, after = contents(tmp_path), contents(taught)
    # Questions name their language where there are several.
    renamed = {
        name.replace(".json", "-qal.json") if name.startswith("squad/") else name: text
        for name, text in before.items()
    }
    assert renamed == {name: after[name] for name in renamed}
    added = sorted(name for name in after.keys() - renamed.keys())
    assert added and all("train-" in name or "dev-" in name for name in added)
    assert all("qbe" in name or "qel" in name for name in added)


def test_the_key_of_a_world_in_which_one_language_is_taught_has_not_moved() -> None:
    assert World(shape=replace(PLAIN, taught=()), seed=1).key == World(shape=PLAIN, seed=1).key
    assert World(shape=TAUGHT, seed=1).key != World(shape=PLAIN, seed=1).key


@pytest.mark.parametrize("name", ["pos", "ner", "supertags", "nli", "paraphrase", "choice"])
def test_training_examples_are_the_same_in_every_language_that_is_taught(
    name: str, taught: Path
) -> None:
    task = getattr(Tasks(world=World(shape=TAUGHT, seed=SEED)), name)
    known, other = (
        load(Data(task=task, split="train", languages=(code,)), lambda stage: taught).items
        for code in (SOURCE, "qel")
    )
    kind = task.type
    assert [one.id for one in known] == [one.id for one in other]
    told = [[kind.target(one) for one in examples] for examples in (known, other)]
    if kind.head == "token":
        # Languages order their words as they like.
        told = [[sorted(tags) for tags in each] for each in told]
        assert sum(map(len, told[0])) > 100
    else:
        assert told[0] == told[1]
    assert [kind.text(one) for one in known] != [kind.text(one) for one in other]


def test_questions_are_read_in_the_language_that_is_asked_for(taught: Path) -> None:
    tasks = Tasks(world=World(shape=TAUGHT, seed=SEED))
    for task in (tasks.spans, tasks.spans2, tasks.ranking):
        texts = [
            load(Data(task=task, split="train", languages=(code,)), lambda stage: taught).items
            for code in (SOURCE, "qbe", "qel")
        ]
        assert len({len(each) for each in texts}) == 1
        told = {"\n".join(task.type.text(one) for one in each) for each in texts}
        assert len(told) == 3


def test_questions_in_a_language_that_is_not_taught_are_refused_when_planned() -> None:
    plain, more = (Tasks(world=World(shape=shape, seed=1)) for shape in (PLAIN, TAUGHT))
    for task in (plain.spans, plain.ranking, more.spans2):
        with pytest.raises(StudyError, match="has no language 'qco'"):
            Data(task=task, split="train", languages=("qco",))


@pytest.mark.parametrize("codes", [(SOURCE,), ("qbe", "qbe"), ("deu",)])
def test_what_cannot_be_taught_is_refused(codes: tuple[str, ...]) -> None:
    with pytest.raises(StudyError, match="qal is always taught"):
        replace(PLAIN, taught=codes)


def every_task(tasks: Tasks) -> list[Task]:
    names = [name for name, value in vars(Tasks).items() if not name.startswith("_")]
    found = [getattr(tasks, name) for name in names]
    return [one for one in found if isinstance(one, Task)]


def test_the_sizes_that_the_worlds_tasks_declare_are_those_of_its_files(taught: Path) -> None:
    tasks = every_task(Tasks(world=World(shape=TAUGHT, seed=SEED)))
    assert len(tasks) == 16
    for task in tasks:
        splits = [split for split, _ in task.sizes if split in task.splits]
        assert splits, task.name
        for split in splits:
            code = ZERO_SHOT[0] if task.type.head == "embed" else SOURCE
            data = Data(task=task, split=split, languages=(code,))
            assert len(load(data, lambda stage: taught)) == data.size, (task.name, split)
    assert set(CODES) == {SOURCE, *ZERO_SHOT}
