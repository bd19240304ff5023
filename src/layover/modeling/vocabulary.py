"""A vocabulary learned from text, saved as a tokenizer that `AutoTokenizer` loads."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path

import sentencepiece
from transformers import AutoTokenizer

from layover.errors import DataError
from layover.store import write_json

ADDED = 2
"""`<pad>` and `<mask>`, which XLM-R's tokenizer has beside SentencePiece's own pieces."""


def learn(texts: Iterable[str], size: int, folder: Path) -> None:
    """Learn `size` pieces, fewer if the texts do not hold so many, and write them to `folder` as
    a tokenizer like XLM-R's (unigram model).

    SentencePiece's own trainer gives the same bytes in every run, which the one in `tokenizers`
    does not.
    """
    trained = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=trained,
            vocab_size=size - ADDED,
            model_type="unigram",
            character_coverage=0.9999,
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
            max_sentence_length=100_000,
        )
    except RuntimeError as error:
        raise DataError(f"a vocabulary of {size} pieces cannot be learned: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentencepiece.bpe.model").write_bytes(trained.getvalue())
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer"})
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    (folder / "sentencepiece.bpe.model").unlink()
    clean(folder)


def clean(folder: Path) -> None:
    """Drop what `save_pretrained` notes of this machine and process, so that equal tokenizers
    have equal bytes."""
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for name in ("is_local", "local_files_only", "unk_id", "extra_special_tokens"):
        settings.pop(name, None)
    write_json(path, settings)
