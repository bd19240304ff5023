"""Attention within sequences: against the formula in float64, and what the kernel for ragged
sequences is handed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from layover.errors import ModelError
from layover.modeling import attention, dropout
from layover.modeling.attention import Manner, attend, kernel, within
from layover.modeling.packing import Packing, packing

LENGTHS = (1, 9, 9, 10, 30, 2, 1)
PACKED = packing(np.array(LENGTHS))
HEADS, WIDTH = 2, 8


def states(heads: int = HEADS, rows: int = PACKED.total) -> list[Tensor]:
    torch.manual_seed(0)
    return [
        torch.randn(count, heads, WIDTH, dtype=torch.float64, requires_grad=True)
        for count in (rows, PACKED.total, PACKED.total)
    ]


def filled(tensor: Tensor, count: int) -> Tensor:
    """With rows of padding behind it, `count` in all."""
    return F.pad(tensor, (0, 0, 0, 0, 0, count - len(tensor)))


def inside(*given: Tensor, packed: Packing = PACKED, **named: Any) -> Tensor:
    """`within`, without padding before and behind it."""
    query, key, value = given
    single = len(query) == len(packed.lengths)
    rows = len(query) + 1 if single else packed.filled
    key, value = (filled(each, packed.filled) for each in (key, value))
    how = Manner(**named)
    return within(filled(query, rows), key, value, packed, how)[: len(query)]


def formula(query: Tensor, key: Tensor, value: Tensor, scale: float, window: int | None) -> Tensor:
    """Sequence by sequence and head by head, as the paper has it (Vaswani et al. 2017, 3.2.1)."""
    found = []
    rows = [1] * len(LENGTHS) if len(query) == len(LENGTHS) else LENGTHS
    for q, k, v in zip(query.split(rows), key.split(LENGTHS), value.split(LENGTHS), strict=True):
        scores = torch.einsum("qhd,khd->hqk", q, k) * scale
        if window is not None:
            place = torch.arange(len(k))
            far = (place[: len(q), None] - place[None, :]).abs() > window
            scores = scores.masked_fill(far, -torch.inf)
        found.append(torch.einsum("hqk,khd->qhd", scores.softmax(dim=-1), v))
    return torch.cat(found)


@pytest.mark.parametrize("window", [None, 0, 1, 4, 29, 100])
def test_it_is_the_formula_and_so_are_its_derivatives(window: int | None) -> None:
    given = states()
    mine = inside(*given, scale=0.7, window=window)
    theirs = formula(*given, 0.7, window)
    assert torch.allclose(mine, theirs, rtol=0, atol=1e-12)
    weights = torch.randn_like(theirs)
    for one, two in zip(
        torch.autograd.grad((mine * weights).sum(), given),
        torch.autograd.grad((theirs * weights).sum(), given),
        strict=True,
    ):
        assert torch.allclose(one, two, rtol=0, atol=1e-12)


def test_one_query_for_each_sequence_sees_all_of_its_tokens() -> None:
    given = states(rows=len(LENGTHS))
    mine, theirs = inside(*given, scale=0.7), formula(*given, 0.7, None)
    assert torch.allclose(mine, theirs, rtol=0, atol=1e-12)
    for one, two in zip(
        torch.autograd.grad(mine.square().sum(), given),
        torch.autograd.grad(theirs.square().sum(), given),
        strict=True,
    ):
        assert torch.allclose(one, two, rtol=0, atol=1e-12)


def test_its_derivative_is_right_with_dropout_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's own check by differences, with the same draws every time."""

    def again(weights: Tensor, rate: float) -> Tensor:
        torch.manual_seed(7)
        return dropout.kept(weights, rate)

    monkeypatch.setattr(attention, "kept", again)
    short = packing(np.array((2, 3, 1)))
    torch.manual_seed(0)
    given = [torch.randn(6, 1, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]

    def run(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return inside(query, key, value, packed=short, scale=0.7, dropout=0.4)

    assert torch.autograd.gradcheck(run, given)
    plain = inside(*given, packed=short, scale=0.7)
    assert not torch.allclose(run(*given), plain)


def test_dropout_keeps_the_mean_of_what_is_attended_to() -> None:
    given = [each.detach() for each in states()]
    torch.manual_seed(1)
    runs = torch.stack([inside(*given, scale=0.7, dropout=0.2) for _ in range(4000)])
    expected = inside(*given, scale=0.7)
    spread = runs.std(dim=0) / len(runs) ** 0.5
    assert ((runs.mean(dim=0) - expected).abs() < 5 * spread + 1e-3).all()


# As transformers calls it


def laid_out(tensors: list[Tensor]) -> list[Tensor]:
    return [filled(each, PACKED.filled).transpose(0, 1)[None] for each in tensors]


def test_shared_heads_of_keys_and_values_serve_several_of_queries() -> None:
    query, key, value = states(heads=4)
    few = [query, key[:, :2], value[:, :2]]
    every = [query, *(each[:, :2].repeat_interleave(2, dim=1) for each in (key, value))]
    mine, _ = attend(None, *laid_out(few), None, packing=PACKED, scaling=0.3)
    assert mine.shape == (1, PACKED.filled, 4, WIDTH)
    assert torch.allclose(mine[0, : PACKED.total], formula(*every, 0.3, None), rtol=0, atol=1e-12)


def test_the_scale_is_the_models_or_the_root_of_the_width() -> None:
    given = states()
    for scaling, scale in ((None, WIDTH**-0.5), (0.3, 0.3)):
        mine, _ = attend(None, *laid_out(given), None, packing=PACKED, scaling=scaling)
        assert torch.allclose(
            mine[0, : PACKED.total], formula(*given, scale, None), rtol=0, atol=1e-12
        )


def test_without_packing_it_says_how_to_run_the_model() -> None:
    with pytest.raises(ModelError, match=r"run it with layover\.modeling\.run\.states"):
        attend(None, *laid_out(states()), None)


@pytest.mark.parametrize(
    "asked", [{"s_aux": torch.ones(2)}, {"softcap": 30.0}, {"is_causal": True}], ids=str
)
def test_attention_of_another_kind_is_refused_by_name(asked: dict[str, Any]) -> None:
    (name,) = asked
    with pytest.raises(ModelError, match=f"asks its attention for {name}, which"):
        attend(None, *laid_out(states()), None, packing=PACKED, **asked)
    with pytest.raises(ModelError, match="asks its attention for attention_mask, which"):
        attend(None, *laid_out(states()), torch.ones(1), packing=PACKED)


def test_what_changes_nothing_may_be_asked_for() -> None:
    given = laid_out(states())
    plain, _ = attend(None, *given, None, packing=PACKED)
    found, _ = attend(
        None, *given, None, packing=PACKED, is_causal=False, s_aux=None, output_attentions=True
    )
    assert torch.equal(found, plain)


# On CUDA


class OnCuda(Tensor):
    """A tensor that says it is on CUDA."""

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the kernel was called with; it gives its query back."""
    import sys

    calls: list[Any] = []

    def varlen_attn(*given: Any, **named: Any) -> Tensor:
        calls.append((given, SimpleNamespace(**named)))
        return given[0]

    kernel = SimpleNamespace(varlen_attn=varlen_attn)
    monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", kernel)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    return calls


@pytest.mark.parametrize(("window", "sides"), [(None, (-1, -1)), (5, (4, 4)), (1, (0, 0))])
def test_the_kernel_is_handed_where_sequences_end_and_how_far_they_look(
    handed: list[Any], window: int | None, sides: tuple[int, int]
) -> None:
    """Transformers counts the token itself to its window, the kernel does not."""
    given = [each.detach().bfloat16().as_subclass(OnCuda) for each in laid_out(states())]
    found, _ = attend(None, *given, None, packing=PACKED, scaling=0.3, sliding_window=window)
    ((query, key, value, *rest), named) = handed[0]
    assert found.shape == (1, PACKED.filled, HEADS, WIDTH)
    for mine, theirs in zip((query, key, value), given, strict=True):
        assert mine.is_contiguous()
        expected = theirs[0].transpose(0, 1)[: PACKED.total].float()
        assert torch.equal(torch.Tensor(mine.float()), expected)
    starts, ends, longest, longest_key = rest
    assert starts.tolist() == ends.tolist() == [0, *np.cumsum(LENGTHS).tolist()]
    assert starts.dtype == ends.dtype == torch.int32
    assert longest == longest_key == max(LENGTHS)
    assert named.scale == 0.3
    assert tuple(named.window_size) == sides


def test_the_kernel_is_handed_one_query_a_sequence(handed: list[Any]) -> None:
    query, key, value = (
        filled(each.detach(), count).bfloat16().as_subclass(OnCuda)
        for each, count in zip(
            states(rows=len(LENGTHS)),
            (len(LENGTHS) + 1, PACKED.filled, PACKED.filled),
            strict=True,
        )
    )
    found = within(query, key, value, PACKED, Manner(scale=0.3))
    ((asked, known, _, starts, ends, longest, longest_key), named) = handed[0]
    assert found.shape == query.shape and len(asked) == len(LENGTHS)
    assert len(known) == PACKED.total
    assert starts.tolist() == list(range(len(LENGTHS) + 1))
    assert ends.tolist() == [0, *np.cumsum(LENGTHS).tolist()]
    assert (longest, longest_key, named.scale) == (1, max(LENGTHS), 0.3)


@pytest.mark.parametrize(
    ("kind", "rate"), [(torch.float32, 0.0), (torch.bfloat16, 0.1), (torch.float32, 0.1)]
)
def test_what_the_kernel_cannot_do_is_done_in_blocks(
    handed: list[Any], monkeypatch: pytest.MonkeyPatch, kind: torch.dtype, rate: float
) -> None:
    asked = []

    def blocks(query: Tensor, *rest: Any) -> Tensor:
        asked.append(rest[-1])
        return query

    monkeypatch.setattr(attention, "_Blocks", SimpleNamespace(apply=blocks))
    given = [each.detach().to(kind).as_subclass(OnCuda) for each in laid_out(states())]
    attend(None, *given, None, packing=PACKED, dropout=rate, sliding_window=9)
    assert handed == []
    assert asked == [Manner(scale=WIDTH**-0.5, dropout=rate, window=8)]


@pytest.mark.parametrize(
    ("width", "capability", "takes"),
    [
        (64, (8, 0), True),
        (64, (9, 0), True),
        (64, (7, 5), False),
        (60, (8, 0), False),
        (256, (8, 0), True),
        (264, (8, 0), False),
    ],
)
def test_the_kernel_takes_what_its_device_and_the_width_of_heads_allow(
    monkeypatch: pytest.MonkeyPatch, width: int, capability: tuple[int, int], takes: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    query = torch.zeros(3, 2, width, dtype=torch.bfloat16)
    assert kernel(query.as_subclass(OnCuda)) == takes
    assert not kernel(query.float().as_subclass(OnCuda))
    assert not kernel(query)
