"""Stages run one after another in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from layover.executors.perform import Event, perform
from layover.stage import Stage
from layover.store import Store
from layover.study import Origin

TOKENIZERS = "RAYON_NUM_THREADS"


class Local:
    """The simplest executor; a study object from anywhere will do. Where it came from (`origin`)
    must be known for stages that run in several processes."""

    capacity = 1

    def __init__(
        self, store: Store, tell: Callable[[Event], None], origin: Origin | None = None
    ) -> None:
        self.store, self.tell, self.origin = store, tell, origin

    def submit(self, stage: Stage) -> Future[None]:
        future: Future[None] = Future()
        try:
            with _threads(stage.resources.threads):
                perform(stage, self.store, self.tell, self.origin)
            future.set_result(None)
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """As many for the tokenizers of this process, which ask once, before their first batch, and
    nowhere else. Processes of our own are started with it, whatever was there before."""
    before = os.environ.get(TOKENIZERS)
    os.environ[TOKENIZERS] = str(count)
    try:
        yield
    finally:
        os.environ.pop(TOKENIZERS, None)
        if before is not None:
            os.environ[TOKENIZERS] = before
