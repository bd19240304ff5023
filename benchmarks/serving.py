"""Our harness beside plain timing loops on fixed shapes: `python -m benchmarks.serving MODEL`.

MODEL is a folder of a model that classifies sequences. With `--optimum PYTHON`, the Python of an
environment that has optimum-benchmark, its latencies stand beside ours; else those of a loop that
calls the model of transformers and looks at the clock, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.fixed import Fixed, Random
from layover.bench.benchmark import Aim, measure
from layover.bench.race import Setup
from layover.metrics.accuracy import ACCURACY
from layover.modeling.folder import about
from layover.tasks.own import classification
from layover.tasks.task import Examples, Task

SHAPES = ((1, 32), (1, 128), (32, 32))
RUNS = 60

LOOP = """
import json, sys, time
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification
folder, batch, length, runs, threads = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
ids = torch.randint(5, model.config.vocab_size, (batch, length))
mask = torch.ones_like(ids)
seconds = []
with torch.inference_mode():
    for run in range(runs + 10):
        start = time.perf_counter()
        model(input_ids=ids, attention_mask=mask)
        seconds.append(time.perf_counter() - start)
print(json.dumps(seconds[10:]))
"""

OPTIMUM = """
import json, sys
from optimum_benchmark import Benchmark, BenchmarkConfig
from optimum_benchmark import InferenceConfig, ProcessConfig, PyTorchConfig
from optimum_benchmark.logging_utils import setup_logging
folder, batch, length, runs, threads = sys.argv[1], *map(int, sys.argv[2:])
def main():
    scenario = InferenceConfig(
        latency=True, memory=False, warmup_runs=10, iterations=runs, duration=0,
        input_shapes={"batch_size": batch, "sequence_length": length},
    )
    backend = PyTorchConfig(
        model=folder, task="text-classification", device="cpu", intra_op_num_threads=threads,
        library="transformers",
    )
    config = BenchmarkConfig(
        name="fixed", launcher=ProcessConfig(), scenario=scenario, backend=backend
    )
    report = Benchmark.launch(config)
    print(json.dumps(list(report.forward.latency.values)))
if __name__ == "__main__":
    main()
"""


def ours(model: Path, batch: int, length: int, threads: int) -> list[float]:
    """Seconds of each request, without tokenisation."""
    labels = tuple(about(model)["labels"])
    task: Task = classification("fixed", "", labels)
    items = tuple(Random(id=str(n), cluster=str(n), number=n) for n in range(batch))
    kind = Fixed(labels=labels, length=length)
    task = Task(name="fixed", type=kind, source=task.source, parse=task.parse)
    examples = Examples(task, items, ("eng",) * batch)
    aim = Aim(
        models={"model": model},
        backends=("eager",),
        examples=examples,
        metric=ACCURACY,
        max_length=length,
    )
    setup = Setup(batches=(batch,), rounds=6, requests=RUNS // 6, threads=threads)
    with tempfile.TemporaryDirectory() as place:
        outcome = measure(aim, setup, Path(place), lambda message: None)
    failed = [facts.failure for facts in outcome.facts.values() if facts.failure]
    if failed:
        raise RuntimeError(failed[0])
    return [one.run for one in outcome.samples]


def theirs(
    python: str, program: str, model: Path, batch: int, length: int, threads: int
) -> list[float]:
    """What another harness says, in seconds."""
    with tempfile.TemporaryDirectory() as place:
        # Processes of its own read the program again, so it is a file.
        script = Path(place) / "program.py"
        script.write_text(program, encoding="utf-8")
        words = [str(model), *map(str, (batch, length, RUNS, threads))]
        done = subprocess.run(
            [python, str(script), *words], capture_output=True, text=True, cwd=place
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Print a line a shape: medians in milliseconds, ours twice, so that one sees the noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--optimum", default="", help="a Python that has optimum-benchmark")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    model = given.model.resolve()
    python, program = (given.optimum, OPTIMUM) if given.optimum else (sys.executable, LOOP)
    name = "optimum-benchmark" if given.optimum else "plain loop"
    print(f"{'shape':>8}  {'ours':>7}  {name:>17}  {'ours':>7}  {name:>17}   p50, ms")
    for batch, length in SHAPES:
        cells = []
        for _ in range(2):
            cells.append(1e3 * float(np.median(ours(model, batch, length, given.threads))))
            found = theirs(python, program, model, batch, length, given.threads)
            cells.append(1e3 * float(np.median(found)))
        shape = f"{batch}x{length}"
        print(f"{shape:>8}  {cells[0]:7.2f}  {cells[1]:17.2f}  {cells[2]:7.2f}  {cells[3]:17.2f}")


if __name__ == "__main__":
    main()
