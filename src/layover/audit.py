"""The zero-shot guard: what a study trains on against what it says and what it measures.

Three questions are asked of all data whose labels a result has seen, in a training, for a
checkpoint, or for a layer or a threshold: are they in the source language, are their rows in the
language that they declare, and do they hold examples that are measured on. A finding stops the
study, unless the study allows it by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from layover.errors import AuditError
from layover.languages import language as find_language
from layover.leaks import SHARED, fold, overlapping
from layover.scripts import FOREIGN, foreign
from layover.stage import Stage, stages_in
from layover.stages import Score, trainings
from layover.study import Study
from layover.tasks.mixture import parts_of
from layover.tasks.sources import Locator
from layover.tasks.task import Data, load

ROWS_LOOKED_AT = 2_000

Pairs: TypeAlias = dict[tuple[Data, Data], str]
"""(data whose labels a result has seen, data that it is measured on) -> target."""

Texts: TypeAlias = dict[Data, dict[str, list[str]]]
"""Data -> language -> the texts of its examples."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that makes a result other than what it is called."""

    name: str
    """What a study writes into `allow` if it means it."""
    explanation: str


def audit(study: Study, locate: Locator) -> tuple[Finding, ...]:
    """All findings, allowed ones included. Reads the data that are there (a stage whose data are
    missing says so itself); `locate` finds those that a stage wrote, which must be complete."""
    pairs = _pairs(study)
    texts = {
        data: _texts(data, locate)
        for data in dict.fromkeys(data for pair in pairs for data in pair)
        if not any(data.missing_files())
    }
    found = [*_languages(study, pairs), *_scripts(pairs, texts), *_overlaps(pairs, texts)]
    return tuple({finding.name: finding for finding in found}.values())


def check(study: Study, locate: Locator) -> tuple[Finding, ...]:
    """The findings that `study` allows; raises `AuditError` with those that it does not."""
    found = audit(study, locate)
    bad = [finding for finding in found if finding.name not in study.allow]
    if bad:
        told = "\n".join(f"  {finding.name!r}: {finding.explanation}" for finding in bad)
        raise AuditError(
            f"{study.name} is not what it says:\n{told}\n"
            "Change the study, or write these names into its allow=(...) if they are meant."
        )
    return found


def sources(study: Study) -> tuple[Stage, ...]:
    """The stages that write data, which must be complete before an audit."""
    data = [item for pair in _pairs(study) for item in pair]
    return tuple({stage.key: stage for item in data for stage in stages_in(item)}.values())


def _pairs(study: Study) -> Pairs:
    return {
        (part, leaf.predictions.data): leaf.target
        for leaf in study.leaves
        # What restores masked words has no labels, to train on or to be measured by.
        if isinstance(leaf, Score) and leaf.predictions.data.task.type.head != "lm"
        for part in _labels_of(leaf)
        if part.task.type.head != "lm"
    }


def _labels_of(leaf: Score) -> Iterator[Data]:
    """The data that made a result: of its trainings, their selections, and its own choice."""
    for training in trainings(leaf.predictions.model):
        yield from parts_of(training.data)
        if training.selection is not None:
            yield from (check.data for check in training.selection.checks)
    if leaf.choose is not None:
        yield leaf.choose.data


def _monolingual(data: Data) -> bool:
    """Whether its labels are of one language. Those of a retrieval pair two of them: they are not
    trained on, and no layer can be chosen without them."""
    return data.task.type.head != "embed"


def _languages(study: Study, pairs: Pairs) -> Iterator[Finding]:
    for (part, test), target in pairs.items():
        if not _monolingual(part):
            continue
        for code in part.languages:
            if code != study.source and code in test.languages:
                yield Finding(
                    name=f"{part.task.name} in {code}",
                    explanation=f"{part.label} uses labels in {find_language(code).name}, "
                    f"for which {target} is called zero-shot (the source is {study.source})",
                )


def _scripts(pairs: Pairs, texts: Texts) -> Iterator[Finding]:
    for part in filter(_monolingual, dict.fromkeys(part for part, _ in pairs)):
        for code, all_rows in texts.get(part, {}).items():
            rows = all_rows[:: max(1, len(all_rows) // ROWS_LOOKED_AT)]
            count, used = foreign(rows, code)
            if count > FOREIGN * len(rows):
                mine = find_language(code)
                yield Finding(
                    name=f"{part.task.name} {code} in another script",
                    explanation=f"{count} of {len(rows)} rows of {part.label} {part.split} are "
                    f"not written as {mine.name} is ({mine.script}), but in {', '.join(used)}",
                )


def _overlaps(pairs: Pairs, texts: Texts) -> Iterator[Finding]:
    for part, test in pairs:
        # A sentence may well be tagged for one task and judged for another.
        if part.task.type.head != test.task.type.head or not {part, test} <= texts.keys():
            continue
        known = frozenset(text for mine in texts[part].values() for text in mine)
        for code, measured in texts[test].items():
            shared = overlapping(known, measured)
            if shared > SHARED * len(measured):
                yield Finding(
                    name=f"{part.task.name} overlaps {test.task.name} in {code}",
                    explanation=f"{shared} of {len(measured)} {test.task.name} {test.split} "
                    f"examples in {find_language(code).name} are among those of {part.label} "
                    f"{part.split}, whose labels the result has seen",
                )


def _texts(data: Data, locate: Locator) -> dict[str, list[str]]:
    """Language -> the texts of the examples, folded so that trifles do not hide a copy."""
    examples = load(data, locate)
    found: dict[str, list[str]] = {code: [] for code in data.languages}
    for example, code in zip(examples.items, examples.languages, strict=True):
        if text := fold(data.task.type.text(example)):
            found[code].append(text)
    return found
