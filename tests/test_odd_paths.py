"""Paths of all kinds, and what a run loads and opens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from command import TESTS, Told, layover
from toys import SENTENCES, write_encoder, write_vocabulary

pytestmark = pytest.mark.slow

ODD = "Größe 模型 با فاصله"

ODD_STUDY = '''
"""Does a path matter?"""
import pickle
import socket
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, {tests!r})


def refuse(*anything, **named):
    (HERE / "refused").write_text("a pickle was loaded or a port was opened")
    raise AssertionError("a pickle was loaded or a port was opened")


class Refusing(pickle.Unpickler):
    load = refuse


pickle.Unpickler = Refusing
pickle.load = pickle.loads = socket.socket.listen = refuse
if sys.argv[0].endswith("worker.py"):
    # No other process needs it.
    import torch

    torch.load = refuse

from layover.encoders import Folder
from layover.metrics.accuracy import ACCURACY
from layover.recipe import Recipe, steps
from layover.stages import leaves
from layover.study import Arm, Study
from layover.tasks.own import classification
from layover.tasks.target import Target
from layover.tasks.task import Data

TASK = classification("reviews", folder=str(HERE / "data"), labels=("good", "bad"))
TRAIN = Data(task=TASK, split="train", languages=("eng",))
TEST = Data(task=TASK, split="test", languages=("eng", "deu"))
TARGET = Target(name="Größe", train=(TRAIN,), test=TEST, metric=ACCURACY)
RECIPE = Recipe(duration=steps(2), learning_rate=1e-3, batch=4, max_length=32)


def study():
    start = Folder(path=str(HERE / "модель 1"))
    way = {{"targets": (TARGET,), "recipe": RECIPE, "max_length": 32}}
    arms = [
        Arm(name=name, leaves=leaves(start, seeds=seeds, **way))
        for name, seeds in (("direct", (0, 1)), ("другой", (2, 3)))
    ]
    return Study(name="Größe / 1", question=__doc__, arms=tuple(arms), baseline="direct")
'''


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Told]]:
    """A whole study, all of it below a path that few programs expect, and what was said."""
    place = tmp_path_factory.mktemp("odd") / ODD
    (place / "data").mkdir(parents=True)
    for split, code, mark in (("train", "en", "x"), ("test", "en", "y"), ("test", "de", "z")):
        lines = [f"{text} {mark}\t{('good', 'bad')[n % 2]}\n" for n, text in enumerate(SENTENCES)]
        (place / "data" / f"{split}-{code}.tsv").write_text("".join(lines), encoding="utf-8")
    write_encoder(write_vocabulary(place / "vocabulary"), place / "модель 1")
    file = place / "die Studie.py"
    file.write_text(ODD_STUDY.format(tests=str(TESTS)), encoding="utf-8")
    store = place / "a store"
    told = [
        layover(verb, file, "--store", store, *rest)
        for verb, *rest in (
            ["plan"],
            ["run", "--workers", "1"],
            ["plan"],
            ["compare"],
            ["where", "другой"],
            ["report", "--out", place / "Bericht 1.html"],
            ["prune"],
        )
    ]
    return place, told


def test_a_study_runs_below_any_path(odd: tuple[Path, list[Told]]) -> None:
    place, told = odd
    assert [one.code for one in told] == [0] * len(told), told
    planned, _, done, _, where, report, _ = told
    assert planned.out.startswith("Größe / 1: 12 stages, 0 done, 12 to do")
    assert "12 done, 0 to do" in done.out and "since" not in done.out
    assert str(place / "a store" / "results") in where.out
    assert report.out == f"{place / 'Bericht 1.html'}\n"


def test_messages_are_whole_below_any_path(odd: tuple[Path, list[Told]]) -> None:
    place, _ = odd
    file = place / "die Studie.py"
    gone = layover("plan", place / "nicht da.py")
    assert gone.code == 2 and f"there is no file {place / 'nicht da.py'}" in gone.error
    (place / "data" / "test-de.tsv").rename(place / "weg")
    missing = layover("plan", file, "--store", place / "zweiter")
    (place / "weg").rename(place / "data" / "test-de.tsv")
    assert f"missing: {place / 'data' / 'test-de.tsv'}" in missing.out
    unfit = layover("run", file, "--store", file)
    assert unfit.code == 2 and f"{file} cannot be used as a store" in unfit.error


def test_no_pickle_is_loaded_and_no_port_is_opened(odd: tuple[Path, list[Told]]) -> None:
    place, told = odd
    assert told[1].code == 0
    # The study file makes every way to a pickle or a port write this file, in each process.
    assert not (place / "refused").exists()


def test_the_watch_over_pickles_and_ports_is_awake(tmp_path: Path) -> None:
    (tmp_path / "guard.py").write_text(ODD_STUDY.format(tests=str(TESTS)), encoding="utf-8")
    code = "import guard, pickle; pickle.loads(b'N.')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
    assert done.returncode == 1 and (tmp_path / "refused").exists()
