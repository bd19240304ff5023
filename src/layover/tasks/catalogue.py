"""The tasks that `layover tasks` lists. Studies import them from their own files."""

from layover.tasks.anli import ANLI_PLUS, ANLI_R1, ANLI_R2, ANLI_R3
from layover.tasks.bucc import BUCC
from layover.tasks.ccg import CCG
from layover.tasks.commonsenseqa import COMMONSENSEQA
from layover.tasks.cosmosqa import COSMOSQA
from layover.tasks.hellaswag import HELLASWAG
from layover.tasks.lareqa import LAREQA, SQUAD_SENTENCES
from layover.tasks.mewslix import MEWSLIX, MEWSLIX_PAIRS
from layover.tasks.mlm import MLM
from layover.tasks.mlqa import MLQA
from layover.tasks.mnli import MNLI
from layover.tasks.panx import PANX
from layover.tasks.pawsx import PAWSX, PAWSX_TRANSLATED
from layover.tasks.premises import PREMISES
from layover.tasks.qqp import QQP
from layover.tasks.sick import SICK
from layover.tasks.siqa import SIQA
from layover.tasks.snli import SNLI
from layover.tasks.squad import SQUAD, SQUAD2, XQUAD
from layover.tasks.tatoeba import TATOEBA
from layover.tasks.tydiqa import TYDIQA
from layover.tasks.udpos import UDPOS
from layover.tasks.xcopa import COPA, XCOPA
from layover.tasks.xnli import XNLI, XNLI_TRANSLATED

__all__ = [
    "ANLI_PLUS",
    "ANLI_R1",
    "ANLI_R2",
    "ANLI_R3",
    "BUCC",
    "CCG",
    "COMMONSENSEQA",
    "COPA",
    "COSMOSQA",
    "HELLASWAG",
    "LAREQA",
    "MEWSLIX",
    "MEWSLIX_PAIRS",
    "MLM",
    "MLQA",
    "MNLI",
    "PANX",
    "PAWSX",
    "PAWSX_TRANSLATED",
    "PREMISES",
    "QQP",
    "SICK",
    "SIQA",
    "SNLI",
    "SQUAD",
    "SQUAD2",
    "SQUAD_SENTENCES",
    "TATOEBA",
    "TYDIQA",
    "UDPOS",
    "XCOPA",
    "XNLI",
    "XNLI_TRANSLATED",
    "XQUAD",
]
