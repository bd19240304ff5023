"""Predictions and sentence vectors for 15 languages: `python -m benchmarks.evaluate`."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from benchmarks import ours
from benchmarks.harness import Contender, Gate, accelerated
from benchmarks.hf import collator, dataset, head
from benchmarks.plan import tokens
from benchmarks.show import Duel, Goal, alone
from benchmarks.text import LANGUAGES, NLI, lengths, pairs, real, tokenizer, within
from benchmarks.training import Job
from layover.tasks.task import Unit

BATCHES = (8, 16, 32, 64)
"""Of which a tuned peer takes the fastest."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """What is predicted, by which encoder: for those who sort, runs of neighbours in length from a
    sorted sample, so that they have hardly any padding, whatever the batch, as on a whole test set;
    for those who do not, the sample evenly thinned out to as many."""

    shape: str
    size: int
    """Examples of each language in the sample."""
    runs: int
    """Evenly spaced over the sample."""
    sorts: bool = True
    """Whether it is for contenders that sort."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"

    @property
    def job(self) -> Job:
        return Job(work="NLI", shape=self.shape, precision=self.precision, batch=1)

    def units(self) -> list[Unit]:
        """Language by language, as the files come."""
        found = self._sample()
        chosen = neighbours(list(map(tokens, found)), self.runs)
        if not self.sorts:
            chosen = [at * len(found) // len(chosen) for at in range(len(chosen))]
        return [found[at] for at in chosen]

    def texts(self) -> list[str]:
        """The first texts of examples, chosen by their own lengths."""
        if real():
            found = [example.text for example in pairs(LANGUAGES, self.size)]
        else:
            sizes = lengths(NLI.deciles, self.size * len(LANGUAGES))
            found = [" ".join(f"\ue001{at % 1000}" for at in range(size // 2)) for size in sizes]
        sizes = list(map(tokens, ours.sentences(self.job, found)))
        return [found[at] for at in neighbours(sizes, self.runs)]

    def _sample(self) -> list[Unit]:
        if not real():
            count = self.size * len(LANGUAGES)
            places = np.random.default_rng(0).permutation(count)
            every = lengths(NLI.deciles, count)
            return within(
                [Unit(0, ((0, *([9] * (every[at] - 2)), 2),), ((),), (0,)) for at in places],
                self.job.rows,
            )
        examples = pairs(LANGUAGES, self.size)
        return within(list(NLI.task.type.encode(examples, tokenizer(), 128)), self.job.rows)


def neighbours(sizes: Sequence[int], runs: int) -> list[int]:
    """Positions, ascending, of those in evenly spaced runs of the longest batch's size when sorted
    by `sizes`."""
    order = np.argsort(sizes, kind="stable")
    run = min(max(BATCHES), len(order) // runs)
    starts = [int((number + 0.5) * len(order) / runs - run / 2) for number in range(runs)]
    return sorted(int(at) for start in starts for at in order[start : start + run])


def serve(gate: Gate, run: Callable[[], Any], units: Sequence[Unit]) -> None:
    """Run once to warm up, and then once a round."""
    total = sum(map(tokens, units))
    run()
    gate.turn()
    while True:
        run()
        gate.turn(total, len(units))


def best(gate: Gate, run: Callable[[int], Any]) -> Callable[[], Any]:
    """`run` with whichever of the batches is the fastest here, by one timed run each."""
    seconds = {}
    run(BATCHES[0])
    for batch in BATCHES:
        start = time.perf_counter()
        run(batch)
        seconds[batch] = time.perf_counter() - start
    chosen = min(seconds, key=lambda batch: seconds[batch])
    told = ", ".join(f"{batch}: {each / seconds[chosen]:.2f}" for batch, each in seconds.items())
    gate.notes["note"] = f"batch {chosen}, the fastest (time by batch, {told})"
    # The memory of the others is none of the race's.
    gate.forget()
    return lambda: run(chosen)


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """`Trainer.predict` on one data set of all languages, in its own batches of 8; `tuned`: sorted
    by length, at its best batch."""

    test: Test
    tuned: bool = False

    @property
    def name(self) -> str:
        how = "sorted, best batch, " if self.tuned else ""
        low = "bf16_full_eval" if self.test.precision == "bfloat16" else "float32"
        return f"Trainer.predict, {how}{low}"

    def run(self, gate: Gate) -> None:
        units = self.test.units()
        chosen = sorted(units, key=tokens, reverse=True) if self.tuned else units
        run = predictor(self.test, chosen)
        gate.loaded()
        serve(gate, best(gate, run) if self.tuned else partial(run, 8), units)


def predictor(test: Test, units: Sequence[Unit]) -> Callable[[int], Any]:
    """(batch) -> logits."""
    from transformers import Trainer, TrainingArguments

    job = test.job
    table, model = dataset(units, job), head(job)
    arguments = TrainingArguments(
        output_dir=tempfile.gettempdir(),
        bf16_full_eval=test.precision == "bfloat16",
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
        use_cpu=not accelerated(),
    )
    trainer = Trainer(model=model, args=arguments, data_collator=collator(job))
    gc.collect()

    def run(batch: int) -> Any:
        trainer.args.per_device_eval_batch_size = batch
        return trainer.predict(table).predictions

    return run


@dataclass(frozen=True, kw_only=True)
class LayoverPredictor:
    """`Predict`, from the loaded model on."""

    test: Test

    name = "Layover"

    def run(self, gate: Gate) -> None:
        units = self.test.units()
        run = ours.predictor(self.test.job, units)
        gate.loaded()
        serve(gate, run, units)


@dataclass(frozen=True, kw_only=True)
class Encode:
    """`SentenceTransformer.encode`, which sorts by length, with mean pooling at its best batch; it
    tokenises too."""

    test: Test

    name = "SentenceTransformer.encode, best batch"

    def run(self, gate: Gate) -> None:
        texts = self.test.texts()
        run = self.encoder(texts)
        gate.loaded()
        serve(gate, best(gate, run), ours.sentences(self.test.job, texts))

    def encoder(self, texts: Sequence[str]) -> Callable[[int], Any]:
        """(batch) -> a vector for each text."""
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        kind = getattr(torch, self.test.precision)
        words = Transformer(
            str(self.test.job.folder),
            max_seq_length=128,
            model_kwargs={"dtype": kind, "add_pooling_layer": False},
        )
        pooling = Pooling(words.get_embedding_dimension(), pooling_mode="mean")
        model = SentenceTransformer(
            modules=[words, pooling], device="cuda" if accelerated() else "cpu"
        )
        return lambda batch: model.encode(list(texts), batch_size=batch, show_progress_bar=False)


@dataclass(frozen=True, kw_only=True)
class LayoverEncode:
    """Our sentence vectors of the last layer; it tokenises too."""

    test: Test

    name = "Layover"

    def run(self, gate: Gate) -> None:
        texts = self.test.texts()
        run = ours.encoder(self.test.job, texts)
        gate.loaded()
        serve(gate, run, ours.sentences(self.test.job, texts))


def duels(rounds: int, small: bool) -> list[Duel]:
    shape, size, count = ("toy", 4, 2) if small else ("base", 400, 3)
    low = Test(shape=shape, size=size, runs=count)
    full, thin = replace(low, precision="float32"), replace(low, sorts=False)
    work, exact = "evaluation, 15 languages", replace(thin, precision="float32")

    def duel(work: str, peer: Contender, ours: Contender, speed: float | None = None) -> Duel:
        goal = Goal(speed=speed)
        return Duel(work=work, peer=peer, ours=ours, rounds=rounds, goal=goal, unit="examples")

    return [
        duel(work, Predictor(test=exact), LayoverPredictor(test=thin), 4.0),
        duel(work, Predictor(test=thin), LayoverPredictor(test=thin), 2.2),
        duel(work, Predictor(test=low, tuned=True), LayoverPredictor(test=low), 1.3),
        duel("evaluation, float32", Predictor(test=full, tuned=True), LayoverPredictor(test=full)),
        duel("sentence vectors", Encode(test=low), LayoverEncode(test=low)),
    ]


if __name__ == "__main__":
    alone(__doc__ or "", duels)
