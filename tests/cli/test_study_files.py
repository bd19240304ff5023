"""What is said of a study file, an argument or a name that will not do; and the guard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stores import (
    TINY,
    TOYS,
    Layover,
    altered,
    pos,
    redone,
    remove_leaf,
    state,
    write,
)

from layover.study import Study


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def study():\n    x = {}\n    return x['key']\n", "KeyError at line 3: 'key'"),
        ("import nowhere\n", "ModuleNotFoundError at line 1"),
        ("def study():\n    return )\n", "line 2"),
        (
            "def study():\n    from layover.recipe import steps\n    steps(-1)\n",
            "line 3: a duration of -1 steps",
        ),
        ("def study():\n    return 3\n", "study() returned int, expected a Study"),
        ("study = 3\n", "defines no function study()"),
        ("x = 3\n", "defines no function study()"),
        ("def study(seed):\n    return seed\n", "'seed'"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run", "compare", "report", "prune"])
def test_a_broken_study_file_is_named_with_what_is_wrong(
    command: str, text: str, told: str, layover: Layover, tmp_path: Path
) -> None:
    file = write(tmp_path, text)
    code, _, error = layover(command, file, "--store", tmp_path / "store")
    assert code == 2
    assert error.startswith("error: ") and told in error and "Traceback" not in error
    assert str(file) in error
    assert not list((tmp_path / "store").glob("results/*"))


def test_a_study_file_that_is_not_there_is_named(layover: Layover, tmp_path: Path) -> None:
    for path in (tmp_path / "gone.py", tmp_path):
        code, _, error = layover("plan", path, "--store", tmp_path / "store")
        assert (code, error) == (2, f"error: there is no file {path}\n")


def test_a_study_file_must_be_python(layover: Layover, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("arms: []", encoding="utf-8")
    code, _, error = layover("plan", path, "--store", tmp_path / "store")
    assert code == 2 and str(path) in error and ".py" in error


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("steps_of_txt=3", "did you mean 'steps_of_text'?"),
        ("seeds=3", "there are: steps_of_text"),
        ("steps_of_text", "--set steps_of_text: expected NAME=VALUE"),
        ("steps_of_text=many", "TypeError at line "),
        ("steps_of_text=0", "a duration of 0 steps trains nothing"),
    ],
)
def test_a_wrong_argument_is_refused(
    argument: str, told: str, layover: Layover, tmp_path: Path
) -> None:
    code, _, error = layover("plan", TINY, "--store", tmp_path / "store", "--set", argument)
    assert code == 2 and told in error


def test_an_argument_reaches_the_study(layover: Layover, store: Path) -> None:
    code, out, _ = layover("plan", TINY, "--store", store, "--json", "--set", "steps_of_text=21")
    counts = json.loads(out)
    # The encoder is another one, and with it all that comes after it.
    assert code == 0 and counts["done"] == 3 and counts["todo"] == counts["stages"] - 3


def test_an_unknown_arm_is_told_with_its_neighbour(layover: Layover, store: Path) -> None:
    code, _, error = layover("where", TINY, "dirct", "--store", store)
    assert (code, error) == (2, "error: no arm is called 'dirct': did you mean 'direct'?\n")


def test_a_study_that_is_not_zero_shot_is_stopped_before_it_is_trained(
    layover: Layover, store: Path, tiny: Study, tmp_path: Path
) -> None:
    file = altered(
        tmp_path,
        "def study(allow=()):\n"
        "    changes = {'source': 'qbe', 'allow': tuple(allow)}\n"
        "    return dataclasses.replace(tiny_study.study(), **changes)\n",
    )
    leaf = pos(tiny)
    remove_leaf(store, leaf)
    before = state(store)
    code, _, error = layover("run", file, "--store", store)
    assert code == 2 and "tiny is not what it says" in error and "'pos in qal'" in error
    assert state(store) == before
    tasks = ("pos", "qa", "choice", "ranking", "nli", "supertags")
    names: Any = [f"{task} in qal" for task in tasks]
    allowed = f"allow={json.dumps(names)}"
    code, _, error = layover("run", file, "--store", store, "--set", allowed)
    assert code == 0 and "allowed by the study: pos in qal" in error
    assert redone(store, before) == {leaf.name, leaf.predictions.name}


def test_a_name_that_no_task_has_is_told_with_the_nearest(layover: Layover) -> None:
    assert layover("tasks", "udpso") == (
        2,
        "",
        "error: no task is called 'udpso': did you mean 'udpos'?\n",
    )
    assert "did you mean 'mbert' or" in layover("encoders", "mbret")[2]


def test_a_task_is_told_in_full(layover: Layover) -> None:
    code, out, _ = layover("tasks", "udpos", "--json")
    told = json.loads(out)
    assert code == 0 and told["type"] == "Tagging" and "ADJ" in told["labels"]
    assert "udpos/{split}-{code}.tsv" in layover("tasks", "udpos")[1]


def test_tasks_of_a_file_are_listed_with_ours(layover: Layover, tmp_path: Path) -> None:
    mine = "from layover.tasks.own import tagging\nMINE = tagging({!r}, 'here', ('A',))\n"
    file = write(tmp_path, mine.format("mine"))
    assert {"mine", "udpos"} <= {
        line.split()[0] for line in layover("tasks", "--include", file)[1].splitlines()
    }
    code, _, error = layover("tasks", "--include", write(tmp_path, mine.format("udpos")))
    assert code == 2 and "another task called 'udpos'" in error
    assert layover("tasks", "--include", tmp_path / "gone.py")[0] == 2


def test_an_arm_that_measures_no_model_has_none(layover: Layover, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert layover("run", TOYS, "--store", store)[0] == 0
    code, _, error = layover("where", TOYS, "direct", "--store", store)
    assert code == 2 and error.startswith("error: direct has no model in")


# A study that was edited


def test_a_plan_says_what_an_edit_changed(layover: Layover, tmp_path: Path) -> None:
    store = tmp_path / "store"
    plan, run = ("plan", TOYS, "--store", store), ("run", TOYS, "--store", store)
    assert "since" not in layover(*plan)[1]
    assert layover(*run)[0] == 0
    assert "since" not in layover(*plan)[1]
    before = state(store)
    out = layover(*plan, "--set", "steps=3")[1]
    assert "since the last run: 2 stages new, 2 as before, 2 no longer needed (kept)" in out
    assert "  write b: steps (default) -> 3\n" in out
    # What is new only because of its parents is counted and not explained.
    assert "write d:" not in out
    assert layover(*run, "--set", "steps=3")[0] == 0
    assert before.items() <= state(store).items()


def test_a_record_of_the_last_run_that_cannot_be_read_is_as_none(
    layover: Layover, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    assert layover("run", TOYS, "--store", store)[0] == 0
    (store / "studies" / "toys.json").write_text("[{", encoding="utf-8")
    asked = (TOYS, "--store", store, "--set", "steps=3")
    code, out, _ = layover("plan", *asked)
    assert code == 0 and "since" not in out
    assert layover("run", *asked)[0] == 0


SMALL = """
import tiny_study


def study(miniature=False):
    assert miniature, "this is the full study"
    return tiny_study.study()
"""


@pytest.mark.parametrize(
    ("command", "told"),
    [("plan", "0 done"), ("doctor", "(world 0)"), ("compare", "holds no"), ("serving", "holds no")],
)
def test_every_command_of_a_study_takes_its_small_form(
    command: str, told: str, layover: Layover, tmp_path: Path
) -> None:
    file = write(tmp_path, SMALL)
    code, _, error = layover(command, file, "--store", tmp_path / "store")
    assert code == 2 and "this is the full study" in error
    _, out, error = layover(command, file, "--store", tmp_path / "store", "--miniature")
    assert told in out + error and "full study" not in error


def test_a_study_that_has_no_small_form_says_so(layover: Layover, tmp_path: Path) -> None:
    code, _, error = layover("plan", TINY, "--store", tmp_path / "store", "--miniature")
    assert code == 2 and "no argument of study() is called 'miniature'" in error
    code, _, error = layover("tasks", "--miniature")
    assert code == 2 and "No such option" in error
