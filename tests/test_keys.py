"""Keys name results for years: these are the ones of today, and what may move them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import make_dataclass, replace
from pathlib import Path
from types import FunctionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from layover import spec
from layover.encoders import Encoder, Tiny
from layover.errors import SpecError, StudyError
from layover.metrics.accuracy import ACCURACY, of_example, of_words
from layover.metrics.spans import SPAN_F1
from layover.recipe import Check, Recipe, Selection, epochs
from layover.registry import load_file
from layover.stage import Resources
from layover.stages import Initial, Train, Vocabulary, World, chain, evaluate
from layover.study import Origin, Study, load
from layover.tasks.hub import Hub
from layover.tasks.mixture import Mixture
from layover.tasks.mlm import MLM
from layover.tasks.sources import Files
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, Task
from layover.tasks.xnli import XNLI
from layover.world import Shape

FILES = {
    "xnli/train-en.tsv": "a dog ran\tan animal ran\tentailment\nit rains\tit snows\tneutral\n",
    "xnli/test-de.tsv": "ein Hund lief\tein Tier lief\tentailment\n",
    "mlm/en.txt": "a dog ran\nit rains\n",
}


def fill(root: Path) -> None:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())


def at(task: Task, root: Path) -> Task:
    assert isinstance(task.source, Files)
    return replace(task, source=replace(task.source, root=str(root)))


def specs(root: Path) -> dict[str, Any]:
    """One of each kind of value that a study is made of, over files below `root`."""
    fill(root)
    encoder = Encoder(name="xlm-r", hub="FacebookAI/xlm-roberta-base", revision="e73636d")
    nli = Data(task=at(XNLI, root), split="train", languages=("eng",))
    text = Data(task=replace(at(MLM, root), languages=()), split="train", languages=("eng",))
    some = replace(nli, subset=Subset(size=1, seed=3))
    mixture = Mixture(parts=(nli, text), sampling="explicit", weights=(0.25, 0.75))
    recipe = Recipe(duration=epochs(3), learning_rate=2e-5, batch=16)
    test = Data(task=at(XNLI, root), split="test", languages=("deu",))
    target = Target(name="XNLI", train=(nli,), test=test, metric=ACCURACY)
    model = chain(encoder, mixture, target, recipe=recipe, seed=1)
    (score,) = evaluate(model, target)
    world = World(shape=Shape(paragraphs=10), seed=2)
    vocabulary = Vocabulary(data=text, size=100)
    hub = Hub(id="a/b", config="{code}", columns=(("premise", "p"),), revision="e73636d")
    selection = Selection(checks=(Check(data=some, metric=ACCURACY),), every=5)
    return {
        "encoder": encoder,
        "data": nli,
        "subset": some,
        "mixture": mixture,
        "recipe": recipe,
        "chain": model,
        "selected": Train(start=encoder, data=nli, recipe=recipe, seed=0, selection=selection),
        "score": score,
        "world": world,
        "initial": Initial(shape=Tiny(layers=2, width=8, heads=2), vocabulary=vocabulary, seed=0),
        "span metric": SPAN_F1,
        "hub": replace(nli, task=replace(XNLI, source=hub)),
    }


GOLDEN = {
    "encoder": "83858fac6de98769e22c",
    "data": "37dd2e8cab6e9cb20398",
    "subset": "f640eee7d8709321bcc3",
    "mixture": "c57ff306fa301f91dcd0",
    "recipe": "af6d6df3c00f247e89ae",
    "chain": "8249c600642d6c571d47",
    "selected": "e14ed617f6f25424ac9e",
    "score": "d8940a35dc248908fbf4",
    "world": "dca2cf6d90eaba498ec6",
    "initial": "719cd294d96f1de25749",
    "span metric": "84f4d39e1a7248f472c6",
    "hub": "6f6517e31dec5ca20ca4",
}

TINY = "d0f7560ecb78fd0c0b88"
"""The key of all keys of the tiny study."""


@pytest.fixture(autouse=True)
def own_memory_of_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", GOLDEN)
def test_todays_keys_stay(name: str, tmp_path: Path) -> None:
    assert spec.key(specs(tmp_path)[name]) == GOLDEN[name], (
        "this key moved, so every result under the old one is lost to its owner. If what is "
        "written for the same fields has changed, raise the `version` of that class (or HASH_RULE "
        "if the rule did) and write the new key here; if it has not, put the old key back"
    )


def test_every_kind_of_value_has_a_golden_key(tmp_path: Path) -> None:
    assert specs(tmp_path).keys() == GOLDEN.keys()


def keys_of(study: Study) -> str:
    return spec.key(tuple(stage.key for stage in study.stages))


def test_the_keys_of_a_whole_study_stay(tiny: Study) -> None:
    assert keys_of(tiny) == TINY


def test_the_names_in_a_study_are_not_in_its_keys(tiny: Study, tmp_path: Path) -> None:
    text = (Path(__file__).parent / "tiny_study.py").read_text(encoding="utf-8")
    for old, new in {
        'name="tiny"': 'name="another"',
        '"direct"': '"plain"',
        'name="nli"': 'name="inference"',
        'name="POS"': 'name="tags"',
        "__doc__": '"A question"',
    }.items():
        assert old in text
        text = text.replace(old, new)
    copy = tmp_path / "renamed.py"
    copy.write_text(text, encoding="utf-8")
    assert keys_of(load(Origin(file=str(copy)))) == keys_of(tiny)


SCRIPT = """
import json, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from layover import spec
from layover.study import Origin, load
from test_keys import keys_of, specs

