"""Predictions and sentence vectors for 15 languages: `python -m benchmarks.evaluate`."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks import ours
from benchmarks.harness import Gate
from benchmarks.hf import collator, dataset, head
from benchmarks.plan import tokens
from benchmarks.show import Row, duels, options, show
from benchmarks.text import LANGUAGES, NLI, lengths, pairs, real, vocabulary, within
from benchmarks.training import Job
from layover.tasks.task import Unit


@dataclass(frozen=True, kw_only=True)
class Test:
    """What is predicted, by which encoder."""

    shape: str
    size: int
    """Examples of each language."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"

    @property
    def job(self) -> Job:
        return Job(
            work="NLI", shape=self.shape, precision=self.precision, rounds=0, steps=0, batch=1
        )

    def examples(self) -> list[Any]:
        return pairs(LANGUAGES, self.size)

    def units(self) -> list[Unit]:
        """Language by language, as the files come."""
        if not real():
            count = self.size * len(LANGUAGES)
            places = np.random.default_rng(0).permutation(count)
            every = lengths(NLI.deciles, count)
            return within(
                [Unit(0, ((0, *([9] * (every[at] - 2)), 2),), ((),), (0,)) for at in places],
                self.job.rows,
            )
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(vocabulary())
        kind = NLI.task.type
        return within(list(kind.encode(self.examples(), tokenizer, 128)), self.job.rows)


def serve(gate: Gate, run: Callable[[], Any], units: Sequence[Unit]) -> None:
    """Run once to warm up, and then once a round."""
    total = sum(map(tokens, units))
    run()
    gate.turn()
    while True:
        run()
        gate.turn(total, len(units))


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """`Trainer.predict` on one data set of all languages; `grouped`: sorted by length."""

    test: Test
    batch: int = 8
    grouped: bool = False

    @property
    def name(self) -> str:
        how = "sorted, " if self.grouped else ""
        low = "bf16_full_eval" if self.test.precision == "bfloat16" else "float32"
        return f"Trainer.predict, {how}{low}, batch {self.batch}"

    def run(self, gate: Gate) -> None:
        units = self.test.units()
        chosen = sorted(units, key=tokens, reverse=True) if self.grouped else units
        run = predictor(self, chosen)
        gate.loaded()
        serve(gate, run, units)


def predictor(peer: Predictor, units: Sequence[Unit]) -> Callable[[], Any]:
    """() -> logits."""
    from transformers import Trainer, TrainingArguments

    job = peer.test.job
    table, model = dataset(units, job), head(job)
    arguments = TrainingArguments(
        output_dir=tempfile.gettempdir(),
        per_device_eval_batch_size=peer.batch,
        bf16_full_eval=peer.test.precision == "bfloat16",
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = Trainer(model=model, args=arguments, data_collator=collator(job))
    gc.collect()
    return lambda: trainer.predict(table).predictions


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
    """`SentenceTransformer.encode`, mean pooling, in bfloat16; it tokenises too."""

    test: Test
    batch: int = 32

    @property
    def name(self) -> str:
        return f"SentenceTransformer.encode, batch {self.batch}"

    def run(self, gate: Gate) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        texts = [example.text for example in self.test.examples()]
        words = Transformer(
            str(self.test.job.folder),
            max_seq_length=128,
            model_kwargs={"dtype": torch.bfloat16, "add_pooling_layer": False},
        )
        pooling = Pooling(words.get_embedding_dimension(), pooling_mode="mean")
        model = SentenceTransformer(modules=[words, pooling], device="cpu")
        gate.loaded()

        def run() -> Any:
            return model.encode(texts, batch_size=self.batch, show_progress_bar=False)

        serve(gate, run, ours.sentences(self.test.job, texts))


@dataclass(frozen=True, kw_only=True)
class LayoverEncode:
    """Our sentence vectors of the last layer; it tokenises too."""

    test: Test

    name = "Layover"

    def run(self, gate: Gate) -> None:
        texts = [example.text for example in self.test.examples()]
        run = ours.encoder(self.test.job, texts)
        gate.loaded()
        serve(gate, run, ours.sentences(self.test.job, texts))


def run(rounds: int, small: bool) -> list[Row]:
    shape, size = ("toy", 4) if small else ("base", 12)
    low = Test(shape=shape, size=size)
    full = Test(shape=shape, size=size, precision="float32")
    stock, tuned = Predictor(test=low), Predictor(test=low, batch=16, grouped=True)
    goals = {stock.name: 2.2, tuned.name: 1.3, Predictor(test=full).name: 4.0}
    mine = LayoverPredictor(test=low)
    peers = [Predictor(test=full), stock, tuned]
    found = duels("evaluation, 15 languages", peers, mine, rounds, goals, "examples")
    found += duels(
        "evaluation, float32",
        [Predictor(test=full, batch=16, grouped=True)],
        LayoverPredictor(test=full),
        rounds,
        unit="examples",
    )
    if real() and not small:
        encode = [Encode(test=low)]
        found += duels("sentence vectors", encode, LayoverEncode(test=low), rounds, unit="examples")
    return found


def main() -> None:
    chosen = options(__doc__ or "", 5).parse_args()
    show(run(chosen.rounds, chosen.quick), chosen.json)


if __name__ == "__main__":
    main()
