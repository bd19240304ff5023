"""Toy tasks of every type and a loop over them, for the tests of models and training."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from layover.encoders import Folder
from layover.metrics.accuracy import ACCURACY, WORD_ACCURACY
from layover.modeling.batch import Batch
from layover.modeling.features import Features
from layover.modeling.heads import HEADS, Head
from layover.modeling.load import load
from layover.recipe import Check, Recipe, Selection, steps
from layover.tasks.mixture import Mixture, parts_of
from layover.tasks.sources import Row
from layover.tasks.task import Data, Example, Task, TaskType
from layover.tasks.types.choice import Choice, Question
from layover.tasks.types.classification import Classification, Labelled
from layover.tasks.types.ranking import Match, Ranking
from layover.tasks.types.retrieval import Bitext, Retrieval
from layover.tasks.types.spans import Passage, Spans
from layover.tasks.types.tagging import Sentence, Tagging
from layover.tasks.types.text import MaskedText, Text
from layover.training import loop
from layover.training.gradient import Part
from layover.training.loop import Loop
from layover.training.sampler import Sampler
from toys import LACKING, SENTENCES, Toy, memory

LABELS = ("A", "B", "C")
RECIPE = Recipe(
    duration=steps(8), learning_rate=1e-2, batch=4, warmup=0.3, max_length=40, weight_decay=0.1
)


def labelled(row: Row) -> Labelled:
    text, number = row.fields["text"], row.fields["row"]
    label = row.fields.get("label", LABELS[number % 3])
    return Labelled(id=str(number), cluster=str(number), text=text, label=label)


def tagged(row: Row) -> Sentence:
    words = tuple(row.fields["text"].split())
    tags = tuple(LABELS[len(word) % 3] for word in words)
    return Sentence(id=str(row.fields["row"]), cluster="", words=words, tags=tags)


def asked(row: Row) -> Passage:
    context = row.fields["text"]
    answer = context.split()[row.fields["row"] % 5]
    where = context.index(answer)
    return Passage(
        id=str(row.fields["row"]),
        cluster="1",
        question="the girl",
        context=context,
        answers=((answer, where),),
    )


def optional(row: Row) -> Question:
    options = tuple(row.fields["text"].split()[: 2 + row.fields["row"] % 3])
    return Question(
        id=str(row.fields["row"]), cluster="1", prompt="the old", options=options, answer=1
    )


def translated(row: Row) -> Bitext:
    text, number = row.fields["text"], row.fields["row"]
    return Bitext(id=str(number), cluster="", query=text, candidate=text.upper(), gold=number)


def matched(row: Row) -> Match:
    """Pairs of a text's first and last words; two of twelve share their candidate."""
    words = row.fields["text"].split()
    name = str(max(1, row.fields["row"]))
    return Match(
        id=str(row.fields["row"]),
        cluster=str(row.fields["row"]),
        query=" ".join(words[:2]),
        candidate=" ".join(words[-2:]),
        name=name,
    )


def plain(row: Row) -> Text:
    return Text(id=str(row.fields["row"]), cluster="1", text=row.fields["text"])


def data(kind: TaskType, parse: Callable[[Row], Example], name: str = "toy", **row: Any) -> Data:
    rows = [{"text": text[: 18 + 9 * n], **row} for n, text in enumerate(SENTENCES * 2)]
    task = Task(name=name, type=kind, source=memory(eng=rows), parse=parse)
    return Data(task=task, split="train", languages=("eng",))


CLASSES = data(Classification(labels=LABELS), labelled, "classes")
TAGS = data(Tagging(labels=LABELS), tagged, "tags")
SPANS = data(Spans(), asked, "spans")
CHOICES = data(Choice(), optional, "choices")
BITEXT = data(Retrieval(truncate=True), translated, "bitext")
PAIRS = data(Ranking(pooling="mean", scale=5.0), matched, "pairs")
TEXTS = data(MaskedText(rate=0.3), plain, "texts")
SELECTION = Selection(checks=(Check(data=CLASSES, metric=ACCURACY),), every=2, patience=9)
BOTH = Mixture(parts=(TAGS, TEXTS), sampling="uniform")
EACH = Mixture(parts=(TAGS, CLASSES), each_step="several", beside=TEXTS, ratio=0.3)
TWO = Selection(
    checks=(Check(data=CLASSES, metric=ACCURACY), Check(data=TAGS, metric=WORD_ACCURACY)),
    every=2,
    patience=9,
    aggregate="least",
)


TYPES = (CLASSES, TAGS, SPANS, CHOICES, TEXTS, PAIRS)
"""What can be trained on, under every head."""


def make_loop(
    folder: Path, data: Data | Mixture, recipe: Recipe, context: Toy, seed: int = 0
) -> Loop:
    """A loop over data or a mixture whose parts are drawn alike."""
    parts = parts_of(data)
    model = load(Folder(path=str(folder)), [part.task for part in parts], "new", seed, context)
    units = [
        Features.of(
            part.task.type.encode(context.data(part).items, model.tokenizer, recipe.max_length)
        )
        for part in parts
    ]
    sampler = Sampler(
        sizes=tuple((len(mine),) for mine in units),
        shares=((1.0,),) * len(parts),
        probabilities=(1 / len(parts),) * len(parts),
        batch=recipe.batch,
        steps=int(recipe.duration.amount),
        seed=seed,
        several=isinstance(data, Mixture) and data.each_step == "several",
    )
    torch.manual_seed(seed)
    read = [Part(task=part.task, units=mine) for part, mine in zip(parts, units, strict=True)]
    return Loop(model, read, sampler, recipe, context)


def snapshot(heads: torch.nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer once, however many heads share it."""
    whole = (*heads.named_parameters(), *heads.named_buffers())
    return {name: value.detach().clone() for name, value in whole}


def same(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return mine.keys() == theirs.keys() and all(
        torch.equal(mine[name], theirs[name]) for name in mine
    )


@dataclass(frozen=True)
class Limited:
    """A head that fails as a device does on more than `limit` tokens at once."""

    head: Head
    limit: int
    message: str
    always: bool
    """Or only where a graph is kept for the gradient, which takes most memory."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.head, name)

    def logits(self, model: Any, batch: Batch) -> Tensor:
        logits = self.head.logits(model, batch)
        keeps = self.always or torch.is_grad_enabled()
        if keeps and batch.packing.total > self.limit:
            # What was drawn and computed before memory ran out.
            torch.rand(5)
            raise RuntimeError(self.message)
        return logits


def limit(
    patch: pytest.MonkeyPatch, tokens: int, message: str = LACKING, always: bool = True
) -> None:
    """Let every head fail on more tokens; in place of an earlier limit."""
    for name, head in tuple(HEADS.items()):
        whole = head.head if isinstance(head, Limited) else head
        patch.setitem(HEADS, name, Limited(whole, tokens, message, always))


def eager(patch: pytest.MonkeyPatch) -> None:
    """Checkpoints and reports after every step."""
    patch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    patch.setattr(loop, "REPORT_SECONDS", 0.0)


def models(folder: Path) -> dict[str, Tensor]:
    """Every tensor that a training wrote."""
    return {
        f"{path.parent.name}/{name}": value
        for path in sorted(folder.glob("models/*/model.safetensors"))
        for name, value in load_file(path).items()
    }


def files(folder: Path) -> dict[str, bytes]:
    """The bytes of every file in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def entries(context: Toy) -> list[dict[str, Any]]:
    text = (context.folder / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
