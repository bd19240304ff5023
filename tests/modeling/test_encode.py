"""Encoded data come back from disk as they were, under a key of all that they follow from."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import mmap
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from layover import spec
from layover.executors.share import share
from layover.modeling.batch import collate
from layover.modeling.encode import Encoded, Encoding, Names, _known, _ours, encoded
from layover.modeling.features import Features, Ragged
from layover.modeling.vocabulary import learn
from layover.stage import Made, Shared
from layover.store import Store
from layover.tasks.task import Data, Unit
from layover.tasks.udpos import UDPOS
from layover.tasks.xnli import XNLI
from toys import SENTENCES, Toy
from trainable import BITEXT, CHOICES, CLASSES, SPANS, TAGS, TEXTS

LANGUAGES = ("eng", "deu")
UNITS = (
    Unit(0, ((0, 65_536, 2), (7, 1)), ((0, 0, 1), (0, 1)), (-100,), ()),
    Unit(0, ((5,),), ((1,),), (3, 300), (-1, -1, 70_000, 2)),
    Unit(3, ((9, 9), (8,), (7, 6, 5)), ((0, 1), (0,), (0, 0, 1)), (), (0,)),
)


class Storing(Toy):
    """A context with a store."""

    def shared(self, thing: Shared[Made]) -> Made:
        return share(thing, Store(self.folder / "store"), self.say)

    @property
    def kept(self) -> int:
        return len(list(self.folder.glob("store/features/*/record.json")))


@pytest.fixture
def tokenizer(vocabulary: Path) -> Any:
    return AutoTokenizer.from_pretrained(vocabulary)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The dev split of XNLI in two languages, of several lengths."""
    monkeypatch.setenv("LAYOVER_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for code, count in (("en", 6), ("de", 4)):
        rows = [f"{text}\tthe girl saw it\tneutral\n" for text in SENTENCES[:count]]
        write(tmp_path / "xnli" / f"dev-{code}.tsv", "".join(rows))
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def pairs(**changed: Any) -> Data:
    return Data(**{"task": XNLI, "split": "dev", "languages": LANGUAGES, **changed})


def key(data: Data, tokenizer: Any, max_length: int = 32) -> str:
    context = Toy(folder=Path("unused"))
    return Encoding(data=data, tokenizer=tokenizer, max_length=max_length, context=context).key


def test_units_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    made = Features.of(UNITS)
    made.save(tmp_path)
    found = Features.open(tmp_path)
    assert tuple(found) == tuple(made) == UNITS
    assert found.lengths.tolist() == [3, 1, 3] and found.sizes.tolist() == [5, 1, 6]


def test_encoders_without_token_types_have_none_on_disk(tmp_path: Path) -> None:
    bare = [dataclasses.replace(unit, segments=((),) * len(unit.sequences)) for unit in UNITS]
    Features.of(bare).save(tmp_path)
    found = Features.open(tmp_path)
    assert found.segments is None and list(found) == bare


@pytest.mark.parametrize(
    "part", [CLASSES, TAGS, SPANS, CHOICES, BITEXT, TEXTS], ids=lambda part: part.label
)
def test_batches_of_what_was_opened_are_those_of_what_was_made(
    part: Data, tokenizer: Any, tmp_path: Path
) -> None:
    context = Toy(folder=tmp_path)
    made = Features.of(part.task.type.encode(context.data(part).items, tokenizer, 40))
    made.save(tmp_path)
    found = Features.open(tmp_path)
    order = np.random.default_rng(0).permutation(len(made))
    for units in (order[:5], order, order[-1:]):
        one, two = collate(made, units), collate(found, units)
        assert one.tokens.tolist() == two.tokens.tolist()
        assert one.target.tolist() == two.target.tolist()
        assert (one.sizes, one.widths) == (two.sizes, two.widths)
        assert one.packing.lengths == two.packing.lengths
        assert one.tokens.tolist() == [
            token for unit in units for row in made[int(unit)].sequences for token in row
        ]


def test_what_is_opened_lies_in_the_files_in_few_bytes(tmp_path: Path) -> None:
    Features.of(UNITS).save(tmp_path)
    found = Features.open(tmp_path)
    assert isinstance(found.tokens.values.base.base, mmap.mmap)
    assert not found.tokens.values.flags.writeable
    assert found.tokens.values.itemsize == 4 and found.segments is not None
    assert found.segments.values.itemsize == 1 and found.target.values.itemsize == 2


@pytest.mark.parametrize(
    "values", [[0, 255], [0, 256], [-128, 127], [-129, 0], [-1, 40_000], [0, 2**31], []]
)
def test_no_number_changes_however_few_bytes_hold_it(values: list[int], tmp_path: Path) -> None:
    column = Ragged(np.array(values, np.int64), np.array([0, len(values)]))
    column.save(tmp_path, "x")
    assert Ragged.open(tmp_path, "x").values.tolist() == values


def test_names_are_any_text() -> None:
    texts = ["7", "", "añb\n", "😀", "\ud800"]
    names = Names.of(texts)
    assert list(names) == texts and names[-1] == texts[-1] and names[1:3] == texts[1:3]
    with pytest.raises(IndexError):
        names[5]


def test_a_data_set_is_read_once_in_its_order(
    files: Path, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Storing(folder=tmp_path)
    data = pairs()
    first = encoded(data, tokenizer, 32, context)
    examples = context.data(data)
    # Another process, which is not to read the examples.
    other = Storing(folder=tmp_path)
    monkeypatch.setattr(other, "data", None)
    found = encoded(data, tokenizer, 32, other)
    fresh = list(XNLI.type.encode(examples.items, tokenizer, 32))
    assert list(found.units) == list(first.units) == fresh
    assert list(found.names) == [example.id for example in examples.items]
    assert found.languages.tolist() == [6, 4] and context.kept == 1 and not context.said


def test_the_units_of_each_language_are_counted(
    tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYOVER_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for code, count in (("en", 3), ("de", 6)):
        rows = "\n\n".join(text.replace(" ", "\tNOUN\n") + "\tX" for text in SENTENCES[:count])
        write(tmp_path / "udpos" / f"dev-{code}.tsv", rows + "\n")
    data = Data(task=UDPOS, split="dev", languages=LANGUAGES)
    context = Storing(folder=tmp_path)
    examples = context.data(data)
    # Long sentences become several units.
    for _ in range(2):
        found = encoded(data, tokenizer, 9, context)
        wanted = Counter(examples.languages[at] for at in found.units.examples)
        assert found.sizes == (wanted["eng"], wanted["deu"]) and sum(found.sizes) > 9


def test_the_key_holds_what_a_tokenizer_does_and_not_where_it_lies(
    files: Path, vocabulary: Path, tmp_path: Path
) -> None:
    place = tmp_path / "tokenizer"
    mine = AutoTokenizer.from_pretrained(vocabulary)
    mine.save_pretrained(place)
    wanted = key(pairs(), mine)
    mine(["the old fisher"], truncation=True, max_length=3, padding=True)
    assert key(pairs(), mine) == key(pairs(), AutoTokenizer.from_pretrained(place)) == wanted
    shutil.rmtree(place)
    learn(SENTENCES * 3, 60, 0.9999, place)
    assert key(pairs(), AutoTokenizer.from_pretrained(place)) != wanted
    for name, value in (
        ("truncation_side", "left"),
        ("model_input_names", ["input_ids"]),
        ("split_special_tokens", True),
    ):
        before = getattr(mine, name)
        setattr(mine, name, value)
        assert before != value and key(pairs(), mine) != wanted, name
        setattr(mine, name, before)
    assert key(pairs(), mine) == wanted


def test_the_key_holds_the_data_their_type_and_the_longest_sequence(
    files: Path, tokenizer: Any
) -> None:
    kind = dataclasses.replace(XNLI.type, truncate=False)
    different = {
        "as it is": key(pairs(), tokenizer),
        "length": key(pairs(), tokenizer, 31),
        "languages": key(pairs(languages=LANGUAGES[::-1]), tokenizer),
        "type": key(pairs(task=dataclasses.replace(XNLI, type=kind)), tokenizer),
    }
    (files / "xnli" / "dev-de.tsv").write_text("a\tb\tneutral\n", encoding="utf-8")
    different["files"] = key(pairs(), tokenizer)
    assert len(set(different.values())) == len(different)
    # How often a training draws a language is no matter of encoding.
    assert key(pairs(exponent=0.3), tokenizer) == different["files"]


def test_a_tokenizer_with_code_of_its_own_is_never_taken_for_another(
    files: Path, tokenizer: Any, tmp_path: Path
) -> None:
    class Own(type(tokenizer)):  # type: ignore[misc]
        """Its code may do anything."""

    own = Own.from_pretrained(tokenizer.name_or_path)
    assert _known(tokenizer, XNLI) and not _known(own, XNLI)
    context = Storing(folder=tmp_path)
    found: Encoded = encoded(pairs(), own, 32, context)
    assert len(found.units) == 10 and context.kept == 0


@pytest.mark.parametrize(
    "part", ["tasks/types/classification.py", "tasks/sources.py", "modeling/features.py", ""]
)
def test_what_other_code_of_ours_encoded_is_not_taken(part: str, tmp_path: Path) -> None:
    copy = tmp_path / "layover"
    shutil.copytree(Path(inspect.getfile(spec)).parent, copy)
    if part:
        with (copy / part).open("a", encoding="utf-8") as file:
            file.write("\n# Another line.\n")
    asked = "from layover.modeling import encode; print(encode.__file__, encode._ours())"
    told = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    place, found = told.stdout.split()
    assert Path(place).is_relative_to(copy)
    assert (found != _ours()) == bool(part)


THEIRS = """
from dataclasses import dataclass
from layover.tasks.types.classification import Classification

def clean(text):
    return text.{way}()

class Base(Classification):
    def encode(self, examples, tokenizer, max_length):
        wanted = [replaced(each) for each in examples]
        return super().encode(wanted, tokenizer, max_length)

def replaced(example):
    from dataclasses import replace
    return replace(example, text=clean(example.text))

@dataclass(frozen=True, kw_only=True)
class Loud(Base):
    pass

def parse(row):
    from layover.tasks import xnli
    return xnli.XNLI.parse(row)
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What loads a module of a user's, as it is written then."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def read(way: str) -> Any:
        (tmp_path / "theirs.py").write_text(THEIRS.format(way=way), encoding="utf-8")
        sys.modules.pop("theirs", None)
        importlib.invalidate_caches()
        return importlib.import_module("theirs")

    yield read
    sys.modules.pop("theirs", None)


def test_what_a_users_helper_changes_is_encoded_anew(
    files: Path, tokenizer: Any, tmp_path: Path, theirs: Any
) -> None:
    context = Storing(folder=tmp_path)

    def units(way: str) -> list[Unit]:
        kind = theirs(way).Loud(labels=XNLI.type.labels)
        # The class itself is as it was: its base's helper is another.
        task = dataclasses.replace(XNLI, type=kind)
        return list(encoded(pairs(task=task), tokenizer, 32, context).units)

    lower = units("lower")
    assert units("lower") == lower and context.kept == 1
    assert units("upper") != lower and context.kept == 2
    parse = dataclasses.replace(XNLI, parse=theirs("lower").parse)
    before = key(pairs(task=parse), tokenizer)
    parse = dataclasses.replace(XNLI, parse=theirs("upper").parse)
    assert key(pairs(task=parse), tokenizer) != before


def test_what_code_without_a_file_encoded_is_not_kept(
    files: Path, tokenizer: Any, tmp_path: Path, theirs: Any
) -> None:
    kind = theirs("lower").Loud(labels=XNLI.type.labels)
    del sys.modules["theirs"]
    task = dataclasses.replace(XNLI, type=kind)
    assert not _known(tokenizer, task)
    context = Storing(folder=tmp_path)
    assert len(encoded(pairs(task=task), tokenizer, 32, context).units) == 10
    assert context.kept == 0


def test_a_file_that_is_cut_short_while_it_is_read_ends_the_process_and_is_made_anew(
    files: Path, vocabulary: Path, tokenizer: Any, tmp_path: Path
) -> None:
    context = Storing(folder=tmp_path)
    before = encoded(pairs(), tokenizer, 32, context)
    units = list(before.units)
    (place,) = tmp_path.glob("store/features/*/tokens.values.npy")
    asked = (
        "import os, sys; import numpy as np; found = np.load(sys.argv[1], mmap_mode='r');"
        "os.truncate(sys.argv[1], 0); print(found.sum())"
    )
    died = subprocess.run([sys.executable, "-c", asked, str(place)], stdout=subprocess.PIPE)
    assert died.returncode == -signal.SIGBUS
    assert list(encoded(pairs(), tokenizer, 32, Storing(folder=tmp_path)).units) == units
