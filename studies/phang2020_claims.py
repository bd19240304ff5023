"""What the paper claims, in the names that a study has for its tasks and targets.

No study by itself.
"""

from dataclasses import dataclass

from layover import coverage
from layover.claims import (
    EVERY,
    Best,
    Claim,
    Contrast,
    Counted,
    Coverage,
    Published,
    gain,
    mean,
)
from layover.encoders import XLMR_LARGE
from layover.study import Study

DIRECT, MULTI = "direct", "multi-task"

XTREME = "xnli pawsx udpos panx xquad mlqa tydiqa bucc2018 tatoeba".split()
HU = Published(
    name="Hu et al. 2020",
    scores=(
        ("xnli", 79.2, 15),
        ("pawsx", 86.4, 7),
        ("udpos", 73.8, 33),
        ("panx", 65.4, 40),
        ("xquad", (76.6 + 60.8) / 2, 11),
        ("mlqa", (71.6 + 53.2) / 2, 7),
        ("tydiqa", (65.1 + 45.0) / 2, 9),
        ("bucc2018", 66.0, 4),
        ("tatoeba", 57.3, 36),
    ),
)
"""XLM-R Large as XTREME's authors measured it, English included (Chung et al. 2021, table 16, and
the notes of VECO): not the paper's own baseline, whose Tatoeba is 31.0, of another layer."""


NO_WORSE = -1.0
"""The margin, in points, of claims that say no more than ">=" or "<="."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The names that the claims are written in: the paper's tasks and targets, and what stands for
    them."""

    intermediate: dict[str, str]
    """The paper's name -> the arm that trains on it."""
    targets: tuple[str, ...]
    retrieval: tuple[str, ...]
    answers: str
    """TyDiQA, or another target of questions with few examples to train on."""
    inference: str
    beside: dict[str, str]
    """The arm of English training -> the same with text beside it."""
    translated: dict[str, tuple[str, ...]]
    """The arm of English training -> the same in other languages."""
    published: Published | None = None


TASKS = {
    "anli+": "natural language inference",
    "mnli": "natural language inference",
    "nli": "natural language inference",
    "qqp": "paraphrase detection",
    "paraphrase": "paraphrase detection",
    "squad": "question answering",
    "squad2": "question answering",
    "qa": "question answering",
    "qa2": "question answering",
    "hellaswag": "sentence completion",
    "choice": "sentence completion",
    "ccg": "sentence tagging",
    "supertags": "sentence tagging",
    "cosmosqa": "question answering",
    "commonsenseqa": "question answering",
}


def kinds(study: Study) -> Counted:
    """What the intermediate tasks of a study are about, as the paper calls it."""
    names = coverage.intermediate_tasks(study).found
    return Counted(found=tuple(dict.fromkeys(TASKS[name] for name in names if name in TASKS)))


def claims(words: Words) -> tuple[Claim | Coverage, ...]:
    """The fourteen claims, all about XLM-R Large; those of two halves are two."""
    return (*_effects(words), *_alternatives(words), *_covered(words))


def _effects(words: Words) -> tuple[Claim, ...]:
    encoders = (XLMR_LARGE.name,)
    singles = tuple(words.intermediate.values())
    others = tuple(name for name in words.targets if name not in words.retrieval)

    def over(arm: str | Best, *targets: str) -> Contrast:
        return gain(arm, *(targets or words.targets), over=DIRECT)

    best = Best(arms=(*singles, MULTI))
    return (
        Claim(
            text="Intermediate training on SQuAD, MNLI and HellaSwag improves the average.",
            source="Phang et al. 2020, claim 1",
            contrasts=tuple(
                over(words.intermediate[name]) for name in ("SQuAD v2.0", "MNLI", "HellaSwag")
            ),
            reference="+8.2, +7.5 and +7.0 points",
            encoders=encoders,
        ),
        Claim(
            text="Multi-task training on all intermediate tasks improves the average.",
            source="Phang et al. 2020, claim 2, first half",
            contrasts=(over(MULTI),),
            reference="+8.7 points",
            encoders=encoders,
        ),
        Claim(
            text="Multi-task training on all intermediate tasks is as good as the best of them "
            "alone, or better: not worse than any by more than a point.",
            source="Phang et al. 2020, claim 2, second half",
            contrasts=tuple(gain(MULTI, *words.targets, over=one) for one in singles),
            margin=NO_WORSE,
            encoders=encoders,
        ),
        Claim(
            text="The two retrieval targets, which have no training data, improve most.",
            source="Phang et al. 2020, claim 3",
            contrasts=(
                mean(
                    *(over(arm, *words.retrieval) - over(arm, *others) for arm in (*singles, MULTI))
                ).called("retrieval − the other targets, all arms"),
            ),
            encoders=encoders,
        ),
        Claim(
            text=f"{words.answers} improves with most intermediate tasks.",
            source="Phang et al. 2020, claim 4, first half",
            contrasts=tuple(over(arm, words.answers) for arm in singles),
            least=len(singles) // 2 + 1,
            encoders=encoders,
        ),
        Claim(
            text=f"{words.inference} does not benefit from an intermediate task: it gains less "
            "than a point.",
            source="Phang et al. 2020, claim 4, second half",
            contrasts=(
                (-mean(*(over(arm, words.inference) for arm in singles))).called(
                    f"minus the gain on {words.inference}, all single tasks"
                ),
            ),
            margin=NO_WORSE,
            encoders=encoders,
        ),
        Claim(
            text="The best intermediate training for each target improves the average.",
            source="Phang et al. 2020, claim 5",
            contrasts=(over(best),),
            reference="+5.4 points, over the baseline that XTREME's authors published",
            beside=_published(best, words),
            encoders=encoders,
        ),
    )


