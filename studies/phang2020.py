"""Which English intermediate tasks make an encoder better at XTREME, in languages without labels?

The study of Phang et al. 2020 (English Intermediate-Task Training Improves Zero-Shot Cross-Lingual
Transfer Too, AACL): XLM-R Large, nine intermediate tasks and all of them together, XTREME's nine
targets, and the two alternatives that the paper tried, masked language modelling beside the task
and machine-translated data. In miniature it is the same on a generated world, with a small encoder
trained there: it shows the machinery, and decides nothing about XLM-R.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import demo
from demo import MODERATE
from phang2020_claims import DIRECT, HU, MULTI, XTREME, Words, claims
from published import on_hub, sentences

from layover.encoders import XLMR_LARGE
from layover.metrics.accuracy import ACCURACY
from layover.metrics.mining import PAIR_F1
from layover.metrics.mlqa import MLQA_BOTH
from layover.metrics.squad import SQUAD_BOTH
from layover.portraits import portrait
from layover.recipe import Check, Recipe, Selection, epochs, steps
from layover.stage import Resources, Stage
from layover.stages import Phase, Stop, chain, evaluate
from layover.study import Arm, Study
from layover.tasks.anli import ANLI_PLUS
from layover.tasks.ccg import CCG, supertagging
from layover.tasks.commonsenseqa import COMMONSENSEQA
from layover.tasks.cosmosqa import COSMOSQA
from layover.tasks.generated import SOURCE, ZERO_SHOT
from layover.tasks.hellaswag import HELLASWAG
from layover.tasks.mixture import Mixture
from layover.tasks.mlm import MLM
from layover.tasks.mnli import MNLI
from layover.tasks.qqp import QQP
from layover.tasks.squad import SQUAD, SQUAD2
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, Task
from layover.tasks.xnli import XNLI
from layover.tasks.xtreme_targets import xtreme

GPU = Resources(gpus=1)


class Paper:
    """XLM-R Large and XTREME. Everything is read from the hub where it is there, and else from
    LAYOVER_DATA; `layover plan` says what is missing."""

    name = "phang2020"
    source = "eng"
    # XQuAD in English is part of SQuAD's development set, on which checkpoints are chosen, as in
    # the paper; translations of MNLI are what the translated arms are about.
    allow = (
        "squad overlaps xquad in eng",
        "squad2 overlaps xquad in eng",
        "xnli in deu",
        "xnli in rus",
        "xnli in swa",
    )
    words = Words(
        intermediate={
            name: name
            for name in (
                "ANLI+",
                "MNLI",
                "QQP",
                "SQuAD v2.0",
                "SQuAD v1.1",
                "HellaSwag",
                "CCG",
                "Cosmos QA",
                "CommonsenseQA",
            )
        },
        targets=tuple(XTREME),
        retrieval=("bucc2018", "tatoeba"),
        answers="tydiqa",
        inference="xnli",
        # UNKNOWN which tasks the paper did this for; taken: those that its abstract names.
        beside={name: f"{name} + MLM" for name in ("MNLI", "SQuAD v2.0", "HellaSwag")},
        # The paper translated QQP and HellaSwag too, with a system of its own.
        translated={"MNLI": ("MNLI in deu", "MNLI in rus", "MNLI in swa")},
        published=HU,
    )

    def stops(self, seed: int) -> dict[str, tuple[Stop, ...]]:
        """Arm -> what comes between the encoder and the target."""
        single = {
            # Epochs and batches are remembered, not found: UNKNOWN to a point.
            "ANLI+": _phase(ANLI_PLUS, 2, "dev"),
            "MNLI": _phase(MNLI, 2, "dev_matched"),
            "QQP": _phase(QQP, 3, "dev"),
            "SQuAD v2.0": _phase(SQUAD2, 3, "dev", batch=8, length=384),
            "SQuAD v1.1": _phase(SQUAD, 3, "dev", batch=8, length=384),
            "HellaSwag": _phase(HELLASWAG, 7, "val"),
            "CCG": _phase(_supertags(), 15, "dev"),
            "Cosmos QA": _phase(COSMOSQA, 15, "valid", batch=4),
            "CommonsenseQA": _phase(COMMONSENSEQA, 10, "dev", batch=4),
        }
        return {
            **{name: (phase,) for name, phase in single.items()},
            MULTI: (_together(tuple(single.values())),),
            **{
                arm: (_with_text(single[name], self.languages),)
                for name, arm in self.words.beside.items()
            },
            **{
                f"MNLI in {code}": (_phase(XNLI, 2, "", language=code),)
                for code in ("deu", "rus", "swa")
            },
        }

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for one in xtreme() for code in one.test.languages))

    def leaves(self, seed: int, *stops: Stop) -> Iterator[Stage]:
        """Every target, reached by way of `stops`."""
        for target in map(on_hub, xtreme()):
            metric = {"xquad": SQUAD_BOTH, "mlqa": MLQA_BOTH, "tydiqa": SQUAD_BOTH}.get(target.name)
            own = replace(target, metric=metric or target.metric)
            recipe = _target_recipe(target.name)
            training = (
                Phase(data=data, recipe=recipe, selection=_chosen(target)) for data in target.train
            )
            model = chain(XLMR_LARGE, *stops, *training, recipe=recipe, seed=seed, resources=GPU)
            # Texts of retrieval are read up to 512 tokens, others as far as they are trained on.
            length = recipe.max_length if target.train else 512
            yield from evaluate(model, own, length, seed)

    def portrait(self, seed: int, *stops: Stop) -> tuple[Stage, ...]:
        """What `stops` did to the encoder, by sentences in XNLI's languages."""
        recipe = _target_recipe("")
        model = chain(XLMR_LARGE, *stops, recipe=recipe, seed=seed, resources=GPU)
        (tatoeba,) = (on_hub(one) for one in xtreme() if one.name == "tatoeba")
        return portrait(model, XLMR_LARGE, sentences(), tatoeba, 512, seed)


