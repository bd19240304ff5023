"""A model whose word table holds only what some languages can use, for serving.

The table is most of a multilingual encoder, and a service in a few languages uses a small part of
it. Two rules say which rows stay:

* `alphabet`: every piece that is spelt in characters of the given text alone. Any other text in
  these characters is then answered as before, whatever its words.
* `seen`: the pieces of the given text itself; smaller, and any new word may have one that is gone.

The tokenizer keeps *all* its pieces, reordered so that those which stay come first: a text is cut
exactly as before, and a piece whose row is gone has a number past the end of the table, which is an
error in every backend. Without it a tokenizer would cut the text into other pieces, and the model
would answer something else without a sign.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoTokenizer

from layover.bench.served import load
from layover.bench.workload import Workload
from layover.errors import ModelError
from layover.modeling.folder import ABOUT
from layover.store import write_json

RULES = ("alphabet", "seen")


def trim(folder: Path, work: Workload, keep: str, place: Path) -> dict[str, int]:
    """Write the model of `folder` with the rows that the text of `work` needs to `place`, a folder
    in Hugging Face's form; how many rows stay, and of how many.

    Raises `ModelError` for a tokenizer without a tokenizer.json, or with rules that are not known.
    """
    if keep not in RULES:
        raise ModelError(f"rows are kept by {' or '.join(RULES)}, not by {keep!r}")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.is_fast:
        raise ModelError(f"{folder} has no tokenizer.json: its vocabulary cannot be reordered")
    model = load(folder)
    table = model.model.get_input_embeddings()
    kept = _kept(tokenizer, work, keep, table)
    named = np.zeros_like(kept)
    named[list(tokenizer.get_vocab().values())] = True
    order = np.concatenate([*map(np.flatnonzero, (kept, ~kept & named, ~kept & ~named))])
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    count = int(kept.sum())
    rows = torch.from_numpy(order[:count])
    padding = None if table.padding_idx is None else int(places[table.padding_idx])
    model.model.set_input_embeddings(
        nn.Embedding.from_pretrained(table.weight[rows], False, padding)
    )
    _renumber(model.model.config, places)
    model.model.config.vocab_size = count
    model.model.save_pretrained(place)
    _reordered(tokenizer, places, place)
    if (folder / ABOUT).exists():
        shutil.copy2(folder / ABOUT, place / ABOUT)
    return {"rows": count, "of": len(kept)}


def _kept(tokenizer: Any, work: Workload, keep: str, table: nn.Embedding) -> Any:
    """bool [rows of the table]."""
    kept = np.zeros(table.num_embeddings, bool)
    for _, items in work.examples:
        for unit in work.kind.encode(items, tokenizer, work.max_length):
            for row in unit.sequences:
                kept[list(row)] = True
    pieces = tokenizer.get_vocab()
    if keep == "alphabet":
        special = set(tokenizer.all_special_tokens)
        known = {piece: number for piece, number in pieces.items() if piece not in special}
        letters = {letter for piece, number in known.items() if kept[number] for letter in piece}
        for piece, number in known.items():
            kept[number] |= letters.issuperset(piece)
    # Encoders may count positions from the padding's number, which so must stay what it is.
    kept[: (table.padding_idx or 0) + 1] = True
    kept[[*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder]] = True
    return kept


def _renumber(config: Any, places: Any) -> None:
    """The tokens that a configuration names by their numbers."""
    for name, value in config.to_dict().items():
        if name.endswith("_token_id") and isinstance(value, int) and 0 <= value < len(places):
            setattr(config, name, int(places[value]))


def _reordered(tokenizer: Any, places: Any, folder: Path) -> None:
    """Write the tokenizer with every piece at its new place."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    names = list(tokenizer.model_input_names)
    tokenizer.save_pretrained(folder)
    path, settings = folder / "tokenizer.json", folder / "tokenizer_config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    model = told["model"]
    listed = isinstance(model["vocab"], list)
    scores = dict(model["vocab"]) if listed else {}
    numbers = (
        {piece: at for at, (piece, _) in enumerate(model["vocab"])} if listed else model["vocab"]
    )
    # A token that was added behind the pieces would be put there again.
    numbers |= {token["content"]: token["id"] for token in told["added_tokens"]}
    moved = {piece: int(places[at]) for piece, at in numbers.items()}
    ordered = sorted(moved, key=moved.__getitem__)
    model["vocab"] = [[piece, scores.get(piece, 0.0)] for piece in ordered] if listed else moved
    if model.get("unk_id") is not None:
        model["unk_id"] = int(places[model["unk_id"]])
    for token in told["added_tokens"]:
        token["id"] = int(places[token["id"]])
    for holder, key in _numbers(told.get("post_processor")):
        holder[key] = int(places[holder[key]])
    write_json(path, told)
    about = json.loads(settings.read_text(encoding="utf-8"))
    # A class of its own would build the tokenizer anew, from what it expects to find.
    about |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": names}
    decoder = about.pop("added_tokens_decoder", None)
    if decoder:
        about["added_tokens_decoder"] = {str(places[int(at)]): one for at, one in decoder.items()}
    write_json(settings, about)


def _numbers(part: Any) -> Iterator[tuple[Any, Any]]:
    """Where a post-processor names tokens by their numbers: (list, position) of each."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "ids" and isinstance(value, list):
                yield from ((value, position) for position in range(len(value)))
            elif name in ("sep", "cls") and isinstance(value, list):
                yield value, 1
            else:
                yield from _numbers(value)
    elif isinstance(part, list):
        for value in part:
            yield from _numbers(value)
