"""The GPUs of this machine, shared out among processes: none of them sees another's.

A stage computes on the GPU that it sees first, whether it declares one or not.
"""

from __future__ import annotations

import os
import subprocess

VARIABLE = "CUDA_VISIBLE_DEVICES"


def visible() -> tuple[str, ...]:
    """The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    given = os.environ.get(VARIABLE)
    if given is None:
        return tuple(str(number) for number in range(_there()))
    named = [name.strip() for name in given.split(",")]
    # As CUDA reads it: whatever stands behind a name that is none is not seen.
    ends = (at for at, name in enumerate(named) if name in ("", "-1"))
    return tuple(named[: next(ends, len(named))])


def groups(gpus: int) -> tuple[str, ...]:
    """The visible GPUs in groups of `gpus`, one at least, each as a `CUDA_VISIBLE_DEVICES`: one
    group of all where they are fewer, and none where there are none."""
    there, size = visible(), max(gpus, 1)
    whole = range(0, len(there) - size + 1, size)
    found = tuple(",".join(there[first : first + size]) for first in whole)
    return found or ((",".join(there),) if there else ())


def _there() -> int:
    """How many the driver knows. Asked without torch, which a run does not load."""
    try:
        asked = ["nvidia-smi", "--list-gpus"]
        told = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in told.stdout.splitlines())
