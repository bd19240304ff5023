"""One tiny model of each family that heads are tested over, with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    CONFIG_MAPPING,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertTokenizerFast,
)

from toys import SENTENCES

POSITIONS = 64
"""Tokens of the longest sequence, where a family has such a limit."""

COMMON: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}

SHAPES: dict[str, dict[str, Any]] = {
    "bert": {"max_position_embeddings": POSITIONS},
    "roberta": {"max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1},
    "xlm-roberta": {"max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1},
    "xlm-roberta-xl": {"max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1},
    "camembert": {"max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1},
    "mpnet": {"max_position_embeddings": POSITIONS + 2},
    "electra": {"max_position_embeddings": POSITIONS, "embedding_size": 16},
    "distilbert": {"max_position_embeddings": POSITIONS},
    "albert": {"max_position_embeddings": POSITIONS, "embedding_size": 8},
    # As the published multilingual one: no table of positions, disentangled attention.
    "deberta-v2": {
        "max_position_embeddings": POSITIONS,
        "relative_attention": True,
        "position_biased_input": False,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "type_vocab_size": 0,
    },
    "modernbert": {
        "max_position_embeddings": POSITIONS,
        "local_attention": 8,
        "global_attn_every_n_layers": 2,
    },
}


def write_family(family: str, vocabulary: Path, folder: Path, **changes: Any) -> Path:
    """A folder as plain transformers writes it: a masked language model and its tokenizer."""
    pieces = family in ("bert", "electra")
    tokenizer: Any = word_pieces() if pieces else AutoTokenizer.from_pretrained(vocabulary)
    config = CONFIG_MAPPING[family](
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        **{**COMMON, **SHAPES.get(family, {}), **changes},
    )
    torch.manual_seed(0)
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def word_pieces() -> Any:
    """BERT's kind of tokenizer, which tells the two texts of a pair apart."""
    letters = sorted({letter for sentence in SENTENCES for letter in sentence if letter != " "})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    pieces += [f"##{letter}" for letter in letters]
    words = sorted({word for sentence in SENTENCES for word in sentence.split()} - set(pieces))
    return BertTokenizerFast(
        vocab={piece: number for number, piece in enumerate([*pieces, *words])}
    )
