"""Backends: the ways in which a model folder is run, by name.

Each is prepared once, into a folder of its own, and then opened by the process that serves it. What
is imported stands in the functions: a process that serves with ONNX Runtime never loads torch.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from layover.bench.workload import Inputs
from layover.errors import ModelError
from layover.registry import unknown

Run: TypeAlias = Callable[[Inputs], Any]
"""Scores [S, ...] of sequences or of their tokens, float32."""

EXPORT = ("onnx", "onnxscript", "onnxruntime")
GRAPH = "model.onnx"
WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "*.bin")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A model that is ready to serve."""

    run: Run
    device: str
    peak: Callable[[], float] | None = None
    """Bytes that a device of its own has held at most since `forget`; None where it works in the
    process's."""
    forget: Callable[[], None] | None = None
    """From here on counts for `peak`."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One way to run a model."""

    name: str
    exact: bool = True
    """Whether it computes what the reference computes, but for rounding."""
    torch: bool = True
    """Whether it runs on torch."""
    needs: tuple[str, ...] = ()
    """Packages of the extra `export`."""
    prepare: Callable[[Path, Path], None] | None = None
    """(model folder, an empty folder that gets what is served, tokenizer included); None: the
    model's own folder is."""
    open: Callable[[Path, int], Opened]
    """(that folder, threads) -> ready."""

    def check(self) -> None:
        """Raise `ModelError` where a package that it needs is not installed."""
        if lacking := [name for name in self.needs if importlib.util.find_spec(name) is None]:
            raise ModelError(
                f"the backend {self.name} needs {', '.join(lacking)}, which "
                f"{'is' if len(lacking) == 1 else 'are'} not installed: "
                "pip install 'layover[export]', or leave that backend out"
            )


def backend(name: str) -> Backend:
    """The backend called `name`; raises `ModelError` with the nearest names."""
    if name not in BACKENDS:
        raise ModelError(unknown("backend", name, BACKENDS))
    return BACKENDS[name]


def _eager(folder: Path, threads: int) -> Opened:
    from layover.bench.served import open_eager

    return open_eager(folder, threads, compiled=False)


def _compiled(folder: Path, threads: int) -> Opened:
    from layover.bench.served import open_eager

    return open_eager(folder, threads, compiled=True)


def _exported(folder: Path, place: Path) -> None:
    from layover.bench.export import export

    export(folder, place / GRAPH)
    _companions(folder, place)


def _quantised(folder: Path, place: Path) -> None:
    from layover.bench.export import export, quantise

    whole = place / "whole"
    whole.mkdir()
    export(folder, whole / GRAPH)
    quantise(whole / GRAPH, place / GRAPH)
    shutil.rmtree(whole)
    _companions(folder, place)


def _companions(folder: Path, place: Path) -> None:
    """Everything but the weights: configuration and tokenizer."""
    weights = {path for pattern in WEIGHTS for path in folder.glob(pattern)}
    for path in folder.iterdir():
        if path.is_file() and path not in weights:
            shutil.copy2(path, place / path.name)


def _runtime(folder: Path, threads: int) -> Opened:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # What waits for its turn must not spin.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(folder / GRAPH, options, providers=providers)
    taken = [each.name for each in session.get_inputs()]

    def run(inputs: Inputs) -> Any:
        # Where a tokenizer gives no types, transformers takes 0 for all.
        types = inputs.ids * 0 if inputs.segments is None else inputs.segments
        given = {"input_ids": inputs.ids, "attention_mask": inputs.mask, "token_type_ids": types}
        return session.run(None, {name: given[name] for name in taken})[0]

    return Opened(run=run, device="cpu")


BACKENDS = {
    each.name: each
    for each in (
        Backend(name="eager", open=_eager),
        Backend(name="compile", open=_compiled),
        Backend(name="onnx", torch=False, needs=EXPORT, prepare=_exported, open=_runtime),
        Backend(
            name="onnx-int8",
            exact=False,
            torch=False,
            needs=EXPORT,
            prepare=_quantised,
            open=_runtime,
        ),
    )
}
REFERENCE = "eager"
"""What the others must agree with: transformers' own code, in float32."""
