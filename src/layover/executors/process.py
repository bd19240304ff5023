"""Stages run in persistent worker processes, so that torch is imported once in each."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path

from layover.errors import StageFailed
from layover.executors.accelerators import VARIABLE
from layover.executors.child import Child
from layover.executors.perform import Event
from layover.executors.request import Request, raised
from layover.executors.tries import Tries
from layover.stage import Stage
from layover.store import Store
from layover.study import Origin


class Process:
    """`workers` processes of `threads` threads each. A worker that dies is replaced, and its stage
    goes on from its last checkpoint. Each sees one of the groups of `gpus`, where there are any."""

    def __init__(
        self,
        store: Store,
        origin: Origin,
        workers: int,
        threads: int,
        tell: Callable[[Event], None],
        gpus: Sequence[str] = (),
    ) -> None:
        self.capacity = workers
        self.store, self.origin, self.tell = store, origin, tell
        self.threads = threads
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._all: list[Worker] = []
        self._lock = threading.Lock()
        self._closing = False
        store.prepare()
        for number in range(workers):
            self._idle.put(self._start(gpus[number % len(gpus)] if gpus else None))

    def _start(self, gpus: str | None) -> Worker:
        # A worker that `close` does not see must not be started.
        with self._lock:
            if self._closing:
                raise StageFailed("the run is ending")
            worker = Worker(self.store.root, self.threads, gpus)
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
            while not worker.do(self.origin, stage, self.tell):
                how, printed = worker.buried()
                worker = self._start(worker.gpus)
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


class Worker(Child):
    """A worker process, which sees all GPUs or those named in `gpus`."""

    def __init__(self, root: Path, threads: int, gpus: str | None = None) -> None:
        self.gpus = gpus
        seen = {} if gpus is None else {VARIABLE: gpus}
        super().__init__("layover.executors.worker", root, threads, seen)

    def do(self, origin: Origin, stage: Stage, tell: Callable[[Event], None]) -> bool:
        """Have the worker do a stage; False if it died over it."""
        if not self.ask(asdict(Request.of(stage, origin))):
            return False
        for answer in self.answers():
            if "event" in answer:
                tell(Event.said(answer))
            elif "failed" in answer:
                raise raised(answer)
            else:
                return True
        return False