tiny = keys_of(load(Origin(file=sys.argv[1] + "/tiny_study.py")))
found = {name: spec.key(value) for name, value in specs(Path(sys.argv[2])).items()}
print(json.dumps({**found, "tiny": tiny}))
"""


def test_keys_are_the_same_in_another_process_another_folder_and_another_hash_seed(
    tiny: Study, tmp_path: Path
) -> None:
    arguments = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path / "b")]
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    mine = {name: spec.key(value) for name, value in specs(tmp_path / "a").items()}
    assert json.loads(done.stdout) == {**mine, "tiny": keys_of(tiny)}


Change = tuple[str, bool, Any]
"""Where something was changed, whether every field on the way is keyed, and the outcome."""

OTHER_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {of_example: of_words}


def changes(value: Any, path: str) -> Iterator[Change]:
    """`value` with one atom in it changed, for every atom at any depth."""
    if isinstance(value, FunctionType):
        yield path, True, OTHER_FUNCTIONS.get(value, of_example)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            keyed = field.metadata.get("keyed", True)
            item = getattr(value, field.name)
            # A language must be a known one.
            known = field.name == "languages" and all(isinstance(code, str) for code in item)
            words = allowed(type(value), field.name)
            if len(words) > 1 and item in words:
                other = words[(words.index(item) + 1) % len(words)]
                options = iter([(field.name, True, other)])
            else:
                options = codes(item) if known else changes(item, field.name)
            for where, inner, other in options:
                try:
                    whole = replace(value, **{field.name: other})
                except StudyError:
                    # What a class refuses has no key.
                    continue
                yield f"{path}.{where}", keyed and inner, whole
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            for where, inner, other in changes(item, f"[{index}]"):
                yield path + where, inner, (*value[:index], other, *value[index + 1 :])
    else:
        yield path, True, changed(value)


def allowed(cls: type, name: str) -> tuple[Any, ...]:
    """The words that a field may hold, () if it may hold others."""
    hint = get_type_hints(cls).get(name)
    found = [part for part in (hint, *get_args(hint)) if get_origin(part) is Literal]
    return get_args(found[0]) if found else ()


def codes(languages: tuple[str, ...]) -> Iterator[Change]:
    if languages:
        yield "languages", True, (*languages, "swa")


def changed(atom: Any) -> Any:
    if atom is None:
        return 0.5
    if isinstance(atom, bool):
        return not atom
    return atom + {int: 1, float: 0.125, str: "x"}[type(atom)]


def tells_where_files_are(where: str) -> bool:
    """Local files are keyed by what they say (see below)."""
    return any(f".source.{name}" in where for name in ("paths", "labels", "root"))


def has_key(value: Any) -> bool:
    """Whether every field holds what it was declared to."""
    try:
        spec.key(value)
    except SpecError:
        return False
    return True


@pytest.mark.parametrize("name", ["score", "selected", "initial", "world", "span metric"])
def test_a_key_moves_exactly_with_what_is_keyed(name: str, tmp_path: Path) -> None:
    value = specs(tmp_path)[name]
    found = [
        change
        for change in changes(value, name)
        if not tells_where_files_are(change[0]) and has_key(change[2])
    ]
    moved = {where: spec.key(other) for where, keyed, other in found if keyed}
    stayed = {spec.key(other) for _, keyed, other in found if not keyed}
    assert stayed <= {spec.key(value)}
    assert [where for where, key in moved.items() if key == spec.key(value)] == []
    # No two changes are mistaken for each other either.
    assert len(set(moved.values())) == len(moved) > 3


def held(value: Any) -> Iterator[Any]:
    """The dataclasses in a value, itself included."""
    if isinstance(value, tuple):
        for item in value:
            yield from held(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for field in dataclasses.fields(value):
            yield from held(getattr(value, field.name))


def test_these_fields_and_no_others_are_left_out_of_keys(tmp_path: Path) -> None:
    found = {
        f"{type(value).__name__}.{field.name}"
        for value in held(tuple(specs(tmp_path).values()))
        for field in dataclasses.fields(value)
        if not field.metadata.get("keyed", True) and field.name != "resources"
    }
    entry = ("languages", "splits", "chance", "summary", "metrics", "sizes", "hub", "contains")
    entry = (*entry, "home", "licence", "citation")
    assert found == {
        *(f"Task.{name}" for name in entry),
        "Classification.pairs",
        "Encoder.name",
        "Encoder.licence",
        "Encoder.published",
        "Files.root",
        "Hub.branch",
        "Metric.summary",
        "Metric.languages",
        "Metric.predictions",
        "Score.seed",
        "Score.target",
        "Tsv.names",
    }


def test_a_local_file_is_keyed_by_what_it_says(tmp_path: Path) -> None:
    here, there = (specs(tmp_path / name)["data"] for name in "ab")
    assert spec.key(here) == spec.key(there)
    file = tmp_path / "b" / "xnli" / "train-en.tsv"
    os.utime(file, (1, 1))
    assert spec.key(here) == spec.key(there)
    file.write_bytes(file.read_bytes().replace(b"dog", b"cat"))
    assert spec.key(here) != spec.key(there)


def test_labels_that_were_withheld_are_keyed_once_they_are_there(tmp_path: Path) -> None:
    test = specs(tmp_path)["score"].predictions.data
    before = spec.key(test)
    labels = tmp_path / "xnli" / "labels" / "test-de.tsv"
    labels.parent.mkdir()
    labels.write_bytes(b"entailment\n")
    assert spec.key(test) != before


def test_a_file_that_is_missing_has_a_key_of_its_own(tmp_path: Path) -> None:
    data = specs(tmp_path)["data"]
    before = spec.key(data)
    (tmp_path / "xnli" / "train-en.tsv").unlink()
    assert spec.key(data) != before


def test_what_a_stage_may_use_is_not_in_its_key(tmp_path: Path) -> None:
    training = specs(tmp_path)["selected"]
    assert replace(training, resources=Resources(threads=7, gpus=1)).key == training.key


def ours(name: str, *fields: Any, **values: Any) -> Any:
    """A frozen dataclass that seems to be one of Layover's, which has no source in its key."""
    namespace = {"__module__": "layover.toy", **values}
    return make_dataclass(name, fields, frozen=True, kw_only=True, namespace=namespace)


