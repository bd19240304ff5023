"""A whole study: everything is done once, and what it writes is what everyone can load."""

import json
from pathlib import Path

import pytest
import torch
import transformers

from layover.errors import DamagedResult
from layover.executors.execute import Outcome, execute, plan
from layover.executors.local import Local
from layover.executors.process import Process
from layover.modeling.batch import collate
from layover.modeling.heads import HEADS
from layover.modeling.load import Model
from layover.report.html import render
from layover.results import measurements, report
from layover.stages import Train
from layover.store import Store
from layover.study import Origin, Study
from layover.tasks.mixture import parts_of
from layover.tasks.task import load

Run = tuple[Store, Outcome]


def test_a_study_runs_to_the_end(tiny: Study, tiny_run: Run) -> None:
    store, outcome = tiny_run
    assert [str(error) for _, error in outcome.failed] == []
    assert len(outcome.done) == len(tiny.stages)
    assert len(measurements(tiny, store)) == 12


def test_a_second_run_does_nothing(tiny: Study, tiny_run: Run) -> None:
    assert plan(tiny, tiny_run[0]).todo == ()


def test_shared_stages_are_done_once(tiny: Study) -> None:
    # One MLM, two intermediate trainings, three trained targets for each of three arms.
    assert sum(isinstance(stage, Train) for stage in tiny.stages) == 1 + 2 + 9


def test_the_report_of_a_real_store_renders(tiny: Study, tiny_run: Run) -> None:
    page = render(report(tiny, tiny_run[0]))
    assert "tags + mlm" in page


def test_every_model_gives_the_same_logits_under_its_auto_class(tiny: Study, tiny_run: Run) -> None:
    store, _ = tiny_run
    seen = set()
    for stage in tiny.stages:
        if not isinstance(stage, Train):
            continue
        for data in parts_of(stage.data):
            task = data.task
            folder = store.result(stage) / "models" / task.name
            head = HEADS[task.type.head]
            model = getattr(transformers, head.auto).from_pretrained(folder).eval()
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            ours = Model(
                tokenizer=tokenizer, heads=torch.nn.ModuleDict({task.name: model}), handoff=""
            )
            items = load(data, store.result).items[:4]
            if task.type.head in ("lm", "choice"):
                continue
            units = list(task.type.encode(items, tokenizer, 128))
            batch = collate(units, ours.padding)
            with torch.no_grad():
                mine = head.logits(model, batch)
                theirs = model(**batch.inputs)
            other = (
                torch.stack((theirs.start_logits, theirs.end_logits), dim=-1)
                if task.type.head == "span"
                else theirs.logits
            )
            keep = torch.isfinite(mine)
            assert torch.allclose(mine[keep], other[keep], atol=1e-5)
            seen.add(head.auto)
    assert len(seen) == 3


def test_worker_processes_finish_a_study_too(tiny: Study, tmp_path: Path) -> None:
    store = Store(tmp_path / "a store with spaces")
    origin = Origin(file=str(Path(__file__).parent / "tiny_study.py"))
    executor = Process(store, origin, 2, 1, lambda event: None)
    try:
        outcome = execute(tiny, store, executor)
    finally:
        executor.close()
    assert not outcome.failed
    assert plan(tiny, store).todo == ()


def test_a_truncated_result_is_named_and_made_anew(tiny: Study, tmp_path: Path) -> None:
    store = Store(tmp_path)
    world = tiny.stages[0]
    Local(store, lambda event: None).submit(world).result()
    (victim,) = store.result_folder(world).glob("mlm/qal.txt")
    victim.write_bytes(victim.read_bytes()[:-10])
    assert not store.complete(world)
    with pytest.raises(DamagedResult, match=r"qal\.txt"):
        Store(tmp_path).result(world)
    Local(Store(tmp_path), lambda event: None).submit(world).result()
    assert Store(tmp_path).complete(world)


def test_a_record_holds_what_was_used(tiny: Study, tiny_run: Run) -> None:
    record = tiny_run[0].record(tiny.stages[-1])
    assert record is not None
    assert json.dumps(record["versions"])
