"""Dropout with cheap random numbers drops as often as it says, and keeps the mean."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from layover.modeling.dropout import LEVELS, Dropout, dropout, install, kept

KINDS = (torch.float32, torch.bfloat16, torch.float64)
MANY = 400_000


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9])
def test_a_share_of_the_numbers_is_dropped_and_the_others_keep_the_mean(
    rate: float, kind: torch.dtype
) -> None:
    torch.manual_seed(0)
    factor = kept(torch.ones(MANY, dtype=kind), rate)
    assert factor.dtype == kind
    dropped = float((factor == 0).double().mean())
    assert abs(dropped - rate) < 4 * (rate * (1 - rate) / MANY) ** 0.5 + 2 / LEVELS
    (scale,) = factor[factor != 0].unique().tolist()
    rounding = 2**-8 if kind is torch.bfloat16 else 2**-16 / (1 - rate)
    assert scale == pytest.approx(1 / (1 - rate), rel=rounding)
    spread = (rate / (1 - rate) / MANY) ** 0.5
    assert abs(float(factor.double().mean()) - 1) < 4 * spread + rounding


def test_neighbours_are_dropped_independently() -> None:
    """Four draws come from the bits of one number."""
    torch.manual_seed(0)
    dropped = (kept(torch.ones(MANY // 4, 4), 0.3) == 0).double()
    both = dropped.T @ dropped / len(dropped)
    expected = torch.full((4, 4), 0.09, dtype=torch.float64).fill_diagonal_(0.3)
    assert torch.allclose(both, expected, atol=4 * (0.3 * 0.7 / len(dropped)) ** 0.5)


@pytest.mark.parametrize("shape", [(1,), (3,), (7, 5), (2, 3, 5), (0,)], ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_any_shape_is_dropped_in(shape: tuple[int, ...], kind: torch.dtype) -> None:
    states = torch.ones(shape, dtype=kind)
    found = dropout(states, 0.5)
    assert found.shape == states.shape
    assert set(found.flatten().tolist()) <= {0.0, 2.0}


def test_the_derivative_is_the_factor_of_the_forward_pass() -> None:
    torch.manual_seed(0)
    states = torch.randn(50, 40, requires_grad=True)
    found = dropout(states, 0.25)
    (gradient,) = torch.autograd.grad(found.sum(), states)
    assert torch.equal(gradient * states, found)
    assert len(gradient.unique()) == 2


def test_the_generator_decides_and_goes_on() -> None:
    states = torch.ones(1000)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second = dropout(states, 0.3), dropout(states, 0.3)
    assert not torch.equal(first, second)
    torch.set_rng_state(state)
    assert torch.equal(dropout(states, 0.3), first)
    assert torch.equal(dropout(states, 0.3), second)


def test_without_training_or_rate_nothing_is_dropped_and_nothing_drawn() -> None:
    module = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.4), nn.Dropout(0.0))
    install(module)
    assert [type(each) for each in module[1:]] == [Dropout, Dropout]
    states = torch.randn(6, 8)
    before = torch.get_rng_state()
    assert torch.equal(module.eval()[1](states), states)
    assert torch.equal(module.train()[2](states), states)
    assert torch.equal(torch.get_rng_state(), before)
    assert (module[1](states) == 0).any()


def test_other_devices_draw_as_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def native(states: torch.Tensor, rate: float) -> torch.Tensor:
        asked.append((states.device.type, rate))
        return states

    monkeypatch.setattr(F, "dropout", native)
    dropout(torch.ones(3, device="meta"), 0.3)
    assert asked == [("meta", 0.3)]
    dropout(torch.ones(3), 0.3)
    assert len(asked) == 1


def test_all_or_nothing_is_dropped_where_the_rate_says_so() -> None:
    states = torch.ones(MANY)
    assert not kept(states, 1.0).any()
    assert float((kept(states, 2.0**-20) - 1).abs().mean()) < 1e-4


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_it_draws_lies_where_the_states_are(kind: torch.dtype) -> None:
    elsewhere = torch.ones(3, 5, dtype=kind, device="meta")
    factor = kept(elsewhere, 0.1)
    assert (factor.device, factor.dtype) == (elsewhere.device, kind)
    assert dropout(elsewhere, 0.1).device == elsewhere.device
