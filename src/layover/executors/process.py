"""Stages run in persistent worker processes, so that torch is imported once in each."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from layover.errors import StageFailed
from layover.executors.perform import Event
from layover.stage import Stage
from layover.store import Store
from layover.study import Origin

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Process:
    """`workers` processes of `threads` threads each. A worker that dies fails its stage only."""

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
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self._all: list[subprocess.Popen[str]] = []
        self._closing = threading.Event()
        for _ in range(workers):
            self._idle.put(self._start())

    def _start(self) -> subprocess.Popen[str]:
        errors = (self.store.root / "work" / "workers.log").open("a", encoding="utf-8")
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(self.threads))}
        worker = subprocess.Popen(
            [sys.executable, "-m", "layover.executors.worker", str(self.store.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=environment,
            # Control-C reaches the parent only, which ends its workers in order.
            start_new_session=True,
        )
        errors.close()
        self._all.append(worker)
        return worker

    def submit(self, stage: Stage) -> Future[None]:
        future: Future[None] = Future()
        threading.Thread(target=self._run, args=(stage, future), daemon=True).start()
        return future

    def _run(self, stage: Stage, future: Future[None]) -> None:
        worker = self._idle.get()
        try:
            self._ask(worker, stage)
            future.set_result(None)
        except Exception as error:
            if worker.poll() is not None and not self._closing.is_set():
                worker = self._start()
            future.set_exception(error)
        finally:
            self._idle.put(worker)

    def _ask(self, worker: subprocess.Popen[str], stage: Stage) -> None:
        assert worker.stdin and worker.stdout
        request = {
            "file": self.origin.file,
            "arguments": self.origin.arguments,
            "key": stage.key,
        }
        try:
            worker.stdin.write(json.dumps(request) + "\n")
            worker.stdin.flush()
        except OSError as error:
            raise self._died(stage) from error
        for line in worker.stdout:
            answer: dict[str, Any] = json.loads(line)
            if "event" in answer:
                numbers = tuple((name, value) for name, value in answer["numbers"])
                event = Event(
                    answer["event"], answer["step"], answer["total"], numbers, answer["message"]
                )
                self.tell(event)
            elif "failed" in answer:
                raise StageFailed(answer["message"])
            else:
                return
        worker.wait()
        raise self._died(stage)

    def _died(self, stage: Stage) -> StageFailed:
        return StageFailed(
            f"the worker of {stage.label} died; what it had saved is in "
            f"{self.store.work_folder(stage)}, and running the study again goes on from there"
        )

    def close(self) -> None:
        """End the workers; a stage under way keeps its last checkpoint."""
        # A worker that this ends must not be replaced by one that nobody would end.
        self._closing.set()
        workers = tuple(self._all)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                if stream:
                    stream.close()
