"""What a process of its own says of downloads (huggingface_hub reads its endpoint when imported).

    python downloads.py OUTPUT NAME=COMMIT ...

One line of JSON for each: the folder, or the error. Where a model comes, the logits that it gives
are added to the tensors in OUTPUT, under its name.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from layover.encoders import Encoder, Start
from layover.errors import ModelError
from layover.inference.predict import run
from layover.modeling.features import Features
from layover.modeling.hub import download
from layover.modeling.load import load
from toys import Toy
from trainable import BITEXT


def logits(encoder: Start) -> torch.Tensor:
    """The bare encoder's, of some sentences."""
    context = Toy(folder=Path())
    model = load(encoder, [BITEXT.task], "carry", 0, context)
    units = Features.of(BITEXT.task.type.encode(context.data(BITEXT).items, model.tokenizer, 40))
    outputs = run(model.heads["bitext"].eval(), BITEXT.task.type, units, model, 100)
    return torch.stack([torch.from_numpy(output) for output in outputs])


if __name__ == "__main__":
    # Between two tries the hub's library waits for seconds.
    time.sleep = lambda seconds: None
    found = {}
    for wanted in sys.argv[2:]:
        name, _, commit = wanted.partition("=")
        published = Encoder(name="toy", hub=name, revision=commit)
        told: dict[str, str] = {}
        try:
            told["folder"] = str(download(published))
            found[name] = logits(published)
        except ModelError as error:
            told["error"] = str(error)
        print(json.dumps(told))
    save_file(found, sys.argv[1])
