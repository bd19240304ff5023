"""Predictions of a model for all languages of a data set, in one model load (torch)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch

from layover.encoders import Start
from layover.errors import ModelError
from layover.inference.masking import masked
from layover.inference.mine import mine
from layover.inference.rank import rank
from layover.inference.retrieve import retrieve
from layover.inference.rows import Rows, write
from layover.modeling.batch import Batch, collate
from layover.modeling.encode import encoded
from layover.modeling.features import Features
from layover.modeling.heads import HEADS, Head
from layover.modeling.load import Model, load, positions
from layover.modeling.memory import device, out_of_memory, release
from layover.modeling.precision import Precision, lower
from layover.stage import Context
from layover.tasks.task import Data, Examples, Unit


class Prediction(Protocol):
    """What `layover.stages.Predict` declares."""

    @property
    def model(self) -> Start: ...
    @property
    def data(self) -> Data: ...
    @property
    def max_length(self) -> int: ...
    @property
    def precision(self) -> Precision: ...
    @property
    def head_of(self) -> Start | None: ...


def _nothing(told: object) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who is told how far an inference is."""

    progress: Callable[[int], None] = _nothing
    """Given the number of units done."""
    say: Callable[[str], None] = _nothing


UNWATCHED = Watch()


def predict(wanted: Prediction, context: Context) -> None:
    """Write predictions.parquet: one row an example, and a variant for retrieval."""
    task = wanted.data.task
    torch.set_num_threads(context.resources.threads)
    examples = context.data(wanted.data)
    model = load(wanted.model, [task], "unchanged", 0, context, wanted.head_of)
    check_length(model, wanted.max_length)
    units = encoded(wanted.data, model.tokenizer, wanted.max_length, context).units
    head = model.heads[task.name].to(device()).eval()
    if wanted.precision == "bfloat16":
        lower(head)

    def progress(done: int) -> None:
        context.progress(done, len(units), {})

    watch = Watch(progress=progress, say=context.say)
    outputs = run(head, task.type, units, model, watch=watch)
    write(rows(examples, units, outputs), context.folder / "predictions.parquet")


def check_length(model: Model, max_length: int) -> None:
    """Raise `ModelError` if the encoder has too few positions for sequences of `max_length`."""
    usable = positions(next(iter(model.heads.values())).base_model)
    if usable is not None and max_length > usable:
        raise ModelError(
            f"max_length {max_length} is more than the encoder's {usable} positions: "
            "lower it in the recipe"
        )


TOKENS = {"cpu": 2048, "cuda": 65536}
"""Tokens that are computed at once, by the kind of device. On processors more is no faster; what an
accelerator needs to be busy was not measured."""


def run(
    head: Any,
    kind: Any,
    units: Features,
    model: Model,
    tokens: int | None = None,
    watch: Watch = UNWATCHED,
) -> list[Any]:
    """One output array a unit, in the order of the units; of the layers of an embedding those that
    the task type keeps.

    Units run sorted by length over all languages, as many at once as have `tokens` tokens together.
    Masked language models are measured on one mask, whatever runs together. Where memory does not
    suffice, fewer run at once, with the same outputs; raises `ModelError` where it does not suffice
    for one unit.
    """
    if kind.head == "lm":
        units = masked(units, model.tokenizer, kind.rate, seed=(0,))
    tokens = tokens or TOKENS[device().type]
    order = np.argsort(-units.lengths, kind="stable")
    ends = np.cumsum(units.sizes[order])
    outputs: list[Any] = [None] * len(units)
    kept = list(getattr(kind, "layers", ()))
    done = 0
    with torch.inference_mode():
        while done < len(order):
            before = ends[done - 1] if done else 0
            # At least one unit, however long it is.
            end = max(done + 1, int(np.searchsorted(ends, before + tokens, "right")))
            chosen = order[done:end]
            found = _outputs(head, HEADS[kind.head], collate(units, chosen))
            if found is None:
                tokens = _fewer(units, chosen)
                release()
                watch.say(f"out of memory; from here on {tokens} tokens are computed at once")
                continue
            for index, output in zip(chosen.tolist(), found, strict=True):
                outputs[index] = _of_layers(output, kept) if kept else output
            done += len(chosen)
            watch.progress(done)
    return outputs


def _fewer(units: Features, chosen: Any) -> int:
    """Half of the tokens that were too many."""
    if len(chosen) == 1:
        length = int(units.lengths[chosen[0]])
        raise ModelError(
            f"memory does not suffice for one example of {length} tokens: lower max_length, take a "
            "smaller encoder, or more memory"
        )
    return int(units.sizes[chosen].sum()) // 2


def _outputs(head: Any, layer: Head, batch: Batch) -> list[Any] | None:
    """The outputs of a batch; None where memory is lacking."""
    try:
        logits = layer.logits(head, batch.to(device())).cpu()
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        return None
    return layer.split(logits, batch)


def _of_layers(states: Any, layers: list[int]) -> Any:
    """States [sequences, layers + 1, width] of some layers only."""
    if not all(0 <= layer < states.shape[1] for layer in layers):
        raise ModelError(
            f"the task's type keeps the layers {layers}, and the encoder has 0 to "
            f"{states.shape[1] - 1}"
        )
    return states.take(layers, axis=1)


def rows(examples: Examples, units: Sequence[Unit], outputs: Sequence[Any]) -> Rows:
    """Decoded predictions beside their targets, by the search that the task type names or one by
    one."""
    search = getattr(examples.task.type, "search", "")
    return SEARCHES[search](examples, units, outputs)


def _one_by_one(examples: Examples, units: Sequence[Unit], outputs: Sequence[Any]) -> Rows:
    predictions = examples.task.type.decode(examples.items, units, outputs)
    return Rows.of(examples, predictions, "")


Search: TypeAlias = Callable[[Examples, Sequence[Unit], Sequence[Any]], Rows]

SEARCHES: dict[str, Search] = {"": _one_by_one, "nearest": retrieve, "mine": mine, "rank": rank}
"""Predictions for which the examples are looked at together, by the name of how."""
