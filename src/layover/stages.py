"""The kinds of work in a study, and how they are strung together.

World -> Vocabulary -> Initial -> Train -> Train -> ... -> Predict -> Score

Every stage imports what it needs inside `run`, so that planning never loads torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from layover import spec
from layover.encoders import Start, Tiny, origin
from layover.errors import StudyError
from layover.metrics.metric import Metric
from layover.recipe import HeadPolicy, Recipe, Selection
from layover.spec import unkeyed
from layover.stage import ONE_THREAD, Context, Resources, Stage
from layover.tasks.mixture import Mixture, parts_of
from layover.tasks.target import Target
from layover.tasks.task import Data, check_metric
from layover.world import Shape

DEMO_SHAPE = Shape()

Precision: TypeAlias = Literal["float32", "bfloat16"]

READ_LENGTH = 128
"""Tokens of a text that is predicted, unless its target was trained with more."""


@dataclass(frozen=True, kw_only=True)
class World(Stage):
    """The files of a generated family of languages (see `layover.world`)."""

    version: ClassVar[int] = 2
    shape: Shape = DEMO_SHAPE
    seed: int

    @property
    def label(self) -> str:
        return f"world {self.seed}"

    def run(self, context: Context) -> None:
        from layover.world import write

        write(context.folder, self.shape, self.seed)


@dataclass(frozen=True, kw_only=True)
class Vocabulary(Stage):
    """A SentencePiece vocabulary in the form of XLM-R's tokenizer, learned from text."""

    version: ClassVar[int] = 1
    data: Data
    size: int
    """Pieces at most, special tokens included."""
    coverage: float = 0.9999
    """Share of the text's characters that get pieces of their own; the others are unknown. Less
    leaves more of `size` for words where the text holds thousands of characters."""

    def run(self, context: Context) -> None:
        from layover.modeling.vocabulary import learn

        texts = [example.text for example in context.data(self.data).items]
        learn(texts, self.size, self.coverage, context.folder / "models" / "vocabulary")


@dataclass(frozen=True, kw_only=True)
class Initial(Stage):
    """An encoder with random weights: where training from scratch starts."""

    version: ClassVar[int] = 1
    shape: Tiny
    vocabulary: Vocabulary
    seed: int

    @property
    def label(self) -> str:
        return f"random {self.shape.label} (seed {self.seed})"

    def run(self, context: Context) -> None:
        from layover.modeling.initial import write_random

        vocabulary = context.result(self.vocabulary) / "models" / "vocabulary"
        write_random(self.shape, vocabulary, self.seed, context.folder / "models" / "encoder")


@dataclass(frozen=True, kw_only=True)
class Train(Stage):
    """One phase: masked language modelling, an intermediate task, or a target task."""

    version: ClassVar[int] = 2
    divisible: ClassVar[bool] = True
    start: Start
    data: Data | Mixture
    recipe: Recipe
    seed: int
    head: HeadPolicy = "new"
    """Whether the heads are drawn anew or taken from `start`, labels by their names. A
    masked-language-model head is taken from `start` wherever that has one: it belongs to the
    encoder's first phase."""
    selection: Selection | None = None

    @property
    def label(self) -> str:
        return f"train {self.data.label} (seed {self.seed})"

    def run(self, context: Context) -> None:
        from layover.training.train import train

        train(self, context)


