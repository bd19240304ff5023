"""Mixtures: declared shares, drawn as declared, each unit once in every pass."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layover.errors import StudyError
from layover.tasks.mixture import Mixture, parts_of
from layover.tasks.panx import PANX
from layover.tasks.sick import SICK
from layover.tasks.task import Data, Task
from layover.tasks.xnli import XNLI
from layover.training.sampler import Sampler, steps_per_epoch


def data(task: Task) -> Data:
    return Data(task=task, split="train", languages=("eng",))


PARTS = (data(XNLI), data(PANX), data(SICK))


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": ()}, "two or more different tasks"),
        ({"parts": PARTS[:1]}, r"two or more different tasks, not \['xnli'\]"),
        ({"parts": (PARTS[0], PARTS[0])}, r"two or more different tasks, not \['xnli', 'xnli'\]"),
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
    return Sampler(sizes=sizes, probabilities=shares, batch=batch, steps=steps, seed=seed)


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
        part, units = draws.at(step)
        assert len(units) == batch
        seen[part] += units
    for part, size in enumerate(sizes):
        for start in range(0, len(seen[part]) - size + 1, size):
            assert sorted(seen[part][start : start + size]) == list(range(size))


def test_passes_have_different_orders() -> None:
    draws = sampler((64,), (1.0,), 16)
    first, second = ([draws.at(start + step)[1] for step in range(8)] for start in (0, 8))
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
    assert mine.at(0)[1] != theirs.at(0)[1]


def test_an_epoch_is_as_many_steps_as_all_parts_need() -> None:
    assert steps_per_epoch((10, 17), 8) == 2 + 3
    draws = sampler((17,), (1.0,), steps_per_epoch((17,), 8))
    assert {unit for step in range(3) for unit in draws.at(step)[1]} == set(range(17))
