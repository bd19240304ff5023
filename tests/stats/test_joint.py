"""Several sums know how they err together."""

from __future__ import annotations

import numpy as np
import pytest
from made import LANGUAGES, made, sample

from layover.stats import Term, contrast
from layover.stats.joint import Joint


def terms(seeds: int = 3) -> tuple[tuple[Term, ...], ...]:
    """Two sums that share seeds and examples."""
    generator = np.random.default_rng(1)
    examples = generator.normal(0, 1, 100)
    found = []
    for level in (0.2, 0.4):
        runs = [
            made(
                {
                    code: list(level + examples + seed / 10 + generator.normal(0, 0.5, 100))
                    for code in LANGUAGES
                },
                seed,
            )
            for seed in range(seeds)
        ]
        found.append((Term(sample=sample(*runs), languages=LANGUAGES),))
    return tuple(found)


@pytest.mark.parametrize("seeds", [1, 3])
def test_their_variances_are_those_of_each_by_itself(seeds: int) -> None:
    sums = terms(seeds)
    errors = [contrast(one).error for one in sums]
    assert np.sqrt(np.diag(Joint(sums).covariance)) == pytest.approx(errors)


@pytest.mark.parametrize("seeds", [1, 3])
def test_their_covariance_is_that_of_their_difference(seeds: int) -> None:
    one, other = sums = terms(seeds)
    covariance = Joint(sums).covariance
    apart = contrast([*one, *(term * -1.0 for term in other)])
    found = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert np.sqrt(found) == pytest.approx(apart.error, rel=1e-6)


def test_draws_lie_around_what_was_found_as_far_as_it_is_sure() -> None:
    joint = Joint(terms(1))
    drawn = joint.draws(20_000)
    assert drawn.mean(axis=0) == pytest.approx(joint.values.mean(axis=0), abs=0.3)
    assert np.cov(drawn, rowvar=False) == pytest.approx(joint.covariance, rel=0.05)
    assert (drawn == joint.draws(20_000)).all()


def test_only_seeds_that_all_have_count() -> None:
    (one,), (other,) = terms()
    fewer = Term(sample={1: other.sample[1], 2: other.sample[2]}, languages=LANGUAGES)
    assert Joint(((one,), (fewer,))).seeds == (1, 2)
    assert Joint(((one,), ())).seeds == ()
    assert Joint(()).seeds == ()
