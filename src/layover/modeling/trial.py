"""A trial of encoders that no test compares with transformers' own way of running them.

How an encoder reads a batch is decided by what it says of itself, which need not be all. Before
such a one is used, it runs a few short sequences both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layover.errors import ModelError
from layover.modeling import attention, run
from layover.modeling.batch import Batch, collate
from layover.modeling.features import Features
from layover.modeling.heads import HEADS
from layover.tasks.task import Unit

COMPARED = frozenset(
    "albert bert camembert deberta-v2 distilbert electra eurobert modernbert mpnet roberta "
    "xlm-roberta xlm-roberta-xl".split()
)
"""Kinds of encoders, of transformers' own code, that tests compare under every head."""
CLOSE = 1e-4
"""Difference that rounding explains, in units of the largest number."""
LENGTHS = (9, 4, 17)
"""Tokens of the sequences, so different that no block holds two of them."""


def ready(models: Sequence[tuple[str, Any]], tokenizer: Any) -> None:
    """Make models, each with the name of its head in `HEADS`, ready for `run.states`.

    Raises `ModelError` for one that gives other outputs so than transformers' own way of running
    it on padded rows.
    """
    unknown = [(head, model) for head, model in models if not _compared(model)]
    with _still([model for _, model in unknown]):
        given = [(head, model, _batch(tokenizer)) for head, model in unknown]
        expected = [_attempt(_stock, *each, tokenizer) for each in given]
        usual = [model.config._attn_implementation for _, model in unknown]
        for _, model in models:
            run.prepare(model)
        if not any(map(_differs, given, expected)):
            return
        for (_, model), name in zip(unknown, usual, strict=True):
            attention.install(model, name)
            run.prepare(model, packed=False)
        for each, wanted in zip(given, expected, strict=True):
            if why := _differs(each, wanted):
                raise ModelError(
                    f"{type(each[1]).__name__} of {type(each[1]).__module__} cannot be run here: "
                    f"{why}. Its outputs may depend on how far they are padded, or its head may "
                    "look at more than these states: take another encoder, such as "
                    f"one of {', '.join(sorted(COMPARED))}"
                )


def _compared(model: Any) -> bool:
    return model.config.model_type in COMPARED and run.own_classes(model)


@contextmanager
def _still(models: Sequence[Any]) -> Iterator[None]:
    """Without gradients and dropout, and with nothing drawn from the random state."""
    modes = [(module, module.training) for model in models for module in model.modules()]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for model in models:
            model.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def _batch(tokenizer: Any) -> Batch:
    """Sequences of random words, framed as a tokenizer frames them."""
    plain = np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)
    rng = np.random.default_rng(0)
    first, last = (
        [] if token is None else [token]
        for token in (tokenizer.cls_token_id, tokenizer.sep_token_id)
    )
    rows = [(*first, *rng.choice(plain, length).tolist(), *last) for length in LENGTHS]
    # Every word is scored; other heads do not look at the target.
    return collate(
        Features.of([Unit(n, (row,), ((),), (0,) * len(row)) for n, row in enumerate(rows)]),
        range(len(rows)),
    )


def _attempt(run_it: Any, *given: Any) -> list[Tensor] | str:
    """What it gives, or in what error it ends."""
    try:
        found: list[Tensor] = run_it(*given)
    except Exception as error:  # Encoders that do not fit raise whatever they lead to.
        return f"{type(error).__name__}: {error}"
    return found


def _stock(head: str, model: Any, batch: Batch, tokenizer: Any) -> list[Tensor]:
    """States and outputs of the model as transformers runs it, on padded rows."""
    real = batch.packing.whole < batch.packing.total
    padding = batch.tokens.new_tensor([tokenizer.pad_token_id])
    inputs = {
        "input_ids": torch.cat((batch.tokens, padding))[batch.packing.whole],
        "attention_mask": real.long(),
    }
    bare = model.base_model(**inputs, output_hidden_states=head == "embed")
    if head in ("embed", "dual"):
        layers = bare.hidden_states if head == "embed" else (bare[0],)
        return [layer[real] for layer in layers]
    if head == "choice":
        out = model(**{name: each[:, None] for name, each in inputs.items()})
        return [bare[0][real], out.logits[:, 0]]
    out = model(**inputs)
    if head == "span":
        return [bare[0][real], torch.stack((out.start_logits, out.end_logits), dim=-1)[real]]
    return [bare[0][real], out.logits if head == "sequence" else out.logits[real]]


def _ours(head: str, model: Any, batch: Batch) -> list[Tensor]:
    if head == "embed":
        return run.layers(model.base_model, batch)
    states = run.states(model.base_model, batch)
    return [states] if head == "dual" else [states, HEADS[head].logits(model, batch)]


def _differs(given: tuple[str, Any, Batch], expected: list[Tensor] | str) -> str:
    """What is other than transformers has it; "" if nothing is."""
    if isinstance(expected, str):
        return f"transformers itself ends in {expected}"
    found = _attempt(_ours, *given)
    if isinstance(found, str):
        return f"it ends in {found}"
    if [one.shape for one in found] != [one.shape for one in expected]:
        return "its states or outputs have other shapes than transformers' own on padded rows"
    # The largest of tensors is not a number if one is not, and that is not close.
    apart = torch.stack(
        [
            (one - two).abs().max() / two.abs().max().clamp(min=1e-9)
            for one, two in zip(found, expected, strict=True)
        ]
    ).max()
    if apart <= CLOSE:
        return ""
    return (
        f"on short sequences its outputs differ by {float(apart):.2g} of their size from "
        "transformers' own"
    )