@dataclass(frozen=True, kw_only=True)
class Predict(Stage):
    """Predictions of a model for every example of `data`, in all its languages."""

    version: ClassVar[int] = 2
    model: Start
    data: Data
    max_length: int = READ_LENGTH
    precision: Precision = "float32"
    """bfloat16: the weights are rounded, and everything is computed in it."""
    head_of: Start | None = None
    """Whose head predicts, unchanged, from the states of the model, which then needs none: the
    same encoder's at another point of its training."""

    def __post_init__(self) -> None:
        head, model = self.data.task.type.head, self.head_of or self.model
        if self.head_of and spec.key(origin(self.head_of)) != spec.key(origin(self.model)):
            raise StudyError(
                f"{self.data.label} is predicted by the head of another encoder than the one that "
                f"{self.model.label} began as: a head reads the states of its own"
            )
        if head == "embed" or not isinstance(model, Train):
            return
        trained = sorted({part.task.type.head for part in parts_of(model.data)})
        if head not in trained:
            raise StudyError(
                f"{self.data.label} is predicted by a {head} head, and the last training before it "
                f"({model.data.label}) trains {' and '.join(trained)}: train the model on "
                f"{self.data.task.name} or its like first, which is what a target's `train` is for"
            )
        wanted = self.data.task.type.labels
        known = [part.task.type.labels for part in parts_of(model.data)]
        if not any(set(wanted) <= set(labels) for labels in known):
            raise StudyError(
                f"{self.data.label} has the labels {_few(wanted)}, and the last training before it "
                f"({model.data.label}) has {' and '.join(map(_few, filter(None, known)))}: train "
                f"the model on {self.data.task.name} or its like first"
            )

    @property
    def label(self) -> str:
        return f"predict {self.data.label} {self.data.split}"

    def run(self, context: Context) -> None:
        from layover.inference.predict import predict

        predict(self, context)


def _few(labels: tuple[str, ...]) -> str:
    """Labels for people: the first of many."""
    return f"{', '.join(labels[:5])}{', ...' if len(labels) > 5 else ''}"


@dataclass(frozen=True, kw_only=True)
class Score(Stage):
    """What predictions are worth: per example for statistics, per language for people.

    Retrieval predictions come in variants (layers, centred or not). Which one counts is the best
    one, over all languages, in `choose`: predictions of the same model on other examples. So is
    the least score of a prediction that is kept, where predictions have scores; without `choose`
    it is 0.
    """

    version: ClassVar[int] = 1
    predictions: Predict
    metric: Metric
    choose: Predict | None = None
    target: str = unkeyed("")
    """The name of the target in tables."""
    seed: int | None = unkeyed(None)
    """Whose measurement it is where several seeds share the model; else the model's own."""

    @property
    def label(self) -> str:
        return f"score {self.target}"

    def run(self, context: Context) -> None:
        from layover.inference.score import score

        score(self, context)


@dataclass(frozen=True, kw_only=True)
class Benchmark(Stage):
    """What models cost to serve: each under each backend in a process of its own, in rounds that
    alternate, on the examples of `data`. What it writes are times of one machine, which nothing
    else should use meanwhile: see `after`."""

    version: ClassVar[int] = 1
    models: tuple[Start, ...]
    """All that are compared with each other: they answer the same requests in the same rounds."""
    data: Data
    metric: Metric
    """Of the quality on the same examples."""
    backends: tuple[str, ...] = ("eager",)
    batches: tuple[int, ...] = (1, 32)
    rounds: int = 10
    """Of each launch."""
    requests: int = 10
    """Of each size in every language, in each round."""
    launches: int = 1
    """How often the processes are started: intervals are over launches if it is more than once."""
    threads: int = 1
    """Of each process that serves; one is at work at a time."""
    max_length: int = READ_LENGTH
    after: tuple[Stage, ...] = ()
    """What must be complete before: all else of a study, so that nothing of it runs beside this."""
    margin: float = unkeyed(0.05)
    """The smallest difference in latency that matters, as a share: chosen before there is one."""

    def __post_init__(self) -> None:
        if not 0 < self.margin < math.inf:
            raise StudyError(
                f"a margin of {self.margin:g} cannot be: name the smallest difference in latency "
                "that matters, a share above 0 such as 0.05"
            )

    @property
    def label(self) -> str:
        return f"serve {self.data.label} with {len(self.models)} models"

    def run(self, context: Context) -> None:
        from layover.bench.benchmark import benchmark

        benchmark(self, context)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One stop of a chain that departs from the chain's recipe, head or selection."""

    data: Data | Mixture
    recipe: Recipe | None = None
    head: HeadPolicy = "new"
    selection: Selection | None = None


