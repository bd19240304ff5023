"""A study whose data and encoders are here needs no network, and asks for none; and its workers
make what one process makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from layover.executors.execute import Outcome, plan
from layover.store import Store
from layover.study import Study

pytestmark = pytest.mark.slow

LISTENER = '''
"""Python imports this at its start: it writes down every address that a process asks for."""

import json, os, sys

PLACES = {
    "socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.sendmsg": 1,
    "socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0,
    "urllib.Request": 0,
}

def hear(event, arguments):
    if event in PLACES:
        address = arguments[PLACES[event]]
        family = getattr(arguments[0], "family", None)
        tell(event, repr(address), getattr(family, "name", ""))

def tell(event, address, family):
    line = json.dumps([event, address, family, os.getpid(), sys.argv[0]])
    with open(os.environ["LISTENER"], "a") as file:
        file.write(line + chr(10))

tell("start", "", "")
sys.addaudithook(hear)
'''

LOOPBACK = ("127.", "::1", "localhost")


def listen(folder: Path, *arguments: str) -> list[tuple[str, str, str, int, str]]:
    """Run Python and tell what it asked the network for, beyond this machine; one entry "start"
    for each process."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(LISTENER, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    heard = folder / "heard"
    environment = {**os.environ, "PYTHONPATH": path, "LISTENER": str(heard)}
    # Nothing may depend on being told that there is no network.
    environment.pop("HF_HUB_OFFLINE", None)
    environment.pop("TRANSFORMERS_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in heard.read_text(encoding="utf-8").splitlines()]
    return [entry for entry in entries if not here(*entry[1:3])]


def here(address: str, family: str) -> bool:
    """Whether an address, as Python shows it, stays on this machine."""
    return family == "AF_UNIX" or address.strip("'b(\"").startswith(LOOPBACK)


def test_the_listener_hears_the_network_and_not_this_machine(tmp_path: Path) -> None:
    # Connecting a datagram socket sends nothing; the address is one for documentation.
    script = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
    far.connect(("192.0.2.1", 9))
with socket.socket() as near:
    near.bind(("127.0.0.1", 0))
    with socket.socket() as guest:
        near.listen()
        guest.connect(near.getsockname())
    socket.getaddrinfo("localhost", 80)
try:
    with socket.socket(socket.AF_UNIX) as door:
        door.connect("/nobody/listens/here")
except OSError:
    pass
"""
    entries = listen(tmp_path / "listener", "-c", script)
    assert [entry[:2] for entry in entries[1:]] == [["socket.connect", "('192.0.2.1', 9)"]]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A study that was run by two workers, and what its processes asked the network for."""

    store: Store
    entries: list[tuple[str, str, str, int, str]]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    place = tmp_path_factory.mktemp("offline")
    store = place / "a store with spaces"
    file = Path(__file__).parent / "tiny_study.py"
    command = ("-c", "from layover.cli import main; main()", "run", str(file), "--workers", "2")
    entries = listen(place / "listener", *command, "--store", str(store))
    return Heard(store=Store(store), entries=entries)


def test_a_whole_study_asks_the_network_for_nothing(tiny: Study, heard: Heard) -> None:
    # The command, and the workers that do the work.
    assert [entry[0] for entry in heard.entries] == ["start"] * 3
    assert all(heard.store.complete(stage) for stage in tiny.stages)


def test_worker_processes_give_the_same_bits(
    tiny: Study, tiny_run: tuple[Store, Outcome], heard: Heard
) -> None:
    assert plan(tiny, heard.store).todo == ()
    # Which worker does a stage, and what it did before, must not show in any file but the logs.
    for stage in tiny.stages:
        mine, theirs = (one.record(stage) for one in (heard.store, tiny_run[0]))
        assert mine and theirs
        assert digests(mine) == digests(theirs), stage.label


def digests(record: dict[str, Any]) -> dict[str, str]:
    files = record["files"]
    return {name: files[name]["sha256"] for name in files if not name.endswith(".log")}
