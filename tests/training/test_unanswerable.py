"""A model learns which questions have no answer, and says so, there and on new text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layover.encoders import Folder
from layover.inference.new_text import predict_file
from layover.inference.predict import rows, run
from layover.inference.table import Table
from layover.metrics.squad import SQUAD2_EM
from layover.modeling.features import Features
from layover.modeling.load import load
from layover.recipe import Check, Recipe, Selection, steps
from layover.stages import Train
from layover.tasks.squad import passage
from layover.tasks.task import Data, Task
from layover.tasks.types.spans import Spans
from toys import Toy, memory
from trainable import entries

CONTEXTS = (
    "the old fisher sold seven red apples to a young girl",
    "a girl saw the tall tower near the river",
    "the bridge over the river was built in the year 1902",
    "a tall man walked to the market near the tower",
)
ASKED = (("old fisher?", "seven red apples"), ("girl saw?", "tower"))
ASKED += (("bridge built?", "1902"), ("tall man?", "market"))
RECIPE = Recipe(duration=steps(120), learning_rate=1e-2, batch=8, warmup=0.1, max_length=48)


def questions(null: bool) -> list[dict[str, Any]]:
    """Each question on its own text, and on the next one, which does not answer it."""
    found: list[dict[str, Any]] = []
    for number, (question, answer) in enumerate(ASKED):
        for away in (0, 1)[: 1 + null]:
            context = CONTEXTS[(number + away) % len(CONTEXTS)]
            row = {"id": f"{number} {away}", "question": question, "context": context}
            answers = () if away else ((answer, context.index(answer)),)
            found.append({**row, "answers": answers, "impossible": bool(away)})
    return found


def train(encoder: Path, folder: Path, null: bool) -> tuple[Data, Toy]:
    rows = memory(eng=questions(null))
    task = Task(name="qa", type=Spans(null=null), source=rows, parse=passage)
    data = Data(task=task, split="train", languages=("eng",))
    selection = Selection(checks=(Check(data=data, metric=SQUAD2_EM),), every=40, patience=9)
    start = Folder(path=str(encoder))
    context = Toy(folder=folder)
    Train(start=start, data=data, recipe=RECIPE, seed=1, selection=selection).run(context)
    return data, context


@pytest.fixture(scope="module")
def learned(calm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Data, Toy]:
    return train(calm, tmp_path_factory.mktemp("null"), True)


def test_what_has_no_answer_is_learned(learned: tuple[Data, Toy]) -> None:
    data, context = learned
    examples, kind = context.data(data), data.task.type
    assert len(examples) == 8
    model = load(Folder(path=str(context.folder / "models/qa")), [data.task], "carry", 0, context)
    units = Features.of(kind.encode(examples.items, model.tokenizer, RECIPE.max_length))
    outputs = run(model.heads["qa"].eval(), kind, units, model, 90)
    made = rows(examples, units, outputs)
    assert [value >= 0 for value in made.score] == [True, False] * 4
    assert all(made.prediction), "the best text is kept, whatever its score"
    assert all(20 >= len(texts) > 1 for texts in made.candidates)
    table = Table.of(made, SQUAD2_EM, Spans())
    assert table.above({}).means() == {("", "eng"): 100.0}


def test_a_selection_withholds_what_scores_below_0(learned: tuple[Data, Toy]) -> None:
    scores = [entry["dev"] for entry in entries(learned[1]) if "dev" in entry]
    assert scores[-1] == 100.0


def test_new_text_is_answered_with_a_score_or_not_at_all(
    learned: tuple[Data, Toy], tmp_path: Path
) -> None:
    texts = [{name: row[name] for name in ("question", "context")} for row in questions(True)]
    source = tmp_path / "new.jsonl"
    source.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    answers = map(json.loads, predict_file(learned[1].folder / "models/qa", source))
    for text, row, answer in zip(texts, questions(True), answers, strict=True):
        assert answer.pop("score") < 0 if row["impossible"] else answer.pop("score") > 0
        assert answer.pop("prediction") == (row["answers"][0][0] if row["answers"] else "")
        assert answer == text


def test_new_text_without_null_has_no_score(calm: Path, tmp_path: Path) -> None:
    train(calm, tmp_path, False)
    source = tmp_path / "new.jsonl"
    source.write_text(json.dumps({"question": "girl?", "context": CONTEXTS[0]}), encoding="utf-8")
    (answer,) = map(json.loads, predict_file(tmp_path / "models/qa", source))
    assert set(answer) == {"question", "context", "prediction"} and answer["prediction"]
