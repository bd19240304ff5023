"""One of the processes that do a stage together: `python -m layover.executors.rank STORE`.

It reads one line of JSON, which stage it is and which of them this process is, and answers as a
worker does. When whoever started it is gone, so that its standard input ends, it ends too.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layover.errors import LayoverError, StudyError
from layover.executors.child import answers_apart
from layover.executors.perform import Event, Performing
from layover.executors.provenance import device
from layover.executors.request import Request
from layover.stage import Resources, Stage
from layover.store import Store


@dataclass(frozen=True, kw_only=True)
class Seat:
    """Process `rank` of `size` of a stage, which meet by way of a file."""

    request: dict[str, str]
    rank: int
    size: int
    meeting: str

    def take(self, store: Store, tell: Callable[[Event], None]) -> dict[str, Any]:
        """Do this process's part, and say that it is done or what went wrong."""
        from layover.modeling.company import Deserted

        request = Request(**self.request)
        try:
            self._work(request.find(), store, tell)
        except Exception as error:
            trace = "" if isinstance(error, LayoverError) else traceback.format_exc()
            return {
                **request.failed(error),
                "deserted": isinstance(error, Deserted),
                "trace": trace,
            }
        return {"done": request.key, "device": device()}

    def _work(self, stage: Stage, store: Store, tell: Callable[[Event], None]) -> None:
        from layover.modeling.company import join, leave

        check(stage.resources)
        join(self.rank, self.size, Path(self.meeting), bool(stage.resources.gpus))
        folder = store.work_folder(stage)
        # What one of them says, all would say.
        heard = tell if self.rank == 0 else lambda event: None
        stage.run(Performing(store=store, stage=stage, folder=folder, tell=heard))
        leave()


def check(resources: Resources) -> None:
    """Raise `StudyError` if this machine has fewer accelerators than are declared."""
    import torch

    there = torch.cuda.device_count()
    if resources.gpus > there:
        raise StudyError(
            f"Resources(gpus={resources.gpus}) is declared, and torch finds {there} GPUs here: "
            f"declare {f'gpus={there}' if there else 'none'}, or processes={resources.gpus} for as "
            "many processes on processors"
        )


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def main() -> None:
    answer = answers_apart()
    seat = Seat(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer(seat.take(Store(Path(sys.argv[1])), lambda event: answer(event.words)))
    # The exchange with processes that died does not end in order.
    os._exit(0)


if __name__ == "__main__":
    main()
