"""Does intermediate training change what a multilingual encoder costs to serve? And what does a
millisecond buy, after intermediate training in English and in the languages that are served?

`layover run` trains, scores and serves; `layover serving` gives the answers: for each two arms
whether their latency is the same within 5 % (two one-sided tests over launches), and for each
language latency beside quality. Whether there is quality to buy at all is what the claims are for.

In full: XLM-R base on three tasks of XTREME-R, intermediate training on XNLI, whose translated
training sets stand for target-language data; both arms with as many examples together. It needs a
GPU and the hub. In miniature: a generated world, whose only target that is served is tagging.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from demo import LONG, MODERATE, SHORT, named
from published import GPU, PAPER, TAGGERS, on_hub, tuned

from layover.claims import Claim, gain
from layover.encoders import XLMR_BASE, Start, Tiny
from layover.metrics.accuracy import WORD_ACCURACY
from layover.recipe import Recipe, epochs, steps
from layover.stage import ONE_THREAD, Resources, Stage
from layover.stages import (
    Benchmark,
    Initial,
    Phase,
    Precision,
    Predict,
    Score,
    Stop,
    Vocabulary,
    World,
    chain,
    leaves,
)
from layover.study import Arm, Study
from layover.tasks.axes import same_total
from layover.tasks.generated import CODES, SOURCE, ZERO_SHOT, Tasks
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset
from layover.tasks.xnli import XNLI
from layover.tasks.xtreme_targets import xtreme_r
from layover.world import Shape

SERVED = ("udpos", "panx", "xquad")
MARGIN = 0.05
"""The smallest difference in latency that matters: less is not felt."""
TRANSLATED = tuple(code for code in XNLI.languages if code != "eng")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is trained and served."""

    start: Start
    ways: tuple[tuple[str, tuple[Stop, ...]], ...]
    targets: tuple[Target, ...]
    recipe: Recipe
    source: str
    allow: tuple[str, ...]
    """Target-language arms have labels in the languages that they serve: that is what they are."""
    name: str
    resources: Resources = ONE_THREAD
    precision: Precision = "float32"
    benchmark: Benchmark
    """All but its models and data."""

    def study(self, seeds: Sequence[int]) -> Study:
        scored = {
            name: leaves(
                self.start,
                *stops,
                targets=self.targets,
                recipe=self.recipe,
                seeds=tuple(seeds),
                resources=self.resources,
                precision=self.precision,
            )
            for name, stops in self.ways
        }
        before: tuple[Stage, ...] = tuple(leaf for mine in scored.values() for leaf in mine)
        served: tuple[Benchmark, ...] = ()
        for target in self.targets:
            # One after the other, and after everything else.
            benchmark = self._served(target, tuple(scored.values()), before)
            served, before = (*served, benchmark), (benchmark,)
        arms = tuple(Arm(name=name, leaves=(*mine, *served)) for name, mine in scored.items())
        return Study(
            name=self.name,
            question=__doc__ or "",
            arms=arms,
            baseline="direct",
            source=self.source,
            allow=self.allow,
            claims=self.claims,
        )

    @property
    def claims(self) -> tuple[Claim, ...]:
        names = [target.name for target in self.targets]
        (_, *taught) = (name for name, _ in self.ways)
        first, second = taught

        def claim(text: str, arm: str, over: str) -> Claim:
            return Claim(text=text, source="this study", contrasts=(gain(arm, *names, over=over),))

        return (
            *(claim(f"Intermediate training ({arm}) helps.", arm, "direct") for arm in taught),
            claim(f"It helps more in {second} than in {first}.", second, first),
        )

    def _served(
        self, target: Target, scored: Sequence[tuple[Score, ...]], before: tuple[Stage, ...]
    ) -> Benchmark:
        """Every model of a target, of all arms and seeds, on some of its test."""
        predictions: list[Predict] = [
            leaf.predictions for mine in scored for leaf in mine if leaf.target == target.name
        ]
        return replace(
            self.benchmark,
            models=tuple(dict.fromkeys(one.model for one in predictions)),
            data=replace(target.test, subset=Subset(size=100)),
            metric=target.metric,
            max_length=predictions[0].max_length,
            after=before,
        )


def study(miniature: bool = False, seeds: int = 3, backends: tuple[str, ...] = ("eager",)) -> Study:
    setting = small(tuple(backends)) if miniature else full(tuple(backends))
    return setting.study(range(1, seeds + 1))


def full(backends: tuple[str, ...]) -> Setting:
    nli = XNLI.on_hub()
    everything = Subset(size=392_000)
    targets = tuple(map(on_hub, tuned(xtreme_r(), SERVED)))

    def once(languages: tuple[str, ...]) -> Phase:
        return Phase(
            data=same_total(nli, languages, everything),
            recipe=replace(PAPER, duration=epochs(1)),
        )

    return Setting(
        name="deployment_cost",
        start=XLMR_BASE,
        ways=(
            ("direct", ()),
            ("English", (once(("eng",)),)),
            ("target languages", (once(TRANSLATED),)),
        ),
        targets=targets,
        recipe=TAGGERS,
        resources=GPU,
        precision="bfloat16",
        source="eng",
        allow=tuple(f"xnli in {code}" for code in TRANSLATED),
        benchmark=Benchmark(
            models=(),
            data=targets[0].test,
            metric=targets[0].metric,
            backends=backends,
            rounds=20,
            launches=3,
            margin=MARGIN,
            resources=GPU,
        ),
    )


def small(backends: tuple[str, ...]) -> Setting:
    tasks = Tasks(world=World(shape=Shape(paragraphs=6_000, taught=ZERO_SHOT), seed=1))
    text = Data(task=tasks.text, split="train", languages=CODES)
    untrained = Initial(
        shape=Tiny(layers=2, width=128, heads=4),
        vocabulary=Vocabulary(data=text, size=2_000),
        seed=1,
    )
    encoder = chain(
        untrained,
        Phase(data=text, recipe=SHORT),
        Phase(data=text, recipe=LONG, head="carry"),
        recipe=SHORT,
        seed=1,
    )
    tags = Subset(size=3_000, seed=1)
    source = Data(task=tasks.supertags, split="train", languages=(SOURCE,), subset=tags)
    few = Subset(size=10, seed=1)
    pos = Target(
        name="POS",
        train=(Data(task=tasks.pos, split="train", languages=(SOURCE,), subset=few),),
        test=Data(task=tasks.pos, split="test", languages=CODES),
        metric=WORD_ACCURACY,
        recipe=Recipe(duration=steps(60), learning_rate=5e-4, batch=10),
    )
    return Setting(
        name=named("deployment_cost", miniature=True),
        start=encoder,
        ways=(
            ("direct", ()),
            ("source language", (source,)),
            ("target languages", (same_total(tasks.supertags, ZERO_SHOT, tags),)),
        ),
        targets=(pos,),
        recipe=MODERATE,
        source=SOURCE,
        allow=(
            *(f"supertags in {code}" for code in ZERO_SHOT),
            # Seven of 600 sentences of Fenric are names, for the most part, in Alvic's letters.
            "supertags qfe in another script",
        ),
        benchmark=Benchmark(
            models=(),
            data=pos.test,
            metric=pos.metric,
            backends=backends,
            requests=5,
            launches=2,
            margin=MARGIN,
        ),
    )
