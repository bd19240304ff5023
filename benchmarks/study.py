"""What a study of 9 intermediate tasks, 9 targets and 3 seeds costs beside a script for each cell:
`python -m benchmarks.study`. Nothing is trained: the plan is counted.

A script trains on the intermediate task, then on the target, and evaluates each run three times,
after every epoch, in all languages; a study trains every phase once and evaluates its end. Data
whose size nobody published are named and left out, on every side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.show import options, tell
from layover.encoders import XLMR_BASE
from layover.recipe import Recipe, epochs
from layover.stage import Stage, closure
from layover.stages import Phase, Predict, Train, leaves
from layover.study import Arm, Study
from layover.tasks import catalogue as tasks
from layover.tasks.mixture import parts_of
from layover.tasks.target import Target
from layover.tasks.task import Data, Task

SEEDS = (1, 2, 3)
EVALUATIONS = 3
"""Of a run of a script."""
RECIPE = Recipe(duration=epochs(3), learning_rate=2e-5)
INTERMEDIATE = (
    tasks.MNLI,
    tasks.QQP,
    tasks.SQUAD,
    tasks.SIQA,
    tasks.HELLASWAG,
    tasks.COSMOSQA,
    tasks.COMMONSENSEQA,
    tasks.CCG,
    tasks.SNLI,
)
TARGETS = (
    (tasks.XNLI, tasks.MNLI),
    (tasks.PAWSX, tasks.PAWSX),
    (tasks.XCOPA, tasks.COPA),
    (tasks.UDPOS, tasks.UDPOS),
    (tasks.PANX, tasks.PANX),
    (tasks.XQUAD, tasks.SQUAD),
    (tasks.MLQA, tasks.SQUAD),
    (tasks.TYDIQA, tasks.TYDIQA),
    (tasks.LAREQA, tasks.SQUAD_SENTENCES),
)
"""(what is tested, what is trained on): as in the paper, but for targets without training."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """What one way of doing a study needs."""

    way: str
    trainings: int
    steps: int
    """Of trainings whose data's size is known."""
    evaluations: int
    """Of a model in all languages of a target."""
    cost: float
    """Forward passes of an example, in millions: a step of training is three of each."""
    unknown: tuple[str, ...]
    """Data of unknown size, of which nothing is counted but that they are trained or tested on."""


def target(tested: Task, trained: Task) -> Target:
    return Target(
        name=tested.name,
        train=(_training(trained),),
        test=Data(task=tested, split=tested.splits[-1], languages=tested.languages),
        metric=tested.metrics[0],
        recipe=RECIPE,
    )


def _training(task: Task) -> Data:
    return Data(task=task, split=task.splits[0], languages=("eng",))


def study() -> Study:
    """The grid, and the targets without an intermediate task."""
    aims = tuple(target(*pair) for pair in TARGETS)

    def arm(name: str, *stops: Phase) -> Arm:
        found = leaves(XLMR_BASE, *stops, targets=aims, recipe=RECIPE, seeds=SEEDS)
        return Arm(name=name, leaves=found)

    phases = {task.name: Phase(data=_training(task), recipe=RECIPE) for task in INTERMEDIATE}
    arms = [arm(name, phase) for name, phase in phases.items()]
    return Study(name="grid", question="which?", arms=(arm("direct"), *arms), baseline="direct")


def training_steps(train: Train) -> int:
    """Optimiser steps of a training, by the sizes that its tasks have as published; 0 where one of
    them is not known."""
    sizes = [part.task.size(part.split, "eng") for part in parts_of(train.data)]
    if None in sizes:
        return 0
    count = sum(size for size in sizes if size is not None)
    return train.recipe.duration.steps(-(-count // train.recipe.batch))


def examples(predict: Predict) -> int:
    """Examples of a prediction in all languages whose size is known."""
    data = predict.data
    return sum(data.task.size(data.split, code) or 0 for code in data.languages)


def unknown(stage: Stage) -> list[str]:
    """Data of a stage whose size is not known."""
    if isinstance(stage, Train):
        return [
            f"{part.task.name} {part.split}"
            for part in parts_of(stage.data)
            if part.task.size(part.split, "eng") is None
        ]
    assert isinstance(stage, Predict)
    data = stage.data
    lacking = [code for code in data.languages if data.task.size(data.split, code) is None]
    if not lacking:
        return []
    few = f" in {len(lacking)} of {len(data.languages)} languages"
    return [f"{data.task.name} {data.split}{few if len(lacking) < len(data.languages) else ''}"]


def counts() -> list[Count]:
    """The scripts' way and ours."""
    every = study()
    trainings = [stage for stage in every.stages if isinstance(stage, Train)]
    predictions = [stage for stage in every.stages if isinstance(stage, Predict)]
    naive_trainings: list[Train] = []
    naive_predictions: list[Predict] = []
    for arm in every.arms:
        for leaf in arm.leaves:
            ancestors = _upwards(leaf)
            naive_trainings += [stage for stage in ancestors if isinstance(stage, Train)]
            naive_predictions += [stage for stage in ancestors if isinstance(stage, Predict)]
    return [
        _count("a script for each cell", naive_trainings, naive_predictions, EVALUATIONS),
        _count("one evaluation each", naive_trainings, naive_predictions, 1),
        _count("Layover", trainings, predictions, 1),
    ]


def _upwards(leaf: object) -> Sequence[object]:
    assert isinstance(leaf, Stage)
    return closure((leaf,))


def _count(
    way: str, trainings: Sequence[Train], predictions: Sequence[Predict], times: int
) -> Count:
    steps = sum(map(training_steps, trainings))
    seen = times * sum(map(examples, predictions))
    return Count(
        way=way,
        trainings=len(trainings),
        steps=steps,
        evaluations=times * len(predictions),
        cost=(3 * steps * RECIPE.batch + seen) / 1e6,
        unknown=tuple(
            sorted({name for stage in (*trainings, *predictions) for name in unknown(stage)})
        ),
    )


HEADER = (
    "way",
    "trainings",
    "steps",
    "evaluations",
    "million forward passes",
    "of the scripts'",
    "size unknown, left out",
)


def cells(count: Count, first: Count) -> tuple[str, ...]:
    return (
        count.way,
        f"{count.trainings:,}",
        f"{count.steps:,}",
        f"{count.evaluations:,}",
        f"{count.cost:,.0f}",
        f"{count.cost / first.cost:.2f}",
        ", ".join(count.unknown) or "none",
    )


def main() -> None:
    chosen = options(__doc__ or "", 1).parse_args()
    found = counts()
    tell(HEADER, found, [cells(count, found[0]) for count in found], chosen.json)


if __name__ == "__main__":
    main()
