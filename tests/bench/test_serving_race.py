"""The race: the same requests for all, in an order of each round's own, one at a time; and what
becomes of those that disagree or fail."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from served import LENGTH, examples, write_model

from layover.bench import backends, race
from layover.bench.agreement import CLOSE
from layover.bench.backends import BACKENDS, Backend, Opened
from layover.bench.benchmark import Aim, measure
from layover.bench.race import Outcome, Setup
from layover.bench.samples import read
from layover.bench.show import short, tables, told
from layover.bench.workload import Workload
from layover.errors import DataError, LayoverError, ModelError
from layover.metrics.accuracy import ACCURACY

pytestmark = pytest.mark.slow

SETUP = Setup(batches=(1, 4), rounds=6, requests=2)


def run(
    folder: Path, models: dict[str, Path], names: tuple[str, ...] = (), setup: Setup = SETUP
) -> Outcome:
    folder.mkdir()
    aim = Aim(
        models=models,
        backends=names,
        examples=examples(),
        metric=ACCURACY,
        max_length=LENGTH,
    )
    return measure(aim, setup, folder, lambda message: None)


def also(monkeypatch: pytest.MonkeyPatch, name: str, shift: float, exact: bool = True) -> None:
    """A backend whose scores are the reference's and a little more."""
    usual = BACKENDS["eager"]

    def opened(folder: Path, threads: int) -> Opened:
        found = usual.open(folder, threads)
        return replace(found, run=lambda inputs: found.run(inputs) + shift)

    fake = Backend(name=name, exact=exact, open=opened)
    monkeypatch.setitem(backends.BACKENDS, name, fake)


@pytest.fixture
def two(models: dict[str, Path], vocabulary: Path, tmp_path: Path) -> dict[str, Path]:
    other = write_model("sequence", vocabulary, tmp_path / "other", seed=1)
    return {"one": models["sequence"], "two": other}


@pytest.mark.usefixtures("in_process")
def test_all_answer_the_same_requests_and_take_turns_in_orders_of_their_own(
    two: dict[str, Path], tmp_path: Path
) -> None:
    found = run(tmp_path / "out", two, setup=replace(SETUP, launches=2)).samples
    rounds: dict[tuple[int, int], dict[str, list[Any]]] = {}
    for one in found:
        asked = (one.language, one.batch, one.tokens, one.padded)
        rounds.setdefault((one.launch, one.round), {}).setdefault(one.model, []).append(asked)
    assert len(rounds) == 12 and all(turn["one"] == turn["two"] for turn in rounds.values())
    assert len({tuple(turn["one"]) for turn in rounds.values()}) == 12
    first = Counter(one.model for one in found if one.place == 0)
    assert set(first) == {"one", "two"}
    counted = Counter((one.model, one.language, one.batch) for one in found)
    assert set(counted.values()) == {12 * SETUP.requests} and len(counted) == 8


def test_what_is_said_is_compared_before_anything_is_timed(
    two: dict[str, Path], tmp_path: Path, in_process: list[str]
) -> None:
    run(tmp_path / "out", two)
    assert in_process.index("turn") > in_process.index("warm")
    assert "outputs" not in in_process[in_process.index("warm") :]
    assert in_process.count("outputs") == 4 and in_process.count("close") == 2


