"""Both directions' nearest neighbours and margins: Layover beside FAISS.

    python benchmarks/mining.py --size 50000 --rounds 5

FAISS is used as one would: an `IndexFlatIP` of either side, searched for all vectors of the other
at once, and margins in numpy. Each contender searches the same vectors in a process of its own, and
they take turns in random order. Waiting threads sleep (OMP_WAIT_POLICY) for both, so that a busy
machine disturbs them alike. That both find the same is checked before a time is looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, NEIGHBOURS = 768, 4
KINDS = ("spread", "close")


def vectors(size: int, kind: str) -> tuple[Any, Any]:
    """Sentences of `size` meanings on both sides, half of which have a translation, in another
    order; the cosines of "close" vectors are all near one another, as those of encoders are."""
    rng = np.random.default_rng(0)

    def normal() -> Any:
        return rng.standard_normal((size, WIDTH), dtype=np.float32)

    source = normal()
    target = np.where(np.arange(size)[:, None] % 2, source + 0.7 * normal(), normal())
    target = target[rng.permutation(size)]
    middle = rng.standard_normal(WIDTH, dtype=np.float32) * (2 if kind == "close" else 0)
    source, target = source + middle, target + middle
    return tuple(side / np.linalg.norm(side, axis=1, keepdims=True) for side in (source, target))


def with_faiss(source: Any, target: Any, threads: int) -> tuple[Any, Any, Any]:
    """Neighbours ahead, neighbours back, and the margins of the first."""
    import faiss

    faiss.omp_set_num_threads(threads)

    def search(queries: Any, pool: Any) -> tuple[Any, Any]:
        index = faiss.IndexFlatIP(WIDTH)
        index.add(pool)
        return index.search(queries, NEIGHBOURS)

    forward, ahead = search(source, target)
    backward, back = search(target, source)
    means = forward.mean(axis=1), backward.mean(axis=1)
    return ahead, back, forward / ((means[0][:, None] + means[1][ahead]) / 2)


def with_layover(source: Any, target: Any, threads: int) -> tuple[Any, Any, Any]:
    import torch

    from layover.inference.mine import Margins

    torch.set_num_threads(threads)
    found = Margins.of(source, target)
    return found.ahead, found.back, found.forward


CONTENDERS: dict[str, Callable[[Any, Any, int], tuple[Any, Any, Any]]] = {
    "faiss": with_faiss,
    "layover": with_layover,
}


def contend(name: str, folder: Path, threads: int) -> None:
    """Run one contender: its results into the folder, what it took to standard output."""
    source, target = (np.load(folder / f"{side}.npy") for side in ("source", "target"))
    CONTENDERS[name](source[:200], target[:300], threads)
    before, peak, done = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    found = CONTENDERS[name](source, target, threads)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    np.savez(folder / f"{name}.npz", *found)
    print(json.dumps({"seconds": seconds, "growth": peak[0] - before}))


def resident() -> float:
    """This process's memory, in GB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e9


def apart(folder: Path) -> dict[str, float]:
    """How far the contenders' results are from each other: the shares of neighbours, ahead and
    back, that differ and are not ties (of products within 2e-6), and the greatest relative
    difference of the margins of the same pair."""
    source, target = (np.load(folder / f"{side}.npy") for side in ("source", "target"))
    ours, theirs = (np.load(folder / f"{name}.npz") for name in ("layover", "faiss"))
    found = {}
    for way, key, left, right in (
        ("ahead", "arr_0", source, target),
        ("back", "arr_1", target, source),
    ):
        row, place = np.nonzero(ours[key] != theirs[key])
        one, two = (
            np.einsum("nd,nd->n", left[row], right[each[key][row, place]], dtype=np.float64)
            for each in (ours, theirs)
        )
        found[way] = float((abs(one - two) > 2e-6).sum() / ours[key].size)
        found[f"{way}, with ties"] = len(row) / ours[key].size
    same = ours["arr_0"] == theirs["arr_0"]
    found["margin"] = float(abs(ours["arr_2"] / theirs["arr_2"] - 1)[same].max())
    return found


def compare(size: int, kind: str, rounds: int, threads: int) -> dict[str, Any]:
    took: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, array in zip(("source", "target"), vectors(size, kind), strict=True):
            np.save(folder / f"{side}.npy", array)
        for number in range(rounds):
            for contender in random.sample(list(CONTENDERS), len(CONTENDERS)):
                told = [sys.executable, __file__, "--contend", contender, "--folder", name]
                told += ["--threads", str(threads)]
                out = subprocess.run(
                    told, check=True, stdout=subprocess.PIPE, text=True, env=environment
                ).stdout
                took[contender].append(json.loads(out))
                print(f"round {number + 1}: {contender} {out.strip()}", file=sys.stderr)
            if number == 0:
                difference = apart(folder)
                if max(difference["ahead"], difference["back"], difference["margin"]) > 1e-6:
                    sys.exit(f"the contenders do not find the same: {difference}")
    each = {
        field: {name: [one[field] for one in runs] for name, runs in took.items()}
        for field in ("seconds", "growth")
    }
    medians = {name: statistics.median(runs) for name, runs in each["seconds"].items()}
    pairs = zip(each["seconds"]["faiss"], each["seconds"]["layover"], strict=True)
    return {
        "size": size,
        "kind": kind,
        "threads": threads,
        "difference": difference,
        "seconds": medians,
        "faster": medians["faiss"] / medians["layover"],
        "faster, by round": [one / two for one, two in pairs],
        "growth": {name: max(runs) for name, runs in each["growth"].items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--kind", choices=KINDS, default="spread")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contend", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.contend:
        contend(told.contend, told.folder, told.threads)
        return
    found = compare(told.size, told.kind, told.rounds, told.threads)
    if told.json:
        print(json.dumps(found))
        return
    print(f"{found['size']} x {found['size']} x {WIDTH}, {found['kind']}, {told.threads} threads")
    print(f"differences: {found['difference']}")
    spread = ", ".join(f"{one:.2f}" for one in sorted(found["faster, by round"]))
    print(f"layover is {found['faster']:.2f} times as fast as faiss (rounds: {spread})")
    grown = ", ".join(f"{name} {value:.2f} GB" for name, value in found["growth"].items())
    print(f"memory grew by at most: {grown}")


if __name__ == "__main__":
    main()
