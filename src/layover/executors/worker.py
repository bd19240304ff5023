"""A persistent worker process: `python -m layover.executors.worker STORE`.

It reads one JSON request a line (study file, arguments, key), runs that stage, and answers in JSON
lines. The study is loaded anew here and must yield the same key; nothing is pickled. Whatever a
stage prints goes to standard error, so that it cannot be mistaken for an answer.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from layover.errors import StudyError
from layover.executors.execute import first_words
from layover.executors.perform import Event, perform
from layover.store import Store
from layover.study import Origin, Study, load


@lru_cache(maxsize=4)
def _study(file: str, arguments: tuple[tuple[str, Any], ...]) -> Study:
    return load(Origin(file=file, arguments=arguments))


def serve(requests: TextIO, answers: TextIO, store: Store) -> None:
    """Answer requests until there are no more."""

    def answer(**fields: Any) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    def tell(event: Event) -> None:
        answer(
            event=event.key,
            step=event.step,
            total=event.total,
            numbers=event.numbers,
            message=event.message,
        )

    for line in requests:
        wanted = json.loads(line)
        try:
            study = _study(wanted["file"], tuple(map(tuple, wanted["arguments"])))
            stage = study.by_key.get(wanted["key"])
            if stage is None:
                raise StudyError(
                    f"the study holds no stage {wanted['key']} any more: a study file or a data "
                    "file changed while it ran; run it again"
                )
            perform(stage, store, tell)
            answer(done=wanted["key"])
        except Exception as error:
            answer(failed=wanted["key"], message=first_words(error))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers, Store(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