RATE = ("rate", float, 0.5)


def test_a_new_field_with_a_default_keeps_old_keys() -> None:
    old, new = ours("Thing", ("size", int)), ours("Thing", RATE, ("size", int))
    assert spec.key(old(size=3)) == spec.key(new(size=3))
    assert spec.key(old(size=3)) != spec.key(new(size=3, rate=0.25))


def test_another_version_or_another_class_is_another_key() -> None:
    thing = ours("Thing", ("size", int), version=1)
    newer = ours("Thing", ("size", int), version=2)
    other = ours("Other", ("size", int), version=1)
    assert len({spec.key(cls(size=3)) for cls in (thing, newer, other)}) == 3


def test_two_fields_that_swap_their_values_are_another_key() -> None:
    thing = ours("Thing", ("left", str), ("right", str))
    assert spec.key(thing(left="a", right="b")) != spec.key(thing(left="b", right="a"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab",)),
        ((("a",), "b"), ("a", ("b",))),
        ((1,), (1.0,)),
        ((None,), ("None",)),
        (("1",), (1,)),
        ((), ((),)),
    ],
)
def test_values_that_look_alike_have_different_keys(one: object, other: object) -> None:
    assert spec.key(one) != spec.key(other)


def test_a_users_function_is_keyed_by_its_text(tmp_path: Path) -> None:
    texts = {
        "a": "def parse(row):\n    return row\n",
        "b": "def parse(row):\n    return row\n\n\nUNRELATED = 1\n",
        "c": "def parse(row):\n    return None\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    a, b, c = (
        spec.key(load_file(tmp_path / f"{name}.py", f"parsing_{name}").parse) for name in "abc"
    )
    assert a == b != c
