"""The texts of any task, to restore masked tokens of: what was not trained on is often at hand as
the test set of another task, parallel in its languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from layover.metrics.likelihood import LIKELIHOOD
from layover.tasks.sources import Row
from layover.tasks.task import Example, Task
from layover.tasks.types.text import MaskedText, Text


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of what another `parse` makes of a row, as a text."""

    parse: Callable[[Row], Example | None]
    name: str

    def __call__(self, row: Row) -> Text | None:
        example = self.parse(row)
        if example is None:
            return None
        found = getattr(example, self.name)
        text = found if isinstance(found, str) else " ".join(found)
        return Text(id=example.id, cluster=example.cluster, text=text)


def plain(task: Task, field: str, rate: float = 0.15) -> Task:
    """A task whose examples are the texts in a `field` of those of `task` (words are joined by
    spaces), of which a share of `rate` is masked. Parallel texts stay parallel."""
    return replace(
        task,
        name=f"{task.name} {field}",
        type=MaskedText(rate=rate),
        parse=Field(parse=task.parse, name=field),
        chance=None,
        summary=f"the {field} of {task.name}, to restore masked tokens of",
        metrics=(LIKELIHOOD,),
    )
