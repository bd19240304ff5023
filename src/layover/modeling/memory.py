"""Where to compute, and when there is too little memory for a batch (torch)."""

from __future__ import annotations

import torch

SIGNS = ("out of memory", "can't allocate memory")
"""What torch's errors say: on accelerators, and on the CPU."""


def device() -> torch.device:
    """The accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def out_of_memory(error: RuntimeError) -> bool:
    """Whether it was memory that was lacking, and a smaller batch may do."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in SIGNS)


def release() -> None:
    """Give what a failed attempt had reserved back to the accelerator."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
