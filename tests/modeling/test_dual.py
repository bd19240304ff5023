"""A dual encoder in a folder: everyone's encoder, and with its scale when it is carried."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel

from layover.encoders import Folder
from layover.errors import ModelError
from layover.modeling.folder import config
from layover.modeling.load import Model, Policy, load, load_whole
from layover.modeling.run import states
from layover.modeling.save import save
from layover.tasks.bucc import BUCC
from layover.tasks.lareqa import LAREQA, SQUAD_SENTENCES
from layover.tasks.task import Task
from layover.tasks.tatoeba import TATOEBA
from layover.tasks.udpos import UDPOS
from stock import only
from toys import Toy


def loaded(folder: Path, *tasks: Task, policy: Policy = "new") -> Model:
    return load(Folder(path=str(folder)), tasks, policy, 0, Toy(folder=folder))


@pytest.fixture(params=["xlmr", "bert"])
def encoder(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


@pytest.fixture
def trained(encoder: Path, tmp_path: Path) -> Path:
    model = loaded(encoder, SQUAD_SENTENCES)
    head: Any = model.heads["squad-sentences"]
    with torch.no_grad():
        head.dual_scale.fill_(31.5)
    save(model, (SQUAD_SENTENCES,), 128, tmp_path / "models")
    return tmp_path / "models" / "squad-sentences"


def test_a_new_dual_encoder_has_the_scale_of_its_type(encoder: Path) -> None:
    model = loaded(encoder, SQUAD_SENTENCES)
    head: Any = model.heads["squad-sentences"]
    assert head.dual_scale.item() == 100
    assert "new for squad-sentences: dual_scale" in model.handoff


def test_it_is_an_ordinary_encoder_with_one_tensor_too_many(trained: Path) -> None:
    model, info = AutoModel.from_pretrained(trained, output_loading_info=True)
    assert set(info["unexpected_keys"]) == {"dual_scale"}
    assert not info["missing_keys"]
    mine: Any = loaded(trained, LAREQA, policy="carry").heads["lareqa"]
    found = states(mine.eval(), only([5, 6, 7]))
    theirs = model.eval()(torch.tensor([[5, 6, 7]]))[0][0]
    assert torch.allclose(found, theirs, rtol=0, atol=1e-6)


def test_a_folder_is_read_as_it_was_written(trained: Path) -> None:
    whole: Any = load_whole(trained).heads["squad-sentences"]
    mine: Any = loaded(trained, LAREQA, policy="carry").heads["lareqa"]
    assert whole.dual_scale.item() == 31.5
    assert whole.config.dual_pooling == "first"
    batch = only([5, 6, 7])
    assert torch.equal(states(whole.eval(), batch), states(mine.eval(), batch))


def test_no_head_outlives_itself_in_the_configuration(trained: Path, tmp_path: Path) -> None:
    tagger = loaded(trained, UDPOS)
    save(tagger, (UDPOS,), 128, tmp_path / "tagger")
    told = config(tmp_path / "tagger/udpos")
    assert told["id2label"]["0"] == UDPOS.type.labels[0]
    assert "dual_pooling" not in told
    save(loaded(tmp_path / "tagger/udpos", LAREQA), (LAREQA,), 128, tmp_path / "dual")
    assert UDPOS.type.labels[0] not in config(tmp_path / "dual/lareqa").get("id2label", {}).values()


def test_carrying_brings_the_learned_scale(trained: Path) -> None:
    model = loaded(trained, LAREQA, policy="carry")
    head: Any = model.heads["lareqa"]
    assert head.dual_scale.item() == 31.5
    assert "dual_scale 31.5 of lareqa carried from squad-sentences" in model.handoff


def test_a_new_head_over_a_dual_encoder_begins_anew(trained: Path) -> None:
    model = loaded(trained, LAREQA, policy="new")
    head: Any = model.heads["lareqa"]
    assert head.dual_scale.item() == 100


@pytest.mark.parametrize("task", [TATOEBA, BUCC, UDPOS])
def test_other_tasks_leave_the_scale_behind_and_say_so(trained: Path, task: Task) -> None:
    model = loaded(trained, task)
    assert "dropped: dual_scale" in model.handoff
    assert not hasattr(model.heads[task.name], "dual_scale")


def test_another_pooling_is_refused(trained: Path) -> None:
    other = replace(LAREQA, type=replace(LAREQA.type, pooling="mean"))  # type: ignore[type-var]
    with pytest.raises(ModelError, match=r"pools by 'first' and lareqa by 'mean'.*head='new'"):
        loaded(trained, other, policy="carry")


def test_a_folder_that_lost_its_scale_is_refused(trained: Path, encoder: Path) -> None:
    for path in trained.glob("*.safetensors"):
        path.unlink()
        shutil.copy(encoder / path.name, path)
    with pytest.raises(ModelError, match="holds no dual_scale"):
        loaded(trained, LAREQA, policy="carry")


def test_a_start_without_a_dual_encoder_cannot_be_carried(encoder: Path) -> None:
    with pytest.raises(ModelError, match="no dual head to carry into lareqa"):
        loaded(encoder, LAREQA, policy="carry")


@pytest.mark.parametrize("order", [(SQUAD_SENTENCES, UDPOS), (UDPOS, SQUAD_SENTENCES)])
def test_beside_another_head_it_shares_the_encoder(encoder: Path, order: tuple[Task, ...]) -> None:
    heads = loaded(encoder, *order).heads
    first, second = (model.base_model for model in heads.children())
    tables = [model.get_input_embeddings().weight for model in (first, second)]  # type: ignore
    assert tables[0] is tables[1]
    assert sum(name.endswith("dual_scale") for name, _ in heads.named_parameters()) == 1


def test_two_dual_encoders_share_all_but_their_scales(encoder: Path) -> None:
    heads = loaded(encoder, SQUAD_SENTENCES, LAREQA).heads
    names = [name for name, _ in heads.named_parameters()]
    assert sum(name.endswith("dual_scale") for name in names) == 2
    assert sum(name.endswith("word_embeddings.weight") for name in names) == 1
