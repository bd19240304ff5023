"""A process of our own: `python -m MODULE STORE`, which is asked and answers in JSON lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from layover.executors.log import PRINTED

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


class Child:
    """One process, and what it printed last."""

    def __init__(
        self, module: str, root: Path, threads: int, environment: Mapping[str, str] | None = None
    ) -> None:
        threaded = dict.fromkeys(THREAD_VARIABLES, str(threads))
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **threaded, **(environment or {})},
            # Control-C reaches the parent only, which ends its processes in order.
            start_new_session=True,
        )
        self._printed: deque[str] = deque(maxlen=PRINTED)
        self._reader = threading.Thread(
            target=self._read, args=(root / "work" / "workers.log",), daemon=True
        )
        self._reader.start()

    def ask(self, request: Mapping[str, Any]) -> bool:
        """Send a request; False if nobody is there to read it."""
        assert self.process.stdin
        self._printed.clear()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            # It died, or it was closed.
            return False
        return True

    def answers(self) -> Iterator[dict[str, Any]]:
        """What it answers, until it ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break
            yield json.loads(line)

    def buried(self) -> tuple[str, str]:
        """How it ended, after it did, in words, and what it printed last."""
        code = self.process.wait()
        # Something that it started may hold the pipe open.
        self._reader.join(timeout=2)
        printed = "".join(self._printed).rstrip()
        if code >= 0:
            return f"ended with code {code}", printed
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = " (was there too little memory?)" if name == "SIGKILL" else ""
        return f"died of {name}{hint}", printed

    def close(self) -> None:
        """Wait for the end of a process that was told to end."""
        self.process.wait()
        self._reader.join(timeout=2)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                # What was not sent any more is not missed.
                with suppress(OSError):
                    stream.close()

    def _read(self, log: Path) -> None:
        assert self.process.stderr
        with suppress(ValueError):
            for line in self.process.stderr:
                self._printed.append(line)
                # On a full disk the pipe must be emptied all the same.
                with suppress(OSError), log.open("a", encoding="utf-8") as file:
                    file.write(line)


def answers_apart() -> Callable[[object], None]:
    """How this process, if it is such a child, answers; what is printed from here on goes to
    standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(fields: object) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    return answer
