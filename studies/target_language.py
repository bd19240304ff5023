"""How does multi-task intermediate training on diverse other languages compare with English only?

Single-task and multi-task, in English, in other languages with as much data in all of them as
English has (of parallel data the very same examples), and with as much in each of them. Near and
far languages are taught apart, and measured apart. In full: XNLI, PAWS-X and TyDiQA in those of the
languages that their training sets have, and XLM-R Large on six of XTREME's targets; in miniature:
tags, inference and questions of a generated world, with English's place taken by its source.

The claims leave out targets whose own task is taught in other languages: what its labels do there
is no transfer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from data_size import ASKED, allowed, examples, places, untaught
from demo import named
from published import tuned

from layover.claims import Claim, gain
from layover.languages import language
from layover.recipe import Recipe, steps
from layover.stage import Stage
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
        return tuned(xtreme(), FULL)

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
    taught = language(first.source).name
    own, others = (first.source,), (*first.near, *first.far)
    ways: dict[str, Reach] = {
        "direct": lambda part: (),
        f"one task, {taught}": lambda part: part.alone(own),
        "one task, near": lambda part: part.alone(first.near),
        "one task, far": lambda part: part.alone(first.far),
        "one task, others": lambda part: part.alone(others),
        f"multi-task, {taught}": lambda part: part.together(own),
        "multi-task, others": lambda part: part.together(others),
        "multi-task, others, more": lambda part: part.together(others, each=True),
    }

    def arm(name: str, portrayed: bool = False) -> Arm:
        found: list[Stage] = []
        for part in parts:
            place, stops = part.place, ways[name](part)
            if portrayed:
                found += place.portrait(*stops)
            else:
                found += place.reach(*stops, targets=part.targets)
        return Arm(name=name, leaves=tuple(found))

    return Study(
        name=named("target_language", miniature),
        question=__doc__ or "",
        source=first.source,
        baseline="direct",
        arms=tuple(map(arm, ways)),
        portraits=tuple(arm(name, portrayed=True) for name in ways),
        allow=allowed(first, *(task for task, _ in parts[0].tasks)),
        claims=claims(parts[0], taught),
    )


def claims(part: Part, taught: str) -> tuple[Claim, ...]:
    """Means over the targets that are measured in the languages in question, and not taught."""
    near, far = part.place.near, part.place.far
    tasks = [task for task, _ in part.tasks]

    def more(arm: str, over: str, languages: tuple[str, ...] = ()) -> tuple[Any, ...]:
        learned = tasks if arm.startswith("multi-task") else tasks[:1]
        there = untaught(part.targets, learned)
        names = [one.name for one in there if set(languages) <= set(one.test.languages)]
        return (gain(arm, *names, over=over, languages=languages),)

    multi, single = "multi-task, others", f"multi-task, {taught}"
    both = f"from multi-task training in other languages than in {taught}"
    told = {
        f"Multi-task training in other languages helps more than in {taught}": more(multi, single),
        f"Near languages gain more {both}": more(multi, single, near),
        f"Far languages gain more {both}": more(multi, single, far),
        f"One task in other languages helps more than in {taught}": more(
            "one task, others", f"one task, {taught}"
        ),
        "Far languages gain more from far languages than from near ones": more(
            "one task, far", "one task, near", far
        ),
        "Multi-task training in other languages helps more with as much data in each": more(
            "multi-task, others, more", multi
        ),
    }
    return tuple(
        Claim(text=f"{text}.", source=ASKED, contrasts=contrasts)
        for text, contrasts in told.items()
    )
