"""What the documents say holds: their samples run, their links lead to files, their commands exist.

The python blocks of a document are one program: they run in order, in one namespace, as the main
module, in an empty folder, at the line numbers that they have in the document.
"""

from __future__ import annotations

import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from transformers import AutoTokenizer
from typer.core import TyperGroup

from layover.cli import app
from layover.encoders import Folder
from layover.executors.execute import execute, plan
from layover.executors.local import Local
from layover.inference import predict
from layover.inference.rows import read
from layover.metrics.accuracy import ACCURACY
from layover.modeling import active, dropout, packing
from layover.recipe import Recipe, steps
from layover.registry import load_file
from layover.stages import Predict, Score, Train
from layover.store import Store
from layover.study import Arm, Study
from layover.tasks.task import Data, load
from toys import write_encoder, write_vocabulary

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
FENCE = "```"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

# tests/test_tutorial.py follows the tutorial, with its commands between the samples.
PROGRAMS = [page for page in PAGES if page.stem != "tutorial"]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def fenced(page: Path) -> Iterator[tuple[int, str, str]]:
    """(line number, language of its block, line); prose is in the language ""."""
    language = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith(FENCE):
            language = "" if language else line.removeprefix(FENCE).strip() or "text"
        else:
            yield number, language, line


def program(page: Path) -> str:
    """The python blocks, with empty lines where the prose was."""
    lines = {number: line for number, language, line in fenced(page) if language == "python"}
    return "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))


def commands(page: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, words) of each command of the console blocks."""
    for number, language, line in fenced(page):
        if language == "console" and line.startswith(("$ ", "layover ", "make ")):
            words = shlex.split(line.removeprefix("$ "), comments=True)
            while words and "=" in words[0]:
                words.pop(0)
            if words:
                yield number, words


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, without any data elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAYOVER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def written(page: Path, folder: Path) -> Path:
    """The program of a page, in a file."""
    file = folder / f"{page.stem.replace('-', '_').lower()}.py"
    file.write_text(program(page), encoding="utf-8")
    return file


@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.stem)
def test_the_samples_run(page: Path, desk: Path) -> None:
    runpy.run_path(str(written(page, desk)), run_name="__main__")


def test_the_task_type_of_a_page_trains_and_predicts(desk: Path) -> None:
    file = written(ROOT / "docs" / "add-a-task.md", desk)
    task = load_file(file, f"the task type of {file}").LONG
    encoder = write_encoder(write_vocabulary(desk / "vocabulary"), desk / "encoder")
    train = Data(task=task, split="train", languages=("eng",))
    test = Data(task=task, split="test", languages=("eng", "deu"))
    recipe = Recipe(duration=steps(2), learning_rate=1e-3, batch=4, max_length=16)
    model = Train(start=Folder(path=str(encoder)), data=train, recipe=recipe, seed=0)
    predictions = Predict(model=model, data=test, max_length=16)
    arm = Arm(name="direct", leaves=(Score(predictions=predictions, metric=ACCURACY),))
    study = Study(name="long", question="", arms=(arm,), baseline="direct")
    store = Store(desk / "store")
    assert not execute(plan(study, store), Local(store, lambda event: None)).failed
    items = load(test, store.result).items
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    assert len(list(task.type.encode(items, tokenizer, 16))) > len(items)
    rows = read(store.result(predictions) / "predictions.parquet")
    assert len(rows.prediction) == 16 and set(rows.prediction) <= {"good", "bad"}


@each_page
def test_relative_links_lead_to_files(page: Path) -> None:
    prose = "\n".join(line for _, language, line in fenced(page) if not language)
    links = [link.partition("#")[0] for link in LINK.findall(prose) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@each_page
def test_commands_and_their_options_exist(page: Path) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for number, (program_name, *words) in commands(page):
        if program_name != "layover" or words[:1] == ["--help"]:
            continue
        where = f"{page.name}:{number}"
        assert words and words[0] in group.commands, f"{where}: {words[:1]} is no command"
        known = {name for option in group.commands[words[0]].params for name in option.opts}
        used = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}
        assert used <= known | {"--help"}, f"{where}: {used - known} are no options"


@each_page
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = {word for _, (name, *words) in commands(page) if name == "make" for word in words}
    assert named <= targets


def test_the_page_on_the_engine_has_the_numbers_of_the_code() -> None:
    page = " ".join((ROOT / "docs" / "engine.md").read_text(encoding="utf-8").split())
    assert f"of which at most {packing.WASTE:.0%} is padding".replace("%", " %") in page
    tokens = predict.TOKENS
    assert f"up to {tokens['cpu']:,} tokens at once on processors and {tokens['cuda']:,} on" in page
    assert f"more than {active.WORTH:.0%} is in use".replace("%", " %") in page
    assert f"{dropout.LEVELS.bit_length() - 1} random bits decide about a number" in page
