"""Predictions of a model for all languages of a data set, in one model load (torch)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch

from layover.encoders import Start
from layover.errors import ModelError
from layover.inference.masking import mask
from layover.inference.memory import device, out_of_memory, release
from layover.inference.mine import mine
from layover.inference.rank import rank
from layover.inference.retrieve import retrieve
from layover.inference.rows import Rows, write
from layover.modeling.batch import Batch, collate, unit_length
from layover.modeling.heads import HEADS, Head
from layover.modeling.load import Model, load, positions
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
    def batch(self) -> int: ...


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
    model = load(wanted.model, [task], "unchanged", 0, context)
    check_length(model, wanted.max_length)
    units = list(task.type.encode(examples.items, model.tokenizer, wanted.max_length))
    head = model.heads[task.name].to(device()).eval()

    def progress(done: int) -> None:
        context.progress(done, len(units), {})

    watch = Watch(progress=progress, say=context.say)
    outputs = run(head, task.type, units, model, wanted.batch, watch)
    write(rows(examples, units, outputs), context.folder / "predictions.parquet")


def check_length(model: Model, max_length: int) -> None:
    """Raise `ModelError` if the encoder has too few positions for sequences of `max_length`."""
    usable = positions(next(iter(model.heads.values())).base_model)
    if usable is not None and max_length > usable:
        raise ModelError(
            f"max_length {max_length} is more than the encoder's {usable} positions: "
            "lower it in the recipe"
        )


def run(
    head: Any,
    kind: Any,
    units: Sequence[Unit],
    model: Model,
    batch: int,
    watch: Watch = UNWATCHED,
) -> list[Any]:
    """One output array a unit, in the order of the units; of the layers of an embedding those that
    the task type keeps.

    Units run sorted by length, so that little is spent on padding. Masked language models are
    measured on a mask drawn from the position of each unit. Where memory does not suffice for a
    batch, it is computed in smaller pieces, with the same outputs; raises `ModelError` where it
    does not suffice for one unit.
    """
    order = sorted(range(len(units)), key=lambda index: -unit_length(units[index]))
    outputs: list[Any] = [None] * len(units)
    size = batch
    kept = list(getattr(kind, "layers", ()))
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            packed = collate([units[index] for index in chosen], model.padding)
            if kind.head == "lm":
                packed = mask(packed, model.tokenizer, kind.rate, seed=(0, start))
            while (found := _outputs(head, HEADS[kind.head], packed, size)) is None:
                size = min(size, len(chosen)) // 2
                release()
                if size == 0:
                    length = unit_length(units[chosen[0]])
                    raise ModelError(
                        f"memory does not suffice for one example of {length} tokens: lower "
                        "max_length, take a smaller encoder, or more memory"
                    )
                watch.say(f"out of memory; from here on {size} examples are computed at once")
            for index, output in zip(chosen, found, strict=True):
                outputs[index] = _of_layers(output, kept) if kept else output
            watch.progress(start + len(chosen))
    return outputs


def _outputs(head: Any, layer: Head, packed: Batch, size: int) -> list[Any] | None:
    """The outputs of a batch, computed `size` units at a time; None where memory is lacking."""
    units = range(len(packed.sizes))
    found: list[Any] = []
    try:
        for start in range(0, len(units), size):
            whole = size >= len(units)
            piece = packed if whole else packed.take(units[start : start + size])
            piece = piece.to(device())
            logits = layer.logits(head, piece)
            found += layer.split(logits.cpu(), piece.to(torch.device("cpu")))
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        return None
    return found


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
