"""The mean of F1 and EM is the mean of the two metrics."""

from __future__ import annotations

import pytest

from layover.metrics.metric import Metric
from layover.metrics.mlqa import MLQA_BOTH, MLQA_EM, MLQA_F1
from layover.metrics.squad import SQUAD_BOTH, SQUAD_EM, SQUAD_F1

PREDICTIONS = ["the red tower", "seven", "", None]
TARGETS = [["red tower in town"], ["Seven."], ["river"], ["x", "y"]]


@pytest.mark.parametrize(
    "both, one, other",
    [(SQUAD_BOTH, SQUAD_F1, SQUAD_EM), (MLQA_BOTH, MLQA_F1, MLQA_EM)],
    ids=["squad", "mlqa"],
)
def test_the_mean_of_two_metrics_is_their_mean(both: Metric, one: Metric, other: Metric) -> None:
    codes = ["eng"] * 4
    scores = [metric.score(PREDICTIONS, TARGETS, codes) for metric in (one, other)]
    assert scores[0] > scores[1] > 0
    assert both.score(PREDICTIONS, TARGETS, codes) == pytest.approx(sum(scores) / 2)
    unknown = both.score([*PREDICTIONS, "x"], [*TARGETS, None], [*codes, "eng"])
    assert unknown == pytest.approx(sum(scores) / 2)
