"""Mixtures: declared shares, drawn as declared, each unit once in every pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layover import spec
from layover.errors import StudyError
from layover.tasks.mixture import Mixture, parts_of
from layover.tasks.mlm import MLM
from layover.tasks.panx import PANX
from layover.tasks.sick import SICK
from layover.tasks.task import Data, Task
from layover.tasks.xnli import XNLI
from layover.training.sampler import Sampler, language_shares


def data(task: Task) -> Data:
    return Data(task=task, split="train", languages=("eng",))


PARTS = (data(XNLI), data(PANX), data(SICK))
MORE = data(MLM)


def test_shares_are_proportional_to_the_sizes_by_default() -> None:
    assert Mixture(parts=PARTS).probabilities((10, 30, 60)) == (0.1, 0.3, 0.6)


def test_shares_may_be_uniform_or_explicit() -> None:
    sizes = (10, 30, 60)
    assert Mixture(parts=PARTS, sampling="uniform").probabilities(sizes) == (1 / 3,) * 3
    explicit = Mixture(parts=PARTS, sampling="explicit", weights=(1.0, 2.0, 5.0))
    assert explicit.probabilities(sizes) == (0.125, 0.25, 0.625)


def test_the_parts_of_a_training_are_its_data_or_its_mixtures() -> None:
    assert parts_of(Mixture(parts=PARTS)) == PARTS
    assert parts_of(PARTS[0]) == PARTS[:1]
    beside = Mixture(parts=PARTS[:1], beside=MORE, ratio=0.5)
    assert parts_of(beside) == (PARTS[0], MORE)
    assert beside.label == "xnli+mlm"


def test_what_is_missing_beside_the_parts_is_missing(tmp_path: Path) -> None:
    gone = replace(MORE, task=replace(MLM, source=replace(MLM.source, root=str(tmp_path))))
    beside = Mixture(parts=PARTS[:1], beside=gone, ratio=0.5)
    assert str(tmp_path / "mlm/en.txt") in list(beside.missing_files())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": ()}, "two or more different tasks"),
        ({"parts": PARTS[:1]}, r"two or more different tasks, not \['xnli'\]"),
        ({"parts": (PARTS[0], PARTS[0])}, r"two or more different tasks, not \['xnli', 'xnli'\]"),
        ({"parts": (), "beside": PARTS[0], "ratio": 0.5}, "two or more different tasks"),
        ({"beside": PARTS[1], "ratio": 0.5}, "two or more different tasks"),
        ({"beside": MORE}, "a ratio of 0.0: it is the share of the draws that `beside` has"),
        ({"beside": MORE, "ratio": 1.0}, r"a ratio of 1.0: .* less than 1"),
        ({"ratio": 0.5}, "a ratio of 0.5: .* goes with it only"),
        ({"cap": 10}, "a cap of 10: .* goes with sampling='capped' or 'temperature' only"),
        ({"sampling": "capped", "cap": 0}, "a cap of 0: it must be 1 or more"),
        ({"temperature": 4.0}, "a temperature of 4.0: .* with sampling='temperature' only"),
        ({"sampling": "temperature", "temperature": 0.5}, "temperature of 0.5: it must be 1 or"),
        ({"sampling": "explicit"}, "weights go with sampling='explicit'"),
        ({"weights": (1.0, 1.0, 1.0)}, "weights go with sampling='explicit'"),
        ({"sampling": "explicit", "weights": (1.0, 1.0)}, "3 tasks needs 3 positive weights"),
        ({"sampling": "explicit", "weights": (1.0, 0.0, 1.0)}, "3 positive weights, not .*0.0"),
        ({"sampling": "explicit", "weights": (1.0, -1.0, 1.0)}, "3 positive weights, not .*-1.0"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        Mixture(**{"parts": PARTS, **changes})


def sampler(
    sizes: tuple[int, ...], shares: tuple[float, ...], steps: int, seed: int = 0, batch: int = 8
) -> Sampler:
    return Sampler(
        sizes=tuple((size,) for size in sizes),
        shares=((1.0,),) * len(sizes),
        probabilities=shares,
        batch=batch,
        steps=steps,
        seed=seed,
    )


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.2, 0.3, 0.5)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_parts_are_drawn_by_their_shares(shares: tuple[float, ...], seed: int) -> None:
    steps = 4_000
    drawn = Counter(sampler((50,) * len(shares), shares, steps, seed).parts.tolist())
    for part, share in enumerate(shares):
        assert abs(drawn[part] - steps * share) < 4 * np.sqrt(steps * share * (1 - share))


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    batch=st.integers(1, 12),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_every_pass_over_a_part_visits_each_unit_once(
    sizes: list[int], batch: int, seed: int
) -> None:
    shares = (1 / len(sizes),) * len(sizes)
    draws = sampler(tuple(sizes), shares, 60, seed, batch)
    seen: dict[int, list[int]] = {part: [] for part in range(len(sizes))}
    for step in range(60):
        ((part, units),) = draws.at(step)
        assert len(units) == batch
        seen[part] += units
    for part, size in enumerate(sizes):
        for start in range(0, len(seen[part]) - size + 1, size):
            assert sorted(seen[part][start : start + size]) == list(range(size))


def test_passes_have_different_orders() -> None:
    draws = sampler((64,), (1.0,), 16)
    first, second = ([draws.at(start + step) for step in range(8)] for start in (0, 8))
    assert first != second


def test_a_step_follows_from_the_seed_alone() -> None:
    args = ((30, 20), (0.7, 0.3), 50)
    forwards = [sampler(*args, seed=5).at(step) for step in range(50)]
    other = sampler(*args, seed=5)
    assert [other.at(step) for step in reversed(range(50))] == forwards[::-1]
    assert sampler(*args, seed=5).at(37) == forwards[37]


def test_seeds_give_different_draws() -> None:
    args = ((30, 20), (0.7, 0.3), 50)
    mine, theirs = (sampler(*args, seed=seed) for seed in (5, 6))
    assert mine.parts.tolist() != theirs.parts.tolist()
    assert mine.at(0) != theirs.at(0)


ALL = replace(MORE, languages=("eng", "deu", "fra"))
BATCH = 8


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        # 2, 3 and 13 steps.
        ({}, 18),
        ({"sampling": "uniform"}, 18),
        ({"sampling": "explicit", "weights": (1.0, 1.0, 8.0)}, 18),
        ({"sampling": "capped", "cap": 20}, 2 + 3 + 3),
        ({"sampling": "temperature", "cap": 20}, 2 + 3 + 3),
        # 127 units.
        ({"each_step": "several"}, 16),
        ({"sampling": "capped", "cap": 20, "each_step": "several"}, 6),
        ({"beside": ALL, "ratio": 0.5}, 36),
        ({"beside": ALL, "ratio": 0.1}, 20),
    ],
)
def test_an_epoch_sees_every_main_part_once(changes: dict[str, Any], steps: int) -> None:
    mixture = Mixture(parts=PARTS, **changes)
    sizes = (9, 17, 101, 1_000)[: len(parts_of(mixture))]
    assert mixture.steps_per_epoch(sizes, BATCH) == steps


def test_an_epoch_of_one_part_visits_every_unit_once() -> None:
    draws = sampler((48,), (1.0,), 6)
    seen = [unit for step in range(6) for _, units in draws.at(step) for unit in units]
    assert sorted(seen) == list(range(48))


# Every sampling draws what it declares

SIZES = (30, 200, 1_000, 90)
SAMPLINGS: dict[str, tuple[dict[str, Any], tuple[float, ...]]] = {
    "proportional": ({}, (30 / 1230, 200 / 1230, 1000 / 1230)),
    "capped": ({"sampling": "capped", "cap": 100}, (30 / 230, 100 / 230, 100 / 230)),
    "temperature": (
        {"sampling": "temperature", "temperature": 2.0, "cap": 900},
        tuple(np.sqrt((30, 200, 900)) / np.sqrt((30, 200, 900)).sum()),
    ),
    "uniform": ({"sampling": "uniform"}, (1 / 3, 1 / 3, 1 / 3)),
    "explicit": ({"sampling": "explicit", "weights": (2.0, 1.0, 1.0)}, (0.5, 0.25, 0.25)),
    "beside": ({"beside": ALL, "ratio": 0.2}, (24 / 1230, 160 / 1230, 800 / 1230, 0.2)),
    "beside one": ({"parts": PARTS[:1], "beside": ALL, "ratio": 0.3}, (0.7, 0.3)),
}


def drawn_by(mixture: Mixture, steps: int, seed: int = 0) -> Sampler:
    sizes = SIZES[: len(parts_of(mixture))]
    return replace(
        sampler(sizes, mixture.probabilities(sizes), steps, seed),
        several=mixture.each_step == "several",
    )


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("each_step", ["one task", "several"])
def test_every_sampling_draws_the_shares_that_it_declares(name: str, each_step: Any) -> None:
    changes, expected = SAMPLINGS[name]
    mixture = Mixture(**{"parts": PARTS, **changes, "each_step": each_step})
    assert mixture.probabilities(SIZES[: len(expected)]) == pytest.approx(expected)
    # Past the first block of steps.
    steps = 6_000
    draws = drawn_by(mixture, steps)
    seen: Counter[int] = Counter()
    for step in range(steps):
        found = draws.at(step)
        assert len(found) == 1 or each_step == "several"
        assert sum(len(units) for _, units in found) == BATCH
        for part, units in found:
            seen[part] += len(units) if each_step == "several" else 1
    total = sum(seen.values())
    assert total == (steps * BATCH if each_step == "several" else steps)
    for part, share in enumerate(expected):
        assert abs(seen[part] - total * share) < 4 * np.sqrt(total * share * (1 - share))
    again = drawn_by(mixture, steps)
    assert all(again.at(step) == draws.at(step) for step in (5_999, 4_096, 4_095, 0, 3_000))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("exponent", [0.0, 0.3, 1.0])
def test_languages_are_drawn_by_their_size_to_the_exponent(exponent: float, several: bool) -> None:
    """A part of three languages beside one that draws none."""
    sizes, steps = (1_000, 100, 10), 5_000
    shares = language_shares(sizes, exponent)
    expected = np.asarray(sizes) ** exponent / (np.asarray(sizes) ** exponent).sum()
    assert shares == pytest.approx(expected)
    draws = Sampler(
        sizes=((50,), sizes),
        shares=((1.0,), shares),
        probabilities=(0.4, 0.6),
        batch=BATCH,
        steps=steps,
        seed=1,
        several=several,
    )
    seen = [dict(draws.at(step)).get(1, []) for step in range(steps)]
    units = [unit for step in seen for unit in step]
    counts = np.histogram(units, bins=(0, 1_000, 1_100, 1_110))[0]
    assert counts.sum() == len(units) > 0.55 * steps * BATCH
    for count, share in zip(counts, expected, strict=True):
        assert abs(count - len(units) * share) < 4 * np.sqrt(len(units) * share * (1 - share))
    # Each language in passes of its own, in another order every time.
    least = [unit for unit in units if unit >= 1_100]
    passes = [least[start : start + 10] for start in range(0, len(least) - 9, 10)]
    assert all(sorted(one) == list(range(1_100, 1_110)) for one in passes)
    assert passes[0] != passes[1]


@pytest.mark.parametrize("several", [False, True])
def test_seeking_equals_going_there(several: bool) -> None:
    def fresh() -> Sampler:
        return Sampler(
            sizes=((70, 9), (40,)),
            shares=(language_shares((70, 9), 0.3), (1.0,)),
            probabilities=(0.5, 0.5),
            batch=5,
            steps=9_000,
            seed=2,
            several=several,
        )

    going = fresh()
    walked = [going.at(step) for step in range(9_000)]
    for step in (0, 1, 4_095, 4_096, 8_191, 8_192, 8_999):
        assert fresh().at(step) == walked[step]
    counts = [[len(units) for _, units in found] for found in walked]
    assert not several or counts[:100] != counts[4_096:4_196]


@pytest.mark.parametrize("exponent", [-0.1, 1.5])
def test_an_exponent_out_of_range_is_refused(exponent: float) -> None:
    with pytest.raises(StudyError, match="it must be between 0, all languages alike, and 1"):
        replace(ALL, exponent=exponent)


def test_data_without_an_exponent_keep_their_key() -> None:
    assert spec.key(replace(ALL, exponent=0.0)) != spec.key(ALL)
    assert spec.key(replace(ALL, exponent=0.3)) != spec.key(replace(ALL, exponent=0.5))
    assert spec.key(replace(ALL, exponent=None)) == spec.key(ALL)


def test_a_window_deals_the_same_units_to_steps_by_length() -> None:
    rng = np.random.default_rng(0)
    lengths = tuple(rng.integers(1, 100, size) for size in (60, 40))
    plain = Sampler(
        sizes=((60,), (40,)),
        shares=((1.0,), (1.0,)),
        probabilities=(0.6, 0.4),
        batch=8,
        steps=30,
        seed=3,
        several=True,
    )
    window = replace(plain, window=7, lengths=lengths)
    for first in range(0, 30, 7):
        steps = range(first, min(first + 7, 30))
        for part in (0, 1):
            before = [dict(plain.at(step)).get(part, []) for step in steps]
            after = [dict(window.at(step)).get(part, []) for step in steps]
            assert [len(units) for units in before] == [len(units) for units in after]
            assert sorted(chain(*before)) == sorted(chain(*after))
            # No two steps' lengths overlap.
            spans = sorted(
                (lengths[part][units].min(), lengths[part][units].max()) for units in after if units
            )
            assert all(one[1] <= two[0] for one, two in pairwise(spans))
    shortest = [lengths[0][dict(window.at(step))[0]].min() for step in range(7)]
    assert shortest != sorted(shortest)
    # Asking for a step again, or for a later one first, gives the same.
    other = replace(window, seed=3)
    assert other.at(20) == window.at(20) and other.at(2) == window.at(2)
