"""A stage that several processes of this machine do together.

They are started, watched and ended here, by the process that holds the lease: what the first of
them says is passed on, and if one dies, or this process does, all end. Where it was one of them,
they are started again. Each gets the stage as any worker does, by study file, arguments and key.
"""

from __future__ import annotations

import os
import queue
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from layover.errors import LayoverError, StudyError
from layover.executors.accelerators import VARIABLE
from layover.executors.child import Child
from layover.executors.request import Request, raised
from layover.executors.tries import Tries
from layover.study import Origin

if TYPE_CHECKING:
    from layover.executors.perform import Running

GRACE = 5.0
"""Seconds in which to learn why a process does not answer the others any more."""

Heard: TypeAlias = "queue.SimpleQueue[tuple[int, dict[str, Any] | None]]"
"""(rank, its answer; or None when it has ended)."""


class _Died(Exception):
    """One of the processes ended without an answer: how, and what it printed last."""

    def __init__(self, how: str, printed: str) -> None:
        super().__init__(how)
        self.how, self.printed = how, printed


def together(context: Running, origin: Origin | None) -> str:
    """Run a stage in the processes that it declares, and return what device the first one used.

    When one of them dies, all are started again, as often as it is worth it. Raises `StudyError` if
    that cannot be, and `StageFailed`, which names the one that died, when it was tried enough.
    """
    stage, count = context.stage, context.resources.together
    declared = f"{stage.label} declares {count} processes"
    if not stage.divisible:
        raise StudyError(
            f"{declared}, but only trainings run in several: declare Resources(gpus=1) or none"
        )
    if origin is None:
        raise StudyError(
            f"{declared}, each of which must load the study from its file: run it with "
            "`layover run`, or give the executor the study's origin"
        )
    request, tries = asdict(Request.of(stage, origin)), Tries(context.store, stage)
    while True:
        try:
            return _once(context, request)
        except _Died as error:
            tries.died(f"{error.how}, and the others were ended", error.printed)
            context.say(f"{error.how}; all are started again")


def _once(context: Running, request: dict[str, str]) -> str:
    """Run the processes until all are done. The first one's device."""
    count = context.resources.together
    children: list[Child] = []
    with tempfile.TemporaryDirectory(prefix="layover-") as folder:
        try:
            for rank in range(count):
                children.append(_start(context))
                meeting = str(Path(folder) / "meeting")
                children[-1].ask(
                    {"request": request, "rank": rank, "size": count, "meeting": meeting}
                )
            return _watch(children, context)
        finally:
            for child in children:
                # What is saved is whole at any time, so that nothing is lost by not asking.
                child.process.kill()
            for child in children:
                child.close()


def _start(context: Running) -> Child:
    environment = {}
    if not context.resources.gpus:
        environment[VARIABLE] = ""
    if sys.platform == "linux":
        # The name of a machine need not lead to it.
        environment["GLOO_SOCKET_IFNAME"] = os.environ.get("GLOO_SOCKET_IFNAME", "lo")
    threads = context.resources.threads
    return Child("layover.executors.rank", context.store.root, threads, environment)


def _watch(children: Sequence[Child], context: Running) -> str:
    """Wait until all are done. The first one's device."""
    heard: Heard = queue.SimpleQueue()
    for rank, child in enumerate(children):
        threading.Thread(target=_listen, args=(rank, child, heard), daemon=True).start()
    busy, used = set(range(len(children))), ""
    deserted: LayoverError | None = None
    while busy:
        try:
            rank, answer = heard.get(timeout=GRACE if deserted else None)
        except queue.Empty:
            break
        if answer is None:
            if rank in busy:
                how, printed = children[rank].buried()
                raise _Died(f"{_name(children, rank)} {how}", printed)
        elif "event" in answer:
            _pass_on(answer, context)
        elif "done" in answer:
            busy.discard(rank)
            used = answer["device"] if rank == 0 else used
        elif answer["deserted"]:
            # Another one is to blame, and is about to be heard of.
            busy.discard(rank)
            deserted = raised(answer)
        else:
            if answer["trace"]:
                context.log(f"{_name(children, rank)} failed:\n{answer['trace']}")
            raise raised(answer)
    if deserted:
        raise deserted
    return used


def _listen(rank: int, child: Child, heard: Heard) -> None:
    try:
        for answer in child.answers():
            heard.put((rank, answer))
    finally:
        heard.put((rank, None))


def _pass_on(answer: dict[str, Any], context: Running) -> None:
    if answer["message"]:
        context.say(answer["message"])
    else:
        context.progress(answer["step"], answer["total"], dict(answer["numbers"]))


def _name(children: Sequence[Child], rank: int) -> str:
    return f"process {rank + 1} of {len(children)} (rank {rank})"
