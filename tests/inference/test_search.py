"""Neighbours are exactly those of all products sorted, however few of the products are computed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from layover.errors import ModelError, StudyError
from layover.inference import search
from layover.inference.search import both_ways, nearest
from layover.inference.vectors import unit

WIDTH = 24


def normal(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)


def anyhow(count: int, seed: int) -> Any:
    return unit(normal(count, seed))


def close_together(count: int, seed: int) -> Any:
    return unit(normal(count, seed) + 20)


def almost_equal(count: int, seed: int) -> Any:
    return unit(1e-7 * normal(count, seed) + normal(1, 99))


def repeated(count: int, seed: int) -> Any:
    chosen = np.random.default_rng(seed).integers(0, 1 + count // 6, count)
    return unit(normal(1 + count // 6, 99))[chosen]


def all_equal(count: int, seed: int) -> Any:
    return np.repeat(unit(normal(1, seed)), count, axis=0)


def of_few_directions(count: int, seed: int) -> Any:
    """Whose products are exact: most are shared by many pairs."""
    axes = np.vstack([np.eye(4), np.full((1, 4), 0.5), [[0.5, 0.5, -0.5, -0.5]]])
    chosen = np.random.default_rng(seed).integers(0, len(axes), count)
    return axes[chosen].astype(np.float32)


def opposite(count: int, seed: int) -> Any:
    return (1 if seed % 2 else -1) * unit(normal(count, seed) + 20)


def partly_zero(count: int, seed: int) -> Any:
    side = anyhow(count, seed)
    side[np.random.default_rng(seed).random(count) < 0.3] = 0
    return side


def all_zero(count: int, seed: int) -> Any:
    return np.zeros((count, WIDTH), dtype=np.float32)


def in_groups(count: int, seed: int) -> Any:
    chosen = np.random.default_rng(seed).integers(0, 7, count)
    return unit(normal(7, 99)[chosen] + 0.02 * normal(count, seed))


SIDES = (
    anyhow,
    close_together,
    almost_equal,
    repeated,
    all_equal,
    of_few_directions,
    opposite,
    partly_zero,
    all_zero,
    in_groups,
)
HOW = {"whole": (1 << 60, 0), "float32": (0, 1 << 60), "bfloat16": (0, 0)}
"""The least numbers of pairs that are screened, and in halves."""


@pytest.fixture(params=list(HOW))
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    dense, halved = HOW[request.param]
    monkeypatch.setattr(search, "DENSE", dense)
    monkeypatch.setattr(search, "HALVED", halved)
    monkeypatch.setattr(search, "_halves", lambda: True)
    return str(request.param)


def in_blocks(monkeypatch: pytest.MonkeyPatch, rows: int, columns: int, group: int) -> None:
    monkeypatch.setattr(search, "ROWS", rows)
    monkeypatch.setattr(search, "COLUMNS", columns)
    monkeypatch.setattr(search, "GROUP", group)


def sorted_products(queries: Any, pool: Any, count: int) -> tuple[Any, Any]:
    exact = queries.astype(np.float64) @ pool.astype(np.float64).T
    products = exact.astype(np.float32)
    order = np.argsort(-products, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(products, order, axis=1), order


def check(found: tuple[Any, Any], queries: Any, pool: Any, count: int) -> None:
    products, positions = sorted_products(queries, pool, count)
    assert found[1].tolist() == positions.tolist()
    assert np.array_equal(found[0], products)


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("block", [(2048, 4096, 32), (64, 96, 8), (37, 101, 5)])
def test_neighbours_of_both_sides_are_those_of_all_products_sorted(
    sides: Callable[[int, int], Any],
    block: tuple[int, int, int],
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_blocks(monkeypatch, *block)
    source, target = sides(301, 1), sides(223, 2)
    there, back = both_ways(source, target, 4)
    check(there, source, target, 4)
    check(back, target, source, 4)
    check(nearest(source, target, 20), source, target, 20)


@pytest.mark.parametrize(("n", "m", "count"), [(1, 1, 1), (1, 50, 4), (50, 1, 1), (3, 2, 2)])
@pytest.mark.parametrize("block", [(2048, 4096, 32), (2, 3, 2), (1, 1, 1)])
def test_so_are_those_of_few_vectors(
    n: int, m: int, count: int, block: tuple[int, int, int], how: str, monkeypatch: Any
) -> None:
    in_blocks(monkeypatch, *block)
    source, target = anyhow(n, 3), anyhow(m, 4)
    check(nearest(source, target, count), source, target, count)


def test_where_there_are_fewer_than_asked_for_all_are_found() -> None:
    there, back = both_ways(anyhow(2, 1), anyhow(9, 2), 4)
    assert there[1].shape == (2, 4) and back[1].shape == (9, 2)
    assert nearest(anyhow(2, 1), anyhow(9, 2), 20)[1].shape == (2, 9)


@pytest.mark.parametrize("sides", [anyhow, close_together, in_groups])
def test_few_of_the_products_are_computed_exactly(
    sides: Callable[[int, int], Any], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "whole":
        pytest.skip("all are")
    in_blocks(monkeypatch, 512, 512, 32)
    monkeypatch.setattr(search, "CROWDED", 8)
    counted = []
    exact, whole = search._Block._exact, search._Block.whole

    def count(block: Any, rows: Any, columns: Any) -> Any:
        counted.append(len(rows))
        return exact(block, rows, columns)

    monkeypatch.setattr(search._Block, "_exact", count)
    monkeypatch.setattr(
        search._Block, "whole", lambda *given: (counted.append(1 << 60), whole(*given))
    )
    both_ways(sides(2048, 1), sides(2048, 2), 4)
    assert 0 < sum(counted) < 2048 * 2048 / 20


def test_what_a_screen_says_is_true_within_the_error_that_it_states(how: str) -> None:
    for sides in SIDES:
        source, target = sides(301, 1), sides(223, 2)
        one, two = torch.from_numpy(source), torch.from_numpy(target)
        for screen in search._screens(one, two):
            cheap = (screen.left @ screen.right.T).double()
            exact = torch.from_numpy(source.astype(np.float64) @ target.astype(np.float64).T)
            off = (exact.float().double() - screen.shift - cheap).abs()
            assert bool((off <= screen.rounding * cheap.abs() + screen.error).all())


def test_so_it_is_where_only_its_own_rounding_is_left_to_err() -> None:
    def exact(seed: int) -> Any:
        """Opposite pairs about a middle, all of which bfloat16 can write."""
        chosen = np.random.default_rng(seed).integers(-15, 16, (64, WIDTH)).astype(np.float32) / 128
        middle = np.random.default_rng(7).integers(-15, 16, WIDTH).astype(np.float32) / 64
        return np.vstack([middle + chosen, middle - chosen])

    source, target = exact(1), exact(2)
    screen = search._halved(torch.from_numpy(source), torch.from_numpy(target))
    cheap = (screen.left @ screen.right.T).double()
    truth = torch.from_numpy(source.astype(np.float64) @ target.astype(np.float64).T)
    off = (truth - screen.shift - cheap).abs()
    assert bool((off <= screen.rounding * cheap.abs() + screen.error).all())
    assert bool((off > screen.error).any()) and screen.error < 1e-4


def test_keys_are_in_the_order_of_products_and_then_of_what_stands_first() -> None:
    products = torch.tensor([-1.0, -0.5, -1e-30, -0.0, 0.0, 1e-30, 0.5, 1.0])
    keys = search._keys(products, torch.zeros(8, dtype=torch.int64))
    assert (keys.diff() >= 0).tolist() == [True] * 7 and int(keys[3]) == int(keys[4])
    assert search._products(keys).tolist() == products.tolist()
    first, last = search._keys(torch.tensor([0.5, 0.5]), torch.tensor([3, search.LAST])).tolist()
    assert first > last


def test_taking_the_means_away_makes_the_error_small_where_vectors_are_close_together() -> None:
    def error(sides: Callable[[int, int], Any]) -> float:
        screen = search._halved(*(torch.from_numpy(sides(300, seed)) for seed in (1, 2)))
        return screen.error

    assert error(close_together) < error(anyhow) / 20


def test_a_product_does_not_depend_on_what_is_searched_beside_it(how: str) -> None:
    source, target = anyhow(300, 1), anyhow(400, 2)
    products, positions = nearest(source, target, 1)
    for row in (0, 17, 299):
        alone = nearest(source[row : row + 1], target[positions[row]], 1)[0]
        assert alone[0, 0] == products[row, 0]


def test_what_is_given_stays_as_it_is_and_may_be_read_only(how: str) -> None:
    source, target = anyhow(30, 1), anyhow(40, 2)
    source.setflags(write=False)
    before = target.copy()
    both_ways(source, target, 4)
    assert np.array_equal(before, target)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_vectors_that_are_no_numbers_are_refused(wrong: float) -> None:
    source = anyhow(30, 1)
    source[3, 2] = wrong
    with pytest.raises(ModelError, match="not numbers: the model has diverged"):
        nearest(anyhow(5, 2), source, 4)


def test_a_flat_index_of_faiss_finds_the_same() -> None:
    pytest.importorskip("faiss")
    source, target = anyhow(300, 1), anyhow(200, 2)
    for exact, indexed in zip(
        both_ways(source, target, 4), both_ways(source, target, 4, "Flat"), strict=True
    ):
        assert indexed[1].tolist() == exact[1].tolist()
        assert np.allclose(indexed[0], exact[0], atol=1e-6)


def test_an_index_may_miss_what_it_does_not_visit_and_is_told_how_much_to_visit() -> None:
    pytest.importorskip("faiss")
    source, target = anyhow(300, 1), anyhow(2000, 2)
    exact = nearest(source, target, 1)[1]
    few, all_ = (nearest(source, target, 1, f"IVF16,Flat; nprobe={n}")[1] for n in (1, 16))
    assert (few != exact).any() and (all_ == exact).all()


def test_an_index_that_faiss_does_not_know_or_that_finds_too_few_is_refused() -> None:
    pytest.importorskip("faiss")
    with pytest.raises(StudyError, match="FAISS cannot make the index 'Nonsense'"):
        nearest(anyhow(3, 1), anyhow(50, 2), 1, "Nonsense")
    with pytest.raises(StudyError, match="finds fewer than 40 neighbours"):
        nearest(anyhow(3, 1), anyhow(1000, 2), 40, "IVF25,Flat")


def test_where_faiss_is_not_installed_an_index_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(StudyError, match=r"pip install 'layover\[retrieval\]'"):
        nearest(anyhow(3, 1), anyhow(50, 2), 1, "Flat")
