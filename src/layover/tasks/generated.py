"""The tasks of a generated world: the real tasks, reading the files that a `World` stage wrote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from layover.languages import Language, register
from layover.stage import Stage
from layover.tasks.bucc import BUCC
from layover.tasks.formats import Conll, JsonLines, SentenceJson
from layover.tasks.hellaswag import HELLASWAG
from layover.tasks.lareqa import LAREQA, SQUAD_SENTENCES
from layover.tasks.mlm import MLM
from layover.tasks.panx import PANX
from layover.tasks.pawsx import PAWSX
from layover.tasks.sources import Files, Row
from layover.tasks.squad import SQUAD, SQUAD2, XQUAD
from layover.tasks.task import Task
from layover.tasks.tatoeba import TATOEBA
from layover.tasks.types.ranking import Ranking
from layover.tasks.types.tagging import Sentence, Tagging
from layover.tasks.types.text import MaskedText
from layover.tasks.udpos import UDPOS
from layover.tasks.xnli import XNLI
from layover.world import LANGUAGES, Shape, Sizes
from layover.world.mining import lines
from layover.world.questions import SENTENCES as STATEMENTS

for _dialect in LANGUAGES:
    register(
        Language(
            code=_dialect.code,
            short=_dialect.code,
            name=_dialect.name,
            script=_dialect.script,
            lineage=("generated",),
        ),
        {LANGUAGES[0].code: _dialect.distance},
    )

SOURCE = LANGUAGES[0].code
CODES = tuple(dialect.code for dialect in LANGUAGES)
ZERO_SHOT = CODES[1:]

SUPERTAGS = tuple(
    (
        "ADJ/agent ADJ/companion ADJ/patient ADJ/theme ADP/agent ADP/companion ADP/place "
        "ADP/year AUX/copula AUX/passive DET/agent DET/attribute DET/companion "
        "DET/patient DET/theme NOUN/agent NOUN/attribute NOUN/companion NOUN/patient "
        "NOUN/theme NUM/patient NUM/year PART/mark PART/negation PRON/agent PRON/patient "
        "PROPN/agent PROPN/place PUNCT/mark VERB/predicate"
    ).split()
)
"""Part of speech and role, in the manner of CCG's categories."""

TATOEBA_FILES = (
    "tatoeba/{language}-" + SOURCE + ".{language}",
    "tatoeba/{language}-" + SOURCE + "." + SOURCE,
)

BUCC_FILES = (
    "bucc2018/{language}-" + SOURCE + ".{split}.{language}",
    "bucc2018/{language}-" + SOURCE + ".{split}." + SOURCE,
)
SENTENCES = Ranking(pool="all", pooling="mean", truncate=True)


def parallel_sentence(row: Row) -> Sentence:
    """As `layover.tasks.udpos.sentence`, but row i means the same in every language."""
    row_number = str(row.fields["row"])
    return Sentence(
        id=row_number,
        cluster=row_number,
        words=row.fields["tokens"],
        tags=row.fields["tags"],
    )


