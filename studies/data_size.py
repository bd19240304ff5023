"""Does growing the intermediate data in other languages than English give diminishing returns on
sequence labelling, compared with English?

Nested subsets, each twice the one before, in English or divided equally among other languages, the
very same examples; then POS and NER, trained in English and measured in all languages. Every
intermediate training has equally many steps, or (equal=epochs) equally many epochs, in which more
data are more steps. In full: XNLI's English and translated training sets, and XLM-R Large; in
miniature: supertags of a generated world with English's place taken by its source language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import demo
from published import GPU, PAPER, reached, sentences, tuned

from layover.claims import Claim, Contrast, mean, per_doubling, score
from layover.encoders import XLMR_LARGE, Start
from layover.languages import language
from layover.portraits import portrait
from layover.recipe import Duration, Recipe, epochs, steps
from layover.stage import Stage
from layover.stages import Phase, Stop, chain, leaves
from layover.study import Arm, Study
from layover.tasks import generated
from layover.tasks.axes import doublings, same_total
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, Task
from layover.tasks.xnli import XNLI
from layover.tasks.xtreme_targets import xtreme
from layover.world import Shape, Sizes

Equal = Literal["steps", "epochs"]
ASKED = "asked by this study"


class Seed(demo.Seed):
    """A generated world whose training data are there in four more languages, and its encoder."""

    source = generated.SOURCE
    near, far = ("qbe", "qco"), ("qde", "qel")
    """By their distance from the source. The farthest language of the world is never taught."""
    world = Shape(paragraphs=6_000, taught=(*near, *far), ccg=Sizes(train=4_096, test=0))
    sizes = doublings(4_096, 6)
    recipe = Recipe(duration=steps(192), learning_rate=5e-4)

    @property
    def grown(self) -> Task:
        """The intermediate task."""
        return self.tasks.supertags

    @property
    def labelling(self) -> tuple[Target, ...]:
        return self.targets[:2]

    def reach(
        self, *stops: Stop, start: Start | None = None, targets: Sequence[Target] = ()
    ) -> tuple[Stage, ...]:
        """Sequence labelling, or other targets, by way of `stops`."""
        return leaves(
            start or self.encoder,
            *stops,
            targets=targets or self.labelling,
            recipe=demo.MODERATE,
            seeds=(self.seed,),
        )


class Published:
    """XLM-R Large, XNLI's training set in nine languages (translated by machine, from the hub),
    and XTREME's sequence labelling, from its own files."""

    source = "eng"
    near, far = ("deu", "fra", "spa", "rus"), ("arb", "hin", "swa", "zho")
    sizes = doublings(2**18, 8)
    recipe = PAPER
    grown = XNLI.on_hub()

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.encoder: Start = XLMR_LARGE

    @property
    def labelling(self) -> tuple[Target, ...]:
        return tuned(xtreme(), ("udpos", "panx"))

    def reach(
        self, *stops: Stop, start: Start | None = None, targets: Sequence[Target] = ()
    ) -> tuple[Stage, ...]:
        """Sequence labelling, or other targets, by way of `stops`."""
        first, aims = start or self.encoder, targets or self.labelling
        return reached(first, *stops, targets=aims, seeds=(self.seed,))

    def portrait(self, *stops: Stop) -> tuple[Stage, ...]:
        """What `stops` did to the encoder before any target."""
        model = chain(self.encoder, *stops, recipe=PAPER, seed=self.seed, resources=GPU)
        (retrieval,) = tuned(xtreme(), ("tatoeba",))
        return portrait(
            model, self.encoder, sentences(), retrieval, seed=self.seed, precision="bfloat16"
        )


def places(miniature: bool, seeds: int) -> list[Any]:
    """Where a study is done, once a seed: by default four worlds, or three seeds of XLM-R."""
    kind: Any = Seed if miniature else Published
    return [kind(seed) for seed in range(1, (seeds or (4 if miniature else 3)) + 1)]


def examples(place: Any, size: int, languages: Sequence[str]) -> Data:
    """So many of the intermediate task in all these languages together, each in one of them."""
    return same_total(place.grown, tuple(languages), Subset(size=size, seed=place.seed))


def untaught(targets: Sequence[Target], tasks: Sequence[Task]) -> tuple[Target, ...]:
    """Those of no task that is an intermediate one: what labels in other languages do for their own
    task is no transfer to it."""
    names = {task.name for task in tasks}
    return tuple(one for one in targets if not names & {data.task.name for data in one.train})


def allowed(place: Any, *tasks: Task) -> tuple[str, ...]:
    """The guard's names for intermediate labels in other languages, which are meant here."""
    codes = (*place.near, *place.far)
    return tuple(f"{task.name} in {code}" for task in tasks for code in codes)


def study(miniature: bool = False, equal: Equal = "steps", seeds: int = 0) -> Study:
    every = places(miniature, seeds)
    first = every[0]
    others = (*first.near, *first.far)
    taught = language(first.source).name
    kinds = {taught: (first.source,), "others": others}
    duration: Duration = first.recipe.duration if equal == "steps" else epochs(2)
    recipe = replace(first.recipe, duration=duration)

    def arm(
        name: str, size: int = 0, languages: Sequence[str] = (), portrayed: bool = False
    ) -> Arm:
        found: list[Stage] = []
        for place in every:
            data = [examples(place, size, languages)] if size else []
            stops = [Phase(data=one, recipe=recipe) for one in data]
            found += place.portrait(*stops) if portrayed else place.reach(*stops)
        return Arm(name=name, leaves=tuple(found))

    largest = max(first.sizes)
    return Study(
        name=demo.named("data_size", miniature),
        question=__doc__ or "",
        source=first.source,
        baseline="direct",
        arms=(
            arm("direct"),
            *(
                arm(f"{kind} {size}", size, languages)
                for kind, languages in kinds.items()
                for size in first.sizes
            ),
        ),
        allow=allowed(first, first.grown),
        claims=claims(first.sizes, tuple(target.name for target in first.labelling), taught),
        portraits=(
            arm("direct", portrayed=True),
            *(
                arm(f"{kind} {largest}", largest, languages, portrayed=True)
                for kind, languages in kinds.items()
            ),
        ),
    )


def claims(sizes: tuple[int, ...], targets: tuple[str, ...], taught: str) -> tuple[Claim, ...]:
    """Slopes and what becomes of them, over the mean of the targets."""

    def slope(kind: str, some: tuple[int, ...] = sizes) -> Contrast:
        return per_doubling(
            {size: mean(*(score(f"{kind} {size}", name) for name in targets)) for size in some}
        )

    def loss(kind: str) -> Contrast:
        half = len(sizes) // 2
        return slope(kind, sizes[:half]) - slope(kind, sizes[half:])

    others = slope("others").called("per doubling in other languages")
    told = {
        f"More intermediate data in {taught} help sequence labelling": slope(taught).called(
            f"per doubling in {taught}"
        ),
        "More intermediate data in other languages help sequence labelling": others,
        "In other languages the returns diminish: a doubling adds less in the upper half of the "
        "sizes than in the lower": loss("others").called(
            "per doubling in other languages, lower half − upper half"
        ),
        f"In other languages the returns diminish more than in {taught}": (
            loss("others") - loss(taught)
        ).called(f"lower half − upper half, other languages − {taught}"),
        f"A doubling adds less in other languages than in {taught}, over all sizes": (
            slope(taught) - slope("others")
        ).called(f"per doubling, {taught} − other languages"),
    }
    return tuple(
        Claim(text=f"{text}.", source=ASKED, contrasts=(contrast,))
        for text, contrast in told.items()
    )
