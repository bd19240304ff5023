"""A persistent worker process: `python -m layover.executors.worker STORE`.

It reads one JSON request a line (study file, arguments, key), runs that stage, and answers in JSON
lines. The study is loaded anew here and must yield the same key; nothing is pickled. Whatever a
stage prints goes to standard error, so that it cannot be mistaken for an answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from layover.executors.child import answers_apart
from layover.executors.perform import Event, perform
from layover.executors.request import Request
from layover.store import Store


def carry_out(request: Request, store: Store, tell: Callable[[Event], None]) -> dict[str, str]:
    """Do a stage, and say that it is done or what went wrong, for `raised`."""
    try:
        perform(request.find(), store, tell, request.origin)
    except Exception as error:
        return request.failed(error)
    return {"done": request.key}


def main() -> None:
    answer, store = answers_apart(), Store(Path(sys.argv[1]))
    for line in sys.stdin:
        request = Request(**json.loads(line))
        answer(carry_out(request, store, lambda event: answer(event.words)))


if __name__ == "__main__":
    main()
