"""What the tests of serving share: models with random weights, text in two languages, a server."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoTokenizer, XLMRobertaConfig

from layover.bench import race
from layover.bench.server import Conversation
from layover.errors import ModelError
from layover.modeling.heads import HEADS as LAYERS
from layover.tasks.task import Data, Examples, load
from toys import SENTENCES, memory
from trainable import CHOICES, CLASSES, LABELS, SPANS, TAGS

HEADS: dict[str, Data] = {"sequence": CLASSES, "token": TAGS, "span": SPANS, "choice": CHOICES}
"""Head -> data of the kind that it answers."""
LENGTH = 40


def write_model(head: str, vocabulary: Path, folder: Path, seed: int = 0) -> Path:
    """A small XLM-R with random weights, large enough for outputs that differ."""
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    labels = LABELS if head in ("sequence", "token") else ("no", "yes")
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=LENGTH + 26,
        type_vocab_size=1,
        initializer_range=0.3,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    torch.manual_seed(seed)
    auto = getattr(transformers, LAYERS[head].auto)
    auto.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def examples(head: str = "sequence") -> Examples:
    """Twelve in each of two languages."""
    data = HEADS[head]
    rows = [{"text": text[: 18 + 9 * n]} for n, text in enumerate(SENTENCES * 2)]
    task = replace(data.task, source=memory(eng=rows, deu=rows[::-1]))
    return load(Data(task=task, split="train", languages=("eng", "deu")), no_stage)


def no_stage(stage: Any) -> Path:
    raise AssertionError("these rows are in memory")


class InProcess:
    """In place of `race.Process`: what it is asked passes through JSON all the same."""

    def __init__(self, asked: list[str]) -> None:
        self.talk, self.asked = Conversation(), asked

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        self.asked.append(do)
        request = json.loads(json.dumps({"do": do, **what}))
        answer: dict[str, Any] = json.loads(json.dumps(self.talk.answer(request)))
        if "failed" in answer:
            raise ModelError(answer["failed"])
        return answer

    def close(self) -> None:
        self.asked.append("close")


def served_in_process(patch: pytest.MonkeyPatch) -> list[str]:
    """Processes of servers become this one; what they are asked, in order."""
    asked: list[str] = []
    patch.setattr(race, "Process", lambda folder, threads: InProcess(asked))
    return asked
