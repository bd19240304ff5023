"""Percentiles, rates and ratios, and what their intervals rest on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from layover.bench.samples import Sample, read, write
from layover.bench.summary import Cost, costs, ratio
from layover.errors import DamagedResult, ResultError

ROUNDS, REQUESTS = 12, 15


def samples(
    seconds: Callable[[int, int, int], float], model: str = "one", launches: int = 1
) -> list[Sample]:
    """Requests of two examples; `seconds(launch, round, request)`, a quarter of it tokenising."""
    return [
        Sample(
            model=model,
            backend="eager",
            launch=launch,
            round=number,
            place=0,
            language=("eng", "deu")[request % 2],
            batch=2,
            tokens=20,
            padded=25,
            tokenise=seconds(launch, number, request) / 4,
            run=seconds(launch, number, request) * 3 / 4,
        )
        for launch in range(launches)
        for number in range(ROUNDS)
        for request in range(2 * REQUESTS)
    ]


def drawn(seed: int) -> Callable[[int, int, int], float]:
    table = np.random.default_rng(seed).gamma(3.0, size=(9, ROUNDS, 2 * REQUESTS)) / 1e3
    return lambda launch, number, request: float(table[launch, number, request])


def of(found: tuple[Cost, ...], language: str) -> Cost:
    return next(one for one in found if one.language == language)


def test_percentiles_are_numpys_over_the_requests_of_all_rounds() -> None:
    made = samples(drawn(0))
    for language in ("", "eng", "deu"):
        mine = [1e3 * one.whole for one in made if language in ("", one.language)]
        found = of(costs(made), language)
        assert [found.p50.estimate, found.p95.estimate, found.p99.estimate] == pytest.approx(
            list(np.percentile(mine, (50, 95, 99)))
        )
        assert found.requests == len(mine) and found.rounds == ROUNDS
        assert found.p50.low < found.p50.estimate < found.p50.high


def test_the_rate_is_all_examples_over_all_seconds_and_text_is_counted_without_padding() -> None:
    made = samples(drawn(1))
    found = of(costs(made), "eng")
    mine = [one for one in made if one.language == "eng"]
    assert found.throughput.estimate == pytest.approx(2 * len(mine) / sum(m.whole for m in mine))
    assert found.tokens == 10 and found.padding == pytest.approx(0.2)
    assert found.tokenise.estimate == pytest.approx(found.run.estimate / 3)


def test_intervals_are_over_rounds_not_over_requests() -> None:
    noise = np.random.default_rng(2).normal(size=ROUNDS)
    shaken = of(costs(samples(lambda launch, number, request: 1 + 0.1 * noise[number])), "")
    spread = (shaken.throughput.high - shaken.throughput.low) / shaken.throughput.estimate
    # The mean of twelve rounds; as many requests would make it a fifth of that.
    assert spread == pytest.approx(4 * 0.1 * noise.std() / math.sqrt(ROUNDS), rel=0.3)


@pytest.mark.slow
def test_an_interval_over_three_launches_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        shift = np.exp(rng.normal(0, 0.05, size=3))
        noise = np.exp(rng.normal(0, 0.02, size=(3, 4)))
        made = [
            replace(one, run=shift[one.launch] * noise[one.launch, one.round], tokenise=1e-9)
            for one in samples(lambda launch, number, request: 1.0, launches=3)
            if one.round < 4 and one.language == "eng"
        ]
        found = of(costs(made), "")
        held += found.p50.low < 1_000 < found.p50.high
    assert held > 180


def test_a_single_round_has_no_interval() -> None:
    found = of(costs([one for one in samples(drawn(8)) if one.round == 0]), "")
    assert found.p50.estimate > 0 and math.isnan(found.p50.low)


def test_languages_that_are_one_row_are_those_that_were_named() -> None:
    made = samples(drawn(9))
    found = costs(made, ("deu",))
    assert of(found, "").p50 == of(found, "deu").p50 != of(found, "eng").p50
    assert not [one for one in costs(made, ()) if not one.language]


def test_where_processes_were_started_several_times_the_starts_are_drawn_too() -> None:
    shift = (0.0, 0.3, 0.1, -0.2)
    made = samples(lambda launch, number, request: 1 + shift[launch], launches=4)
    assert of(costs(made), "").p50.high > 1_250
    assert of(costs(made[: len(made) // 4]), "").p50.high == pytest.approx(1_000)


def test_what_slows_a_round_cancels_in_a_ratio() -> None:
    noise = np.random.default_rng(3).uniform(1, 3, size=ROUNDS)
    one = samples(lambda launch, number, request: 2 * noise[number])
    two = samples(lambda launch, number, request: noise[number], model="two")
    found = ratio([*one, *two], ("one", "eager"), ("two", "eager"), 2)
    assert math.exp(found.estimate) == pytest.approx(2)
    assert found.high - found.low < 1e-9 and found.seeds == ROUNDS


def test_a_ratio_over_several_launches_rests_on_the_launches() -> None:
    shift = (1.0, 1.1, 0.95)
    one = samples(lambda launch, number, request: shift[launch], launches=3)
    two = samples(lambda launch, number, request: 1.0, model="two", launches=3)
    found = ratio([*one, *two], ("one", "eager"), ("two", "eager"), 2)
    assert [value for _, value in found.by_seed] == pytest.approx([math.log(s) for s in shift])
    assert found.low < 0 < found.high


def test_rounds_that_only_one_has_do_not_count_and_a_single_one_has_no_interval() -> None:
    one = samples(drawn(4))
    two = [one for one in samples(drawn(5), model="two") if one.round == 3]
    found = ratio([*one, *two], ("one", "eager"), ("two", "eager"), 2)
    assert found.seeds == 1 and math.isnan(found.low)
    assert ratio(one, ("one", "eager"), ("two", "eager"), 2).seeds == 0


def test_rounds_with_different_numbers_of_requests_are_refused() -> None:
    with pytest.raises(ResultError, match="different numbers of requests"):
        costs(samples(drawn(6))[:-1])


def test_samples_come_back_from_their_file_and_other_files_are_refused(tmp_path: Path) -> None:
    made = samples(drawn(7))
    write(made, tmp_path / "samples.parquet")
    assert read(tmp_path / "samples.parquet") == tuple(made)
    (tmp_path / "other").write_bytes(b"nothing of the kind")
    with pytest.raises(DamagedResult, match="does not hold requests"):
        read(tmp_path / "other")
