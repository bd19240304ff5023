"""A model as an ONNX graph, and that graph in eight-bit integers."""

from __future__ import annotations

import logging
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from sys import stderr

import torch
from torch.export import Dim

from layover.bench.served import load

OPSET = 20
PROTOBUF = 2**31
"""Bytes that a graph with its weights may have in one file."""


def export(folder: Path, path: Path) -> None:
    """Write the model of `folder` to `path` as a graph for any number of sequences of any length;
    its weights lie beside it."""
    model = load(folder)
    names = ["input_ids", "attention_mask"]
    if getattr(model.model.config, "type_vocab_size", 0) > 1:
        names.append("token_type_ids")
    # Two sequences of nine tokens: sizes of one would be taken for constants.
    example = tuple(torch.ones(2, 9, dtype=torch.long) for _ in names)
    axes = {0: Dim("batch", min=1), 1: Dim("length", min=1)}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(stderr):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            example,
            path,
            input_names=names,
            output_names=["scores"],
            opset_version=OPSET,
            dynamic_shapes=dict.fromkeys(names, axes),
            dynamo=True,
            verbose=False,
        )


def quantise(source: Path, path: Path) -> None:
    """Write the graph at `source` to `path` with weights as 8-bit integers and activations rounded
    to such as they come (dynamic quantisation; no data needed)."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load(source)
    # The exporter's shapes contradict those that the quantiser infers.
    del graph.graph.value_info[:]
    size = sum(each.stat().st_size for each in source.parent.iterdir())
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            graph,
            path,
            weight_type=QuantType.QInt8,
            use_external_data_format=size > PROTOBUF,
        )
    finally:
        root.setLevel(level)
