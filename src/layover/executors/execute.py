"""A study, done in order: what is complete is reused, what is not needed is not done, and a
failure skips only what depends on it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Protocol

from layover.errors import DataError, LayoverError
from layover.stage import Stage
from layover.store import Store
from layover.study import Study


class Executor(Protocol):
    """Where a stage runs."""

    capacity: int

    def submit(self, stage: Stage) -> Future[None]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study still needs, given what a store holds."""

    stages: tuple[Stage, ...]
    done: tuple[Stage, ...]
    todo: tuple[Stage, ...]
    """Parents before children. Incomplete stages that nothing needs any more are not among them."""
    unresolved: tuple[tuple[Stage, tuple[str, ...]], ...]
    """Stages whose data files are missing, with those files."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run of a study ended."""

    done: tuple[Stage, ...]
    failed: tuple[tuple[Stage, Exception], ...]
    skipped: tuple[Stage, ...]


def plan(study: Study, store: Store, wanted: tuple[Stage, ...] | None = None) -> Plan:
    """What is done, and what is needed for the leaves or for the stages `wanted`; reads the
    store, changes nothing."""
    done = {stage.key for stage in study.stages if store.complete(stage)}
    needed: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.key not in done and stage.key not in needed:
            for parent in stage.parents:
                visit(parent)
            needed[stage.key] = stage

    for stage in study.leaves if wanted is None else wanted:
        visit(stage)
    return Plan(
        stages=study.stages,
        done=tuple(stage for stage in study.stages if stage.key in done),
        todo=tuple(needed.values()),
        unresolved=tuple((stage, stage.missing) for stage in needed.values() if stage.missing),
    )


def execute(
    planned: Plan,
    executor: Executor,
    tell: Callable[[Stage, str], None] = lambda stage, state: None,
) -> Outcome:
    """Do all that the plan asks for. `tell` hears of each stage: started, done, failed, skipped."""
    todo = planned.todo
    waiting = {stage.key: {p.key for p in stage.parents} & {s.key for s in todo} for stage in todo}
    by_key = {stage.key: stage for stage in todo}
    running: dict[Future[None], Stage] = {}
    done: list[Stage] = []
    failed: list[tuple[Stage, Exception]] = []
    skipped: list[Stage] = []
    while waiting or running:
        for key in [key for key, parents in waiting.items() if not parents]:
            if len(running) >= executor.capacity:
                break
            del waiting[key]
            stage = by_key[key]
            tell(stage, "started")
            running[_submit(executor, stage)] = stage
        if not running:
            break
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            stage = running.pop(future)
            error = future.exception()
            if error is None:
                done.append(stage)
                tell(stage, "done")
                for parents in waiting.values():
                    parents.discard(stage.key)
            elif isinstance(error, Exception):
                failed.append((stage, error))
                tell(stage, "failed")
                for child in _dependents(stage, waiting):
                    del waiting[child]
                    skipped.append(by_key[child])
                    tell(by_key[child], "skipped")
            else:
                raise error
    return Outcome(done=tuple(done), failed=tuple(failed), skipped=tuple(skipped))


def _submit(executor: Executor, stage: Stage) -> Future[None]:
    if stage.missing:
        failed: Future[None] = Future()
        names = ", ".join(stage.missing[:3])
        failed.set_exception(DataError(f"{stage.label} needs files that are missing: {names}"))
        return failed
    return executor.submit(stage)


def _dependents(stage: Stage, waiting: dict[str, set[str]]) -> list[str]:
    found: list[str] = []
    frontier = {stage.key}
    while frontier:
        frontier = {key for key, parents in waiting.items() if parents & frontier} - set(found)
        found += sorted(frontier)
    return found


def first_words(error: BaseException) -> str:
    """An error for people: our own as it stands, others with their type."""
    return str(error) if isinstance(error, LayoverError) else f"{type(error).__name__}: {error}"
