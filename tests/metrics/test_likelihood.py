"""A likelihood is minus the loss of all masked tokens together, not of texts one by one."""

import math

import numpy as np
import pytest

from layover.metrics.likelihood import LIKELIHOOD


def test_every_masked_token_counts_alike() -> None:
    found = LIKELIHOOD.score([[6.0, 2.0], [0.0, 0.0], [1.0, 5.0]], [[]] * 3, ["eng"] * 3)
    assert found == -1.0
    assert math.exp(-found) == pytest.approx(math.e)


def test_without_masked_tokens_there_is_none() -> None:
    assert math.isnan(LIKELIHOOD.score([[0.0, 0.0]], [[]], ["eng"]))
    assert np.isnan(LIKELIHOOD.combine(np.zeros((3, 2)))).all()
