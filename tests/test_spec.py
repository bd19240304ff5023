"""A key changes with everything that can change a result, and with nothing else."""

from dataclasses import dataclass

import pytest

from layover.errors import SpecError
from layover.spec import key, unkeyed


@dataclass(frozen=True)
class Thing:
    size: int
    rate: float = 0.5
    note: str = unkeyed("")


@dataclass(frozen=True)
class Holder:
    held: object


def test_a_field_at_its_default_does_not_change_the_key() -> None:
    assert key(Thing(1)) == key(Thing(1, rate=0.5))
    assert key(Thing(1)) != key(Thing(1, rate=0.25))


def test_an_unkeyed_field_does_not_change_the_key() -> None:
    assert key(Thing(1, note="a")) == key(Thing(1, note="b"))


def test_true_and_one_are_different_values() -> None:
    assert key(Holder(True)) != key(Holder(1))


@pytest.mark.parametrize("bad", [[1], {1}, {"a": 1}, float("nan"), lambda: 1, object()])
def test_what_has_no_canonical_form_is_refused_with_its_path(bad: object) -> None:
    with pytest.raises(SpecError, match=r"Holder\.held"):
        key(Holder(bad))
