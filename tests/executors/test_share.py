"""What stages share is made by one process at a time, whole or not at all, and again if need be."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

from layover import lease
from layover.errors import DataError
from layover.executors.share import share
from layover.store import FEATURES, Store

WORDS = {"a": 1, "b": 2}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "POLL_SECONDS", 0.01)


def nothing() -> None:
    """Nothing happens."""


@dataclass(kw_only=True)
class Thing:
    """A shared thing in two files that remembers how often it was made."""

    room: ClassVar[str] = FEATURES
    key: str = "1"
    label: str = "words"
    during: Callable[[], None] = nothing
    """Called while it is made."""
    between: Callable[[], None] = nothing
    """Called when the first of its two files is written."""
    made: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{FEATURES}-{self.key}"

    def make(self) -> dict[str, int]:
        self.made.append(1)
        self.during()
        return WORDS

    def save(self, made: dict[str, int], folder: Path) -> None:
        for name, number in made.items():
            (folder / name).write_text(json.dumps(number), encoding="utf-8")
            self.between()

    def open(self, folder: Path) -> dict[str, int]:
        return {name: json.loads((folder / name).read_text()) for name in WORDS}


def get(root: Path, thing: Thing) -> list[str]:
    """As another process would: what it was told, once the thing is what it should be."""
    said: list[str] = []
    assert share(thing, Store(root), said.append) == WORDS
    return said


def left(root: Path) -> set[str]:
    """What lies in the folder of work."""
    return {path.name for path in (root / "work").iterdir()}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def kept(root: Path) -> Path:
    return root / FEATURES / f"{FEATURES}-1"


def test_a_thing_is_made_once_for_all_that_share_a_store(tmp_path: Path) -> None:
    thing = Thing()
    assert [get(tmp_path, thing) for _ in range(3)] == [[], [], []]
    assert len(thing.made) == 1 and not left(tmp_path)


def test_who_wants_what_another_makes_waits_and_says_for_whom(tmp_path: Path) -> None:
    begun, waits = threading.Event(), threading.Event()

    def during() -> None:
        begun.set()
        assert waits.wait(20)

    thing, said = Thing(during=during), []

    def tell(message: str) -> None:
        said.append(message)
        waits.set()

    maker = threading.Thread(target=get, args=(tmp_path, thing))
    maker.start()
    assert begun.wait(20)
    assert share(thing, Store(tmp_path), tell) == WORDS
    maker.join()
    assert len(thing.made) == 1
    assert [str(os.getpid()) in each and "words" in each for each in said] == [True]


KILLED = """
import shutil, sys
from pathlib import Path
from layover.executors.share import share
from layover.store import Store
from test_share import Thing, die

root, when = sys.argv[1:]
thing = Thing()
if when == "made":
    thing.during = die
if when == "saved":
    thing.between = die
if when == "published":
    shutil.move = lambda *paths: die()
share(thing, Store(Path(root)), print)
"""


@pytest.mark.parametrize("when", ["made", "saved", "published"])
def test_a_kill_leaves_nothing_that_is_taken_for_whole(tmp_path: Path, when: str) -> None:
    path = os.pathsep.join((str(Path(__file__).parent), *sys.path))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), when],
        env={**os.environ, "PYTHONPATH": path},
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not kept(tmp_path).exists() and left(tmp_path)
    thing = Thing()
    get(tmp_path, thing)
    # All of it was there when the last of these kills came.
    assert len(thing.made) == (0 if when == "published" else 1)
    assert not left(tmp_path)
    get(tmp_path, thing)
    assert len(thing.made) == (0 if when == "published" else 1)


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "no record"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, damage: str) -> None:
    thing = Thing()
    get(tmp_path, thing)
    path = kept(tmp_path) / ("record.json" if damage == "no record" else "b")
    if damage == "cut":
        path.write_bytes(b"")
    elif damage == "flipped":
        path.write_bytes(b"3")
    else:
        path.unlink()
    get(tmp_path, thing)
    get(tmp_path, thing)
    assert len(thing.made) == 2


@pytest.mark.parametrize("name", ["b", ""])
def test_what_is_deleted_while_a_process_uses_it_is_made_anew(tmp_path: Path, name: str) -> None:
    thing, store = Thing(), Store(tmp_path)
    share(thing, store, lambda message: None)
    if name:
        (kept(tmp_path) / name).unlink()
    else:
        shutil.rmtree(kept(tmp_path))
    assert share(thing, store, lambda message: None) == WORDS
    assert len(thing.made) == 2 and kept(tmp_path).exists()


def test_where_nothing_can_be_kept_it_stays_in_memory_and_that_is_said(tmp_path: Path) -> None:
    (said,) = get(tmp_path, Thing(between=refuse))
    assert said.startswith("words: in memory only") and "No space left" in said
    assert not kept(tmp_path).exists() and not left(tmp_path)
    other = tmp_path / "no folder"
    other.write_text("a file is in the way", encoding="utf-8")
    store = Store(tmp_path)
    store.root = other
    said = []
    assert share(Thing(), store, said.append) == WORDS
    assert len(said) == 1


def test_an_error_of_making_is_raised_and_nothing_is_kept(tmp_path: Path) -> None:
    def wrong() -> None:
        raise DataError("row 3 is wrong")

    with pytest.raises(DataError, match="row 3"):
        get(tmp_path, Thing(during=wrong))
    assert not kept(tmp_path).exists() and not left(tmp_path)
    get(tmp_path, Thing())


def test_who_lost_the_lease_publishes_nothing_and_has_it_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "work" / f"{FEATURES}-1.lease"

    def lose() -> None:
        path.write_text('{"pid": 1, "host": "elsewhere"}', encoding="utf-8")

    (said,) = get(tmp_path, Thing(between=lose))
    assert "taken over" in said and not kept(tmp_path).exists()
    # Where the other works now.
    assert left(tmp_path) == {path.name, path.stem}


def test_forgetting_frees_all_but_what_is_being_made(tmp_path: Path) -> None:
    get(tmp_path, Thing(key="1"))
    freed: list[int] = []
    get(tmp_path, Thing(key="2", between=lambda: freed.append(Store(tmp_path).forget())))
    assert freed[0] > 0 and not kept(tmp_path).exists()
    assert (tmp_path / FEATURES / f"{FEATURES}-2").exists()
    assert Store(tmp_path).forget() > 0 and Store(tmp_path).forget() == 0
    assert not left(tmp_path)
