"""PAWS-X: do two sentences made of the same words mean the same?

Files: `pawsx/{train,dev,test}-<code>.tsv`, two sentences and 0 or 1 with tabs between; XTREME's
test files have no labels, which may lie row by row in `pawsx/labels/`. The training files of other
languages than English are machine translations: the authors' (the hub's), and XTREME's, a task of
their own, `pawsx/translated/`.
"""

from layover.metrics.accuracy import ACCURACY
from layover.tasks.formats import Tsv
from layover.tasks.hub import Hub
from layover.tasks.sources import Files, Row
from layover.tasks.task import Task
from layover.tasks.translated import translated
from layover.tasks.types.classification import Classification, Labelled


def pair(row: Row) -> Labelled:
    return Labelled(
        id=str(row.fields["row"]),
        cluster=str(row.fields["row"]),
        text=row.fields["sentence1"],
        pair=row.fields["sentence2"],
        label=row.fields["label"],
    )


PAWSX = Task(
    name="pawsx",
    type=Classification(labels=("0", "1"), truncate=True, pairs=True),
    source=Files(
        paths=("pawsx/{split}-{code}.tsv",),
        labels="pawsx/labels/{split}-{code}.tsv",
        reader=Tsv(columns=("sentence1", "sentence2", "label"), withheld="label"),
    ),
    parse=pair,
    languages=tuple(("deu eng spa fra jpn kor zho").split()),
    summary="paraphrase or not, from sentences with the same words",
    metrics=(ACCURACY,),
    sizes=(("train", 49_401), ("dev", 2_000), ("test", 2_000)),
    hub=Hub(id="google-research-datasets/paws-x", config="{code}", splits=(("dev", "validation"),)),
    home="https://github.com/google-research-datasets/paws/tree/master/pawsx (x-final.tar.gz)",
    licence="free for any purpose, with acknowledgement",
    citation="Yang et al. 2019",
)
PAWSX_TRANSLATED = translated(PAWSX, "PAWS-X", "pawsx/translated/en-{code}-translated.tsv")
