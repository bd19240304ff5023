"""Where a result comes from: what its record says beside its files."""

from __future__ import annotations

import importlib.metadata
import platform
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from layover.stage import Stage


def about(stage: Stage, started: float, used: str = "") -> dict[str, Any]:
    """The record of a stage that started at `started` (seconds since the epoch) and ends now, on
    the device `used`, by default this process's."""
    return {
        "stage": type(stage).__name__,
        "key": stage.key,
        "label": stage.label,
        "parents": [parent.key for parent in stage.parents],
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "resources": asdict(stage.resources),
        "host": socket.gethostname(),
        "device": used or device(),
        "commit": commit(),
        "python": platform.python_version(),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("layover", "torch", "transformers", "numpy")
        },
    }


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the checkout that Layover runs from, with a + where files have changed since;
    "" for an installed package."""
    package = Path(__file__).parent.parent
    git = ["git", "-C", str(package)]
    try:
        tracked = subprocess.run([*git, "ls-files", "errors.py"], capture_output=True, text=True)
        if not tracked.stdout:
            return ""
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        changed = subprocess.run([*git, "status", "--porcelain", "."], capture_output=True)
    except OSError:
        return ""
    return head.stdout.strip() + ("+" if changed.stdout else "")


@lru_cache(maxsize=1)
def processor() -> str:
    """The processor's name, which decides the last bits of a sum."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def device() -> str:
    """The accelerator, or the processor where torch has none or was not needed."""
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return processor()
