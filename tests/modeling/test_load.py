"""The hand-off: what is loaded, made anew and left behind is said; what does not fit is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from layover.encoders import Folder
from layover.errors import ModelError
from layover.modeling.batch import collate
from layover.modeling.features import Features
from layover.modeling.folder import ABOUT
from layover.modeling.heads import HEADS
from layover.modeling.load import Model, Policy, load
from layover.modeling.save import save
from layover.recipe import Recipe, steps
from layover.stages import Train
from layover.tasks.sources import Row
from layover.tasks.task import Data, Task, TaskType
from layover.tasks.types.choice import Choice
from layover.tasks.types.classification import Classification, Labelled
from layover.tasks.types.retrieval import Retrieval
from layover.tasks.types.spans import Passage, Spans
from layover.tasks.types.tagging import Sentence, Tagging
from layover.tasks.types.text import MaskedText, Text
from toys import SENTENCES, Toy, memory


def labelled(row: Row) -> Labelled:
    number = row.fields["row"]
    return Labelled(
        id=str(number),
        cluster=str(number),
        text=row.fields["text"],
        pair="the old bridge",
        label="AB"[number % 2],
    )


def plain(row: Row) -> Text:
    return Text(id=str(row.fields["row"]), cluster="", text=row.fields["text"])


def task(kind: TaskType, name: str = "toy") -> Task:
    rows = [{"text": text} for text in SENTENCES]
    parse: Any = plain if kind.head == "lm" else labelled
    return Task(name=name, type=kind, source=memory(eng=rows), parse=parse)


PAIRS = task(Classification(labels=("A", "B")), "pairs")
TAGS = task(Tagging(labels=("A", "B", "C")), "tags")
TEXT = task(MaskedText(), "text")


def loaded(folder: Path, *tasks: Task, policy: Policy = "new", seed: int = 0) -> Model:
    return load(Folder(path=str(folder)), tasks, policy, seed, Toy(folder=folder))


def state(model: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def equal(mine: dict[str, Tensor], theirs: dict[str, Tensor], names: Any) -> bool:
    return all(torch.equal(mine[name], theirs[name]) for name in names)


# What is said


def test_the_handoff_lists_what_was_loaded_made_anew_and_left_behind(xlmr: Path) -> None:
    encoder = len(AutoModel.from_config(AutoConfig.from_pretrained(xlmr)).state_dict()) - 2
    assert loaded(xlmr, PAIRS).handoff == (
        f"{encoder} encoder tensors loaded from xlmr; dropped: lm_head; new for pairs: "
        "classifier.dense.bias, classifier.dense.weight, classifier.out_proj.bias, "
        "classifier.out_proj.weight"
    )


def test_a_carried_head_is_said(xlmr: Path, tmp_path: Path) -> None:
    assert "head of text carried from xlmr" in loaded(xlmr, TEXT).handoff
    save(loaded(xlmr, TAGS), (TAGS,), 32, tmp_path)
    handoff = loaded(tmp_path / "tags", TAGS, policy="carry").handoff
    assert "head of tags carried from tags" in handoff
    assert "new" not in handoff


def test_new_heads_follow_from_the_seed_alone(xlmr: Path, bert: Path) -> None:
    for folder, kind in ((xlmr, Choice()), (bert, Choice()), (bert, PAIRS.type)):
        found = []
        for noise in (1, 2):
            # What a process did before.
            torch.manual_seed(noise)
            found.append(state(loaded(folder, task(kind), seed=7).heads["toy"]))
        assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.parametrize("name", ["wiki.en", "items", "type", "a b/c"])
def test_a_task_may_have_any_name(xlmr: Path, tmp_path: Path, name: str) -> None:
    named = task(Classification(labels=("A", "B")), name)
    first = loaded(xlmr, named, TEXT)
    save(first, (named, TEXT), 32, tmp_path)
    again = loaded(tmp_path / name.replace("/", "-"), named, policy="carry")
    mine, theirs = state(first.heads[name]), state(again.heads[name])
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


# What the models hold


@pytest.mark.parametrize("kind", [PAIRS.type, TAGS.type, Spans(), Choice(), Retrieval()])
@pytest.mark.parametrize("family", ["xlmr", "bert"])
def test_the_encoder_is_the_folders_under_every_head(
    request: pytest.FixtureRequest, family: str, kind: TaskType
) -> None:
    folder: Path = request.getfixturevalue(family)
    saved = load_file(folder / "model.safetensors")
    model: Any = loaded(folder, task(kind)).heads["toy"]
    mine = {
        f"{model.base_model_prefix}.{name}": value
        for name, value in state(model.base_model).items()
        if not name.startswith("pooler.")
    }
    assert len(mine) > 30
    assert equal(mine, saved, mine)
    assert all(value.dtype == torch.float32 for value in mine.values())


def test_a_new_head_follows_from_the_seed_alone(xlmr: Path) -> None:
    heads = []
    for seed in (1, 1, 2):
        torch.rand(seed + 3)
        heads.append(state(loaded(xlmr, PAIRS, seed=seed).heads["pairs"]))
    fresh = [name for name in heads[0] if name.startswith("classifier") and "weight" in name]
    assert equal(heads[0], heads[1], heads[0])
    assert not any(torch.equal(heads[0][name], heads[2][name]) for name in fresh)


def test_labels_are_written_into_the_configuration(xlmr: Path, tmp_path: Path) -> None:
    save(loaded(xlmr, TAGS), (TAGS,), 32, tmp_path)
    config = AutoConfig.from_pretrained(tmp_path / "tags")
    assert config.id2label == {0: "A", 1: "B", 2: "C"}
    about = json.loads((tmp_path / "tags" / ABOUT).read_text(encoding="utf-8"))
    assert about == {
        "task": "tags",
        "head": "token",
        "type": "layover.tasks.types.tagging:Tagging",
        "labels": ["A", "B", "C"],
        "settings": {},
        "max_length": 32,
    }


def test_heads_of_several_tasks_share_one_encoder(bert: Path) -> None:
    model = loaded(bert, PAIRS, TAGS, TEXT)
    tables = {id(head.get_input_embeddings()) for head in model.heads.children()}  # type: ignore[operator]
    assert len(tables) == 1
    masked: Any = model.heads["text"]
    assert masked.get_output_embeddings().weight is masked.get_input_embeddings().weight


def test_a_carried_head_has_the_weights_it_was_saved_with(xlmr: Path, tmp_path: Path) -> None:
    first = loaded(xlmr, PAIRS, seed=5)
    save(first, (PAIRS,), 32, tmp_path)
    again = loaded(tmp_path / "pairs", PAIRS, policy="carry", seed=6)
    mine, theirs = state(first.heads["pairs"]), state(again.heads["pairs"])
    assert equal(mine, theirs, mine)
    anew = state(loaded(tmp_path / "pairs", PAIRS, policy="new", seed=6).heads["pairs"])
    assert not torch.equal(anew["classifier.dense.weight"], mine["classifier.dense.weight"])


def test_a_head_may_be_carried_into_another_task_with_the_same_labels(
    xlmr: Path, tmp_path: Path
) -> None:
    save(loaded(xlmr, PAIRS), (PAIRS,), 32, tmp_path)
    other = task(PAIRS.type, "other")
    handoff = loaded(tmp_path / "pairs", other, policy="carry").handoff
    assert "head of other carried from pairs" in handoff


# What is refused


@pytest.fixture
def broken(xlmr: Path, tmp_path: Path) -> Path:
    """A copy of a good folder, to be broken."""
    shutil.copytree(xlmr, tmp_path / "broken")
    return tmp_path / "broken"


def configure(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**config, **changes}), encoding="utf-8")

    return change


def drop_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("roberta.encoder.layer.1.output.dense.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def only_pickle(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "config.json").unlink(),
            "broken is not a model folder: .*config",
        ),
        (
            lambda folder: (folder / "config.json").write_text("{"),
            r"broken/config\.json is damaged \(Expecting",
        ),
        (only_pickle, "broken has no weights in safetensors form; no other form is loaded"),
        (truncate, r"broken/model\.safetensors is damaged \(.*\): get the file again"),
        (drop_tensor, r"broken: .*lacks 1 tensors \(encoder\.layer\.1\.output\.dense\.weight"),
        (configure(num_hidden_layers=3), r"broken: .* lacks 16 tensors \(encoder\.layer\.2"),
        (configure(num_hidden_layers=1), r"broken: .* does not expect 16 tensors .*layer\.1"),
        (configure(hidden_size=32), "broken cannot be loaded as AutoModel|broken: .* misshapes"),
        (configure(vocab_size=99), "broken cannot be loaded as AutoModel|broken: .* misshapes"),
    ],
    ids=[
        "no config",
        "config that is no JSON",
        "weights in a pickle only",
        "truncated weights",
        "a tensor too few",
        "a layer too many in the config",
        "a layer too few in the config",
        "another width in the config",
        "another vocabulary in the config",
    ],
)
def test_a_folder_that_does_not_hold_what_it_says_is_refused(
    broken: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(broken)
    with pytest.raises(ModelError, match=message):
        loaded(broken, PAIRS)


def test_an_encoder_without_its_masked_head_is_not_completed_in_silence(broken: Path) -> None:
    path = broken / "model.safetensors"
    tensors = {name: item for name, item in load_file(path).items() if "lm_head.dense" not in name}
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"does not hold a whole AutoModelForMaskedLM: 2 tensors"):
        loaded(broken, TEXT)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            replace(PAIRS, type=Classification(labels=("A", "B", "C"))),
            r"head of pairs has labels \('A', 'B'\), .*'A', 'B', 'C'\) \(C\): .*head='new'",
        ),
        (TAGS, r"no token head to carry into tags: the start has heads for pairs; .*head='new'"),
    ],
)
def test_a_head_that_does_not_fit_is_not_carried(
    xlmr: Path, tmp_path: Path, wanted: Task, message: str
) -> None:
    save(loaded(xlmr, PAIRS), (PAIRS,), 32, tmp_path)
    with pytest.raises(ModelError, match=message):
        loaded(tmp_path / "pairs", wanted, policy="carry")


def test_a_published_encoder_has_no_head_to_carry(xlmr: Path) -> None:
    with pytest.raises(ModelError, match=r"no sequence head to carry into pairs: .* xlmr; declare"):
        loaded(xlmr, PAIRS, policy="carry")


# Another family


def test_a_bert_trains_under_a_new_head_with_token_types(bert: Path, tmp_path: Path) -> None:
    data = Data(task=PAIRS, split="train", languages=("eng",))
    context = Toy(folder=tmp_path)
    model = loaded(bert, PAIRS)
    units = Features.of(PAIRS.type.encode(context.data(data).items, model.tokenizer, 48))
    types = collate(units, range(len(units))).segments
    assert types is not None
    assert len(types) == units.tokens.lengths.sum()
    assert set(types.unique().tolist()) == {0, 1}
    recipe = Recipe(duration=steps(1), learning_rate=1e-2, batch=4, max_length=48, warmup=0.0)
    Train(start=Folder(path=str(bert)), data=data, recipe=recipe, seed=0).run(context)
    trained = AutoModelForSequenceClassification.from_pretrained(tmp_path / "models" / "pairs")
    before, after = state(model.heads["pairs"]), state(trained)
    for name in ("classifier.weight", "bert.embeddings.token_type_embeddings.weight"):
        assert not torch.equal(before[name], after[name])


@pytest.mark.parametrize("kind", [TEXT.type, TAGS.type, Spans()])
def test_a_berts_logits_have_a_row_for_every_target(bert: Path, kind: TaskType) -> None:
    made: dict[str, Any] = {
        "lm": Text(id="1", cluster="1", text="a girl"),
        "token": Sentence(id="1", cluster="1", words=("a", "girl"), tags=("A", "B")),
        "span": Passage(
            id="1", cluster="1", question="a", context="the girl", answers=(("girl", 4),)
        ),
    }
    model = loaded(bert, task(kind))
    batch = collate(Features.of(kind.encode([made[kind.head]], model.tokenizer, 32)), [0])
    if kind.head == "lm":
        batch = replace(batch, target=batch.tokens)
    head = HEADS[kind.head]
    assert torch.isfinite(head.loss(head.logits(model.heads["toy"], batch), batch))


def add_tensors(folder: Path, *names: str) -> None:
    path = folder / "model.safetensors"
    extra = {name: torch.zeros(16, 16) for name in names}
    save_file({**load_file(path), **extra}, path, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("family", "parts"),
    [
        ("xlmr", ("roberta.pooler.dense.weight",)),
        ("bert", ("bert.pooler.dense.weight", "cls.seq_relationship.weight")),
    ],
)
def test_what_published_checkpoints_hold_besides_their_masked_head_is_left_behind(
    request: pytest.FixtureRequest, tmp_path: Path, family: str, parts: tuple[str, ...]
) -> None:
    shutil.copytree(request.getfixturevalue(family), tmp_path / "published")
    add_tensors(tmp_path / "published", *parts)
    assert "head of text carried from published" in loaded(tmp_path / "published", TEXT).handoff


def test_a_masked_head_with_tensors_of_another_encoder_is_refused(broken: Path) -> None:
    add_tensors(broken, "lm_head.other.weight")
    with pytest.raises(ModelError, match="does not hold a whole AutoModelForMaskedLM: 1 tensors"):
        loaded(broken, TEXT)


def test_a_folder_without_a_tokenizer_is_refused(broken: Path) -> None:
    for path in broken.glob("*token*"):
        path.unlink()
    with pytest.raises(ModelError, match="has no tokenizer that fits its encoder"):
        loaded(broken, PAIRS)


def test_a_broken_tokenizer_is_refused(broken: Path) -> None:
    (broken / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="its tokenizer cannot be loaded"):
        loaded(broken, PAIRS)


def test_a_tokenizer_with_more_tokens_than_the_encoder_is_refused(bert: Path, broken: Path) -> None:
    from transformers import AutoTokenizer

    more = AutoTokenizer.from_pretrained(bert)
    more.add_tokens([f"extra{number}" for number in range(100)])
    for path in broken.glob("*token*"):
        path.unlink()
    more.save_pretrained(broken)
    with pytest.raises(ModelError, match=r"fits its encoder \(\d+ tokens, \d+ embeddings\)"):
        loaded(broken, PAIRS)
