"""The training sets that XTREME's authors translated by machine (Hu et al. 2020), files of the
bucket `xtreme_translations`. The hub has the translations of the data sets' own authors instead."""

from dataclasses import replace

from layover.tasks.formats import Tsv
from layover.tasks.sources import Files
from layover.tasks.task import Task


def translated(task: Task, called: str, path: str) -> Task:
    """The training set of `task`, `called` so in prose, in all its languages but English: the same
    columns in the files of `path`."""
    assert isinstance(task.source, Files) and isinstance(task.source.reader, Tsv)
    return replace(
        task,
        name=f"{task.name}-translated",
        source=Files(paths=(path,), reader=replace(task.source.reader, withheld="")),
        languages=tuple(code for code in task.languages if code != "eng"),
        splits=("train",),
        summary=f"{called}'s training set, translated by machine for XTREME",
        sizes=(),
        licence=f"{task.licence}; of the translations: not stated",
        hub=None,
        home="https://console.cloud.google.com/storage/browser/xtreme_translations "
        f"({task.name.upper()})",
        citation=f"Hu et al. 2020; {task.citation}",
    )
