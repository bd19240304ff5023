"""A process that serves one model with one backend: `python -m layover.bench.server FOLDER`.

It reads one JSON request a line and answers in JSON lines; see `Child` of the executors. Nothing
else is loaded in it, so that its memory is what serving takes.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from layover.bench.backends import Opened, backend
from layover.bench.workload import Example, Inputs, Workload, padded, split
from layover.errors import LayoverError
from layover.executors.child import answers_apart

TOGETHER = 8
"""Examples that run at once where outputs are compared, for every backend alike."""


class Server:
    """One model, ready to answer, with the clock beside it."""

    def __init__(self, folder: Path, opened: Opened, work: Workload) -> None:
        from transformers import AutoTokenizer

        self.opened, self.work = opened, work
        self.tokenizer = AutoTokenizer.from_pretrained(folder)

    def read(self, examples: Sequence[Example]) -> Inputs:
        """What comes before the model: texts to padded arrays."""
        units = list(self.work.kind.encode(examples, self.tokenizer, self.work.max_length))
        return padded(units, self.tokenizer.pad_token_id or 0)

    def outputs(self, language: str, path: Path) -> None:
        """Write what the model says to every example of a language."""
        items = dict(self.work.examples)[language]
        found: list[Any] = []
        for start in range(0, len(items), TOGETHER):
            inputs = self.read(items[start : start + TOGETHER])
            found += split(self.work.kind.head, self.opened.run(inputs), inputs)
        np.savez(path, *(np.asarray(each, np.float32) for each in found))

    def turn(self, batch: int, turn: int, count: int) -> list[dict[str, Any]]:
        """Answer the requests of a turn; what each took, in seconds."""
        # What the last turn left; not all that was ever loaded, which takes as long as a turn.
        gc.collect(1)
        rows = []
        for language, examples in self.work.requests(batch, turn, count):
            start = time.perf_counter()
            inputs = self.read(examples)
            read = time.perf_counter()
            self.opened.run(inputs)
            done = time.perf_counter()
            rows.append(
                {
                    "language": language,
                    "batch": batch,
                    "tokens": inputs.tokens,
                    "padded": inputs.ids.size,
                    "tokenise": read - start,
                    "run": done - read,
                }
            )
        return rows

    def peak(self) -> float:
        """Bytes of memory at most since `forget_peak`: the device's, else the process's; NaN where
        the system does not tell."""
        return self.opened.peak() if self.opened.peak else _status("VmHWM")

    def forget_peak(self) -> None:
        """From here on; what loading took is not what serving takes."""
        if self.opened.forget:
            self.opened.forget()
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return float(found[0]) * 1024 if found else float("nan")


class Conversation:
    """What is asked, one request after the other."""

    server: Server

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do as asked; what went wrong, in words."""
        try:
            answered: dict[str, Any] = getattr(self, asked.pop("do"))(**asked)
        except LayoverError as error:
            return {"failed": str(error)}
        except Exception as error:
            # The first line says it; the rest is for whoever looks into it.
            traceback.print_exc()
            first = (str(error).splitlines() or [""])[0]
            return {"failed": f"{type(error).__name__}: {first}"}
        return answered

    def prepare(self, name: str, folder: str, place: str) -> dict[str, Any]:
        prepare = backend(name).prepare
        assert prepare is not None
        prepare(Path(folder), Path(place))
        return {}

    def open(self, name: str, folder: str, work: str, threads: int) -> dict[str, Any]:
        start = time.perf_counter()
        chosen = backend(name)
        if not chosen.torch:
            # As where it is not installed: transformers would load it beside the tokenizer.
            sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
        opened = chosen.open(Path(folder), threads)
        self.server = Server(Path(folder), opened, Workload.open(Path(work)))
        return {"seconds": time.perf_counter() - start, "device": opened.device}

    def outputs(self, language: str, path: str) -> dict[str, Any]:
        self.server.outputs(language, Path(path))
        return {}

    def turn(self, batches: list[int], turn: int, count: int) -> dict[str, Any]:
        rows = [row for batch in batches for row in self.server.turn(batch, turn, count)]
        return {"rows": rows}

    def warm(self, batches: list[int], turn: int, count: int) -> dict[str, Any]:
        """A turn that is not counted: kernels are made, pages are touched."""
        self.turn(batches, turn, count)
        gc.collect()
        self.server.forget_peak()
        return {}

    def peak(self) -> dict[str, Any]:
        return {"bytes": self.server.peak(), "torch": sys.modules.get("torch") is not None}


def main() -> None:
    answer, talk = answers_apart(), Conversation()
    for line in sys.stdin:
        answer(talk.answer(json.loads(line)))


if __name__ == "__main__":
    main()