Stop: TypeAlias = Data | Mixture | Phase | Target


def chain(
    start: Start, *stops: Stop, recipe: Recipe, seed: int, resources: Resources = ONE_THREAD
) -> Start:
    """`start` trained on each stop in turn, the last of which is usually a target, by trainings
    that ask for `resources`.

    A target contributes its own training data, the first of them under a new head and the others
    under the head of the one before; a retrieval target contributes none.
    """
    model = start
    for phase in _phases(stops):
        model = Train(
            start=model,
            data=phase.data,
            recipe=phase.recipe or recipe,
            seed=seed,
            head=phase.head,
            selection=phase.selection,
            resources=resources,
        )
    return model


def _phases(stops: tuple[Stop, ...]) -> list[Phase]:
    phases: list[Phase] = []
    for stop in stops:
        if isinstance(stop, Phase):
            phases.append(stop)
        elif isinstance(stop, Target):
            for position, data in enumerate(stop.train):
                head: HeadPolicy = "carry" if position else "new"
                phases.append(Phase(data=data, recipe=stop.recipe, head=head))
        else:
            phases.append(Phase(data=stop))
    return phases


def evaluate(
    model: Start,
    target: Target,
    max_length: int | None = None,
    seed: int | None = None,
    precision: Precision = "float32",
    threads: int = 1,
) -> tuple[Score, ...]:
    """The leaves that measure `model` on `target`, as `seed` or as the model's own, by predictions
    in `precision` that use `threads` threads.

    Texts are read up to `max_length` tokens: by default as far as the target's own recipe trains
    on them, and 128 at least.
    """
    check_metric(target.metric, target.test)
    length = max_length or max(READ_LENGTH, target.recipe.max_length if target.recipe else 0)

    def predict(data: Data) -> Predict:
        return Predict(
            model=model,
            data=data,
            max_length=length,
            precision=precision,
            resources=Resources(threads=threads),
        )

    if target.test.task.type.head == "embed" and target.dev is None:
        raise StudyError(f"{target.name} needs dev: other sentences, on which its layer is chosen")
    choose = None
    if target.dev is not None:
        check_metric(target.metric, target.dev)
        choose = predict(target.dev)
    score = Score(
        predictions=predict(target.test),
        metric=target.metric,
        choose=choose,
        target=target.name,
        seed=seed,
    )
    return (score,)


def leaves(
    start: Start,
    *stops: Stop,
    targets: Iterable[Target],
    recipe: Recipe,
    seeds: Iterable[int],
    max_length: int | None = None,
    resources: Resources = ONE_THREAD,
    precision: Precision = "float32",
) -> tuple[Score, ...]:
    """What an arm measures: every target, reached from `start` by way of `stops`, once a seed, by
    trainings that ask for `resources`, and by predictions in `precision` with as many threads.

    Texts are read up to `max_length` tokens: by default as far as `recipe`, or the target's own,
    trains on them, and 128 at least; so all arms read the same.
    """
    aims = tuple(targets)
    return tuple(
        leaf
        for seed in seeds
        for target in aims
        for leaf in evaluate(
            chain(start, *stops, target, recipe=recipe, seed=seed, resources=resources),
            target,
            max_length or max(READ_LENGTH, (target.recipe or recipe).max_length),
            seed,
            precision,
            resources.threads,
        )
    )


def trainings(start: Start) -> tuple[Train, ...]:
    """The trainings of a chain, first to last."""
    found: list[Train] = []
    while isinstance(start, Train):
        found.append(start)
        start = start.start
    return tuple(reversed(found))


def seed_of(start: Start) -> int | None:
    """The seed of a model: of its last training, or of its random weights; None without either."""
    if isinstance(start, Train | Initial):
        return start.seed
    return None
