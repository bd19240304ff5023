"""A whole study: everything is done once, and what it writes is what everyone can load."""

import importlib.metadata

import torch

import stock
from layover.executors.execute import Outcome, plan
from layover.inference.masking import mask
from layover.measured import measurements
from layover.modeling.batch import collate
from layover.modeling.features import Features
from layover.modeling.heads import HEADS
from layover.modeling.load import load_whole
from layover.report.html import render
from layover.results import report
from layover.stages import Train
from layover.store import Store
from layover.study import Study
from layover.tasks.mixture import parts_of
from layover.tasks.task import load

Run = tuple[Store, Outcome]


def test_a_study_runs_to_the_end(tiny: Study, tiny_run: Run) -> None:
    store, outcome = tiny_run
    assert [str(error) for _, error in outcome.failed] == []
    assert len(outcome.done) == len(tiny.stages)
    assert len(measurements(tiny, store)) == 18


def test_a_second_run_does_nothing(tiny: Study, tiny_run: Run) -> None:
    assert plan(tiny, tiny_run[0]).todo == ()


def test_shared_stages_are_done_once(tiny: Study) -> None:
    # One MLM, two intermediate trainings, four trained targets for each of three arms.
    assert sum(isinstance(stage, Train) for stage in tiny.stages) == 1 + 2 + 12


def test_the_report_of_a_real_store_renders(tiny: Study, tiny_run: Run) -> None:
    page = render(report(tiny, tiny_run[0]))
    assert "tags + mlm" in page


def test_every_model_gives_the_same_logits_under_its_auto_class(tiny: Study, tiny_run: Run) -> None:
    store, _ = tiny_run
    trainings = [stage for stage in tiny.stages if isinstance(stage, Train)]
    seen = set()
    for stage, data in [(one, data) for one in trainings for data in parts_of(one.data)]:
        task = data.task
        if task.type.head == "dual":
            # No Auto class has its scale: see tests/modeling/test_dual.py.
            continue
        folder = store.result(stage) / "models" / task.name
        kind = task.type.head
        model = load_whole(folder)
        units = Features.of(
            task.type.encode(load(data, store.result).items[:4], model.tokenizer, 128)
        )
        batch = collate(units, range(len(units)))
        if kind == "lm":
            batch = mask(batch, model.tokenizer, 0.15, (0,))
        with torch.no_grad():
            mine = HEADS[kind].logits(model.heads[task.name].eval(), batch)
            theirs = stock.logits(
                stock.stock(folder, kind), kind, batch, model.tokenizer.pad_token_id
            )
        assert torch.allclose(mine, theirs, atol=1e-5)
        seen.add(kind)
    assert len(seen) == 5


def test_a_record_holds_what_was_used(tiny: Study, tiny_run: Run) -> None:
    record = tiny_run[0].record(tiny.stages[-1])
    assert record is not None
    assert record["versions"]["torch"] == importlib.metadata.version("torch")
    assert record["resources"]["threads"] == 1
    assert record["parents"] == [parent.key for parent in tiny.stages[-1].parents]
