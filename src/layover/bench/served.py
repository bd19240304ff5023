"""A model folder as one function from token ids to scores: transformers' own code, as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from layover.bench.backends import Opened
from layover.bench.workload import Inputs
from layover.errors import ModelError
from layover.modeling.folder import about, check
from layover.modeling.heads import HEADS
from layover.modeling.memory import device

SERVED = ("sequence", "token", "span", "choice")
"""Heads whose outputs a served model gives."""


class Served(nn.Module):
    """Scores [S, ...] of S sequences [S, l]: of the sequence, or of each of its tokens. An option
    of a choice is a question's only one here, so that questions may have any number of them."""

    def __init__(self, model: Any, head: str) -> None:
        super().__init__()
        self.model, self.head = model, head

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        given = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            given["token_type_ids"] = token_type_ids
        if self.head == "choice":
            given = {name: each[:, None] for name, each in given.items()}
        found = self.model(**given, return_dict=True)
        if self.head == "span":
            return torch.stack((found.start_logits, found.end_logits), dim=-1)
        scores: Tensor = found.logits
        return scores[:, 0] if self.head == "choice" else scores


def load(folder: Path) -> Served:
    """The model of a folder under its head, in float32; raises `ModelError` for a folder that is
    not whole or has a head that is not served."""
    check(folder)
    head = about(folder).get("head", "")
    if head not in SERVED:
        raise ModelError(
            f"{folder} has {f'a head of the kind {head}' if head else 'no head'}: what can be "
            f"served is a model with one of {', '.join(SERVED)}, as a target's training writes it"
        )
    auto = getattr(transformers, HEADS[head].auto)
    try:
        model, info = auto.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} cannot be loaded as {HEADS[head].auto}: {error}") from error
    if wrong := [*info["missing_keys"], *info["mismatched_keys"]]:
        raise ModelError(f"{folder} lacks {len(wrong)} tensors ({wrong[0]}, ...): get it again")
    for weight in model.parameters():
        # Out of the file: where it lies there decides the order in which products are summed up.
        weight.data = weight.data.clone()
    return Served(model, head).eval()


def open_eager(folder: Path, threads: int, compiled: bool) -> Opened:
    """The model on the accelerator if there is one, else on `threads` threads."""
    torch.set_num_threads(threads)
    place = device()
    model: Any = load(folder).to(place)
    if compiled:
        model = torch.compile(model, dynamic=True)

    def run(inputs: Inputs) -> Any:
        arrays = [inputs.ids, inputs.mask]
        if inputs.segments is not None:
            arrays.append(inputs.segments)
        with torch.inference_mode():
            found: Tensor = model(*(torch.from_numpy(each).to(place) for each in arrays))
            # The copy waits for the device.
            return found.float().cpu().numpy()

    if place.type == "cpu":
        return Opened(run=run, device="cpu")
    return Opened(
        run=run,
        device=torch.cuda.get_device_name(),
        peak=lambda: float(torch.cuda.max_memory_allocated()),
        forget=torch.cuda.reset_peak_memory_stats,
    )
