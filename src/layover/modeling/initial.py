"""A small XLM-R with random weights, written as an ordinary Hugging Face folder."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, XLMRobertaConfig

from layover.encoders import INNER, RESERVED, Tiny


def write_random(shape: Tiny, vocabulary: Path, seed: int, folder: Path) -> None:
    """Write model and tokenizer to `folder`; the weights follow from `seed` alone."""
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=INNER * shape.width,
        max_position_embeddings=shape.positions + RESERVED,
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
    _unigrams(model.lm_head.bias, tokenizer)
    shutil.copytree(vocabulary, folder)
    model.save_pretrained(folder)


def _unigrams(bias: torch.Tensor, tokenizer: Any) -> None:
    """Start the output bias from the log probabilities that the vocabulary was learned with, so
    that training does not spend its first steps on word frequencies."""
    pieces = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["vocab"]
    scores = [score for _, score in pieces]
    rarest = min(scores)
    with torch.no_grad():
        bias.fill_(rarest)
        # Special tokens have the score 0, and are never predicted.
        known = torch.tensor([score if score < 0 else rarest for score in scores])
        bias[: len(scores)] = known


def _sinusoid(weight: torch.Tensor, spread: float) -> None:
    """Start learned positions from sinusoids (Vaswani et al. 2017, 3.5): from random ones a small
    encoder learns less in the same number of steps."""
    count, width = weight.shape
    position = torch.arange(count)[:, None].float()
    rate = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10_000.0) / width))
    with torch.no_grad():
        weight[:, 0::2] = spread * math.sqrt(2.0) * torch.sin(position * rate)
        weight[:, 1::2] = spread * math.sqrt(2.0) * torch.cos(position * rate)