@pytest.mark.usefixtures("in_process")
def test_a_backend_that_disagrees_is_shown_and_not_timed(
    two: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    also(monkeypatch, "wrong", 0.1)
    also(monkeypatch, "rounding", 0.01 * CLOSE)
    also(monkeypatch, "coarse", 0.1, exact=False)
    found = run(tmp_path / "out", {"one": two["one"]}, ("wrong", "rounding", "coarse"))
    facts = {name: each for (_, name), each in found.facts.items()}
    known = {name: each.agreement.verdict for name, each in facts.items() if each.agreement}
    assert known == {
        "eager": "reference",
        "wrong": "differs",
        "rounding": "equal",
        "coarse": "approximate",
    }
    assert "it is not timed" in facts["wrong"].failure
    assert {one.backend for one in found.samples} == {"eager", "rounding", "coarse"}
    agreement = facts["coarse"].agreement
    assert agreement and agreement.difference == pytest.approx(0.1, rel=1e-4)
    assert agreement.same == 1.0 and set(agreement.quality) == {"eng", "deu"}


@pytest.mark.usefixtures("in_process")
def test_scores_that_are_no_numbers_are_not_close(
    two: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    also(monkeypatch, "broken", math.nan, exact=False)
    found = run(tmp_path / "out", {"one": two["one"]}, ("broken",))
    assert "differs" in found.facts["one", "broken"].failure
    assert {one.backend for one in found.samples} == {"eager"}


@pytest.mark.usefixtures("in_process")
def test_one_that_fails_leaves_the_others_what_they_measured(
    two: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, left = BACKENDS["eager"], [40]

    def opened(folder: Path, threads: int) -> Opened:
        found = usual.open(folder, threads)

        def serve(inputs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("the graph is gone\nand so am I")
            return found.run(inputs)

        return replace(found, run=serve)

    monkeypatch.setitem(backends.BACKENDS, "frail", Backend(name="frail", open=opened))
    found = run(tmp_path / "out", {"one": two["one"]}, ("frail",))
    assert found.facts["one", "frail"].failure == "RuntimeError: the graph is gone"
    kept = read(tmp_path / "out" / "samples.parquet")
    by_backend = Counter(one.backend for one in kept)
    assert by_backend["eager"] == 6 * 8 and 0 < by_backend["frail"] < 6 * 8
    told = json.loads((tmp_path / "out" / "bench.json").read_text(encoding="utf-8"))
    assert [one["failure"][:12] for one in told["contenders"]] == ["", "RuntimeError"]


@pytest.mark.usefixtures("in_process")
def test_the_models_of_others_race_on_where_one_folder_is_broken(
    two: dict[str, Path], tmp_path: Path
) -> None:
    (two["two"] / "model.safetensors").write_bytes(b"half of it")
    found = run(tmp_path / "out", two)
    assert "is damaged" in found.facts["two", "eager"].failure
    assert {one.model for one in found.samples} == {"one"} and len(found.samples) == 48


def test_processes_of_their_own_serve_without_torch_where_they_need_none(
    models: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    setup = Setup(batches=(1,), rounds=2, requests=1)
    found = run(tmp_path / "out", {"one": models["sequence"]}, ("onnx",), setup)
    eager, graph = found.facts["one", "eager"], found.facts["one", "onnx"]
    assert not eager.failure and not graph.failure, found.facts
    assert eager.torch and not graph.torch
    assert graph.memory < eager.memory
    assert len(found.samples) == 2 * 2 * 2
    assert all(one.tokenise > 0 and one.run > 0 for one in found.samples)


@pytest.mark.usefixtures("in_process")
def test_the_view_shows_agreement_first_and_every_language(
    two: dict[str, Path], tmp_path: Path
) -> None:
    from rich.console import Console

    console = Console(width=80, record=True, file=StringIO())
    for part in tables(run(tmp_path / "out", two), "accuracy@1"):
        console.print(part)
    text = console.export_text()
    assert text.index("Agreement") < text.index("Requests of 1")
    assert "eng" in text and "deu" in text and "accuracy@1" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_batch_that_no_language_can_fill_is_refused() -> None:
    work = Workload.of(examples(), LENGTH)
    work.check((1, 12))
    with pytest.raises(DataError, match="has 12 examples, and a batch of 13"):
        work.check((1, 13))


def test_nothing_can_be_measured_in_no_rounds() -> None:
    with pytest.raises(ModelError, match="1 at least"):
        Setup(rounds=0)


def test_a_process_that_dies_says_how(tmp_path: Path) -> None:
    serving = race.Process(tmp_path, 1)
    serving.child.process.kill()
    with pytest.raises(LayoverError, match="its process died of SIGKILL"):
        serving.ask("peak")
        serving.ask("peak")
    serving.close()


def test_numbers_for_people_have_the_sign_that_people_write() -> None:
    assert [told(-1.25, ".1f"), told(2e-7, ".1g"), told(math.nan, ".1f")] == ["−1.2", "2e−07", "-"]
    assert [short(value) for value in (-123.4, 123.4, 0.00001234)] == ["−123", "123", "1.23e−05"]
