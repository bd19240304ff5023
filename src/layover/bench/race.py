"""The race: every (model, backend) in a process of its own, one at work at a time.

First each says what it has to say to all examples, and what disagrees with the reference is out.
Then, round by round and in an order drawn anew for each, one after the other answers the same
requests, so that whatever else slows the machine down slows them all. One that fails is out, and
leaves the others what they measured.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from layover.bench.agreement import Agreement, Answers, agreement, answers
from layover.bench.backends import REFERENCE, backend
from layover.bench.samples import Sample
from layover.bench.workload import Workload
from layover.errors import LayoverError, ModelError, ResultError
from layover.executors.child import Child
from layover.metrics.metric import Metric
from layover.modeling.folder import about
from layover.tasks.task import Examples, Task

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_WAIT_POLICY": "PASSIVE"}
"""Of every process alike; what waits for its turn must not spin."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A model under a backend."""

    model: str
    folder: Path
    backend: str = REFERENCE
    whole: str = ""
    """The model of which this one is the trimmed form: it answers as that one, to the bit where the
    backend is the reference."""

    @property
    def name(self) -> tuple[str, str]:
        return self.model, self.backend

    @property
    def label(self) -> str:
        return f"{self.model}, {self.backend}"

    @property
    def reference(self) -> tuple[str, str]:
        return self.whole or self.model, REFERENCE


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How long, and on how much of the machine."""

    batches: tuple[int, ...] = (1, 32)
    rounds: int = 10
    """Of each launch."""
    requests: int = 10
    """Of each size in every language, in each round."""
    launches: int = 1
    """How often the processes are started."""
    threads: int = 1
    """Of each process."""

    def __post_init__(self) -> None:
        if min(self.rounds, self.requests, self.launches, self.threads, *self.batches) < 1:
            raise ModelError(
                f"{self}: batches, rounds, requests, launches and threads are 1 at least"
            )


@dataclass(kw_only=True)
class Facts:
    """What is known of a contender besides its times."""

    device: str = ""
    seconds: float = float("nan")
    """Until it was ready to serve."""
    disk: int = 0
    """Bytes of all that is served from: weights, configuration, tokenizer."""
    memory: float = float("nan")
    """Bytes at the peak while it served, without what loading took: of the process, or of the
    device that it works on."""
    torch: bool = True
    """Whether torch was in that memory too."""
    agreement: Agreement | None = None
    failure: str = ""
    """Why it is out."""


@dataclass(kw_only=True)
class Outcome:
    """Of a race."""

    facts: dict[tuple[str, str], Facts] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)


class Process:
    """A contender's process."""

    def __init__(self, folder: Path, threads: int) -> None:
        (folder / "work").mkdir(exist_ok=True)
        self.child = Child("layover.bench.server", folder, threads, OFFLINE)

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """What it answers; raises `ModelError` with what went wrong."""
        if self.child.ask({"do": do, **what}):
            for answer in self.child.answers():
                if "failed" in answer:
                    raise ModelError(answer["failed"])
                return answer
        how, printed = self.child.buried()
        raise ModelError(f"its process {how}; it printed last: {printed[-500:] or 'nothing'}")

    def close(self) -> None:
        """End the process."""
        if self.child.process.stdin:
            # One that died has not read all that it was asked.
            with suppress(BrokenPipeError):
                self.child.process.stdin.close()
            self.child.process.stdin = None
        self.child.close()


