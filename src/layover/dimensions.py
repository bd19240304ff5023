"""How large an encoder is, from its configuration alone.

Counted is the encoder: its table of words, its other embeddings and its layers, without a pooler
and without heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

POST_NORM = ("bert", "roberta", "xlm-roberta", "camembert")
"""Kinds of models in the form of Devlin et al. (2019)."""
GATED = ("modernbert",)
"""Kinds of models in the form of Warner et al. (2024)."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Numbers of weights."""

    total: int
    word_table: int

    @property
    def body(self) -> int:
        """Without the table of words, of which a text uses a few rows only: the N by which work is
        counted (Kaplan et al. 2020, 2.1)."""
        return self.total - self.word_table


@dataclass(frozen=True, kw_only=True)
class Dimensions:
    """The sizes that an encoder's number of weights follows from."""

    vocabulary: int
    """Rows of the table of words."""
    width: int
    layers: int
    inner: int
    """Width within the feed-forward part of a layer."""
    positions: int = 0
    """Rows of the table of positions; 0 for rotary ones."""
    segments: int = 0
    """Rows of the table of the texts of a pair."""
    gated: bool = False
    """Whether layers are ModernBERT's: a gated feed-forward part, no biases."""

    @property
    def parameters(self) -> Parameters:
        words = self.vocabulary * self.width
        tables = (self.positions + self.segments) * self.width
        square, norm = self.width**2, self.width
        if self.gated:
            # One norm before each part of a layer, of the words instead of before the very first
            # part, and one in the end.
            layer = 4 * square + 3 * self.width * self.inner + 2 * norm
            total = words + tables + self.layers * layer + norm
        else:
            norm = 2 * self.width
            biases = 5 * self.width + self.inner
            layer = 4 * square + 2 * self.width * self.inner + biases + 2 * norm
            total = words + tables + norm + self.layers * layer
        return Parameters(total=total, word_table=words)


def dimensions(config: Mapping[str, Any]) -> Dimensions | None:
    """What a published configuration (the fields of a `config.json`) says; None where it is of a
    kind that is not counted here, or lacks a field."""
    kind = config.get("model_type")
    if kind not in (*POST_NORM, *GATED):
        return None
    try:
        gated = kind in GATED
        return Dimensions(
            vocabulary=config["vocab_size"],
            width=config["hidden_size"],
            layers=config["num_hidden_layers"],
            inner=config["intermediate_size"],
            positions=0 if gated else config["max_position_embeddings"],
            segments=0 if gated else config.get("type_vocab_size", 2),
            gated=gated,
        )
    except KeyError:
        return None
