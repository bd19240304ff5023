"""Is anything found where there is nothing to find?

Every arm is the baseline again, with other random numbers: other heads, another order of the
training data and another sample of it. Whatever a report finds here is an error of its statistics:
of the intervals that are not corrected for their number, one in twenty leaves out zero; of such
studies, one in twenty finds anything after the correction.
"""

from dataclasses import replace

from demo import MODERATE, Seed

from layover.stage import Stage
from layover.stages import chain, evaluate
from layover.study import Arm, Study
from layover.tasks.generated import SOURCE
from layover.tasks.target import Target
from layover.tasks.task import Data

WORLD = Seed(1)
TARGETS = tuple(target for target in WORLD.targets if target.train)
APART = 1_000
"""Random numbers of one arm are so far from those of the next."""


def study(seeds: int = 5, arms: int = 4) -> Study:
    names = ("direct", *(f"again {number}" for number in range(1, arms + 1)))
    return Study(
        name="nothing",
        question=__doc__ or "",
        arms=tuple(
            Arm(
                name=name,
                leaves=tuple(
                    leaf
                    for seed in range(1, seeds + 1)
                    for target in TARGETS
                    for leaf in leaves(target, seed, APART * place + seed)
                ),
            )
            for place, name in enumerate(names)
        ),
        baseline="direct",
        source=SOURCE,
    )


def leaves(target: Target, seed: int, number: int) -> tuple[Stage, ...]:
    """The target trained with the random numbers of `number`, measured as `seed`."""
    drawn = replace(target, train=tuple(sample(data, number) for data in target.train))
    model = chain(WORLD.encoder, drawn, recipe=MODERATE, seed=number)
    return evaluate(model, drawn, seed=seed)


def sample(data: Data, number: int) -> Data:
    """Another sample of as many examples."""
    assert data.subset
    return replace(data, subset=replace(data.subset, seed=number))
