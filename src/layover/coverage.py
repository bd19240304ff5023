"""What a study covers, counted from its stages: what claims of coverage are judged by.

A count is of what the study declares; the same of its part that has rows is what was measured.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from layover.claims import Counted
from layover.encoders import Encoder, Folder
from layover.factors import Phases, encoder_name, measured_seed, phases, scores_of, tasks_of
from layover.languages import language
from layover.stage import Stage
from layover.stages import Score
from layover.study import Arm, Study
from layover.tasks.mixture import parts_of
from layover.tasks.task import Data

FORMATS = {
    "sequence": "classification",
    "span": "question answering",
    "choice": "multiple choice",
    "token": "tagging",
    "dual": "ranking",
}
"""The words for the heads that intermediate tasks are trained under."""


def encoders(study: Study) -> Counted:
    """The encoders that arms start from; controls are not counted."""
    return _each(encoder_name(phases(leaf).start) for _, leaf in _leaves(study))


def targets(study: Study) -> Counted:
    return _each(leaf.target for _, leaf in _leaves(study))


def languages(study: Study) -> Counted:
    """The languages that anything is measured in."""
    codes = (code for _, leaf in _leaves(study) for code in leaf.predictions.data.languages)
    return _each(language(code).name for code in codes)


def intermediate_tasks(study: Study) -> Counted:
    return _each(part.task.name for part in _intermediate(study))


def formats(study: Study) -> Counted:
    """What intermediate tasks ask for, in words."""
    heads = (part.task.type.head for part in _intermediate(study))
    return _each(FORMATS.get(head, head) for head in heads)


def zero_shot(study: Study) -> Counted:
    """The targets whose own training splits are in the source language only, retrieval among them,
    which has none; lacking are the others."""
    other = {
        leaf.target
        for _, leaf in _leaves(study)
        for stage in phases(leaf).target
        for part in parts_of(stage.data)
        if part.languages != (study.source,)
    }
    names = targets(study).found
    return Counted(
        found=tuple(name for name in names if name not in other),
        lacking=tuple(name for name in names if name in other),
    )


def three_phases(study: Study) -> Counted:
    """The arms whose chains are masked language modelling, done here or published, then
    intermediate training, then the target's, which retrieval has none of. The baseline, which is
    there to lack the second, is not counted."""
    whole = {
        arm.name: all(_three(phases(leaf), leaf) for leaf in scores_of(arm))
        for arm in _arms(study)
        if arm.name != study.baseline
    }
    return Counted(
        found=tuple(name for name, has in whole.items() if has),
        lacking=tuple(name for name, has in whole.items() if not has),
    )


SINGLE, MULTI = "single-task", "multi-task"


def single_and_multi(study: Study) -> Counted:
    """Which of the two ways arms train: on one intermediate task, or on several."""
    counts = (
        len({part.task.name for stage in phases(leaf).intermediate for part in tasks_of(stage)})
        for _, leaf in _leaves(study)
    )
    return _each(SINGLE if count == 1 else MULTI for count in counts if count)


Row = tuple[str, str, int | None]
"""(arm, target, seed)"""


def measured(study: Study, rows: Collection[Row]) -> Study:
    """The part of a study that has rows. Its baseline stays, without a score if it has no row."""

    def left(arm: Arm) -> tuple[Stage, ...]:
        scores = scores_of(arm)
        found = [leaf for leaf in scores if (arm.name, leaf.target, measured_seed(leaf)) in rows]
        if found or arm.name != study.baseline:
            return tuple(found)
        return tuple(leaf.predictions for leaf in scores) or arm.leaves

    arms = [(arm, left(arm)) for arm in study.arms]
    kept = tuple(replace(arm, leaves=leaves) for arm, leaves in arms if leaves)
    return replace(study, arms=kept, keep=(), claims=(), portraits=())


def _three(found: Phases, leaf: Score) -> bool:
    modelled = bool(found.language_model) or isinstance(found.start, Encoder | Folder)
    trained = bool(found.target) or leaf.predictions.data.task.type.head == "embed"
    return modelled and bool(found.intermediate) and trained


def _arms(study: Study) -> Iterator[Arm]:
    return (arm for arm in study.arms if not arm.control)


def _leaves(study: Study) -> Iterator[tuple[Arm, Score]]:
    return ((arm, leaf) for arm in _arms(study) for leaf in scores_of(arm))


def _intermediate(study: Study) -> Iterator[Data]:
    for _, leaf in _leaves(study):
        for stage in phases(leaf).intermediate:
            yield from tasks_of(stage)


def _each(names: Iterable[str]) -> Counted:
    return Counted(found=tuple(dict.fromkeys(names)))
