"""The language and the size of training data, each turned by itself.

A comparison of languages can hold fixed what each of them has (`natural`, `balanced`) or what all
of them have together (`same_total`): with the first, more languages are more data.
"""

from __future__ import annotations

from dataclasses import replace

from layover.errors import StudyError
from layover.tasks.task import Data, Subset, Task


def doublings(largest: int, count: int) -> tuple[int, ...]:
    """`count` sizes of which each is twice the one before, up to `largest`, rounded down."""
    sizes = tuple(largest // 2**power for power in reversed(range(count)))
    if not sizes or sizes[0] < 1:
        raise StudyError(f"{count} doublings up to {largest} start below one example")
    return sizes


def natural(
    task: Task,
    languages: tuple[str, ...],
    subset: Subset | None = None,
    split: str = "train",
) -> Data:
    """All that there is in each language, or the same subset of each: of parallel data the same
    rows. An epoch sees every example once."""
    return Data(task=task, split=split, languages=languages, subset=subset)


def balanced(
    task: Task,
    languages: tuple[str, ...],
    subset: Subset | None = None,
    split: str = "train",
) -> Data:
    """As `natural`, and every language is drawn equally often, however much there is of it."""
    return replace(natural(task, languages, subset, split), exponent=0.0)


def same_total(
    task: Task,
    languages: tuple[str, ...],
    subset: Subset,
    split: str = "train",
    *,
    parallel: bool = True,
) -> Data:
    """As many examples in all languages together as `subset` has in one, equally many of each. Of
    parallel data, whose rows of equal number say the same, no row is there twice, so that one
    language and several hold the very same rows, and each language keeps its own as they grow.

    Raises `StudyError` where that many cannot be divided among them.
    """
    if subset.size % len(languages):
        near = subset.size - subset.size % len(languages)
        raise StudyError(
            f"{subset.size} examples of {task.name} cannot be divided equally among "
            f"{len(languages)} languages; {near or len(languages)} can"
        )
    part = replace(subset, size=subset.size // len(languages), dealt=parallel)
    return Data(task=task, split=split, languages=languages, subset=part)
