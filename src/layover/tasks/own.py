"""Tasks over files of your own, in the two simplest forms."""

from __future__ import annotations

from collections.abc import Callable

from layover.tasks.formats import Conll, Tsv
from layover.tasks.sources import Files, Reader, Row
from layover.tasks.task import Example, Task, TaskType
from layover.tasks.types.classification import Classification, Labelled
from layover.tasks.types.tagging import Sentence, Tagging


def classification(name: str, folder: str, labels: tuple[str, ...]) -> Task:
    """`folder/{split}-{code}.tsv`, a text and its label on each line with a tab between them;
    `code` is a language's two-letter code."""
    columns = Tsv(columns=("text", "label"))
    return _task(name, folder, columns, Classification(labels=labels), labelled)


def tagging(name: str, folder: str, labels: tuple[str, ...]) -> Task:
    """`folder/{split}-{code}.tsv`, a word and its tag on each line with a tab between them, and
    an empty line between sentences."""
    return _task(name, folder, Conll(), Tagging(labels=labels), tagged)


def labelled(row: Row) -> Labelled:
    return Labelled(**_named(row), text=row.fields["text"], label=row.fields["label"])


def tagged(row: Row) -> Sentence:
    return Sentence(**_named(row), words=row.fields["tokens"], tags=row.fields["tags"])


def _named(row: Row) -> dict[str, str]:
    """Files of several languages are not translations of each other: each row is by itself."""
    number = str(row.fields["row"])
    return {"id": number, "cluster": f"{row.language}:{number}"}


def _task(
    name: str, folder: str, reader: Reader, kind: TaskType, parse: Callable[[Row], Example]
) -> Task:
    source = Files(paths=("{split}-{code}.tsv",), reader=reader, root=folder)
    return Task(name=name, type=kind, source=source, parse=parse)
