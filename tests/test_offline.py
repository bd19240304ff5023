"""A study whose data and encoders are here needs no network, and asks for none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from layover.store import Store
from layover.study import Study

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


def test_a_whole_study_asks_the_network_for_nothing(tiny: Study, tmp_path: Path) -> None:
    file = Path(__file__).parent / "tiny_study.py"
    store = tmp_path / "store"
    command = ("-c", "from layover.cli import main; main()", "run", str(file), "--workers", "1")
    entries = listen(tmp_path / "listener", *command, "--store", str(store))
    # The command, and the worker that does the work.
    assert [entry[0] for entry in entries] == ["start", "start"]
    assert all(Store(store).complete(stage) for stage in tiny.stages)
