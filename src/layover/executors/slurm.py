"""Stages run as jobs of a cluster, submitted by way of submitit.

Submitit hands a call to its job as a pickle, which holds the name of `job` and plain strings; what
comes back is JSON and the store. A job that is pre-empted or runs out of time is submitted again,
and its stage goes on from its last checkpoint.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from layover.errors import StageFailed, StoreError, StudyError
from layover.executors.child import THREAD_VARIABLES
from layover.executors.log import last_lines
from layover.executors.perform import Event
from layover.executors.request import Request, raised
from layover.executors.tries import Tries
from layover.executors.worker import carry_out
from layover.stage import ONE_THREAD, Resources, Stage
from layover.store import Store, read_json, write_json
from layover.study import Origin

POLL_SECONDS = 1.0
CANCEL_SECONDS = 30.0
VISIBLE_SECONDS = 90.0
"""How long a shared file system may take to show what another machine wrote."""


class Slurm:
    """At most `jobs` jobs at a time. `options` are parameters of submitit's executor, such as
    `partition` or `time`; a job gets the threads and GPUs that its stage declares."""

    def __init__(
        self,
        store: Store,
        origin: Origin,
        jobs: int,
        options: Mapping[str, Any],
        tell: Callable[[Event], None],
        cluster: str = "slurm",
    ) -> None:
        try:
            import submitit  # noqa: F401
        except ImportError as error:
            raise StudyError(
                "the executor slurm needs submitit: pip install 'layover[slurm]'"
            ) from error
        self.capacity = jobs
        self.store, self.origin, self.tell = store, origin, tell
        self.options, self.cluster = dict(options), cluster
        self._closing = False
        store.prepare()
        # Its threads only wait.
        self._pool = ThreadPoolExecutor(jobs)
        self._executor(store.root / "work" / "jobs", ONE_THREAD)

    def submit(self, stage: Stage) -> Future[None]:
        return self._pool.submit(self._run, stage)

    def _run(self, stage: Stage) -> None:
        folder = self.store.root.resolve() / "work" / "jobs" / uuid.uuid4().hex
        try:
            self._see_through(stage, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _see_through(self, stage: Stage, folder: Path) -> None:
        """Submit jobs until one has done the stage."""
        tries = Tries(self.store, stage)
        answer = folder / "answer.json"
        while True:
            job = self._start(stage, folder, answer)
            while not job.done() and not self._closing:
                time.sleep(POLL_SECONDS)
            if self._closing:
                self._cancel(job)
                raise StageFailed("the run is ending")
            state = job.state
            if self._published(stage, answer, state):
                return
            how = f"job {job.job_id} of {stage.label} ended in state {state} without an answer"
            tries.died(how, "\n".join(last_lines(job.paths.stderr)))
            self.tell(Event(stage.key, message=f"{how}; it is submitted again"))

    def _published(self, stage: Stage, answer: Path, state: str) -> bool:
        """Whether the job did its stage. Raises what it told of; False if it told nothing."""
        begun = time.monotonic()
        while True:
            told: dict[str, Any] = {}
            with suppress(FileNotFoundError):
                told = read_json(answer)
            if "failed" in told:
                raise raised(told)
            if self.store.complete(stage):
                return True
            # Another machine wrote it, so that it may take a while to be seen here.
            expected = bool(told) or state == "COMPLETED"
            if not expected or time.monotonic() - begun > VISIBLE_SECONDS:
                return False
            time.sleep(POLL_SECONDS)

    def _cancel(self, job: Any) -> None:
        # Once: submitit's own executor is interrupted by a second time in ending its process.
        job.cancel(check=False)
        end = time.monotonic() + CANCEL_SECONDS
        while not job.done() and time.monotonic() < end:
            time.sleep(POLL_SECONDS)

    def _start(self, stage: Stage, folder: Path, answer: Path) -> Any:
        resources = stage.resources
        executor = self._executor(folder, resources)
        executor.update_parameters(name=stage.name)
        return executor.submit(
            job, asdict(Request.of(stage, self.origin)), str(self.store.root.resolve()), str(answer)
        )

    def _executor(self, folder: Path, resources: Resources) -> Any:
        from submitit import AutoExecutor

        if self.options.get("nodes", 1) != 1:
            raise StudyError(
                f"--slurm nodes={self.options['nodes']}: a stage runs on one node, with as many of "
                "its GPUs as Resources(gpus=...) declares; leave nodes out"
            )
        try:
            executor = AutoExecutor(folder=folder, cluster=self.cluster)
            shared = AutoExecutor._typed_parameters()
            named = {
                name if name in shared else f"slurm_{name}": value
                for name, value in self.options.items()
            }
            setup = [f"export {name}={resources.threads}" for name in THREAD_VARIABLES]
            named["slurm_setup"] = [*setup, *named.get("slurm_setup", ())]
            executor.update_parameters(
                tasks_per_node=1,
                cpus_per_task=resources.cores,
                gpus_per_node=resources.gpus,
                **named,
            )
        except (NameError, ValueError, TypeError) as error:
            raise StudyError(f"submitit refuses the options of --slurm: {error}") from error
        except (OSError, RuntimeError) as error:
            raise StoreError(f"jobs cannot be submitted from here: {error}") from error
        return executor

    def close(self) -> None:
        """Cancel the jobs; a stage under way keeps its last checkpoint."""
        self._closing = True
        self._pool.shutdown(cancel_futures=True)


def job(request: dict[str, str], root: str, answer: str) -> None:
    """What a job does, from strings alone: the study is loaded anew and must hold the same key."""
    told = carry_out(Request(**request), Store(Path(root)), lambda event: None)
    write_json(Path(answer), told)