def _recipe(count: float, batch: int, length: int) -> Recipe:
    """jiant's: AdamW, 1e-5, a tenth of the steps to warm up, linear decay."""
    return Recipe(
        duration=epochs(count),
        learning_rate=1e-5,
        batch=batch,
        weight_decay=0.01,
        max_length=length,
    )


def _phase(
    task: Task, count: int, dev: str, batch: int = 24, length: int = 256, language: str = "eng"
) -> Phase:
    """An intermediate training, of which the best checkpoint is kept."""
    there = task.on_hub() if task.hub else task
    return Phase(
        data=Data(task=there, split="train", languages=(language,)),
        recipe=_recipe(count, batch, length),
        selection=_selection(Data(task=there, split=dev, languages=("eng",))) if dev else None,
    )


def _selection(*dev: Data) -> Selection:
    """jiant's: on 500 examples in English, every 1,000 steps, until 30 were no better."""
    few = (replace(data, subset=Subset(size=500)) for data in dev)
    checks = tuple(Check(data=data, metric=data.task.metrics[0]) for data in few)
    return Selection(checks=checks, every=1_000, patience=30)


def _together(phases: tuple[Phase, ...]) -> Phase:
    """All tasks in one training: drawn by their size up to 2^17 (UNKNOWN; T5's, whose mixing the
    paper cites), for three epochs, in batches of 24, up to 384 tokens (both UNKNOWN)."""
    parts = tuple(phase.data for phase in phases if isinstance(phase.data, Data))
    checks = tuple(check for phase in phases if phase.selection for check in phase.selection.checks)
    return Phase(
        data=Mixture(parts=parts, sampling="capped"),
        recipe=_recipe(3, 24, 384),
        selection=Selection(checks=checks, every=1_000, patience=30),
    )


def _with_text(phase: Phase, languages: tuple[str, ...]) -> Phase:
    """With masked language modelling of text in XTREME's languages beside it. The share of the
    draws (one half) and the exponent of the languages (XLM-R's 0.3) are UNKNOWN."""
    assert isinstance(phase.data, Data)
    text = Data(task=MLM, split="train", languages=languages, exponent=0.3)
    return replace(phase, data=Mixture(parts=(phase.data,), beside=text, ratio=0.5))


def _supertags() -> Task:
    """With the labels of the files, where they are there: without them nothing can be run."""
    return CCG if any(CCG.source.missing("train", "eng")) else supertagging()


def _target_recipe(name: str) -> Recipe:
    """Known: jiant's guide to the paper."""
    count = {"xnli": 2, "pawsx": 5, "udpos": 10, "panx": 10}.get(name, 2)
    asks = name in ("xquad", "mlqa", "tydiqa")
    return _recipe(count, 16 if asks else 32, 384 if asks else 256)


def _chosen(target: Target) -> Selection | None:
    """On the English development set; TyDiQA has none besides its test set."""
    if not target.train or target.name == "tydiqa":
        return None
    return _selection(replace(target.train[0], split="dev"))


