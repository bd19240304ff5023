"""Encoders with random weights, written once as ordinary folders."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks.text import ROWS, scratch, vocabulary, written

SHAPES: dict[str, dict[str, Any]] = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12},
    "large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
    # The demo's encoder, which has 2,000 rows and no dropout.
    "tiny": {
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vocab_size": 2_000,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "initializer_range": 0.06,
    },
    # For the tests.
    "toy": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
}


def encoder(shape: str) -> Path:
    """The folder of an encoder of a shape, with a masked-language-model head and a tokenizer."""
    folder = scratch() / f"{shape}-{vocabulary().name}"
    if (folder / "tokenizer.json").is_file():
        return folder
    import torch
    from transformers import AutoModelForMaskedLM, XLMRobertaConfig

    chosen = SHAPES[shape]
    config = XLMRobertaConfig(
        **{
            "vocab_size": ROWS,
            "intermediate_size": 4 * chosen["hidden_size"],
            "max_position_embeddings": 514,
            "type_vocab_size": 1,
            "layer_norm_eps": 1e-5,
            **chosen,
        }
    )
    torch.manual_seed(0)
    partial = folder.with_name(f"{folder.name}.partial")
    for old in (partial, folder):
        shutil.rmtree(old, ignore_errors=True)
    auto: Any = AutoModelForMaskedLM
    auto.from_config(config).save_pretrained(partial)
    if config.vocab_size == ROWS:
        for path in vocabulary().iterdir():
            shutil.copy(path, partial)
    else:
        # A tokenizer may know no more than the encoder, which is given ids only.
        written([(f"\ue000{row}", -100.0) for row in range(config.vocab_size)], partial)
    partial.rename(folder)
    return folder
