"""Predictions for text that no task holds: a trained model's folder and a file in, lines out.

| the model's task type | a line of the file | a line of the answer |
|---|---|---|
| classification | a text, or two separated by a tab | the label, a tab, the line |
| tagging | a word; an empty line between sentences | the word, a tab, its tag |
| span question answering | JSON with "question" and "context" | the same with "prediction" |
| multiple choice | JSON with "prompt" and "options" | the same, "prediction" counts from 0 |

Texts and options that are longer than what the model was trained on lose their end; sentences to
tag and contexts are split, and lose nothing. A model that was trained on questions without answers
gives "score" too; where it is below 0, the prediction is "".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layover.errors import DataError, ModelError
from layover.inference.predict import run
from layover.modeling.features import Features
from layover.modeling.folder import ABOUT, about
from layover.modeling.load import load_whole
from layover.modeling.memory import device
from layover.spec import identity
from layover.tasks.formats import Conll, JsonLines, Lines
from layover.tasks.sources import Reader, Row
from layover.tasks.task import Example, Scored, checked
from layover.tasks.types.choice import Choice, Question
from layover.tasks.types.classification import Classification, Labelled
from layover.tasks.types.spans import Passage, Spans
from layover.tasks.types.tagging import Sentence, Tagging


@dataclass(frozen=True)
class Form:
    """How new text of a task type is read, and how it is written with its prediction."""

    reader: Reader
    parse: Callable[[Row], Example]
    kind: Callable[[Mapping[str, Any]], Any]
    """The task type, given what was noted of the model."""
    line: Callable[[Any, Any], str]
    """(example, prediction) -> one or more lines."""


def predict_file(folder: Path, path: Path) -> Iterator[str]:
    """One answer an example of the file at `path`, in order.

    Raises `ModelError` for a folder that Layover did not write or whose task type it does not
    know, and `DataError` naming the line that is not as expected.
    """
    told = about(folder)
    if "type" not in told:
        raise ModelError(
            f"{folder} has no {ABOUT}, so what its labels mean is not known: name a model that "
            "Layover trained (layover where STUDY ARM lists them)"
        )
    form = FORMS.get(told["type"])
    if form is None:
        raise ModelError(
            f"{folder} was trained with the task type {told['type']}, for which no form of "
            "new text is known; use layover.inference.predict.run from Python"
        )
    kind = form.kind(told)
    examples = list(checked(form.parse, kind, form.reader.read((path,), None), told["task"]))
    if not examples:
        raise DataError(f"{path} has no text")
    model = load_whole(folder)
    units = Features.of(kind.encode(examples, model.tokenizer, told["max_length"]))
    head: Any = model.heads[told["task"]]
    outputs = run(head.to(device()).eval(), kind, units, model)
    for example, prediction in zip(examples, kind.decode(examples, units, outputs), strict=True):
        yield form.line(example, prediction)


def _text(row: Row) -> Labelled:
    text, tab, pair = row.fields["text"].partition("\t")
    if "\t" in pair:
        raise ValueError("more than one tab, expected a text or two texts")
    return Labelled(**_named(row), text=text, pair=pair if tab else None, label=None)


def _words(row: Row) -> Sentence:
    return Sentence(**_named(row), words=row.fields["tokens"], tags=None)


def _passage(row: Row) -> Passage:
    fields = row.fields
    return Passage(
        **_named(row), question=fields["question"], context=fields["context"], answers=()
    )


def _question(row: Row) -> Question:
    fields = row.fields
    return Question(
        **_named(row), prompt=fields["prompt"], options=tuple(fields["options"]), answer=None
    )


def _named(row: Row) -> dict[str, Any]:
    return {"id": row.where, "cluster": row.where}


def _labelled_line(example: Labelled, label: str) -> str:
    texts = [example.text] if example.pair is None else [example.text, example.pair]
    return "\t".join((label, *texts))


def _tagged_lines(example: Sentence, tags: Sequence[str]) -> str:
    pairs = zip(example.words, tags, strict=True)
    return "".join(f"{word}\t{tag}\n" for word, tag in pairs)


def _answered(example: Passage, answer: Scored) -> str:
    found = {"question": example.question, "context": example.context}
    kept = {"prediction": answer.prediction if answer.score >= 0 else Spans.withheld}
    score = {"score": answer.score} if math.isfinite(answer.score) else {}
    return json.dumps(found | kept | score, ensure_ascii=False)


def _chosen(example: Question, option: str) -> str:
    found = {"prompt": example.prompt, "options": example.options, "prediction": int(option)}
    return json.dumps(found, ensure_ascii=False)


FORMS = {
    identity(Classification): Form(
        reader=Lines(),
        parse=_text,
        kind=lambda told: Classification(labels=tuple(told["labels"]), truncate=True),
        line=_labelled_line,
    ),
    identity(Tagging): Form(
        reader=Conll(),
        parse=_words,
        kind=lambda told: Tagging(labels=tuple(told["labels"])),
        line=_tagged_lines,
    ),
    identity(Spans): Form(
        reader=JsonLines(),
        parse=_passage,
        kind=lambda told: Spans(**told.get("settings", {})),
        line=_answered,
    ),
    identity(Choice): Form(
        reader=JsonLines(), parse=_question, kind=lambda told: Choice(truncate=True), line=_chosen
    ),
}
