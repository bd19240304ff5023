"""What all searches rest on: centring and lengths."""

from __future__ import annotations

import numpy as np

from layover.inference.vectors import unit, variants

RNG = np.random.default_rng(0)


def test_centring_takes_away_what_a_side_has_in_common() -> None:
    side = RNG.normal(size=(9, 4))
    (_, _, raw), (_, _, centred) = variants((), 1)
    moved = side + np.array([3.0, -1.0, 0.0, 2.0])
    assert np.allclose(centred(moved), centred(side))
    assert not np.allclose(raw(moved), raw(side))
    assert np.allclose(np.linalg.norm(centred(side), axis=1), 1)


def test_layers_are_called_by_their_numbers_and_found_by_their_places() -> None:
    assert [(name, place) for name, place, _ in variants((7, 14), 2)] == [
        ("layer 7, raw", 0),
        ("layer 7, centred", 0),
        ("layer 14, raw", 1),
        ("layer 14, centred", 1),
    ]


def test_a_vector_of_length_zero_stays() -> None:
    assert unit(np.zeros((1, 3))).tolist() == [[0.0, 0.0, 0.0]]
