"""Tatoeba: for each English sentence, its translation among up to 1,000 of another language."""

from layover.errors import DataError
from layover.tasks.formats import Parallel
from layover.tasks.sources import Files, Row
from layover.tasks.task import Task
from layover.tasks.types.retrieval import Bitext, Retrieval


def bitext(row: Row) -> Bitext:
    """Clusters are the English sentences: languages draw on the same ones."""
    if row.fields["candidate"] is None:
        raise DataError(f"{row.where}: the pool has no line for this query")
    return Bitext(
        id=str(row.fields["row"]),
        cluster=row.fields["query"],
        query=row.fields["query"],
        candidate=row.fields["candidate"],
        gold=row.fields["gold"],
    )


TATOEBA = Task(
    name="tatoeba",
    type=Retrieval(truncate=True),
    source=Files(
        paths=("tatoeba/{code}-en.{code}", "tatoeba/{code}-en.en"),
        labels="tatoeba/labels/{split}-{code}.tsv",
        reader=Parallel(),
    ),
    parse=bitext,
    languages=tuple(
        (
            "afr arb bul ben deu ell spa est eus fas fin fra heb hin hun ind ita jpn jav kat "
            "kaz kor mal mar nld por rus swa tam tel tgl tha tur urd vie zho"
        ).split()
    ),
    splits=("test",),
    summary="nearest translation by cosine",
    citation="Artetxe and Schwenk 2019",
)
