"""An encoder that no test compares runs as transformers runs it, or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from families import COMMON, SHAPES, word_pieces, write_family
from torch import nn
from transformers import CONFIG_MAPPING, BertModel
from transformers.models.bert.modeling_bert import BertLayer

from layover.encoders import Folder
from layover.errors import ModelError
from layover.modeling import trial
from layover.modeling.heads import HEADS
from layover.modeling.load import load
from layover.modeling.trial import COMPARED, ready
from toys import Toy
from trainable import TAGS

TOKENIZER = word_pieces()
LIKE_XLM = {"emb_dim": 16, "n_layers": 2, "n_heads": 2}


def model(family: str, head: str, **changes: Any) -> Any:
    config = CONFIG_MAPPING[family](
        vocab_size=len(TOKENIZER),
        pad_token_id=TOKENIZER.pad_token_id,
        max_position_embeddings=64,
        **{**COMMON, **changes},
    )
    torch.manual_seed(0)
    return getattr(transformers, HEADS[head].auto).from_config(config)


class MeanAdded(BertModel):
    """Adds the mean over a sequence, of which only the mask tells."""

    def forward(self, *given: Any, attention_mask: Any = None, **named: Any) -> Any:
        out = super().forward(*given, attention_mask=attention_mask, **named)
        states = out.last_hidden_state
        mask = states.new_ones(states.shape[:2]) if attention_mask is None else attention_mask
        mean = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        out.last_hidden_state = states + mean[:, None]
        return out


class LengthAdded(BertModel):
    """Depends on how far sequences are padded."""

    def forward(self, *given: Any, **named: Any) -> Any:
        out = super().forward(*given, **named)
        out.last_hidden_state = out.last_hidden_state + out.last_hidden_state.shape[1]
        return out


class Doubled(BertLayer):
    def forward(self, *given: Any, **named: Any) -> Any:
        return 2 * super().forward(*given, **named)


def changed(kind: type[BertModel]) -> Any:
    """A model for tags whose encoder has code of its own."""
    found = model("bert", "token")
    found.bert.__class__ = kind
    return found


@pytest.mark.parametrize("head", sorted(HEADS))
def test_an_unknown_encoder_that_does_as_it_says_is_packed_and_left_as_it_was(head: str) -> None:
    """Modes and random state, too."""
    found = model("ernie", head)
    found.base_model.encoder.eval()
    # Some draw whether they are trained or not.
    found.base_model.register_forward_pre_hook(lambda *given: torch.manual_seed(9) and None)
    modes = {name: module.training for name, module in found.named_modules()}
    weights = {name: weight.clone() for name, weight in found.named_parameters()}
    state = torch.get_rng_state()
    ready([(head, found)], TOKENIZER)
    assert found.base_model.layover.packed
    assert modes == {name: module.training for name, module in found.named_modules()}
    assert len(set(modes.values())) == 2
    assert torch.equal(state, torch.get_rng_state())
    for name, weight in found.named_parameters():
        assert torch.equal(weight, weights[name]) and weight.grad is None


def test_code_of_ones_own_that_packing_would_break_runs_in_blocks() -> None:
    found = changed(MeanAdded)
    ready([("token", found)], TOKENIZER)
    assert not found.base_model.layover.packed
    # As anyone calls it.
    found(input_ids=torch.tensor([[5, 6, 7]]))


def test_an_encoder_that_looks_at_padding_is_refused() -> None:
    with pytest.raises(ModelError, match=r"BertForTok.* cannot be run here: on short sequences .*"):
        ready([("token", changed(LengthAdded))], TOKENIZER)


@pytest.mark.parametrize("head", ["sequence", "token"])
def test_a_last_layer_of_ones_own_is_computed_for_every_token(head: str) -> None:
    found = model("bert", head)
    found.bert.encoder.layer[-1].__class__ = Doubled
    ready([(head, found)], TOKENIZER)
    assert found.base_model.layover.packed and not found.base_model.layover.alone


@pytest.mark.parametrize(
    ("kind", "fits"), [("first", True), ("last", False), ("mean", False)], ids=str
)
def test_a_head_that_looks_at_more_than_first_tokens_is_refused(kind: str, fits: bool) -> None:
    found = model("xlm", "sequence", **LIKE_XLM, summary_type=kind, pad_index=0)
    if fits:
        ready([("sequence", found)], TOKENIZER)
        return
    with pytest.raises(ModelError, match=r"differ by .* of their size from transformers' own"):
        ready([("sequence", found)], TOKENIZER)


def test_an_encoder_that_ends_in_an_error_is_refused_in_a_sentence() -> None:
    found = model("longformer", "sequence", attention_window=[8, 8], sep_token_id=3)
    with pytest.raises(ModelError, match=r"cannot be run here: it ends in AttributeError: .* take"):
        ready([("sequence", found)], TOKENIZER)


def test_one_of_two_heads_decides_for_both() -> None:
    one, other = changed(MeanAdded), model("bert", "span")
    for name, child in one.bert.named_children():
        if name != "pooler":
            setattr(other.bert, name, child)
    other.bert.__class__ = MeanAdded
    ready([("token", one), ("span", other)], TOKENIZER)
    assert not one.bert.layover.packed and not other.bert.layover.packed


def test_it_is_asked_when_a_folder_is_loaded(vocabulary: Path, tmp_path: Path) -> None:
    folder = write_family("fnet", vocabulary, tmp_path / "fnet")
    with pytest.raises(ModelError, match=r"FNetForTokenClassification of .* cannot be run here"):
        load(Folder(path=str(folder)), [TAGS.task], "new", 0, Toy(folder=tmp_path))


def test_what_tests_compare_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_attempt", lambda *given: pytest.fail("a trial"))
    ready([("token", model("bert", "token"))], TOKENIZER)
    assert {*SHAPES, "eurobert"} == COMPARED


def test_a_difference_that_is_not_a_number_is_one() -> None:
    found = model("ernie", "token")
    nn.init.constant_(found.classifier.weight, torch.nan)
    with pytest.raises(ModelError, match="differ by nan"):
        ready([("token", found)], TOKENIZER)
