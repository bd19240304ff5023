"""What the chain behind a measurement says about it: encoder, intermediate tasks, languages, data.

Nothing here is declared a second time: arms have names for people, and these are read off the
stages, so a table or a claim cannot say something else than what was trained.
"""

from __future__ import annotations

from dataclasses import dataclass

from layover.dimensions import Dimensions, Parameters
from layover.encoders import Encoder, Folder, Start, origin
from layover.metrics.metric import Metric
from layover.stages import Initial, Score, Train, seed_of, trainings
from layover.study import Arm, Study
from layover.tasks.mixture import parts_of
from layover.tasks.task import Data


@dataclass(frozen=True, kw_only=True)
class Phases:
    """The trainings behind a measurement, by the phase that they belong to."""

    start: Start
    """Where the first of them begins: published weights, a folder, or random ones."""
    language_model: tuple[Train, ...]
    """Masked language modelling of random weights, before anything else."""
    intermediate: tuple[Train, ...]
    target: tuple[Train, ...]
    """None for retrieval, which is measured as it is."""


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What a measurement differs in from others."""

    encoder: str
    intermediate: tuple[str, ...]
    """Tasks in the order of training, those of a mixture as it has them; () for none. Text beside
    them is not among them."""
    languages: tuple[str, ...]
    """Of the intermediate training examples."""
    examples: int | None
    """All intermediate training examples; None where their number is not known before reading."""
    beside_mlm: bool
    """Whether masked language modelling goes on beside or between the intermediate tasks."""
    seed: int | None
    parameters: Parameters | None
    """Of the encoder; None where they are not known before it is downloaded."""


def scores_of(arm: Arm) -> tuple[Score, ...]:
    """The leaves of an arm that measure scores."""
    return tuple(leaf for leaf in arm.leaves if isinstance(leaf, Score))


def metric_of(study: Study, target: str) -> Metric:
    """What a target of a study is measured by."""
    every = (leaf for arm in study.arms for leaf in scores_of(arm))
    return next(leaf.metric for leaf in every if leaf.target == target)


def phases(leaf: Score) -> Phases:
    """The trainings behind a leaf, told apart.

    A target's own trainings are the last one and those whose head it carries on, unless what is
    measured needs no head. Masked language modelling is a first phase where the weights were
    random, and an intermediate one where they were published.
    """
    rest = list(trainings(leaf.predictions.model))
    target: list[Train] = []
    while rest and leaf.predictions.data.task.type.head != "embed":
        target.insert(0, rest.pop())
        if target[0].head == "new":
            break
    start = origin(leaf.predictions.model)
    first = 0
    while isinstance(start, Initial) and first < len(rest) and not tasks_of(rest[first]):
        first += 1
    return Phases(
        start=start,
        language_model=tuple(rest[:first]),
        intermediate=tuple(rest[first:]),
        target=tuple(target),
    )


def factors(leaf: Score) -> Factors:
    """The factors of a leaf."""
    found = phases(leaf)
    tasks = [part for stage in found.intermediate for part in tasks_of(stage)]
    sizes = [part.size for part in tasks]
    known = [size for size in sizes if size is not None]
    return Factors(
        encoder=encoder_name(found.start),
        intermediate=tuple(part.task.name for part in tasks),
        languages=tuple(dict.fromkeys(code for part in tasks for code in part.languages)),
        examples=sum(known) if len(known) == len(sizes) else None,
        beside_mlm=any(
            len(tasks_of(stage)) < len(parts_of(stage.data)) for stage in found.intermediate
        ),
        seed=measured_seed(leaf),
        parameters=parameters(found.start),
    )


def measured_seed(leaf: Score) -> int | None:
    """Whose measurement a leaf is; None for a model without seed."""
    return seed_of(leaf.predictions.model) if leaf.seed is None else leaf.seed


def parameters(start: Start) -> Parameters | None:
    """Those of the encoder that a chain starts from; None where they are not known before it is
    downloaded. Those of a random one have the table of words that its vocabulary may fill."""
    first = origin(start)
    known: Dimensions | None = None
    if isinstance(first, Initial):
        known = first.shape.with_words(first.vocabulary.size)
    elif isinstance(first, Encoder | Folder):
        known = first.dimensions
    return known.parameters if known else None


def encoder_name(start: Start) -> str:
    """The encoder that a chain starts from, without its seed: "xlm-r-large", "tiny 2x128"."""
    first = origin(start)
    return first.shape.label if isinstance(first, Initial) else first.label


def tasks_of(stage: Train) -> tuple[Data, ...]:
    """What a training learns besides masked language modelling."""
    return tuple(part for part in parts_of(stage.data) if part.task.type.head != "lm")
