"""How does multi-task intermediate training on diverse other languages compare with English only?

Single-task and multi-task, in English, in other languages with as much data in all of them as
English has (of parallel data the very same examples), and with as much in each of them. Near and
far languages are taught apart, and measured apart. In full: XNLI, PAWS-X and TyDiQA in those of the
languages that their training sets have, and XLM-R Large on six of XTREME's targets; in miniature:
tags, inference and questions of a generated world, with English's place taken by its source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from data_size import ASKED, allowed, examples, places

from layover.claims import Claim, gain
from layover.recipe import Recipe, steps
from layover.stages import Phase
from layover.study import Arm, Study
from layover.tasks.axes import balanced, same_total
from layover.tasks.mixture import Mixture
from layover.tasks.pawsx import PAWSX
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, Task
from layover.tasks.tydiqa import TYDIQA
from layover.tasks.xtreme_targets import xtreme

FULL = ("xnli", "udpos", "panx", "xquad", "tydiqa", "tatoeba")
"""Targets in full."""

Reach = Callable[["Part"], tuple[Phase, ...]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One seed of the study."""

    place: Any
    miniature: bool

    @property
    def size(self) -> int:
        """Examples of each task, where it has as many."""
        return 3_072 if self.miniature else 36_000

    @property
    def recipe(self) -> Recipe:
        """Of multi-task training. Paragraphs with questions are longer than pairs of sentences."""
        if self.miniature:
            return replace(self.place.recipe, duration=steps(288))
        return replace(self.place.recipe, duration=steps(6_000), max_length=384)

    @property
    def tasks(self) -> tuple[tuple[Task, int], ...]:
        """The intermediate tasks, the first of which is also trained alone, and how much of them.
        TyDiQA has less, and is not parallel."""
        if self.miniature:
            own = (self.place.grown, self.place.tasks.nli, self.place.tasks.spans)
            return tuple((task, self.size) for task in own)
        return (
            (self.place.grown, self.size),
            (PAWSX.on_hub(), self.size),
            (TYDIQA.on_hub(), 3_600),
        )

    @property
    def targets(self) -> tuple[Target, ...]:
        if self.miniature:
            return tuple(self.place.targets)
        targets: tuple[Target, ...] = self.place.tuning(xtreme(), FULL)
        return targets

    def alone(self, languages: tuple[str, ...]) -> tuple[Phase, ...]:
        data = examples(self.place, self.size, languages)
        return (Phase(data=data, recipe=self.place.recipe),)

    def together(self, languages: tuple[str, ...], each: bool = False) -> tuple[Phase, ...]:
        """All tasks at once, drawn alike."""
        parts = tuple(self._data(task, size, languages, each) for task, size in self.tasks)
        return (Phase(data=Mixture(parts=parts, sampling="uniform"), recipe=self.recipe),)

    def _data(self, task: Task, size: int, languages: tuple[str, ...], each: bool) -> Data:
        there = tuple(code for code in languages if code in task.languages)
        subset = Subset(size=size, seed=self.place.seed)
        parallel = task.name != TYDIQA.name
        if each:
            return balanced(task, there, subset if parallel else None)
        return same_total(task, there, subset, parallel=parallel)


def study(miniature: bool = False, seeds: int = 0) -> Study:
    parts = [Part(place=place, miniature=miniature) for place in places(miniature, seeds)]
    first = parts[0].place
    english, others = (first.source,), (*first.near, *first.far)
    ways: dict[str, Reach] = {
        "direct": lambda part: (),
        "one task, English": lambda part: part.alone(english),
        "one task, near": lambda part: part.alone(first.near),
        "one task, far": lambda part: part.alone(first.far),
        "one task, others": lambda part: part.alone(others),
        "multi-task, English": lambda part: part.together(english),
        "multi-task, others": lambda part: part.together(others),
        "multi-task, others, more": lambda part: part.together(others, each=True),
    }
    return Study(
        name="target_language",
        question=__doc__ or "",
        source=first.source,
        baseline="direct",
        arms=tuple(
            Arm(
                name=name,
                leaves=tuple(
                    leaf
                    for part in parts
                    for leaf in part.place.reach(*way(part), targets=part.targets)
                ),
            )
            for name, way in ways.items()
        ),
        allow=allowed(first, *(task for task, _ in parts[0].tasks)),
        claims=claims(parts[0]),
    )


def claims(part: Part) -> tuple[Claim, ...]:
    """Means over the targets that are measured in the languages in question."""
    near, far = part.place.near, part.place.far

    def more(arm: str, over: str, languages: tuple[str, ...] = ()) -> tuple[Any, ...]:
        names = [one.name for one in part.targets if set(languages) <= set(one.test.languages)]
        return (gain(arm, *names, over=over, languages=languages),)

    multi, english = "multi-task, others", "multi-task, English"
    both = "from multi-task training in other languages than in English"
    told = {
        "Multi-task training in other languages helps more than in English": more(multi, english),
        f"Near languages gain more {both}": more(multi, english, near),
        f"Far languages gain more {both}": more(multi, english, far),
        "One task in other languages helps more than in English": more(
            "one task, others", "one task, English"
        ),
        "Far languages gain more from far languages than from near ones": more(
            "one task, far", "one task, near", far
        ),
        "Multi-task training in other languages helps more with as much data in each": more(
            "multi-task, others, more", multi
        ),
    }
    return tuple(
        Claim(text=text, source=ASKED, contrasts=contrasts) for text, contrasts in told.items()
    )
