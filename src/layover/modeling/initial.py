"""A small XLM-R with random weights, written as an ordinary Hugging Face folder."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, XLMRobertaConfig

from layover.encoders import Tiny


def write_random(shape: Tiny, vocabulary: Path, seed: int, folder: Path) -> None:
    """Write model and tokenizer to `folder`; the weights follow from `seed` alone."""
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width,
        # Positions count from the padding id on (2 of them are never used).
        max_position_embeddings=shape.positions + 2,
        type_vocab_size=1,
        hidden_dropout_prob=shape.dropout,
        attention_probs_dropout_prob=shape.dropout,
        initializer_range=shape.spread,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(seed)
    model = AutoModelForMaskedLM.from_config(config)
    _sinusoid(model.roberta.embeddings.position_embeddings.weight, shape.spread)
    shutil.copytree(vocabulary, folder)
    model.save_pretrained(folder)


def _sinusoid(weight: torch.Tensor, spread: float) -> None:
    """Start learned positions from sinusoids (Vaswani et al. 2017, 3.5): with random ones a small
    encoder stays at unigram statistics many times longer."""
    count, width = weight.shape
    position = torch.arange(count)[:, None].float()
    rate = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10_000.0) / width))
    with torch.no_grad():
        weight[:, 0::2] = spread * math.sqrt(2.0) * torch.sin(position * rate)
        weight[:, 1::2] = spread * math.sqrt(2.0) * torch.cos(position * rate)
