"""Stages run in persistent worker processes, so that torch is imported once in each."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from layover.errors import StageFailed
from layover.executors.log import PRINTED
from layover.executors.perform import Event
from layover.executors.tries import Tries
from layover.executors.worker import Request, raised
from layover.stage import Stage
from layover.store import Store
from layover.study import Origin

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


class Process:
    """`workers` processes of `threads` threads each. A worker that dies is replaced, and its stage
    goes on from its last checkpoint."""

    def __init__(
        self,
        store: Store,
        origin: Origin,
        workers: int,
        threads: int,
        tell: Callable[[Event], None],
    ) -> None:
        self.capacity = workers
        self.store, self.origin, self.tell = store, origin, tell
        self.threads = threads
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._all: list[Worker] = []
        self._lock = threading.Lock()
        self._closing = False
        store.prepare()
        for _ in range(workers):
            self._idle.put(self._start())

    def _start(self) -> Worker:
        # A worker that `close` does not see must not be started.
        with self._lock:
            if self._closing:
                raise StageFailed("the run is ending")
            worker = Worker(self.store.root, self.threads)
            self._all.append(worker)
            return worker

    def submit(self, stage: Stage) -> Future[None]:
        future: Future[None] = Future()
        threading.Thread(target=self._run, args=(stage, future), daemon=True).start()
        return future

    def _run(self, stage: Stage, future: Future[None]) -> None:
        worker = self._idle.get()
        try:
            tries = Tries(self.store, stage)
            while not worker.ask(self.origin, stage, self.tell):
                how, printed = worker.buried()
                worker = self._start()
                tries.died(f"the worker of {stage.label} {how}", printed)
                self.tell(Event(stage.key, message=f"its worker {how}; another one goes on"))
            future.set_result(None)
        except Exception as error:
            future.set_exception(error)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End the workers; a stage under way keeps its last checkpoint."""
        with self._lock:
            self._closing = True
        for worker in self._all:
            worker.process.terminate()
        for worker in self._all:
            worker.close()


class Worker:
    """One worker process, and what it printed last."""

    def __init__(self, root: Path, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "layover.executors.worker", str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))},
            # Control-C reaches the parent only, which ends its workers in order.
            start_new_session=True,
        )
        self._printed: deque[str] = deque(maxlen=PRINTED)
        self._reader = threading.Thread(
            target=self._read, args=(root / "work" / "workers.log",), daemon=True
        )
        self._reader.start()

    def ask(self, origin: Origin, stage: Stage, tell: Callable[[Event], None]) -> bool:
        """Have the worker do a stage; False if it died over it."""
        assert self.process.stdin and self.process.stdout
        self._printed.clear()
        request = asdict(Request.of(stage, origin))
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            # It died, or it was closed.
            return False
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break
            answer = json.loads(line)
            if "event" in answer:
                numbers = tuple((name, value) for name, value in answer["numbers"])
                tell(
                    Event(
                        answer["event"], answer["step"], answer["total"], numbers, answer["message"]
                    )
                )
            elif "failed" in answer:
                raise raised(answer)
            else:
                return True
        return False

    def buried(self) -> tuple[str, str]:
        """How a worker that died ended, in words, and what it printed last."""
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
