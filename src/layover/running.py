"""What `layover run` does: choose an executor, ask the guard, carry a plan out, say what failed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from layover.audit import check, sources
from layover.errors import DamagedResult
from layover.executors.execute import Executor, Outcome, Plan, execute, first_words, plan
from layover.executors.log import tail
from layover.progress import Watch
from layover.store import Store
from layover.study import Origin, Study

JOBS = 64
"""Jobs that wait or run in a cluster at a time, unless a number is given."""

Echo = Callable[[str], None]


class Kind(StrEnum):
    """Where stages run."""

    local = "local"
    process = "process"
    slurm = "slurm"


@dataclass(frozen=True, kw_only=True)
class Where:
    """An executor, and how much of it."""

    kind: Kind = Kind.process
    workers: int = 0
    """Processes or jobs; 0: as many processes as there are processors for, at most one a GPU where
    there are any, or `JOBS` jobs."""
    options: tuple[tuple[str, Any], ...] = ()
    """Parameters of the cluster's jobs."""


def complete(study: Study, store: Store, origin: Origin, where: Where, complain: Echo) -> bool:
    """Do what a study needs; False if stages failed, which were then told of."""
    planned = plan(study, store)
    if not planned.todo:
        return True
    with Watch(planned) as watch:
        executor = _executor(planned, store, origin, where, watch)
        try:
            outcome = execute(plan(study, store, sources(study)), executor, watch.stage)
            if not outcome.failed:
                for finding in check(study, store.result):
                    watch.say(f"allowed by the study: {finding.name}: {finding.explanation}")
                outcome = execute(plan(study, store), executor, watch.stage)
        finally:
            executor.close()
    _explain(outcome, store, complain)
    return not outcome.failed


def mending(act: Callable[[], None], complain: Echo) -> None:
    """Call `act` again after each damaged result that it meets for the first time: the next call
    makes it anew."""
    met: set[str] = set()
    while True:
        try:
            return act()
        except DamagedResult as error:
            if error.key in met:
                raise
            met.add(error.key)
            complain(f"{error}\nwhich this run does now")


def _executor(planned: Plan, store: Store, origin: Origin, where: Where, watch: Watch) -> Executor:
    if where.kind is Kind.local:
        from layover.executors.local import Local

        return Local(store, watch.event, origin)
    if where.kind is Kind.slurm:
        from layover.executors.slurm import Slurm

        options: Mapping[str, Any] = dict(where.options)
        return Slurm(store, origin, where.workers or JOBS, options, watch.event)
    from layover.executors.accelerators import groups
    from layover.executors.process import Process

    asked = [stage.resources for stage in planned.todo]
    threads, gpus = max(each.threads for each in asked), groups(max(each.gpus for each in asked))
    fit = _cores() // max(each.cores for each in asked)
    # Two stages would not fit into the memory of one accelerator, or share its time.
    count = where.workers or max(1, min(fit, len(gpus)) if gpus else fit)
    return Process(store, origin, min(count, len(planned.todo)), threads, watch.event, gpus)


def _cores() -> int:
    """The cores that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _explain(outcome: Outcome, store: Store, complain: Echo) -> None:
    for stage, error in outcome.failed:
        complain(f"failed: {stage.label} ({stage.name}): {first_words(error)}")
        # A stage whose data are missing did not start: its log, if any, is of another time.
        log = [] if stage.missing else tail(store.work_folder(stage))
        if log:
            complain("\n".join(["  the end of its log:", *(f"    {line}" for line in log)]))
    # What is no file says itself what to do, with a command.
    if any("`" not in name for stage, _ in outcome.failed for name in stage.missing):
        complain("LAYOVER_DATA names the folder in which data sets are looked for")
    if outcome.failed:
        complain(
            f"failed: {len(outcome.failed)}, skipped because they need one that failed: "
            f"{len(outcome.skipped)}, done and kept: {len(outcome.done)}; run again to go on"
        )
