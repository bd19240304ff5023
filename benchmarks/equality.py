"""Before any speed: ours computes what its peers compute.

`python -m benchmarks.equality` trains both on the same examples in the same steps, in float32
without dropout, and compares every loss; compares logits, sentence vectors, batches and mined pairs
of both; and in bfloat16 holds both loss curves, on a task that can be learned, to the float32 one.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks import evaluate, mining, ours
from benchmarks.harness import ENVIRONMENT
from benchmarks.hf import HuggingFace, collator, dataset, head
from benchmarks.plan import Plan
from benchmarks.show import options, tell
from benchmarks.text import ROWS
from benchmarks.training import Job
from layover.tasks.task import Unit

LOSS, LOGITS, VECTORS, MARGINS = 1e-4, 1e-4, 1e-5, 1e-5
"""The largest difference allowed, in float32."""
LOWER_VECTORS = 1e-3
"""The largest 1 - cosine of sentence vectors allowed, in bfloat16."""
RATE = 1e-3
LAST = 20
"""Steps at the end of a curve, over which curves are compared."""
SHOWN = 8
"""Points of a curve."""


@dataclass(frozen=True, kw_only=True)
class Equality:
    """Two computations beside each other."""

    what: str
    difference: float
    """The largest, where nothing else is said."""
    allowed: float
    theirs: tuple[float, ...] = ()
    mine: tuple[float, ...] = ()

    @property
    def holds(self) -> bool:
        return self.difference <= self.allowed


def trainer_losses(job: Job, steps: int, known: list[Unit]) -> list[float]:
    """Of each step."""
    found: list[float] = []
    table = dataset([known[index] for index in _plan(job, steps, known).order], job)
    with tempfile.TemporaryDirectory() as folder:
        peer = HuggingFace(job=job)
        trainer = peer.trainer(_start(job), table, steps, Path(folder), learning_rate=RATE)
        usual = trainer.compute_loss

        def compute(*args: Any, **kwargs: Any) -> Any:
            loss = usual(*args, **kwargs)
            found.append(float(loss.detach()))
            return loss

        # Trainer's own log is rounded.
        trainer.compute_loss = compute
        trainer.train()
    return found


def our_losses(job: Job, steps: int, known: list[Unit], seed: int = 0) -> list[float]:
    """The same from the same weights on the same examples; `seed` draws the head."""
    loaded = ours.load(job)
    mine = loaded.heads[job.what.task.name]
    start = _start(job, seed).state_dict()
    for name, value in mine.state_dict().items():
        value.copy_(start[name])
    for module in mine.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    chosen, corpus = _plan(job, steps, known), job.corpus(known)
    with tempfile.TemporaryDirectory() as folder:
        under_way = ours.training(job, loaded, corpus, chosen, Path(folder), learning_rate=RATE)
        assert job.rows < ROWS or under_way.active is not None, "the whole table is trained"
        under_way.loop.run()
        return [json.loads(line)["loss"] for line in under_way.loop.log.read_text().splitlines()]


def _plan(job: Job, steps: int, known: list[Unit]) -> Plan:
    places = np.random.default_rng(0).permutation(len(known))[: steps * job.batch]
    return Plan(batches=tuple(map(tuple, places.reshape(steps, job.batch).tolist())), steps=steps)


def _start(job: Job, seed: int = 0) -> Any:
    return head(job, seed, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def logits(shape: str, precision: Literal["float32", "bfloat16"], size: int) -> float:
    """The largest difference between Trainer.predict's logits and ours."""
    test = evaluate.Test(shape=shape, size=size, runs=2, precision=precision)
    units = test.units()
    loaded = ours.load(test.job)
    mine_model = loaded.heads[test.job.what.task.name]
    for name, value in head(test.job).state_dict().items():
        mine_model.state_dict()[name].copy_(value)
    theirs = evaluate.predictor(test, units)(8)
    found = ours.outputs(test.job, loaded, units)()
    return float(np.abs(np.stack(found) - theirs).max())


def learnable(job: Job) -> list[Unit]:
    """Units whose class is which of three words they hold."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(4_000):
        label = int(rng.integers(3))
        words = rng.integers(100, min(job.rows, 600), int(rng.integers(5, 40)))
        words[int(rng.integers(len(words)))] = 50 + label
        found.append(Unit(number, ((0, *words.tolist(), 2),), ((),), (label,)))
    return found


def even(known: list[Unit], length: int = 48) -> list[Unit]:
    """Windows cut to one length: the stock head lets padding take part in its softmax, so that its
    loss depends on what else is in the batch, and ours does not."""
    return [
        replace(unit, sequences=((*unit.sequences[0][: length - 1], 2),), target=(at % 20, 40))
        for at, unit in enumerate(known)
        if len(unit.sequences[0]) >= length
    ]


def vectors(precision: Literal["float32", "bfloat16"]) -> float:
    """The largest 1 - cosine between SentenceTransformer's vector of a sentence and ours."""
    test = evaluate.Test(shape="toy", size=8, runs=2, precision=precision)
    texts = test.texts()
    theirs = np.asarray(evaluate.Encode(test=test).encoder(texts)(8), dtype=np.float64)
    mine = np.concatenate(ours.encoder(test.job, texts)()).reshape(theirs.shape).astype(np.float64)
    sizes = np.linalg.norm(theirs, axis=1) * np.linalg.norm(mine, axis=1)
    return float((1 - (theirs * mine).sum(axis=1) / sizes).max())


