"""The race: what it measures, and of whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.__main__ import Page
from benchmarks.evaluate import neighbours
from benchmarks.harness import Lap, Result, race
from benchmarks.plan import WARM, plan, tokens
from benchmarks.show import Duel, Goal, cells, goals, header, row
from benchmarks.study import counts
from benchmarks.text import (
    NLI,
    QA,
    ROWS,
    TAGGING,
    TEXT,
    Work,
    fillers,
    lengths,
    units,
    within,
)
from contenders import Broken, Ending, Sleeper

pytestmark = pytest.mark.slow


def test_the_ratio_is_that_of_the_rates_and_ours_is_the_last() -> None:
    contenders = [
        Sleeper(name="slow", seconds=1.0, memory=200 * 2**20),
        Sleeper(name="ours", seconds=0.5, memory=50 * 2**20),
    ]
    results = race(contenders, 2)
    slow = row("sleep", *results, Goal(speed=1.5, memory=0.1, checkpoint=0.4), "tokens")
    assert slow.ratio == pytest.approx(2, rel=0.2) and slow.low <= slow.ratio <= slow.high
    assert slow.rate == pytest.approx(100, rel=0.2) and slow.ours == pytest.approx(200, rel=0.2)
    assert slow.growth == pytest.approx(200 * 2**20, rel=0.2)
    assert slow.memory_ratio == pytest.approx(0.25, rel=0.3)
    assert goals(slow) == "1.5x: met, memory 0.1: not met, checkpoint 0.4: not measured"
    assert len(cells(slow)) == len(header("tokens"))


def lap(tokens: int, seconds: float) -> Lap:
    return Lap(wall=seconds, cpu=seconds, tokens=tokens, examples=1)


def result(*laps: Lap, growth: int = 0) -> Result:
    return Result(name="one", laps=laps, growth=growth, notes={})


def test_a_ratio_is_of_all_tokens_over_all_seconds_however_unequal_the_rounds() -> None:
    even = result(*(lap(300, 1.0) for _ in range(5)))
    # As fast at every length; a median of rounds would call it faster or slower.
    uneven = result(*(lap(tokens, tokens / 300) for tokens in (400, 330, 255, 215, 300)))
    compared = row("work", uneven, even, Goal(), "tokens")
    assert compared.ratio == pytest.approx(1) and compared.low == pytest.approx(compared.high)
    costly = result(lap(100, 1.0), lap(100, 1.0), lap(1000, 40.0))
    compared = row("work", costly, result(*even.laps[:3]), Goal(), "tokens")
    assert compared.ratio == pytest.approx(300 / (1200 / 42))
    assert compared.low < compared.ratio < compared.high


def test_memory_that_did_not_grow_is_printed_as_0() -> None:
    none = row(
        "work", result(lap(1, 1.0)), result(lap(1, 1.0), growth=1), Goal(memory=0.5), "tokens"
    )
    assert none.memory_ratio is None and goals(none) == "memory 0.5: not measured"
    assert "0.00 GB" in cells(none)


def test_memory_of_a_trainings_end_counts_and_what_was_forgotten_does_not() -> None:
    early, late = race([Ending(name="early", forgets=True), Ending(name="late")], 1)
    assert early.growth < 50 * 2**20 < 150 * 2**20 < late.growth


def test_a_contender_that_fails_ends_the_race_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"^broken: ValueError\('no such model'\)\nTraceback"):
        race([Broken()], 1)


def test_a_race_that_fails_is_written_down_and_takes_no_other_along(tmp_path: Path) -> None:
    page = Page(tmp_path / "RESULTS.md", "# Measured\n", as_json=False)
    ours = Sleeper(name="ours", seconds=0.01)
    rows = []
    for peer in (Sleeper(name="slow", seconds=0.02), Broken(), Sleeper(name="late", seconds=0.02)):
        duel = Duel(work="sleep", peer=peer, ours=ours, rounds=1)
        with page.noting(f"{duel.work}, {peer.name}"):
            rows.append(duel.run())
            page.rows(rows)
    written = (tmp_path / "RESULTS.md").read_text()
    assert "* sleep, broken: broken: ValueError('no such model')\n" in written
    assert "| sleep | slow |" in written and "| sleep | late |" in written


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(
    ("work", "steps", "rounds"),
    [(NLI, 2, 5), (QA, 2, 5), (TAGGING, 2, 5), (TEXT, 1, 5), (NLI, 40, 5)],
)
def test_all_rounds_together_have_an_epochs_mean_of_tokens(
    work: Work, steps: int, rounds: int, grouped: bool
) -> None:
    known, batch = units(work), 8 if work is QA else 32
    mean = sum(map(tokens, known)) / len(known)
    chosen = plan(known, batch, rounds, steps, grouped)
    assert len(chosen.batches) == WARM + rounds * steps
    done = [chosen.done(WARM + (at + 1) * steps, known) for at in range(rounds)]
    assert all(examples == steps * batch for _, examples in done)
    total = sum(count for count, _ in done) / (rounds * steps * batch)
    assert total == pytest.approx(mean, rel=0.01)


def test_grouped_batches_need_little_padding() -> None:
    known = units(NLI)

    def waste(grouped: bool) -> float:
        found = plan(known, 32, 4, 5, grouped).batches[WARM:]
        sizes = [[tokens(known[index]) for index in batch] for batch in found]
        return 1 - sum(map(sum, sizes)) / sum(32 * max(batch) for batch in sizes)

    assert waste(grouped=True) < 0.1 < 0.4 < waste(grouped=False)


def test_lengths_follow_their_deciles() -> None:
    found = lengths((10, 20, 40), 5)
    assert found == [10, 15, 20, 30, 40]


def test_fillers_bring_a_corpus_to_a_tenth_of_the_rows() -> None:
    known = units(NLI)[:200]
    ids = {token for unit in [*known, *fillers(known)] for token in unit.sequences[0]}
    assert len(ids) == pytest.approx(25_000, rel=0.01) and max(ids) < ROWS
    assert fillers(known, rows=10) == []


def test_a_small_encoder_is_given_ids_that_it_has() -> None:
    known = units(NLI)[:50]
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
    assert scripts.unknown == ours.unknown


def test_a_sample_holds_neighbours_in_length_and_the_whole_range() -> None:
    sizes = lengths(NLI.deciles, 6_000)
    chosen = neighbours(sizes, 3)
    assert len(set(chosen)) == 3 * 64 and chosen == sorted(chosen)
    found = sorted(sizes[at] for at in chosen)
    for at in range(0, len(found), 64):
        assert found[at + 63] - found[at] <= 2
    assert found[0] < 25 and found[-1] > 55
