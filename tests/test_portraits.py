"""Portraits: a distance is what arithmetic says, a loss is transformers' own, equals look equal."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from layover.audit import audit
from layover.distance import Distance
from layover.encoders import Folder
from layover.errors import ModelError, StudyError
from layover.executors.execute import Outcome, execute, plan
from layover.executors.local import Local
from layover.inference.masking import masked
from layover.inference.rows import read
from layover.metrics.accuracy import ACCURACY
from layover.modeling.batch import collate
from layover.modeling.features import Features
from layover.portraits import portrait, portraits, relative
from layover.report import Portrait, render
from layover.results import portraits as results
from layover.results import report
from layover.stage import Stage
from layover.stages import Predict, Train, World, evaluate
from layover.store import Store
from layover.study import Arm, Study
from layover.tasks.formats import Lines
from layover.tasks.generated import CODES, Tasks
from layover.tasks.mixture import Mixture
from layover.tasks.plain import plain
from layover.tasks.sources import Files
from layover.tasks.target import Target
from layover.tasks.task import Data, Subset, load
from layover.world import Shape
from stock import padded
from test_stages import leaf_of, target_of
from toys import Toy, write_encoder, write_vocabulary
from trainable import CLASSES, RECIPE, TEXTS


@dataclass(kw_only=True)
class Made(Toy):
    """A context in which stages have the results that a test gave them."""

    results: dict[str, Path] = field(default_factory=dict)

    def result(self, stage: Stage) -> Path:
        return self.results[stage.key]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portraits")
    return write_encoder(write_vocabulary(folder / "vocabulary"), folder / "start")


def filed(data: Data, folder: Path) -> Data:
    """The same, read from a file, since what is in memory has no key."""
    for code, texts in data.task.source.table:  # type: ignore[attr-defined]
        lines = "".join(f"{row['text']}\n" for row in texts)
        (folder / f"{data.task.name}-{code}.txt").write_text(lines, encoding="utf-8")
    source = Files(paths=(f"{data.task.name}-{{language}}.txt",), reader=Lines(), root=str(folder))
    return replace(data, task=replace(data.task, source=source))


@pytest.fixture
def training(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """From the start on a task."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = filed(CLASSES, tmp_path)
    return Train(start=Folder(path=str(start)), data=data, recipe=RECIPE, seed=0)


def trained(stage: Train, folder: Path, change: Any) -> Made:
    """A context in which the training's result is its start with weights changed by hand."""
    assert isinstance(stage.start, Folder)
    start = stage.start.path
    model = AutoModel.from_pretrained(start)
    with torch.no_grad():
        change(model)
    place = folder / "result" / "models" / "classes"
    model.save_pretrained(place)
    AutoTokenizer.from_pretrained(start).save_pretrained(place)
    work = folder / "work"
    work.mkdir()
    return Made(folder=work, results={stage.key: folder / "result"})


def words_of(data: Data, start: Path, context: Toy) -> list[int]:
    """The ids that a data set holds, special ones included."""
    tokenizer = AutoTokenizer.from_pretrained(start)
    units = data.task.type.encode(context.data(data).items, tokenizer, RECIPE.max_length)
    return sorted({token for unit in units for row in unit.sequences for token in row})


