"""Encoders: published ones, local folders, and small ones to train from scratch.

An encoder is a value. Every start of a training ends up as a folder in Hugging Face's form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, TypeAlias

from layover import spec
from layover.dimensions import Dimensions, dimensions
from layover.lock import COMMIT, UNPINNED, Repository
from layover.stage import Stage
from layover.tasks.sources import file_digest


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A published encoder: a hub id at a revision, which may be left to the lock file (see
    `layover.lock`)."""

    version: ClassVar[int] = 1
    name: str = spec.unkeyed()
    hub: str
    revision: str
    remote_code: bool = False
    """Whether code from the hub may run. Never, unless a study says so."""
    licence: str = spec.unkeyed("")
    published: Dimensions | None = spec.unkeyed(None)
    """As its published configuration has them; None: read off that, once it is here."""

    def __canonical__(self) -> object:
        return replace(self, revision=self.commit)

    @property
    def repository(self) -> Repository:
        return Repository("model", self.hub)

    @property
    def commit(self) -> str:
        """The revision, or the lock's where that is `UNPINNED`; `UNPINNED` if it has none."""
        return self.repository.at(self.revision)

    @property
    def label(self) -> str:
        return self.name

    @property
    def dimensions(self) -> Dimensions | None:
        """None where they are not known before it is downloaded, or not from its configuration."""
        if self.published or not COMMIT.fullmatch(self.commit):
            return self.published
        from huggingface_hub import try_to_load_from_cache

        path = try_to_load_from_cache(self.hub, "config.json", revision=self.commit)
        return _read(Path(path)) if isinstance(path, str) else None


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A local folder in Hugging Face's form, keyed by the contents of its files."""

    version: ClassVar[int] = 1
    path: str

    def __canonical__(self) -> object:
        return ("folder", self.fingerprint())

    def fingerprint(self) -> str:
        """A digest over the names and contents of the folder's files."""
        total = hashlib.sha256()
        root = Path(self.path)
        for path in sorted(root.glob("*")):
            if path.is_file() and not path.name.startswith("."):
                total.update(f"{path.name}\0{file_digest(path)}\n".encode())
        return total.hexdigest()

    def missing_files(self) -> Iterator[str]:
        if not (Path(self.path) / "config.json").is_file():
            yield str(Path(self.path) / "config.json")

    @property
    def label(self) -> str:
        # A folder may be called as a published encoder is, and be another.
        return f"folder {Path(self.path).name}"

    @property
    def dimensions(self) -> Dimensions | None:
        """None where its configuration is not there, or of a kind that is not counted."""
        return _read(Path(self.path) / "config.json")


def _read(path: Path) -> Dimensions | None:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return dimensions(config) if isinstance(config, dict) else None


INNER = 4
"""The width within a layer's feed-forward part, in widths of the layer."""
RESERVED = 2
"""Positions that an XLM-R never uses: it counts from the padding id on."""


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """The shape of a small XLM-R to train from scratch (see `layover.stages.Initial`)."""

    version: ClassVar[int] = 1
    layers: int
    width: int
    heads: int
    positions: int = 128
    """Tokens of the longest sequence."""
    dropout: float = 0.0
    spread: float = 0.06
    """Standard deviation of the initial weights; BERT's 0.02 is meant for wider models."""

    @property
    def label(self) -> str:
        return f"tiny {self.layers}x{self.width}"

    def with_words(self, vocabulary: int) -> Dimensions:
        """With a table of so many words."""
        return Dimensions(
            vocabulary=vocabulary,
            width=self.width,
            layers=self.layers,
            inner=INNER * self.width,
            positions=self.positions + RESERVED,
            segments=1,
        )


Start: TypeAlias = Encoder | Folder | Stage
"""What a training or a prediction can start from; a stage is one that wrote models."""


def origin(start: Start) -> Start:
    """What the first training of a chain started from."""
    while isinstance(start, Stage) and hasattr(start, "start"):
        start = start.start
    return start


LADDER = (
    Tiny(layers=1, width=32, heads=1),
    Tiny(layers=1, width=64, heads=2),
    Tiny(layers=2, width=96, heads=3),
    Tiny(layers=2, width=128, heads=4),
    Tiny(layers=3, width=192, heads=6),
    Tiny(layers=4, width=256, heads=8),
)
"""Shapes of growing size, each with about two to four times the weights of the one before in its
layers; heads are 32 wide in all."""

XLMR_BASE = Encoder(
    name="xlm-r-base",
    hub="FacebookAI/xlm-roberta-base",
    revision=UNPINNED,
    licence="MIT",
    published=Dimensions(
        vocabulary=250_002, width=768, layers=12, inner=3_072, positions=514, segments=1
    ),
)
XLMR_LARGE = Encoder(
    name="xlm-r-large",
    hub="FacebookAI/xlm-roberta-large",
    revision=UNPINNED,
    licence="MIT",
    published=Dimensions(
        vocabulary=250_002, width=1_024, layers=24, inner=4_096, positions=514, segments=1
    ),
)
MBERT = Encoder(
    name="mbert",
    hub="google-bert/bert-base-multilingual-cased",
    revision=UNPINNED,
    licence="Apache-2.0",
    published=Dimensions(
        vocabulary=119_547, width=768, layers=12, inner=3_072, positions=512, segments=2
    ),
)
MMBERT_BASE = Encoder(
    name="mmbert-base",
    hub="jhu-clsp/mmBERT-base",
    revision=UNPINNED,
    licence="MIT",
    published=Dimensions(vocabulary=256_000, width=768, layers=22, inner=1_152, gated=True),
)
