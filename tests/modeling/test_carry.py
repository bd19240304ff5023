"""Heads that are carried: which one, and every label by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from test_load import PAIRS, TAGS, loaded, task
from torch import Tensor, nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    DebertaV2Config,
    ModernBertConfig,
    PreTrainedConfig,
    XLMRobertaConfig,
)

from layover.encoders import Folder
from layover.errors import ModelError, StudyError
from layover.inference.rows import read
from layover.modeling.carry import Carried, output_layer, relabel
from layover.modeling.heads import HEADS
from layover.modeling.load import Model, load
from layover.modeling.save import save
from layover.recipe import Carry
from layover.stages import Predict, Train
from layover.tasks.task import Data, Task
from layover.tasks.types.classification import Classification
from layover.tasks.types.spans import Spans
from layover.tasks.types.tagging import Tagging
from stock import only
from toys import Toy

IDS = torch.arange(5, 25)[None]
SHAPE: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "pad_token_id": 1,
}
FAMILIES: dict[str, PreTrainedConfig] = {
    "bert": BertConfig(**SHAPE),
    "xlm-r": XLMRobertaConfig(**SHAPE),
    "deberta": DebertaV2Config(**SHAPE),
    "modernbert": ModernBertConfig(**SHAPE),
}


def logits(model: Any) -> Tensor:
    with torch.no_grad():
        found: Tensor = model.eval()(input_ids=IDS).logits
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "auto", [AutoModelForSequenceClassification, AutoModelForTokenClassification]
)
# 16 is the encoder's width: other layers have as many outputs.
@pytest.mark.parametrize("count", [3, 16])
def test_every_label_keeps_its_score_in_every_family(family: str, auto: Any, count: int) -> None:
    torch.manual_seed(0)
    config = FAMILIES[family]
    config.num_labels = count
    model = auto.from_config(config)
    with torch.no_grad():
        output_layer(model, count)[1].bias.normal_()
    before = logits(model)
    old = tuple(f"label {number}" for number in range(count))
    new = (old[2], old[0])
    told: dict[str, Any] = {"labels": list(old), "task": "old"}
    said = relabel(
        model, Carried(source=Path("old"), told=told, pairs=tuple(zip(new, new, strict=True)))
    )
    assert said.startswith(", its labels by name: label 2, label 0; left behind: label 1")
    assert torch.allclose(logits(model), before[..., [2, 0]], atol=1e-6)
    assert model.config.id2label == {0: "label 2", 1: "label 0"}
    assert model.num_labels == model.config.num_labels == 2


def test_a_head_that_ends_with_something_else_is_refused() -> None:
    config = FAMILIES["bert"]
    config.num_labels = 3
    model: Any = AutoModelForSequenceClassification.from_config(config)
    model.classifier = nn.Bilinear(16, 16, 3)
    with pytest.raises(ModelError, match=r"does not end with a linear layer of 3 outputs.*'new'"):
        output_layer(model, 3)


def judged(*labels: str, name: str = "other") -> Task:
    return task(Classification(labels=labels), name)


@pytest.fixture
def pairs(xlmr: Path, tmp_path: Path) -> Path:
    """A trained head with the labels A and B, and what else it was trained on."""
    first = loaded(xlmr, PAIRS, TAGS, seed=5)
    save(first, (PAIRS, TAGS), 32, tmp_path / "models")
    return tmp_path / "models" / "pairs"


def scores(model: Model, name: str) -> Tensor:
    head = "token" if name in ("tags", "fewer") else "sequence"
    with torch.no_grad():
        return HEADS[head].logits(model.heads[name].eval(), only(IDS[0].tolist()))


@pytest.mark.parametrize(
    ("labels", "policy", "rows", "said"),
    [
        (("A", "B"), "carry", [0, 1], ""),
        (("B", "A"), "carry", [1, 0], ", its labels by name: B, A"),
        (("B", "A"), Carry(), [1, 0], ", its labels by name: B, A"),
        (("B",), "carry", [1], ", its labels by name: B; left behind: A"),
        (
            ("no", "A"),
            Carry(labels=(("no", "B"),)),
            [1, 0],
            ", its labels by name: no from B, A",
        ),
        (
            ("A", "B"),
            Carry(labels=(("A", "B"), ("B", "A"))),
            [1, 0],
            ", its labels by name: A from B, B from A",
        ),
        (("x", "B"), Carry(labels=(("x", "A"),)), [0, 1], ", its labels by name: x from A, B"),
        (("B", "A"), "unchanged", [1, 0], ", its labels by name: B, A"),
    ],
)
def test_labels_are_carried_by_their_names(
    pairs: Path, labels: tuple[str, ...], policy: Any, rows: list[int], said: str
) -> None:
    wanted = judged(*labels)
    before = scores(loaded(pairs, PAIRS, policy="carry"), "pairs")
    model = loaded(pairs, wanted, policy=policy)
    assert torch.allclose(scores(model, "other"), before[:, rows], atol=1e-6)
    assert model.handoff.endswith(f"head of other carried from pairs{said}")
    place = pairs.parent / "again"
    save(model, (wanted,), 32, place)
    again = loaded(place / "other", wanted, policy="carry")
    assert torch.equal(scores(again, "other"), scores(model, "other"))
    written = json.loads((place / "other" / "config.json").read_text(encoding="utf-8"))
    assert list(written["id2label"].values()) == list(labels)


def test_tags_are_carried_by_their_names_too(pairs: Path) -> None:
    tags = pairs.parent / "tags"
    before = scores(loaded(tags, TAGS, policy="carry"), "tags")
    fewer = task(Tagging(labels=("C", "A")), "fewer")
    model = loaded(tags, fewer, policy="carry")
    assert torch.allclose(scores(model, "fewer"), before[..., [2, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("wanted", "policy", "message"),
    [
        (
            judged("A", "C"),
            "carry",
            r"\('A', 'B'\), which do not fit other's \('A', 'C'\) \(C\): dec",
        ),
        (judged("A", "C"), "carry", r"head='new', or head=Carry\(labels="),
        (judged("A", "C"), Carry(labels=(("C", "D"),)), "which do not fit other's"),
        (judged("A", "B"), Carry(labels=(("C", "A"),)), "which do not fit other's"),
        (judged("A"), "unchanged", r"which are not other's \('A',\): train it on other first"),
        (judged("A", "B"), Carry(task="nli"), "no sequence head of nli to carry into other: the"),
        (judged("A", "B"), Carry(task="tags"), "no sequence head of tags to carry into other"),
        (task(Spans(), "answers"), Carry(), "no span head to carry into answers: .* pairs; decl"),
    ],
)
def test_labels_that_the_old_head_lacks_are_refused(
    pairs: Path, wanted: Task, policy: Any, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        loaded(pairs, wanted, policy=policy)


def test_one_of_several_heads_is_carried_by_the_name_of_its_task(
    xlmr: Path, tmp_path: Path
) -> None:
    both = (judged("A", "B", name="one"), judged("B", "C", name="two"))
    save(loaded(xlmr, *both), both, 32, tmp_path / "models")

    class Started(Toy):
        def result(self, stage: object) -> Path:
            return tmp_path

    start: Any = object.__new__(Train)
    context = Started(folder=tmp_path)
    third = judged("B", name="three")
    with pytest.raises(ModelError, match=r"no sequence head to carry .* heads for one, two; .*Car"):
        load(start, [third], "carry", 0, context)
    for name, row in (("one", 1), ("two", 0)):
        own = loaded(tmp_path / "models" / name, both[name == "two"], policy="carry")
        model = load(start, [third], Carry(task=name), 0, context)
        assert f"head of three carried from {name}" in model.handoff
        assert torch.allclose(scores(model, "three"), scores(own, name)[:, [row]], atol=1e-6)


def test_a_label_is_mapped_once() -> None:
    with pytest.raises(StudyError, match="labels carried twice: A, A"):
        Carry(labels=(("A", "x"), ("A", "y")))


def test_predictions_name_the_same_labels_in_whatever_order_the_data_has_them(
    pairs: Path, tmp_path: Path
) -> None:
    found = []
    for number, labels in enumerate((("A", "B"), ("B", "A"))):
        context = Toy(folder=tmp_path / str(number))
        context.folder.mkdir()
        data = Data(task=judged(*labels, name="pairs"), split="test", languages=("eng",))
        Predict(model=Folder(path=str(pairs)), data=data, max_length=64).run(context)
        found.append(read(context.folder / "predictions.parquet").prediction)
    assert found[0] == found[1]
    assert len(found[0]) == 6
