"""The tutorial, followed to the letter: its files, its study, its commands, its last lines."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
NEW = ("das Bett war super :)", "el hotel es malo :(")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("first hour")


def layover(desk: Path, *words: str) -> str:
    command = [sys.executable, "-W", "error", "-c", "from layover.cli import main; main()", *words]
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_tutorial_can_be_followed(desk: Path) -> None:
    toys, study, use = blocks("python")
    (desk / "toys.py").write_text(toys, "utf-8")
    (desk / "study.py").write_text(study, "utf-8")
    (desk / "new.txt").write_text("".join(f"{line}\n" for line in NEW), "utf-8")
    subprocess.run([sys.executable, "toys.py"], cwd=desk, check=True, timeout=120)

    model = ""
    said = {}
    lines = [line for block in blocks("console") for line in block.splitlines()]
    for line in lines:
        name, *words = shlex.split(line.removeprefix("$ ").replace("MODEL", shlex.quote(model)))
        assert name == "layover"
        said[words[0]] = layover(desk, *words)
        if words[0] == "where":
            model = said["where"].splitlines()[0].split("\t")[-1]
    assert "9 trainings; sharing saved 0" in said["plan"]
    assert "topics first" in said["run"]
    assert (desk / "runs" / "reviews.html").read_text("utf-8").startswith("<!doctype html>")
    assert len(said["where"].splitlines()) == 3

    answers = [line.split("\t") for line in said["predict"].splitlines()]
    assert [text for _, text in answers] == list(NEW)
    assert {label for label, _ in answers} <= {"good", "bad"}
    (desk / "use.py").write_text(f"MODEL = {model!r}\n{use}", "utf-8")
    used = subprocess.run([sys.executable, "use.py"], cwd=desk, capture_output=True, text=True)
    assert used.stdout.strip() in ("good", "bad")


def test_its_study_is_about_twenty_lines() -> None:
    body = [line for line in blocks("python")[1].splitlines() if line.strip()]
    assert len(body) <= 22
