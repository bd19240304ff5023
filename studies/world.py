"""Which intermediate training helps zero-shot transfer? The demo's question of many more worlds.

Two more targets and two more ways than the demo has, in twelve worlds; `--set seeds=30` asks more.
What the demo or a smaller run has left in the store is used again.
"""

from demo import ARMS, STRONG, compared
from demo import Seed as DemoSeed

from layover.metrics.accuracy import ACCURACY
from layover.recipe import Recipe, epochs
from layover.stages import Phase, Stop
from layover.study import Study
from layover.tasks.generated import SOURCE
from layover.tasks.target import Target
from layover.tasks.task import Task


class Seed(DemoSeed):
    @property
    def targets(self) -> tuple[Target, ...]:
        def few(name: str, task: Task) -> Target:
            recipe = Recipe(duration=epochs(9), learning_rate=5e-4)
            train, test = (self.train(task, 300),), self.test(task)
            return Target(name=name, train=train, test=test, metric=ACCURACY, recipe=recipe)

        return (*super().targets, few("NLI", self.tasks.nli), few("choice", self.tasks.choice))

    def stops(self, name: str) -> tuple[Stop, ...]:
        more = {"paraphrase": self.tasks.paraphrase, "choice": self.tasks.choice}
        if name in more:
            return (Phase(data=self.train(more[name]), recipe=STRONG),)
        return super().stops(name)


def study(seeds: int = 12) -> Study:
    every = [Seed(seed) for seed in range(1, seeds + 1)]
    ways = (*ARMS, "paraphrase", "choice")
    return compared("world", __doc__ or "", every, ways, SOURCE)
