"""Every backend says what transformers says, and what Layover's own engine says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import HEADS, LENGTH, examples, write_model
from transformers import AutoTokenizer

from layover.bench.backends import BACKENDS, Opened, backend
from layover.bench.race import labels_of
from layover.bench.server import Conversation, Server
from layover.bench.workload import Workload, padded, split
from layover.encoders import Folder
from layover.errors import ModelError
from layover.inference.predict import run
from layover.modeling.features import Features
from layover.modeling.load import load
from toys import Toy

pytestmark = pytest.mark.slow

every_head = pytest.mark.parametrize("head", HEADS)


def outputs(name: str, head: str, folder: Path, place: Path) -> list[Any]:
    """Of all examples at once, and of each by itself, which is another shape."""
    chosen, given = backend(name), examples(head)
    if chosen.prepare:
        place.mkdir(parents=True)
        chosen.prepare(folder, place)
        folder = place
    served = chosen.open(folder, 1).run
    tokenizer = AutoTokenizer.from_pretrained(folder)
    units = list(given.task.type.encode(given.items, tokenizer, LENGTH))
    found = []
    for part in (units, *([unit] for unit in units[:3])):
        inputs = padded(part, tokenizer.pad_token_id)
        found += split(head, served(inputs), inputs)
    return found


def far(one: list[Any], other: list[Any]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


@every_head
def test_the_reference_says_what_our_own_engine_says(
    head: str, models: dict[str, Path], tmp_path: Path
) -> None:
    given = examples(head)
    model = load(Folder(path=str(models[head])), [given.task], "unchanged", 0, Toy(folder=tmp_path))
    kind = given.task.type
    units = Features.of(kind.encode(given.items, model.tokenizer, LENGTH))
    ours = run(model.heads[given.task.name].eval(), kind, units, model)
    assert far(outputs("eager", head, models[head], tmp_path)[: len(ours)], ours) < 1e-5


@every_head
def test_an_exported_graph_says_what_the_reference_says(
    head: str, models: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    expected = outputs("eager", head, models[head], tmp_path)
    assert far(outputs("onnx", head, models[head], tmp_path / "graph"), expected) < 1e-5


def test_eight_bits_say_nearly_what_the_reference_says(
    models: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    expected = outputs("eager", "sequence", models["sequence"], tmp_path)
    found = outputs("onnx-int8", "sequence", models["sequence"], tmp_path / "graph")
    scale = max(float(np.abs(each).max()) for each in expected)
    assert 1e-5 < far(found, expected) < 0.2 * scale
    assert not BACKENDS["onnx-int8"].exact and BACKENDS["onnx"].exact


def test_without_the_extra_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name.startswith("onnx") else find(name, *rest),
    )
    backend("eager").check()
    with pytest.raises(ModelError, match=r"onnx, onnxscript, onnxruntime.*'layover\[export\]'"):
        backend("onnx").check()


def test_a_misspelt_backend_is_told_its_nearest_name() -> None:
    with pytest.raises(ModelError, match="did you mean 'onnx-int8'"):
        backend("onnx-int4")


def test_a_model_for_something_else_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has a head of the kind span, and classes needs"):
        labels_of(models["span"], examples().task)
    other = write_model("sequence", models["sequence"], tmp_path / "other")
    text = (other / "config.json").read_text(encoding="utf-8")
    (other / "config.json").write_text(text.replace('"A"', '"X"'), encoding="utf-8")
    with pytest.raises(ModelError, match="knows the labels"):
        labels_of(other, examples().task)


def test_labels_in_another_order_are_found_by_their_names(
    models: dict[str, Path], tmp_path: Path
) -> None:
    other = write_model("sequence", models["sequence"], tmp_path / "other")
    text = (other / "config.json").read_text(encoding="utf-8")
    turned = text.replace('"0": "A"', '"0": "c"').replace('"2": "C"', '"2": "a"')
    (other / "config.json").write_text(turned, encoding="utf-8")
    assert labels_of(other, examples().task) == [2, 1, 0]


def test_the_peak_of_a_device_is_counted_from_the_warm_up_on(
    models: dict[str, Path], tmp_path: Path
) -> None:
    held = [7.0]
    talk = Conversation()
    talk.server = Server(
        models["sequence"],
        Opened(
            run=lambda inputs: None,
            device="one of its own",
            peak=lambda: held[0],
            forget=lambda: held.__setitem__(0, 3.0),
        ),
        Workload.of(examples(), LENGTH),
    )
    assert talk.peak()["bytes"] == 7.0
    talk.warm([1], -1, 1)
    assert talk.peak()["bytes"] == 3.0
