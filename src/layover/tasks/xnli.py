"""XNLI: natural language inference in 15 languages; its English training data are MNLI's.

Files: `xnli/{train,dev,test}-<code>.tsv`, premise, hypothesis and label with tabs between; XTREME's
test files have no labels, which may lie row by row in `xnli/labels/`. The training files of other
languages than English are machine translations: the authors' (of XNLI-MT-1.0.zip, without their
first line, or the hub's), and XTREME's, a task of their own, `xnli/XNLI-Translated/`.
"""

from layover.metrics.accuracy import ACCURACY
from layover.tasks.formats import Tsv
from layover.tasks.hub import Hub
from layover.tasks.sources import Files, Row
from layover.tasks.task import Task
from layover.tasks.translated import translated
from layover.tasks.types.classification import Classification, Labelled

LABELS = ("entailment", "neutral", "contradiction")


def pair(row: Row) -> Labelled:
    """A pair of sentences; row i means the same in every language. The machine translations call a
    contradiction contradictory."""
    label = row.fields["label"]
    return Labelled(
        id=str(row.fields["row"]),
        cluster=str(row.fields["row"]),
        text=row.fields["premise"],
        pair=row.fields["hypothesis"],
        label="contradiction" if label == "contradictory" else label,
    )


XNLI = Task(
    name="xnli",
    type=Classification(labels=LABELS, truncate=True, pairs=True),
    source=Files(
        paths=("xnli/{split}-{code}.tsv",),
        labels="xnli/labels/{split}-{code}.tsv",
        reader=Tsv(columns=("premise", "hypothesis", "label"), withheld="label"),
    ),
    parse=pair,
    languages=tuple(("arb bul deu ell eng spa fra hin rus swa tha tur urd vie zho").split()),
    summary="does the premise entail the hypothesis?",
    metrics=(ACCURACY,),
    sizes=(("train", 392_702), ("dev", 2_490), ("test", 5_010)),
    hub=Hub(id="facebook/xnli", config="{code}", splits=(("dev", "validation"),)),
    contains=("mnli train",),
    home="https://github.com/facebookresearch/XNLI (XNLI-1.0.zip; train-en is of XNLI-MT-1.0.zip)",
    licence="CC BY-NC 4.0",
    citation="Conneau et al. 2018; Williams et al. 2018",
)
XNLI_TRANSLATED = translated(XNLI, "XNLI", "xnli/XNLI-Translated/en-{code}-translated.tsv")
