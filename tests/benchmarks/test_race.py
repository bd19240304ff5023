"""The race: what it measures, and of whom."""

from __future__ import annotations

import pytest
from benchmarks.harness import race
from benchmarks.plan import WARM, plan, tokens
from benchmarks.show import cells, rows
from benchmarks.study import counts
from benchmarks.text import NLI, ROWS, fillers, lengths, units, within
from contenders import Broken, Sleeper


def test_the_ratio_is_that_of_the_rates_and_ours_is_the_last() -> None:
    contenders = [
        Sleeper(name="slow", seconds=1.0, memory=200 * 2**20),
        Sleeper(name="ours", seconds=0.5, memory=50 * 2**20),
    ]
    results = race(contenders, 2)
    slow, ours = rows("sleep", results, {"slow": 1.5})
    assert slow.ratio == pytest.approx(2, rel=0.2) and slow.low <= slow.ratio <= slow.high
    assert (slow.goal, ours.goal, ours.ratio) == (1.5, None, 1)
    assert slow.rate == pytest.approx(100, rel=0.2)
    assert slow.growth == pytest.approx(200 * 2**20, rel=0.2)
    assert slow.memory == pytest.approx(0.25, rel=0.3)
    assert cells(slow)[5] == "1.5x"


def test_a_contender_that_fails_ends_the_race_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"broken: .*\n(.*\n)*ValueError: no such model"):
        race([Broken()], 1)


def test_rounds_have_as_many_tokens_as_one_another_and_as_an_epoch() -> None:
    known = units(NLI, None)
    mean = sum(map(tokens, known)) / len(known)
    for grouped in (False, True):
        chosen = plan(known, 32, 4, 5, grouped)
        assert len(chosen.batches) == WARM + 4 * 5
        for end in range(WARM + 5, WARM + 21, 5):
            done, examples = chosen.done(end, known)
            assert examples == 5 * 32
            assert done / examples == pytest.approx(mean, rel=0.15)


def test_grouped_batches_need_little_padding() -> None:
    known = units(NLI, None)

    def waste(grouped: bool) -> float:
        found = plan(known, 32, 4, 5, grouped).batches[WARM:]
        sizes = [[tokens(known[index]) for index in batch] for batch in found]
        return 1 - sum(map(sum, sizes)) / sum(32 * max(batch) for batch in sizes)

    assert waste(grouped=True) < 0.1 < 0.4 < waste(grouped=False)


def test_lengths_follow_their_deciles() -> None:
    found = lengths((10, 20, 40), 5)
    assert found == [10, 15, 20, 30, 40]


def test_fillers_bring_a_corpus_to_a_tenth_of_the_rows() -> None:
    known = units(NLI, None)[:200]
    ids = {token for unit in [*known, *fillers(known)] for token in unit.sequences[0]}
    assert len(ids) == pytest.approx(25_000, rel=0.01) and max(ids) < ROWS
    assert fillers(known, rows=10) == []


def test_a_small_encoder_is_given_ids_that_it_has() -> None:
    known = units(NLI, None)[:50]
    small = within(known, 2_000)
    assert [tokens(unit) for unit in small] == [tokens(unit) for unit in known]
    assert max(token for unit in small for token in unit.sequences[0]) < 2_000
    assert within(known, ROWS) == known


def test_a_study_trains_less_than_half_of_what_scripts_train() -> None:
    scripts, once, ours = counts()
    assert scripts.trainings == once.trainings == 9 * 9 * 3 * 2 + 9 * 3
    assert ours.trainings < scripts.trainings and ours.steps < 0.5 * scripts.steps
    assert ours.evaluations == once.evaluations == 10 * 9 * 3
    assert ours.cost < 0.5 * scripts.cost
