"""How well masked tokens are restored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from layover.metrics.metric import Metric


def of_masked(
    predictions: Sequence[Sequence[float]], targets: Sequence[Any], languages: Sequence[str]
) -> Any:
    """[n, 2]: (summed loss in nats, masked tokens) of each text."""
    import numpy as np

    return np.array([*predictions], dtype=np.float64).reshape(-1, 2)


def gain(sums: Any) -> Any:
    """Minus the first sum over the second; NaN where nothing was masked."""
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        return -sums[..., 0] / sums[..., 1]


LIKELIHOOD = Metric(
    predictions="loss",
    name="log likelihood",
    statistics=of_masked,
    combine=gain,
    summary="mean log probability of a masked token, in nats: minus the loss of masked language "
    "modelling (Devlin et al. 2019), whose exponential is the perplexity",
)
