"""Which intermediate training helps zero-shot transfer, in a world where we know the truth?

Everything is made here, from the languages to the encoder; it shows the machinery, not the
findings of any paper. Each seed has its own world, encoder, heads and samples.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from layover.encoders import Start, Tiny
from layover.metrics.accuracy import ACCURACY, WORD_ACCURACY
from layover.metrics.spans import SPAN_F1
from layover.metrics.squad import SQUAD_EM
from layover.portraits import portrait
from layover.recipe import Recipe, epochs, steps
from layover.stage import Stage
from layover.stages import Initial, Phase, Stop, Vocabulary, World, chain, leaves
from layover.study import Arm, Study
from layover.tasks.generated import CODES, SOURCE, ZERO_SHOT, Tasks
from layover.tasks.mixture import Mixture
from layover.tasks.plain import plain
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, Task
from layover.world import Shape

SHORT = Recipe(
    duration=steps(1080),
    learning_rate=2e-3,
    embedding_rate=3.0,
    batch=42,
    warmup=0.08,
    max_length=24,
)
LONG = Recipe(duration=steps(600), learning_rate=1e-3, embedding_rate=3.0, batch=18, max_length=56)
MODERATE = Recipe(duration=steps(187), learning_rate=5e-4)
STRONG = Recipe(duration=steps(500), learning_rate=1e-3)


class Seed:
    """One world, its encoder, and what can be trained and measured in it."""

    world = Shape(paragraphs=6_000)
    shape = Tiny(layers=2, width=128, heads=4)

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tasks = Tasks(world=World(shape=self.world, seed=seed))
        self.text = Data(task=self.tasks.text, split="train", languages=CODES)
        vocabulary = Vocabulary(data=self.text, size=2_000)
        self.untrained = Initial(shape=self.shape, vocabulary=vocabulary, seed=seed)
        self.encoder = chain(
            self.untrained,
            Phase(data=self.text, recipe=SHORT),
            Phase(data=self.text, recipe=LONG, head="carry"),
            recipe=SHORT,
            seed=seed,
        )

    def train(self, task: Task, size: int = 0) -> Data:
        subset = Subset(size=size, seed=self.seed) if size else None
        return Data(task=task, split="train", languages=(SOURCE,), subset=subset)

    def test(self, task: Task) -> Data:
        return Data(task=task, split="test", languages=CODES)

    @property
    def targets(self) -> tuple[Target, ...]:
        tagging = Recipe(duration=steps(60), learning_rate=5e-4, batch=10)
        tasks = self.tasks
        return (
            Target(
                name="POS",
                train=(self.train(tasks.pos, 10),),
                test=self.test(tasks.pos),
                metric=WORD_ACCURACY,
                recipe=tagging,
            ),
            Target(
                name="NER",
                train=(self.train(tasks.ner, 10),),
                test=self.test(tasks.ner),
                metric=SPAN_F1,
                recipe=tagging,
            ),
            Target(
                name="QA",
                train=(self.train(tasks.spans, 300),),
                test=self.test(tasks.spans_test),
                metric=SQUAD_EM,
                recipe=Recipe(duration=epochs(9), learning_rate=5e-4),
            ),
            Target(
                name="retrieval",
                train=(),
                test=Data(task=tasks.retrieval, split="test", languages=ZERO_SHOT),
                dev=Data(task=tasks.retrieval_dev, split="dev", languages=ZERO_SHOT),
                metric=ACCURACY,
            ),
        )

    def leaves(self, start: Start, *stops: Stop, learn: bool = True) -> tuple[Stage, ...]:
        """Every target, reached from `start` by way of `stops`."""
        targets = self.targets if learn else map(untrained, self.targets)
        return leaves(start, *stops, targets=targets, recipe=MODERATE, seeds=(self.seed,))

    def portrait(self, *stops: Stop) -> tuple[Stage, ...]:
        """What `stops` did to the encoder before any target, by texts that nothing trains on."""
        model = chain(self.encoder, *stops, recipe=MODERATE, seed=self.seed)
        text = replace(self.test(plain(self.tasks.paraphrase, "text")), subset=Subset(size=150))
        retrieval = next(target for target in self.targets if not target.train)
        return portrait(model, self.encoder, text, retrieval, seed=self.seed)

    def stops(self, name: str) -> tuple[Stop, ...]:
        """What comes between the encoder and the target."""
        tasks = self.tasks
        tags, spans = self.train(tasks.supertags, 3_000), self.train(tasks.spans)
        nli = self.train(tasks.nli)
        beside = Mixture(parts=(tags, self.text), sampling="explicit", weights=(0.5, 0.5))
        several = Mixture(parts=(tags, spans, nli), sampling="uniform")
        return {
            "direct": (),
            "supertags": (Phase(data=tags, recipe=MODERATE),),
            "QA": (Phase(data=spans, recipe=STRONG),),
            "NLI": (Phase(data=nli, recipe=STRONG),),
            "multi-task": (
                Phase(data=several, recipe=Recipe(duration=steps(480), learning_rate=5e-4)),
            ),
            "supertags + MLM": (
                Phase(
                    data=beside,
                    recipe=Recipe(duration=steps(320), learning_rate=5e-4, max_length=56),
                ),
            ),
        }[name]


ARMS = ("direct", "supertags", "QA", "NLI", "multi-task", "supertags + MLM")
CONTROLS = ("no pretraining", "untrained")


def study(seeds: int = 4) -> Study:
    every = [Seed(seed) for seed in range(1, seeds + 1)]
    plain_study = compared("demo", __doc__ or "", every, ARMS, SOURCE)
    return replace(plain_study, portraits=portraits(every, ARMS))


def named(name: str, miniature: bool) -> str:
    """A miniature has a name of its own, so that neither takes the other's place in a store."""
    return f"{name}-miniature" if miniature else name


def portraits(seeds: Sequence[Any], ways: Iterable[str]) -> tuple[Arm, ...]:
    """The checkpoint that each way leads to, before any target."""
    return tuple(
        Arm(
            name=way,
            leaves=tuple(leaf for seed in seeds for leaf in seed.portrait(*seed.stops(way))),
        )
        for way in ways
    )


def untrained(target: Target) -> Target:
    """`target` with a head that is drawn and learns nothing."""
    return replace(target, recipe=Recipe(duration=steps(1), learning_rate=0.0))


def compared(
    name: str, question: str, seeds: Sequence[Any], ways: Iterable[str], source: str
) -> Study:
    """Each way from the encoder to the targets as an arm. Two controls beside them: the targets
    without pretraining, and nothing trained at all."""

    def leaves_of(seed: Any, way: str) -> tuple[Stage, ...]:
        if way in CONTROLS:
            return seed.leaves(seed.untrained, learn=way == "no pretraining")
        return seed.leaves(seed.encoder, *seed.stops(way))

    arms = tuple(
        Arm(
            name=way,
            leaves=tuple(leaf for seed in seeds for leaf in leaves_of(seed, way)),
            control=way in CONTROLS,
        )
        for way in (*ways, *CONTROLS)
    )
    return Study(name=name, question=question, arms=arms, baseline="direct", source=source)