def _published(arm: str | Best, words: Words) -> tuple[Contrast, ...]:
    """The difference from the published baseline, over the languages of its averages."""
    if words.published is None:
        return ()
    return (gain(arm, *words.targets, over=words.published, languages=EVERY),)


def _alternatives(words: Words) -> tuple[Claim, ...]:
    encoders = (XLMR_LARGE.name,)
    pairs = [gain(arm, *words.targets, over=other) for arm, other in words.beside.items()]
    foreign = [
        gain(arm, *words.targets, over=other)
        for arm, others in words.translated.items()
        for other in others
    ]
    return (
        Claim(
            text="English intermediate training is as good as the same with masked language "
            "modelling of many languages beside it, or better: not worse by more than a point.",
            source="Phang et al. 2020, claim 6 (i)",
            contrasts=(mean(*pairs).called("English − English with MLM"),),
            margin=NO_WORSE,
            encoders=encoders,
        ),
        Claim(
            text="English intermediate training is as good as machine-translated intermediate "
            "data, or better: not worse by more than a point.",
            source="Phang et al. 2020, claim 6 (ii)",
            contrasts=(mean(*foreign).called("English − translated"),),
            margin=NO_WORSE,
            encoders=encoders,
        ),
    )


def _covered(words: Words) -> tuple[Coverage, ...]:
    """Claims 7 to 14."""
    encoders = (XLMR_LARGE.name,)
    paper = "Phang et al. 2020, claim"
    return (
        Coverage(
            text="The starting point is XLM-R Large, a strong published zero-shot encoder.",
            source=f"{paper} 7",
            counts=coverage.encoders,
            named=(XLMR_LARGE.name,),
            reference="68.1 on XTREME (Hu et al. 2020)",
            beside=_published(DIRECT, words),
            encoders=encoders,
        ),
        Coverage(
            text="XTREME evaluates zero-shot transfer over diverse tasks.",
            source=f"{paper} 8, first half",
            counts=coverage.targets,
            least=9,
            named=tuple(XTREME),
            encoders=encoders,
            targets=tuple(XTREME),
        ),
        Coverage(
            text="XTREME evaluates zero-shot transfer in up to 40 languages.",
            source=f"{paper} 8, second half",
            counts=coverage.languages,
            least=40,
            encoders=encoders,
            targets=tuple(XTREME),
        ),
        Coverage(
            text="Nine intermediate tasks are studied.",
            source=f"{paper} 9",
            counts=coverage.intermediate_tasks,
            least=9,
            encoders=encoders,
        ),
        Coverage(
            text="They include question answering, sentence tagging, sentence completion, "
            "paraphrase detection and natural language inference.",
            source=f"{paper} 10",
            counts=kinds,
            named=tuple(dict.fromkeys(TASKS.values())),
            encoders=encoders,
        ),
        Coverage(
            text="Three phases: a masked language model, intermediate training, target training.",
            source=f"{paper} 11",
            counts=coverage.three_phases,
            encoders=encoders,
        ),
        Coverage(
            text="Both single-task and multi-task intermediate training are studied.",
            source=f"{paper} 12",
            counts=coverage.single_and_multi,
            named=(coverage.SINGLE, coverage.MULTI),
            encoders=encoders,
        ),
        Coverage(
            text="Targets are XTREME's, evaluated zero-shot: trained in the source language only.",
            source=f"{paper} 13",
            counts=coverage.zero_shot,
            least=9,
            named=tuple(XTREME),
            encoders=encoders,
            targets=tuple(XTREME),
        ),
        Coverage(
            text="Intermediate tasks are classification, question answering and multiple choice.",
            source=f"{paper} 14 (marked unverified there)",
            counts=coverage.formats,
            named=("classification", "question answering", "multiple choice"),
            encoders=encoders,
        ),
    )