def test_a_distance_is_what_arithmetic_says(start: Path, training: Train, tmp_path: Path) -> None:
    seen = words_of(CLASSES, start, Toy(folder=tmp_path))

    def change(model: Any) -> None:
        table = model.embeddings.word_embeddings.weight
        before = table[seen].clone()
        table *= 0.9
        table[seen] = 2 * before
        for tensor in model.encoder.layer[0].parameters():
            tensor *= 1.25
        model.encoder.layer[1].output.dense.weight[0, 0] += 3.0

    context = trained(training, tmp_path, change)
    Distance(model=training, start=training.start).run(context)
    told = json.loads((context.folder / "distance.json").read_text("utf-8"))
    found = dict(relative(told["tensors"]))
    layer = AutoModel.from_pretrained(start).encoder.layer[1]
    length = sum(float(tensor.detach().norm()) ** 2 for tensor in layer.parameters()) ** 0.5
    assert found == pytest.approx(
        {
            "words seen": 1.0,
            "words not seen": 0.1,
            "embeddings": 0.0,
            "layer 1": 0.25,
            "layer 2": 3 / length,
        }
    )
    rows = load_file(context.folder / "words.safetensors")
    assert rows["seen"].nonzero()[0].tolist() == seen
    assert (rows["way"][seen] ** 0.5 == pytest.approx(rows["length"][seen] ** 0.5)) is True
    width = AutoModel.from_pretrained(start).config.hidden_size
    numbers = {each["part"]: each["numbers"] for each in told["tensors"]}
    assert numbers["words seen"] == width * len(seen)


def test_text_beside_a_task_sees_every_word(training: Train, tmp_path: Path) -> None:
    context = trained(training, tmp_path, lambda model: None)
    assert isinstance(training.data, Data)
    data = Mixture(parts=(training.data,), beside=filed(TEXTS, tmp_path), ratio=0.5)
    both = replace(training, data=data)
    context.results[both.key] = context.results[training.key]
    Distance(model=both, start=both.start).run(context)
    assert load_file(context.folder / "words.safetensors")["seen"].all()


def test_a_distance_is_to_a_model_that_comes_before(training: Train) -> None:
    one = training
    two = replace(one, start=one, seed=1)
    assert Distance(model=two, start=one.start).between == (two, one)
    assert Distance(model=two, start=one).between == (two,)
    with pytest.raises(StudyError, match=r"is .* itself: there is no distance"):
        Distance(model=two, start=two)
    with pytest.raises(StudyError, match=r"was not trained from .*, but from folder start"):
        Distance(model=one, start=replace(one, seed=1))


def stock_loss(model: Any, start: Path, data: Data, context: Toy) -> tuple[float, int]:
    """Transformers' own mean loss on the masks that Layover draws, and how many there are."""
    tokenizer = AutoTokenizer.from_pretrained(start)
    kind: Any = data.task.type
    units = Features.of(kind.encode(context.data(data).items, tokenizer, 64))
    batch = collate(masked(units, tokenizer, kind.rate, (0,)), range(len(units)))
    given = padded(batch, tokenizer.pad_token_id)
    rows = batch.target.split(batch.packing.lengths)
    labels = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=-100)
    with torch.no_grad():
        return float(model.eval()(**given, labels=labels).loss), int((labels != -100).sum())


def loss_of(wanted: Predict, context: Toy) -> tuple[float, int]:
    wanted.run(context)
    found = read(context.folder / "predictions.parquet").prediction
    total, count = (sum(row[at] for row in found) for at in (0, 1))
    return total / count, round(count)


def test_the_loss_is_transformers_own_on_the_same_masks(start: Path, tmp_path: Path) -> None:
    context = Made(folder=tmp_path)
    own = Predict(model=Folder(path=str(start)), data=TEXTS, max_length=64)
    expected = stock_loss(AutoModelForMaskedLM.from_pretrained(start), start, TEXTS, context)
    assert loss_of(own, context) == pytest.approx(expected, rel=1e-5)


def test_the_head_of_the_start_reads_the_states_of_the_model(
    start: Path, training: Train, tmp_path: Path
) -> None:
    def change(model: Any) -> None:
        for tensor in model.parameters():
            tensor += 0.05 * torch.randn(tensor.shape, generator=torch.manual_seed(1))

    context = trained(training, tmp_path, change)
    whole = AutoModelForMaskedLM.from_pretrained(start)
    # The head stays as it was trained, with the words that it knows.
    whole.lm_head.decoder.weight = torch.nn.Parameter(whole.lm_head.decoder.weight.clone())
    states = AutoModel.from_pretrained(context.results[training.key] / "models" / "classes")
    whole.roberta.load_state_dict(states.state_dict(), strict=False)
    expected = stock_loss(whole, start, TEXTS, context)
    lent = Predict(model=training, data=TEXTS, max_length=64, head_of=training.start)
    assert loss_of(lent, context) == pytest.approx(expected, rel=1e-5)
    plain_loss = stock_loss(AutoModelForMaskedLM.from_pretrained(start), start, TEXTS, context)
    assert abs(expected[0] - plain_loss[0]) > 0.01


