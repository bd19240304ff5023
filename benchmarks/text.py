"""What the benchmarks train and evaluate on: real text, under a vocabulary as large as XLM-R's.

The pieces are learned from the text and lie evenly among the 250,002 rows, most of which stay
unused, as in any one data set. Where LAYOVER_DATA names no data, sequences of recorded lengths and
random ids stand in.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from layover.tasks.anli import ANLI_R1, ANLI_R2
from layover.tasks.mlm import MLM
from layover.tasks.sick import SICK
from layover.tasks.squad import SQUAD
from layover.tasks.task import Data, Subset, Task, Unit
from layover.tasks.task import load as load_examples
from layover.tasks.types.classification import Labelled
from layover.tasks.udpos import UDPOS
from layover.tasks.xnli import XNLI

ROWS = 250_002
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
PIECES = 40_000
ACTIVE = 25_000
"""Rows that English fine-tuning uses: a tenth."""
LANGUAGES = tuple("arb deu eng spa est fas fin hin kor nld rus swa tam tur zho".split())


@dataclass(frozen=True, kw_only=True)
class Work:
    """A kind of fine-tuning."""

    name: str
    task: Task
    data: tuple[Data, ...]
    max_length: int
    batch: int
    deciles: tuple[int, ...]
    """Lengths of the real data's units, from the shortest to the longest in steps of a tenth."""


def _train(task: Task, split: str, size: int = 0) -> Data:
    return Data(
        task=task, split=split, languages=("eng",), subset=Subset(size=size) if size else None
    )


NLI = Work(
    name="NLI",
    task=XNLI,
    # In the proportion of ANLI+: short captions, MNLI's own development set, long paragraphs.
    data=(
        _train(SICK, "train"),
        _train(XNLI, "dev"),
        _train(ANLI_R1, "dev"),
        _train(ANLI_R2, "dev"),
    ),
    max_length=128,
    batch=32,
    deciles=(10, 18, 20, 23, 27, 31, 37, 47, 75, 95, 128),
)
QA = Work(
    name="QA",
    task=SQUAD,
    data=(_train(SQUAD, "train", 3_000),),
    max_length=384,
    batch=8,
    deciles=(47, 122, 141, 153, 166, 180, 196, 216, 243, 293, 384),
)
TAGGING = Work(
    name="tagging",
    task=UDPOS,
    data=(_train(UDPOS, "train", 8_000),),
    max_length=128,
    batch=32,
    deciles=(3, 7, 10, 14, 17, 20, 23, 28, 33, 42, 128),
)
TEXT = Work(
    name="MLM",
    task=MLM,
    data=(Data(task=MLM, split="train", languages=LANGUAGES, subset=Subset(size=600)),),
    max_length=128,
    batch=32,
    deciles=(3, 8, 10, 11, 13, 15, 19, 23, 31, 46, 128),
)
WORKS = {work.name: work for work in (NLI, QA, TAGGING, TEXT)}


def scratch() -> Path:
    """Where models and vocabularies are kept between runs."""
    default = Path(tempfile.gettempdir()) / "layover-benchmarks"
    folder = Path(os.environ.get("LAYOVER_SCRATCH") or default)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def real() -> bool:
    """Whether there are real data."""
    return bool(os.environ.get("LAYOVER_DATA"))


def units(work: Work) -> list[Unit]:
    """The units of a work, in a fixed random order."""
    if real():
        found = list(_encoded(work))
    else:
        found = [_invented(work, length) for length in lengths(work.deciles, 4_000)]
    random.Random(work.name).shuffle(found)
    return found


def _encoded(work: Work) -> Iterator[Unit]:
    for data in work.data:
        items = load_examples(data, _no_stage).items
        yield from work.task.type.encode(items, tokenizer(), work.max_length)


def _no_stage(stage: Any) -> Path:
    raise AssertionError(f"{stage.label} is no file")


def lengths(deciles: Sequence[int], count: int) -> list[int]:
    """Lengths that are spread as `deciles` are."""
    places = np.linspace(0, len(deciles) - 1, count)
    found = np.interp(places, range(len(deciles)), deciles).round().astype(int)
    return [int(length) for length in found]


def _invented(work: Work, length: int) -> Unit:
    draw = random.Random(length)
    ids = tuple(_rows(PIECES)[draw.randrange(4, PIECES - 1)] for _ in range(length - 2))
    sequence = (0, *ids, 2)
    inner = tuple(draw.randrange(2) for _ in ids)
    target = {
        "sequence": (draw.randrange(3),),
        "token": (-100, *inner, -100),
        "span": (1, length - 2),
        "lm": (),
    }[work.task.type.head]
    return Unit(0, (sequence,), ((),), target)