@dataclass(kw_only=True)
class Race:
    """Contenders over one workload, in a folder for what they are prepared in."""

    contenders: Sequence[Contender]
    examples: Examples
    metric: Metric
    max_length: int
    setup: Setup
    folder: Path
    say: Callable[[str], None]
    outcome: Outcome = field(default_factory=Outcome)
    served: dict[tuple[str, str], Path] = field(default_factory=dict)

    def run(self) -> Outcome:
        """Prepare, compare, measure. What fails, a model's reference too, is out and says why in
        its facts."""
        # Private, for what processes of ours tell each other.
        with tempfile.TemporaryDirectory() as scratch:
            self.scratch = Path(scratch)
            self.work = Workload.of(self.examples, self.max_length)
            self.work.check(self.setup.batches)
            self.file = self.scratch / "workload.pickle"
            self.work.save(self.file)
            self.outcome.facts = {one.name: Facts() for one in self.contenders}
            for one in self.contenders:
                self._guarded(one, self._prepare)
            for launch in range(self.setup.launches):
                self._launch(launch)
        return self.outcome

    @property
    def left(self) -> list[Contender]:
        """Those that are in the race."""
        return [one for one in self.contenders if not self.outcome.facts[one.name].failure]

    def _guarded(self, one: Contender, act: Callable[..., None], *given: Any) -> None:
        """Do it to a contender; one that fails is out."""
        try:
            act(one, *given)
        except LayoverError as error:
            self.outcome.facts[one.name].failure = str(error)
            self.say(f"{one.label} is out: {error}")

    def _prepare(self, one: Contender) -> None:
        """In a process that ends, so that exporting leaves nothing in the memory of serving."""
        labels_of(one.folder, self.examples.task)
        place = one.folder
        if backend(one.backend).prepare is not None:
            place = self.folder / "models" / f"{len(self.served)}-{one.backend}"
            place.mkdir(parents=True)
            process = Process(self.scratch, self.setup.threads)
            try:
                process.ask("prepare", name=one.backend, folder=str(one.folder), place=str(place))
            finally:
                process.close()
        self.served[one.name] = place
        self.outcome.facts[one.name].disk = sum(
            path.stat().st_size for path in place.iterdir() if path.is_file()
        )

    def _launch(self, launch: int) -> None:
        processes: dict[tuple[str, str], Process] = {}
        try:
            # One starts after the other, so that no warm-up disturbs another.
            for one in self.left:
                self._guarded(one, self._start, processes)
            if launch == 0:
                self._compare(processes)
            for one in self.left:
                self._guarded(one, self._warm, processes[one.name])
                self.say(f"{one.label} is ready")
            for number in range(self.setup.rounds):
                self._round(launch, number, processes)
                self.say(f"round {number + 1} of {self.setup.rounds}")
            for one in self.left:
                self._guarded(one, self._memory, processes[one.name])
        finally:
            for process in processes.values():
                process.close()

    def _start(self, one: Contender, processes: dict[tuple[str, str], Process]) -> None:
        facts = self.outcome.facts[one.name]
        process = processes[one.name] = Process(self.scratch, self.setup.threads)
        told = process.ask(
            "open",
            name=one.backend,
            folder=str(self.served[one.name]),
            work=str(self.file),
            threads=self.setup.threads,
        )
        facts.device, facts.seconds = told["device"], told["seconds"]

    def _warm(self, one: Contender, process: Process) -> None:
        count = min(3, self.setup.requests)
        # Requests of their own, -1: no round has seen them.
        process.ask("warm", batches=list(self.setup.batches), turn=-1, count=count)

    def _memory(self, one: Contender, process: Process) -> None:
        told, facts = process.ask("peak"), self.outcome.facts[one.name]
        facts.memory = float(np.fmax(told["bytes"], facts.memory))
        facts.torch = told["torch"]

    def _round(
        self, launch: int, number: int, processes: Mapping[tuple[str, str], Process]
    ) -> None:
        order = self.left
        random.Random(f"order:{launch}:{number}").shuffle(order)
        for place, one in enumerate(order):
            self._guarded(one, self._turn, processes[one.name], launch, number, place)

    def _turn(self, one: Contender, process: Process, launch: int, number: int, place: int) -> None:
        told = process.ask(
            "turn",
            batches=list(self.setup.batches),
            turn=launch * self.setup.rounds + number,
            count=self.setup.requests,
        )
        self.outcome.samples += [
            Sample(*one.name, launch, number, place, **row) for row in told["rows"]
        ]

    def _compare(self, processes: Mapping[tuple[str, str], Process]) -> None:
        """What each says to all examples, beside its reference."""
        known: dict[tuple[str, str], Answers] = {}
        # References first: the others are compared with them.
        for one in sorted(self.left, key=lambda one: one.name != one.reference):
            self._guarded(one, self._agree, processes[one.name], known)

    def _agree(
        self, one: Contender, process: Process, known: dict[tuple[str, str], Answers]
    ) -> None:
        mine = self._answers(one, process)
        if one.name == one.reference:
            known[one.name] = mine
        elif one.reference not in known:
            raise ResultError(f"its reference, {' '.join(one.reference)}, is out")
        exact = backend(one.backend).exact
        bits = one.backend == REFERENCE and bool(one.whole)
        found = agreement(known[one.reference], mine, exact=exact, bits=bits)
        self.outcome.facts[one.name].agreement = found
        if not found.timed:
            raise ResultError(
                f"it differs from {', '.join(one.reference)} by up to {found.difference:.2g}, "
                f"where {found.scale:.2g} is the largest number, and predicts "
                f"{100 * found.same:.1f} % alike: it is not timed"
            )

    def _answers(self, one: Contender, process: Process) -> Answers:
        from transformers import AutoTokenizer

        outputs: list[Any] = []
        for language in self.work.languages:
            path = self.scratch / "outputs.npz"
            process.ask("outputs", language=language, path=str(path))
            with np.load(path, allow_pickle=False) as saved:
                outputs += [saved[name] for name in saved.files]
            path.unlink()
        tokenizer = AutoTokenizer.from_pretrained(self.served[one.name])
        kind = self.examples.task.type
        units = list(kind.encode(self.examples.items, tokenizer, self.max_length))
        columns = labels_of(one.folder, self.examples.task)
        return answers(self.examples, units, [each[..., columns] for each in outputs], self.metric)


def labels_of(folder: Path, task: Task) -> Any:
    """Which of the model's classes each label of the task is; all there is, where labels are no
    classes. Raises `ModelError` where the model in `folder` does not do this task."""
    told, head = about(folder), task.type.head
    if told.get("head") != head:
        raise ModelError(
            f"{folder} has a head of the kind {told.get('head', 'none')}, and {task.name} needs "
            f"one of the kind {head}: name a model that was trained on it"
        )
    if head not in ("sequence", "token"):
        return slice(None)
    known = [str(label).casefold() for label in told["labels"]]
    wanted = [label.casefold() for label in task.type.labels]
    if sorted(known) != sorted(wanted):
        raise ModelError(
            f"{folder} knows the labels {', '.join(known) or 'of nothing'}, and {task.name} has "
            f"{', '.join(wanted)}: name a model that was trained on it, with its labels in "
            "config.json"
        )
    return [known.index(label) for label in wanted]