STRONG = replace(demo.STRONG, duration=steps(300))
"""Shorter than the demo's, for twice as many arms in ten minutes."""


class Small(demo.Seed):
    """One world, taught in two more languages, and what of the paper can be done in it."""

    near, far = ZERO_SHOT[0], ZERO_SHOT[-1]
    world = replace(demo.Seed.world, taught=(near, far))

    @property
    def targets(self) -> tuple[Target, ...]:
        tasks = self.tasks
        few = Target(
            name="NLI",
            train=(self.train(tasks.nli, 300),),
            test=self.test(tasks.nli),
            metric=ACCURACY,
            recipe=Recipe(duration=epochs(9), learning_rate=5e-4),
        )
        mining = Target(
            name="mining",
            train=(),
            test=Data(task=tasks.mining, split="test", languages=ZERO_SHOT),
            dev=Data(task=tasks.mining, split="dev", languages=ZERO_SHOT),
            metric=PAIR_F1,
        )
        return (few, *super().targets, mining)

    @property
    def ways(self) -> dict[str, tuple[Stop, ...]]:
        """Arm -> what comes between the encoder and the target."""
        tasks = self.tasks
        nli = self.train(tasks.nli)
        strong = {
            "NLI": nli,
            "paraphrase": self.train(tasks.paraphrase),
            "QA or none": self.train(tasks.spans2),
            "QA": self.train(tasks.spans),
            "endings": self.train(tasks.choice),
        }
        supertags = self.train(tasks.supertags, 3_000)
        several = Mixture(parts=(*strong.values(), supertags), sampling="capped")
        beside = Mixture(parts=(nli,), beside=self.text, ratio=0.5)
        longer = replace(STRONG, duration=steps(600), max_length=56)
        return {
            **{name: (Phase(data=data, recipe=STRONG),) for name, data in strong.items()},
            "supertags": (Phase(data=supertags, recipe=MODERATE),),
            MULTI: (Phase(data=several, recipe=replace(STRONG, duration=steps(600))),),
            # As many steps on the task as without text.
            "NLI + MLM": (Phase(data=beside, recipe=longer),),
            **{
                f"NLI in {code}": (Phase(data=replace(nli, languages=(code,)), recipe=STRONG),)
                for code in (self.near, self.far)
            },
        }


class Miniature:
    """A generated world for each seed, with what it has of the paper's tasks and targets."""

    name = "phang2020-miniature"
    source = SOURCE
    allow = tuple(f"nli in {code}" for code in (Small.near, Small.far))
    words = Words(
        intermediate={
            "MNLI": "NLI",
            "QQP": "paraphrase",
            "SQuAD v2.0": "QA or none",
            "SQuAD v1.1": "QA",
            "HellaSwag": "endings",
            "CCG": "supertags",
        },
        targets=("NLI", "POS", "NER", "QA", "retrieval", "mining"),
        retrieval=("retrieval", "mining"),
        answers="QA",
        inference="NLI",
        beside={"NLI": "NLI + MLM"},
        translated={"NLI": tuple(f"NLI in {code}" for code in (Small.near, Small.far))},
    )

    def stops(self, seed: int) -> dict[str, tuple[Stop, ...]]:
        return Small(seed).ways

    def leaves(self, seed: int, *stops: Stop) -> Iterator[Stage]:
        small = Small(seed)
        yield from small.leaves(small.encoder, *stops)

    def portrait(self, seed: int, *stops: Stop) -> tuple[Stage, ...]:
        return Small(seed).portrait(*stops)


def study(miniature: bool = False, seeds: int = 0) -> Study:
    """The paper has three seeds; worlds differ more than seeds do, so the miniature has four."""
    place: Paper | Miniature = Miniature() if miniature else Paper()
    numbers = range(1, (seeds or (4 if miniature else 3)) + 1)
    ways = {seed: {DIRECT: (), **place.stops(seed)} for seed in numbers}

    def each(measured: Callable[..., Iterable[Stage]]) -> tuple[Arm, ...]:
        return tuple(
            Arm(
                name=way,
                leaves=tuple(leaf for seed in numbers for leaf in measured(seed, *ways[seed][way])),
            )
            for way in ways[1]
        )

    return Study(
        name=place.name,
        question=__doc__ or "",
        arms=each(place.leaves),
        baseline=DIRECT,
        source=place.source,
        allow=place.allow,
        claims=claims(place.words),
        portraits=each(place.portrait),
    )