def masked_loss(shape: str) -> float:
    """The difference between AutoModelForMaskedLM's loss and ours of a masked batch, in float32."""
    import torch

    from layover.inference.masking import mask
    from layover.modeling.batch import collate
    from layover.modeling.features import Features
    from layover.modeling.heads import HEADS, count

    job = _job("MLM", shape, "float32", 8)
    units = job.units()[:8]
    model, loaded = head(job).eval(), ours.load(job)
    mine = loaded.heads[job.what.task.name].eval()
    features = Features.of(units)
    batch = mask(collate(features, range(len(units))), loaded.tokenizer, 0.15, (0,))
    lengths = batch.packing.lengths
    rows = [
        torch.nn.utils.rnn.pad_sequence(list(each.split(lengths)), True, padding)
        for each, padding in ((batch.tokens, 1), (batch.target, -100))
    ]
    with torch.no_grad():
        theirs = model(input_ids=rows[0], attention_mask=(rows[0] != 1).long(), labels=rows[1]).loss
        layer = HEADS["lm"]
        found = layer.loss(layer.logits(mine, batch), batch) / count(batch.target)
    return abs(float(theirs) - float(found))


def batches(shape: str) -> float:
    """How many ids and labels of 10 batches differ between the padding collator's and ours, from
    stored features."""
    from layover.modeling.batch import collate
    from layover.modeling.features import Features

    job = _job("NLI", shape, "float32", 32)
    units = job.units()[:320]
    table, padded = dataset(units, job), collator(job)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        Features.of(units).save(Path(folder))
        features = Features.open(Path(folder))
        for at in range(0, len(units), 32):
            theirs = padded([table[index] for index in range(at, at + 32)])
            mine = collate(features, range(at, at + 32))
            ids = theirs["input_ids"][theirs["attention_mask"] == 1]
            wrong += int((ids != mine.tokens).sum()) + int((theirs["labels"] != mine.target).sum())
    return float(wrong)


def curves(shape: str, steps: int) -> list[Equality]:
    """Losses in bfloat16, Trainer's and ours, beside ours in float32: neither is further from it in
    the last steps' mean than another seed is, and we are no further from Trainer."""
    low, full = (_job("NLI", shape, kind, 32) for kind in ("bfloat16", "float32"))
    known = learnable(full)
    theirs, mine = trainer_losses(low, steps, known), our_losses(low, steps, known)
    exact = our_losses(full, steps, known)
    others = [our_losses(full, steps, known, seed) for seed in (1, 2)]
    spread = max(_apart(exact, other) for other in others)
    return [
        replace(
            _compare(f"{what}, mean difference of the last {LAST} steps", left, right, spread),
            difference=_apart(left, right),
        )
        for what, left, right in (
            ("bfloat16: Trainer and ours", theirs, mine),
            ("ours: float32 and bfloat16", exact, mine),
        )
    ]


def _apart(one: list[float], other: list[float]) -> float:
    return float(np.abs(np.array(one[-LAST:]) - np.array(other[-LAST:])).mean())


def check(small: bool) -> list[Equality]:
    """Every equality; those that do not hold are among them."""
    os.environ.update(ENVIRONMENT)
    shape, steps = ("toy", 5) if small else ("tiny", 20)
    found = []
    active = f"NLI, {ROWS:,} rows of which a tenth is trained"
    for what, job in (
        ("NLI", _job("NLI", shape, "float32", 16)),
        ("QA", _job("QA", shape, "float32", 4)),
        ("tagging", _job("tagging", shape, "float32", 16)),
        (active, _job("NLI", "toy", "float32", 16)),
    ):
        known = even(job.units()) if what == "QA" else job.units()
        theirs, mine = trainer_losses(job, steps, known), our_losses(job, steps, known)
        found.append(_compare(f"losses of {steps} steps, {what}, float32", theirs, mine, LOSS))
    differing, margins = mining.differences(mining.Vectors(size=500 if small else 5_000))
    for what, difference, allowed in (
        ("loss of a masked batch, MLM, float32", masked_loss(shape), LOSS),
        ("logits, 15 languages, float32", logits(shape, "float32", 4), LOGITS),
        ("sentence vectors, 1 - cosine, float32", vectors("float32"), VECTORS),
        ("sentence vectors, 1 - cosine, bfloat16", vectors("bfloat16"), LOWER_VECTORS),
        ("batches, ids and labels that differ", batches(shape), 0.0),
        ("mining, share of neighbours that differ and are no ties", differing, 0.0),
        ("mining, margins", margins, MARGINS),
    ):
        found.append(Equality(what=what, difference=difference, allowed=allowed))
    return found + curves(shape, 40 if small else 120)


def _job(work: str, shape: str, precision: str, batch: int) -> Job:
    kind: Any = precision
    return Job(work=work, shape=shape, precision=kind, batch=batch)


def _compare(what: str, theirs: list[float], mine: list[float], allowed: float) -> Equality:
    places = np.linspace(0, len(mine) - 1, SHOWN).round().astype(int).tolist()
    return Equality(
        what=what,
        difference=float(np.abs(np.array(theirs) - np.array(mine)).max()),
        allowed=allowed,
        theirs=tuple(theirs[place] for place in places),
        mine=tuple(mine[place] for place in places),
    )


HEADER = ("equal", "difference", "allowed", "holds", "one curve", "the other")


def cells(found: Equality) -> tuple[str, ...]:
    return (
        found.what,
        f"{found.difference:.1e}",
        f"{found.allowed:.1e}",
        "yes" if found.holds else "NO",
        " ".join(f"{value:.3f}" for value in found.theirs),
        " ".join(f"{value:.3f}" for value in found.mine),
    )


def main() -> None:
    chosen = options(__doc__ or "", 1).parse_args()
    found = check(chosen.quick)
    tell(HEADER, found, map(cells, found), chosen.json)
    if not all(each.holds for each in found):
        raise SystemExit("not equal: no speed is worth comparing")


if __name__ == "__main__":
    main()
