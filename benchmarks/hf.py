"""What a user would pick instead: Hugging Face's Trainer, as it comes and tuned."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import Finished, Gate, accelerated, folder_size
from benchmarks.text import tokenizer
from benchmarks.training import Job, watch
from layover.tasks.task import Unit


@dataclass(frozen=True, kw_only=True)
class HuggingFace:
    """Trainer with padding to the longest of a batch; `grouped`: and with length grouping, at
    micro-batches of `micro`."""

    job: Job
    grouped: bool = False
    micro: int = 0
    """Examples computed at once; 0: all of a step's."""
    workers: int = 0

    @property
    def name(self) -> str:
        return "Trainer, tuned" if self.grouped else "Trainer"

    def run(self, gate: Gate) -> None:
        job = self.job
        units = job.units()
        chosen = job.plan(units, self.grouped)
        table = dataset([units[index] for index in chosen.order], job)
        model = head(job)
        gc.collect()
        gate.loaded()
        unwatch = watch(gate, chosen, units)
        with tempfile.TemporaryDirectory() as folder:
            trainer = self.trainer(model, table, len(chosen.batches), Path(folder))
            try:
                trainer.train()
            except Finished:
                unwatch()
                if job.checkpoint:
                    trainer._save_checkpoint(model, trial=None)
                    (written,) = Path(folder).glob("checkpoint-*")
                    gate.notes["checkpoint"] = folder_size(written)
                # The end of a training takes memory too.
                trainer.save_model(str(Path(folder) / "model"))
                raise

    def trainer(self, model: Any, table: Any, steps: int, folder: Path, **more: Any) -> Any:
        from transformers import PrinterCallback, Trainer, TrainingArguments

        job = self.job
        micro = self.micro or job.batch
        arguments: dict[str, Any] = {
            "output_dir": str(folder),
            "max_steps": steps,
            "per_device_train_batch_size": micro,
            "gradient_accumulation_steps": job.batch // micro,
            "learning_rate": 2e-5,
            "bf16": job.precision == "bfloat16",
            "optim": "adamw_torch_fused",
            # The order of the plan, which is that of the strategy that is raced.
            "train_sampling_strategy": "sequential",
            "dataloader_num_workers": self.workers,
            "dataloader_pin_memory": False,
            "logging_strategy": "no",
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "use_cpu": not accelerated(),
            **more,
        }
        made = Trainer(
            model=model,
            args=TrainingArguments(**arguments),
            train_dataset=table,
            data_collator=collator(job),
        )
        # Standard output is for lines of JSON.
        made.remove_callback(PrinterCallback)
        return made


def head(job: Job, seed: int = 0, **settings: Any) -> Any:
    """The stock model for a job, with a new head drawn from `seed`."""
    import torch
    import transformers

    from layover.modeling.heads import HEADS

    kind = job.what.task.type
    if kind.labels:
        settings["num_labels"] = len(kind.labels)
    torch.manual_seed(seed)
    auto = getattr(transformers, HEADS[kind.head].auto)
    model = auto.from_pretrained(job.folder, dtype=torch.float32, **settings)
    for weight in model.parameters():
        # Weights are mapped from their file: until they are read they take no memory, and what
        # they take then would count as growth.
        weight.sum()
    return model


def dataset(units: Sequence[Unit], job: Job) -> Any:
    """The same examples as a `datasets.Dataset`."""
    from datasets import Dataset

    columns: dict[str, Any] = {"input_ids": [list(unit.sequences[0]) for unit in units]}
    kind = job.what.task.type.head
    if kind == "span":
        columns["start_positions"] = [unit.target[0] for unit in units]
        columns["end_positions"] = [unit.target[1] for unit in units]
    elif kind == "sequence":
        columns["labels"] = [unit.target[0] for unit in units]
    elif kind == "token":
        columns["labels"] = [list(unit.target) for unit in units]
    return Dataset.from_dict(columns)


def collator(job: Job) -> Any:
    """The collator that transformers has for the job."""
    from transformers import (
        DataCollatorForLanguageModeling,
        DataCollatorForTokenClassification,
        DataCollatorWithPadding,
    )

    kind = job.what.task.type.head
    if kind == "lm":
        return DataCollatorForLanguageModeling(tokenizer(), mlm_probability=0.15)
    if kind == "token":
        return DataCollatorForTokenClassification(tokenizer())
    return DataCollatorWithPadding(tokenizer())
