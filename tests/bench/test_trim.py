"""A trimmed model: the same answers to the text that it is for, an error on any other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from served import LENGTH, no_stage, write_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig

from layover.bench.backends import backend
from layover.bench.benchmark import TRIMMED, Aim, measure
from layover.bench.race import Setup
from layover.bench.trim import trim
from layover.bench.workload import Workload, padded
from layover.errors import ModelError
from layover.metrics.accuracy import ACCURACY
from layover.modeling.vocabulary import learn
from layover.tasks.task import Data, Examples, load
from toys import SENTENCES, memory
from trainable import CLASSES, LABELS

GREEK = (
    "ο γέρος ψαράς πούλησε επτά κόκκινα μήλα",
    "ένα κορίτσι είδε τον ψηλό πύργο κοντά στο ποτάμι",
    "η γέφυρα πάνω από το ποτάμι χτίστηκε τότε",
)
LATIN = SENTENCES[:3]


def text(*sentences: str) -> Examples:
    rows = [{"text": sentence} for sentence in sentences]
    task = replace(CLASSES.task, source=memory(eng=rows))
    return load(Data(task=task, split="train", languages=("eng",)), no_stage)


def sentence_pieces(folder: Path) -> Path:
    learn((SENTENCES + GREEK) * 3, 220, 0.9999, folder / "vocabulary")
    return write_model("sequence", folder / "vocabulary", folder / "model")


def word_pieces(folder: Path) -> Path:
    """A BERT, whose pieces are a dictionary; with segments."""
    from transformers import BertTokenizerFast

    words = sorted({word for line in SENTENCES + GREEK for word in line.split()})
    letters = sorted({letter for word in words for letter in word})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    pieces += [*(f"##{letter}" for letter in letters), *(w for w in words if w not in letters)]
    tokenizer = BertTokenizerFast(
        vocab={piece: number for number, piece in enumerate(pieces)}, strip_accents=False
    )
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.3,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


each_kind = pytest.mark.parametrize("write", [sentence_pieces, word_pieces])


def work(given: Examples) -> Workload:
    return Workload.of(given, LENGTH)


def scores(folder: Path, sentences: tuple[str, ...], aligned: bool = True) -> torch.Tensor:
    """As anyone would compute them, with transformers alone; with weights that are copied out of
    the file, since the place of a number in it may move the last bit of a product."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for weight in model.parameters() if aligned else ():
        weight.data = weight.data.clone()
    with torch.inference_mode():
        return model(**tokenizer(list(sentences), padding=True, return_tensors="pt")).logits


@each_kind
@pytest.mark.parametrize("keep", ["alphabet", "seen"])
def test_transformers_alone_loads_it_and_gets_the_same_bits(
    write: Any, keep: str, tmp_path: Path
) -> None:
    model = write(tmp_path)
    told = trim(model, work(text(*LATIN)), keep, tmp_path / "small")
    assert told["rows"] < told["of"]
    config = json.loads((tmp_path / "small" / "config.json").read_text(encoding="utf-8"))
    assert config["vocab_size"] == told["rows"]
    assert torch.equal(scores(tmp_path / "small", LATIN), scores(model, LATIN))
    as_it_lies = scores(tmp_path / "small", LATIN, aligned=False)
    assert torch.allclose(as_it_lies, scores(model, LATIN, aligned=False), rtol=0, atol=1e-6)


@each_kind
def test_any_other_words_in_the_same_letters_are_answered_as_before(
    write: Any, tmp_path: Path
) -> None:
    model = write(tmp_path)
    alphabet = {letter for sentence in LATIN for letter in sentence}
    others = tuple(
        " ".join(word for word in sentence.split() if alphabet.issuperset(word))
        for sentence in SENTENCES[3:]
    )
    assert not set(" ".join(others).split()) <= set(" ".join(LATIN).split())
    trim(model, work(text(*LATIN)), "alphabet", tmp_path / "small")
    assert torch.equal(scores(tmp_path / "small", others), scores(model, others))


@each_kind
@pytest.mark.parametrize("keep", ["alphabet", "seen"])
def test_other_text_is_an_error_and_never_another_answer(
    write: Any, keep: str, tmp_path: Path
) -> None:
    model = write(tmp_path)
    trim(model, work(text(*LATIN)), keep, tmp_path / "small")
    for sentence in GREEK:
        with pytest.raises(IndexError):
            scores(tmp_path / "small", (sentence,))


@each_kind
def test_seen_keeps_fewer_rows_and_new_words_in_the_same_letters_are_the_same_or_an_error(
    write: Any, tmp_path: Path
) -> None:
    model = write(tmp_path)
    wide = trim(model, work(text(*LATIN)), "alphabet", tmp_path / "wide")["rows"]
    assert trim(model, work(text(*LATIN)), "seen", tmp_path / "small")["rows"] < wide
    answered = failed = 0
    for word in sorted({word for sentence in SENTENCES for word in sentence.split()}):
        try:
            found = scores(tmp_path / "small", (word,))
        except IndexError:
            failed += 1
        else:
            answered += 1
            assert torch.equal(found, scores(model, (word,)))
    assert answered and failed


def test_a_graph_refuses_what_the_table_does_not_hold_too(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = sentence_pieces(tmp_path)
    trim(model, work(text(*LATIN)), "alphabet", tmp_path / "small")
    chosen = backend("onnx")
    assert chosen.prepare
    (tmp_path / "graph").mkdir()
    chosen.prepare(tmp_path / "small", tmp_path / "graph")
    served = chosen.open(tmp_path / "graph", 1).run
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "graph")

    def given(*sentences: str) -> Any:
        units = list(CLASSES.task.type.encode(text(*sentences).items, tokenizer, LENGTH))
        return padded(units, tokenizer.pad_token_id)

    assert served(given(*LATIN)).shape == (3, 3)
    with pytest.raises(Exception, match=r"out of data bounds|index"):
        served(given(*GREEK))


@pytest.mark.usefixtures("in_process")
def test_a_trimmed_model_races_beside_the_whole_one_and_takes_less_disk(tmp_path: Path) -> None:
    model = sentence_pieces(tmp_path)
    (tmp_path / "out").mkdir()
    aim = Aim(
        models={"one": model},
        backends=("eager",),
        examples=text(*LATIN),
        metric=ACCURACY,
        max_length=LENGTH,
        vocabulary=text(*SENTENCES),
    )
    setup = Setup(batches=(1,), rounds=2, requests=1)
    found = measure(aim, setup, tmp_path / "out", lambda message: None)
    small = found.facts["one" + TRIMMED, "eager"]
    assert small.agreement and small.agreement.verdict == "equal"
    assert small.agreement.difference == 0
    assert small.disk < found.facts["one", "eager"].disk
    told = json.loads((tmp_path / "out" / "bench.json").read_text(encoding="utf-8"))
    assert told["rows"]["one" + TRIMMED]["rows"] < told["rows"]["one" + TRIMMED]["of"]


def test_rows_are_kept_by_rules_that_have_names(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="alphabet or seen, not by 'some'"):
        trim(sentence_pieces(tmp_path), work(text(*LATIN)), "some", tmp_path / "small")