def test_an_encoder_without_the_head_is_told_of(start: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    AutoModel.from_pretrained(start).save_pretrained(bare)
    AutoTokenizer.from_pretrained(start).save_pretrained(bare)
    wanted = Predict(model=Folder(path=str(bare)), data=TEXTS, max_length=64)
    with pytest.raises(ModelError, match=r"bare has no masked-language-model head .*leave the tex"):
        wanted.run(Made(folder=tmp_path))


def test_a_head_reads_the_states_of_its_own_encoder_only(
    start: Path, training: Train, tmp_path: Path
) -> None:
    other = write_encoder(start, tmp_path / "other", width=32)
    with pytest.raises(StudyError, match=r"the head of another encoder than the one that folder"):
        Predict(model=Folder(path=str(start)), data=TEXTS, head_of=Folder(path=str(other)))
    shutil.copytree(other, tmp_path / "result" / "models" / "other")
    context = Made(folder=tmp_path, results={training.key: tmp_path / "result"})
    wanted = Predict(model=training, data=TEXTS, max_length=64, head_of=training.start)
    with pytest.raises(ModelError, match=r"cannot score the states of another encoder"):
        wanted.run(context)


def test_only_retrieval_and_plain_text_portray(start: Path) -> None:
    encoder = Folder(path=str(start))
    target = Target(name="classes", train=(CLASSES,), test=CLASSES, metric=None)  # type: ignore
    with pytest.raises(StudyError, match="classes cannot portray a checkpoint: only retrieval"):
        portrait(encoder, encoder, target=target)
    with pytest.raises(StudyError, match=r"classes is no plain text: give .*plain\(task, field\)"):
        portrait(encoder, encoder, text=CLASSES)


def test_retrieval_is_that_of_arms_in_another_precision_and_the_loss_is_not(start: Path) -> None:
    encoder, task = Folder(path=str(start)), Tasks(world=World(shape=Shape(), seed=0)).retrieval
    test = Data(task=task, split="test", languages=CODES[1:])
    target = Target(name="retrieval", train=(), test=test, dev=test, metric=ACCURACY)
    arm = evaluate(encoder, target, precision="bfloat16")
    retrieval, loss = portrait(encoder, encoder, TEXTS, target, precision="bfloat16")
    assert (retrieval,) == arm != evaluate(encoder, target)
    assert (loss,) == portrait(encoder, encoder, TEXTS)


Run = tuple[Store, Outcome]
WAYS = {"direct": "direct", "nli": "nli", "nli again": "nli", "tags + mlm": "tags + mlm"}


@pytest.fixture(scope="module")
def portrayed(tiny: Study, tiny_run: Run) -> tuple[Study, Store]:
    """The tiny study, with a portrait of every checkpoint."""
    store, _ = tiny_run
    world = next(stage for stage in tiny.stages if isinstance(stage, World))
    text = Data(
        task=plain(Tasks(world=world).paraphrase, "text"),
        split="test",
        languages=CODES,
        subset=Subset(size=20),
    )
    target = target_of(leaf_of(tiny, "retrieval"))
    models = {
        arm.name: next(
            leaf.predictions.model  # type: ignore[attr-defined]
            for leaf in arm.leaves
            if leaf.target == "retrieval"  # type: ignore[attr-defined]
        )
        for arm in tiny.arms
    }
    study = replace(
        tiny,
        portraits=tuple(
            Arm(name=name, leaves=portrait(models[way], models["direct"], text, target))
            for name, way in WAYS.items()
        ),
    )
    assert not execute(plan(study, store), Local(store, lambda event: None)).failed
    return study, store


def test_equal_checkpoints_have_equal_portraits_which_are_made_once(
    portrayed: tuple[Study, Store], tiny: Study
) -> None:
    study, store = portrayed
    again = {leaf.key for leaf in study.portraits[2].leaves}
    assert again == {leaf.key for leaf in study.portraits[1].leaves}
    # Nothing is trained for a portrait, and what the arms retrieve is not retrieved again.
    new = {stage.key: stage for stage in study.stages if stage.key not in tiny.by_key}
    kinds = sorted(type(stage).__name__ for stage in new.values())
    assert kinds == ["Distance"] * 2 + ["Predict"] * 3 + ["Score"] * 3
    one, two = (each for each in results(study, store) if each.name.startswith("nli"))
    assert replace(two, name=one.name) == one


def test_a_portrait_says_what_a_training_changed(portrayed: tuple[Study, Store]) -> None:
    first, nli, _, both = results(*portrayed)
    assert (first.origin, first.change, first.distance) == ("", None, ())
    assert nli.origin == both.origin == "direct"
    assert first.loss and nli.loss and nli.change
    assert set(nli.loss.languages) == set(CODES)
    for code in CODES:
        change = nli.loss.languages[code].estimate - first.loss.languages[code].estimate
        assert nli.change.languages[code].estimate == pytest.approx(change)
    assert first.loss.mean.estimate > 0 and first.loss.mean.low < first.loss.mean.high
    assert {variant for variant, _, _ in nli.retrieval} == {
        f"layer {layer}, {way}" for layer in range(3) for way in ("raw", "centred")
    }
    parts = [part for part, _ in nli.distance]
    assert parts == ["words seen", "words not seen", "embeddings", "layer 1", "layer 2"]
    assert dict(nli.distance)["words not seen"] == 0 < dict(nli.distance)["words seen"]
    assert "words not seen" not in dict(both.distance)


def test_the_guard_does_not_take_what_is_measured_for_training(
    portrayed: tuple[Study, Store], tiny: Study
) -> None:
    study, store = portrayed
    assert audit(study, store.result) == audit(tiny, store.result)


def test_a_report_shows_the_portraits_and_compares_the_arms_as_without(
    portrayed: tuple[Study, Store], tiny: Study
) -> None:
    study, store = portrayed
    found, without = report(study, store), report(tiny, store)
    assert found.differences == without.differences and found.targets == without.targets
    page = render(found)
    assert "Between the phases" in page and "Between the phases" not in render(without)
    assert "The loss of masked language modelling changed least with" in page


def test_what_is_missing_is_said(portrayed: tuple[Study, Store], tmp_path: Path) -> None:
    study, _ = portrayed
    empty = Store(tmp_path)
    told = [each.told for each in results(study, empty)]
    assert told[:2] == ["2 of 2 measurements are missing.", "3 of 3 measurements are missing."]
    assert portraits(replace(study, portraits=()), empty, None) == ()  # type: ignore[arg-type]
    assert all(each == Portrait(name=each.name, origin=each.origin, told=each.told)
               for each in results(study, empty))  # fmt: skip


def test_two_portraits_of_one_name_are_refused(portrayed: tuple[Study, Store]) -> None:
    study, _ = portrayed
    with pytest.raises(StudyError, match="has two portraits of one name"):
        replace(study, portraits=(*study.portraits, study.portraits[0]))


def test_plain_text_stays_parallel(portrayed: tuple[Study, Store]) -> None:
    study, store = portrayed
    leaf: Any = study.portraits[0].leaves[1]
    examples = load(leaf.predictions.data, store.result)
    by_language = {
        code: {item.cluster for item, mine in zip(examples.items, examples.languages, strict=True)
               if mine == code}
        for code in CODES
    }  # fmt: skip
    assert len({frozenset(found) for found in by_language.values()}) == 1
