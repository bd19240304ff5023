"""Stages run one after another in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from layover.executors.perform import Event, perform
from layover.stage import Stage
from layover.store import Store
from layover.study import Origin


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
            perform(stage, self.store, self.tell, self.origin)
            future.set_result(None)
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is held."""