def within(found: Sequence[Unit], rows: int) -> list[Unit]:
    """Units for an encoder of fewer rows: the same lengths, other ids."""
    if rows >= ROWS:
        return list(found)
    return [
        replace(
            unit,
            sequences=tuple(
                tuple(token if token < 4 else 4 + token % (rows - 5) for token in sequence)
                for sequence in unit.sequences
            ),
        )
        for unit in found
    ]


def fillers(known: Sequence[Unit], rows: int = ACTIVE) -> list[Unit]:
    """Units like the known ones that bring the rows of words in use up to `rows`: those of a whole
    corpus, of which only a few examples are trained on here."""
    used = {token for unit in known for sequence in unit.sequences for token in sequence}
    free = [row for row in range(4, ROWS - 1) if row not in used]
    lacking = max(0, rows - len(used))
    chosen = free[:: max(1, len(free) // lacking)][:lacking] if lacking else []
    model = known[0]
    size = 100
    return [
        replace(model, sequences=((0, *chosen[at : at + size], 2),), segments=((),))
        for at in range(0, len(chosen), size)
    ]


def pairs(languages: Sequence[str], size: int) -> list[Labelled]:
    """`size` pairs of texts in each language: XNLI's, and in a language that it lacks here, every
    line of text beside the beginning of the next."""
    found: list[Labelled] = []
    for code in languages:
        if code in XNLI.languages and not XNLI.source.missing("dev", code):
            subset = Subset(size=size)
            data = Data(task=XNLI, split="dev", languages=(code,), subset=subset)
            found += cast(list[Labelled], list(load_examples(data, _no_stage).items))
            continue
        text = Data(task=MLM, split="train", languages=(code,), subset=Subset(size=2 * size))
        lines = [item.text for item in load_examples(text, _no_stage).items]
        for first, second in zip(lines[::2], lines[1::2], strict=True):
            half = second[: max(8, len(second) // 2)]
            found.append(Labelled(id=first, cluster="", text=first, pair=half, label="neutral"))
    return found


@cache
def _rows(pieces: int) -> tuple[int, ...]:
    """The row of each piece: the special ones where XLM-R has them, the others evenly."""
    inner = np.linspace(4, ROWS - 2, pieces - 5).astype(int).tolist()
    return (0, 1, 2, 3, *inner, ROWS - 1)


def vocabulary() -> Path:
    """A folder with a tokenizer of 250,002 pieces, learned once from the text."""
    folder = scratch() / f"vocabulary-{'real' if real() else 'invented'}"
    if (folder / "tokenizer.json").is_file():
        return folder
    learned = _learned() if real() else [(f"\ue001{n}", -20.0) for n in range(PIECES - 5)]
    table = [(f"\ue000{row}", -100.0) for row in range(ROWS)]
    places = _rows(len(learned) + 5)
    for place, (piece, score) in zip(places[4:-1], learned, strict=True):
        table[place] = (piece, score)
    written(table, folder)
    return folder


@cache
def tokenizer() -> Any:
    """Loaded once in a process."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(vocabulary())


def written(table: list[tuple[str, float]], folder: Path) -> None:
    """Save a tokenizer of these pieces and log probabilities; the special ones take the places
    that they have in XLM-R."""
    from transformers import XLMRobertaTokenizer

    from layover.modeling.vocabulary import clean

    for place, entry in zip((0, 1, 2, 3, -1), SPECIAL, strict=True):
        table[place] = (entry, 0.0)
    XLMRobertaTokenizer(vocab=table, model_max_length=512).save_pretrained(folder)
    clean(folder)


def _learned() -> list[tuple[str, float]]:
    """Pieces and their log probabilities."""
    from layover.modeling.vocabulary import learn

    texts: list[str] = []
    for code in LANGUAGES:
        data = Data(task=MLM, split="train", languages=(code,), subset=Subset(size=2_000))
        texts += [item.text for item in load_examples(data, _no_stage).items]
    for work in (NLI, TAGGING):
        for data in work.data:
            texts += [work.task.type.text(item) for item in load_examples(data, _no_stage).items]
    with tempfile.TemporaryDirectory() as folder:
        learn(texts, PIECES, 0.9995, Path(folder) / "learned")
        told = json.loads((Path(folder) / "learned" / "tokenizer.json").read_text("utf-8"))
    pieces = told["model"]["vocab"]
    return [(piece, score) for piece, score in pieces if not piece.startswith("<")]
