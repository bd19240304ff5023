"""Contenders that sleep, for the tests of the race."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.harness import Gate


@dataclass(frozen=True, kw_only=True)
class Sleeper:
    """Takes `seconds` a round, after it held `memory` bytes to warm up."""

    name: str
    seconds: float
    memory: int = 0

    def run(self, gate: Gate) -> None:
        gate.loaded()
        held = b"x" * self.memory
        gate.turn()
        del held
        while True:
            time.sleep(self.seconds)
            gate.turn(100, 10)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """Fails while it loads."""

    name: str = "broken"

    def run(self, gate: Gate) -> None:
        raise ValueError("no such model")


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Needs 200 MB once: before the race, which is forgotten, or when it is over."""

    name: str
    forgets: bool = False

    def run(self, gate: Gate) -> None:
        gate.loaded()
        if self.forgets:
            held = b"x" * (200 * 2**20)
            del held
            gate.forget()
        try:
            gate.turn()
            while True:
                gate.turn(100, 10)
        finally:
            if not self.forgets:
                held = b"x" * (200 * 2**20)
                del held
