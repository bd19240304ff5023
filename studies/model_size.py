"""How does the parameter count of the encoder go with the gap between English and target-language
intermediate training?

The same intermediate data in English, or divided equally among other languages, the very same
examples, and none, with encoders of growing size. A target counts once for each encoder, so that
every arm is compared with no intermediate training of the same encoder. In full: four published
encoders, which differ in more than their size, and XNLI's training sets before targets of
XTREME-R; in miniature: five sizes of one encoder, each trained from scratch on the same text of a
generated world, with English's place taken by its source language. The claims leave out targets
whose own task is the intermediate one: what its labels do in other languages is no transfer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from data_size import ASKED, Seed, allowed, examples, places, untaught
from demo import named
from published import tuned

from layover.claims import Claim, Contrast, gain, mean, per_doubling
from layover.encoders import LADDER, MBERT, MMBERT_BASE, XLMR_BASE, XLMR_LARGE, Start, Tiny
from layover.factors import encoder_name, parameters
from layover.languages import language
from layover.stage import Stage
from layover.stages import Phase, Stop
from layover.study import Arm, Study
from layover.tasks.target import Target
from layover.tasks.xtreme_targets import xtreme_r

FULL = ("xnli", "udpos", "panx", "xquad", "tydiqa", "tatoeba")
"""Targets in full: those of XTREME-R that published encoders of any kind can be measured on."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One encoder of one seed."""

    place: Any
    start: Start

    def named(self, target: Target) -> Target:
        return replace(target, name=f"{target.name}, {encoder_name(self.start)}")

    def reach(self, targets: tuple[Target, ...], *stops: Stop) -> tuple[Stage, ...]:
        named = [self.named(target) for target in targets]
        return tuple(self.place.reach(*stops, start=self.start, targets=named))


def _rungs(place: Any, miniature: bool) -> Iterator[Rung]:
    if not miniature:
        for encoder in (MBERT, XLMR_BASE, MMBERT_BASE, XLMR_LARGE):
            yield Rung(place=place, start=encoder)
    for shape in LADDER[:5] if miniature else ():
        yield Rung(place=place, start=_Shaped(place.seed, shape).encoder)


class _Shaped(Seed):
    """A seed whose encoder has another shape."""

    def __init__(self, seed: int, shape: Tiny) -> None:
        self.shape = shape
        super().__init__(seed)


def _targets(place: Any, miniature: bool) -> tuple[Target, ...]:
    if miniature:
        return tuple(place.labelling)
    return tuned(xtreme_r(), FULL)


def study(miniature: bool = False, seeds: int = 0) -> Study:
    # In miniature each seed trains five encoders from scratch: ten minutes hold three.
    every = places(miniature, seeds or 3)
    first = every[0]
    ladder = {place.seed: list(_rungs(place, miniature)) for place in every}
    taught = language(first.source).name
    kinds = {taught: (first.source,), "others": (*first.near, *first.far)}
    size = max(first.sizes)

    def arm(name: str) -> Arm:
        found: list[Stage] = []
        for place in every:
            languages = kinds.get(name)
            stops: tuple[Stop, ...] = ()
            if languages:
                stops = (Phase(data=examples(place, size, languages), recipe=place.recipe),)
            for rung in ladder[place.seed]:
                found += rung.reach(_targets(place, miniature), *stops)
        return Arm(name=name, leaves=tuple(found))

    targets = untaught(_targets(first, miniature), [first.grown])
    return Study(
        name=named("model_size", miniature),
        question=__doc__ or "",
        source=first.source,
        baseline="direct",
        arms=tuple(map(arm, ("direct", *kinds))),
        allow=allowed(first, first.grown),
        claims=claims(ladder[first.seed], [one.name for one in targets], taught),
    )


def claims(ladder: list[Rung], targets: list[str], taught: str) -> tuple[Claim, ...]:
    """The gap, and what becomes of it as the encoder grows."""
    gaps: dict[float, Contrast] = {}
    for rung in ladder:
        here = [f"{name}, {encoder_name(rung.start)}" for name in targets]
        known = parameters(rung.start)
        assert known is not None
        gaps[float(known.body)] = gain("others", *here, over=taught)
    slope = per_doubling(gaps)
    told = {
        f"Other languages help more than {taught}, over all sizes": mean(*gaps.values()).called(
            f"others − {taught}"
        ),
        "The gap falls as the encoder grows": (-slope).called(
            "minus the gap per doubling of the parameters"
        ),
    }
    return tuple(
        Claim(text=f"{text}.", source=ASKED, contrasts=(contrast,))
        for text, contrast in told.items()
    )