def _sizes(written: Sizes) -> tuple[tuple[str, int], ...]:
    """As `Task.sizes` has them."""
    splits = {"train": written.train, "dev": written.dev, "test": written.test}
    return tuple((split, size) for split, size in splits.items() if size)


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """The tasks of one world."""

    world: Stage

    @property
    def _shape(self) -> Shape:
        shape = getattr(self.world, "shape", None)
        return shape if isinstance(shape, Shape) else Shape()

    @property
    def taught(self) -> tuple[str, ...]:
        """The languages of training examples, the source first."""
        return (SOURCE, *self._shape.taught)

    def _questions(self, version: str) -> str:
        """The files of questions to train on, which name their language if there are several."""
        language = "-{code}" if len(self.taught) > 1 else ""
        return "squad/{split}-" + version + language + ".json"

    def _from(self, task: Task, written: Sizes, *paths: str, **changes: object) -> Task:
        assert isinstance(task.source, Files)
        source = replace(task.source, within=self.world, paths=paths or task.source.paths)
        made: dict[str, Any] = {"languages": CODES, "hub": None, "contains": ()}
        return replace(task, source=source, sizes=_sizes(written), **(made | changes))

    @cached_property
    def text(self) -> Task:
        written = Sizes(train=self._shape.paragraphs, dev=0, test=0)
        return self._from(MLM, written, type=MaskedText(rate=0.4, beginnings=True))

    @cached_property
    def pos(self) -> Task:
        return self._from(UDPOS, self._shape.udpos, name="pos", parse=parallel_sentence)

    @cached_property
    def ner(self) -> Task:
        return self._from(PANX, self._shape.panx, name="ner", parse=parallel_sentence)

    @cached_property
    def supertags(self) -> Task:
        return Task(
            name="supertags",
            type=Tagging(labels=SUPERTAGS),
            source=Files(paths=("ccg/{split}-{code}.tsv",), reader=Conll(), within=self.world),
            parse=parallel_sentence,
            languages=CODES,
            sizes=_sizes(self._shape.ccg),
        )

    @cached_property
    def nli(self) -> Task:
        return self._from(XNLI, self._shape.xnli, name="nli")

    @cached_property
    def paraphrase(self) -> Task:
        return self._from(PAWSX, self._shape.pawsx, name="paraphrase")

    @cached_property
    def choice(self) -> Task:
        return Task(
            name="choice",
            type=HELLASWAG.type,
            source=Files(
                paths=("hellaswag/{split}-{code}.jsonl",), reader=JsonLines(), within=self.world
            ),
            parse=HELLASWAG.parse,
            chance=HELLASWAG.chance,
            languages=CODES,
            sizes=_sizes(self._shape.hellaswag),
        )

    @cached_property
    def spans(self) -> Task:
        """Training and development questions."""
        return self._from(
            SQUAD, self._shape.squad, self._questions("v1.1"), name="qa", languages=self.taught
        )

    @cached_property
    def spans_test(self) -> Task:
        """Test questions, in every language."""
        return self._from(XQUAD, self._shape.squad, name="qa")

    @cached_property
    def spans2(self) -> Task:
        """Training and development questions, a third of which have no answer."""
        return self._from(
            SQUAD2, self._shape.squad, self._questions("v2.0"), name="qa2", languages=self.taught
        )

    @cached_property
    def spans2_test(self) -> Task:
        """Test questions of that kind, in every language."""
        return self._from(
            XQUAD, self._shape.squad, "xquad2/xquad2.{code}.json", name="qa2", type=SQUAD2.type
        )

    @cached_property
    def retrieval(self) -> Task:
        return self._from(TATOEBA, self._shape.tatoeba, *TATOEBA_FILES, name="retrieval")

    @cached_property
    def retrieval_dev(self) -> Task:
        """Other sentences, on which the layer is chosen."""
        left, right = (path.replace("tatoeba/", "tatoeba/dev-") for path in TATOEBA_FILES)
        written = self._shape.tatoeba
        return self._from(TATOEBA, written, left, right, name="retrieval", splits=("dev",))

    @cached_property
    def mining(self) -> Task:
        """Its dev split is where layer and threshold are chosen."""
        bucc = self._shape.bucc
        written = Sizes(dev=2 * lines(bucc.dev), test=2 * lines(bucc.test))
        task = self._from(BUCC, written, *BUCC_FILES, name="mining")
        assert isinstance(task.source, Files)
        labels = "bucc2018/{language}-" + SOURCE + ".{split}.gold"
        return replace(task, source=replace(task.source, labels=labels))

    @cached_property
    def ranking(self) -> Task:
        """Training and development: a question and the sentence that answers it."""
        reader = SentenceJson(boundary="(?<= [.?]) ", pairs=True)
        task = self._from(
            SQUAD_SENTENCES,
            self._shape.squad,
            self._questions("v1.1"),
            name="ranking",
            type=SENTENCES,
            languages=self.taught,
        )
        assert isinstance(task.source, Files)
        return replace(task, source=replace(task.source, reader=reader))

    @cached_property
    def ranking_test(self) -> Task:
        """Test questions and the sentences of their texts, in every language."""
        questions = self._shape.squad.test
        written = Sizes(dev=0, test=(1 + STATEMENTS) * questions)
        return self._from(LAREQA, written, name="ranking", type=SENTENCES)
