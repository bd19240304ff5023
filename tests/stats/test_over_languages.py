"""The interval over languages speaks of languages that are a draw from many, and of those alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made import made, sample

from layover.stats import Interval, Term, contrast

CODES = tuple(f"l{place}" for place in range(6))
SIZE = 60


def drawn(
    generator: np.random.Generator,
    seeds: int,
    languages: float = 0.0,
    seed_language: float = 0.0,
    shared: float = 1.0,
) -> Interval:
    """A difference whose truth over languages is 0; standard deviations of an example's value:
    `shared` of those that seeds have in common, in each language by itself."""
    levels = generator.normal(0, languages, len(CODES))
    examples = generator.normal(0, shared, (SIZE, len(CODES)))
    runs = []
    for seed in range(seeds):
        moved = levels + generator.normal(0, 0.1) + generator.normal(0, seed_language, len(CODES))
        rows = examples + moved + generator.normal(0, 0.3, (SIZE, len(CODES)))
        runs.append(made({code: list(rows[:, at]) for at, code in enumerate(CODES)}, seed))
    return contrast([Term(sample=sample(*runs, replicates=200), languages=CODES)])


@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize("languages", [0.3, 1.0])
def test_it_covers_the_truth_over_all_languages(seeds: int, languages: float) -> None:
    generator = np.random.default_rng(1)
    found = [drawn(generator, seeds, languages, 0.1) for _ in range(300)]
    wide = np.mean([one.over_languages[0] <= 0 <= one.over_languages[1] for one in found])
    narrow = np.mean([one.low <= 0 <= one.high for one in found])
    added = [one.over_languages[1] - one.high for one in found]
    assert min(added) > -1e-9
    # Of a single seed, neither interval knows what seeds do.
    assert (0.90 if seeds > 1 else 0.85) <= wide <= 0.99
    assert narrow < wide


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("seed_language", [0.0, 0.3])
def test_what_examples_and_seeds_do_to_a_language_is_not_what_languages_are(
    seeds: int, seed_language: float
) -> None:
    if seeds == 1 and seed_language:
        pytest.skip("one seed does not tell what it does to a language from what the language is")
    generator = np.random.default_rng(2)
    found = [drawn(generator, seeds, 0.0, seed_language) for _ in range(100)]
    added = np.mean([one.between for one in found])
    assert added < 0.4 * np.mean([one.error**2 for one in found])
    assert sum(one.between == 0 for one in found) > 30


def test_what_languages_differ_by_is_found_again() -> None:
    generator = np.random.default_rng(3)
    found = [drawn(generator, 3, 0.5) for _ in range(200)]
    variance = np.mean([one.between for one in found]) * len(CODES)
    assert variance == pytest.approx(50**2, rel=0.15)


def test_fewer_than_three_languages_say_nothing_of_others() -> None:
    runs = [made({"aaa": [1, 0, 1, 1], "bbb": [1, 1, 0, 0]}, seed) for seed in range(2)]
    found = contrast([Term(sample=sample(*runs), languages=("aaa", "bbb"))])
    assert math.isnan(found.between)
    assert all(math.isnan(bound) for bound in found.over_languages)
