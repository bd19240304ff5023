"""From a meaning to a sentence: one realiser, which every task and the raw text share."""

from __future__ import annotations

from typing import NamedTuple

from layover.world.lexicon import OBJECT, PAST, Lexicon, Word

# Meanings are named tuples, not dataclasses: a world builds some two million of them.


class Phrase(NamedTuple):
    """Somebody, something, somewhere, or a word that asks for it."""

    head: str
    """A concept or a proper name."""
    kind: str = "thing"
    """thing, person, organisation, place, year, quality, asked or word."""
    adjective: str = ""
    number: str = ""
    family: str = ""
    """A person's second name; the name that an organisation bears."""
    article: str = "the"


class Clause(NamedTuple):
    """Who did what to whom; with the verb "be", who is what."""

    verb: str
    agent: Phrase
    patient: Phrase
    past: bool = False
    negated: bool = False
    passive: bool = False
    companion: Phrase | None = None
    place: Phrase | None = None
    year: Phrase | None = None
    fronted: bool = False
    """Whether place and year come before everything else."""
    polar: bool = False
    """Whether it is a yes/no question."""
    opening: str = ""
    """A concept to begin with: but, yes or no."""


ASKING = {"agent": "who", "patient": "what", "place": "where", "year": "when"}
"""Role -> the word that asks for it."""
_ADPOSITION = {"place": "in", "year": "during", "companion": "with"}


def realise(clause: Clause, lexicon: Lexicon) -> list[Word]:
    """The clause as a sentence of the lexicon's language, its end mark included."""
    dialect = lexicon.dialect
    verb, subject, rest = _core(clause, lexicon)
    adjuncts: list[Word] = []
    for role in ("companion", "place", "year"):
        phrase = getattr(clause, role)
        if phrase is not None:
            adjuncts += _adpositional(phrase, role, _ADPOSITION[role], lexicon)
    first, last = (adjuncts, []) if clause.fronted else ([], adjuncts)
    if dialect.order == "SVO":
        words = [*first, *subject, *verb, *rest, *last]
    elif dialect.order == "SOV":
        words = [*first, *subject, *last, *rest, *verb]
    else:
        words = [*first, *verb, *subject, *rest, *last]
    asks = clause.polar or any(p.kind == "asked" for p in clause if isinstance(p, Phrase))
    if clause.polar:
        mark = lexicon.word("whether", "mark")
        words = [*words, mark] if dialect.order == "SOV" else [mark, *words]
    if clause.opening:
        words.insert(0, lexicon.word(clause.opening, "mark"))
    words.append(lexicon.word("?" if asks else ".", "mark"))
    return words


def fragment(phrase: Phrase, lexicon: Lexicon) -> list[Word]:
    """A short answer: the phrase alone, with its end mark."""
    return [*_phrase(phrase, "answer", lexicon), lexicon.word(".", "mark")]


def text(words: list[Word]) -> str:
    """The sentence as it is written: a blank between any two tokens, marks included."""
    return " ".join([word.text for word in words])


def _core(clause: Clause, lexicon: Lexicon) -> tuple[list[Word], list[Word], list[Word]]:
    """The verb with its particles, the subject, and what the verb governs."""
    word = lexicon.word
    negation = [word("not", "negation")] if clause.negated else []
    form = clause.verb + PAST if clause.past else clause.verb
    if clause.verb == "be":
        subject = _phrase(clause.agent, "theme", lexicon)
        complement = _phrase(clause.patient, "attribute", lexicon)
        return [*negation, word("be", "copula")], subject, complement
    if clause.passive:
        subject = _phrase(clause.patient, "patient", lexicon)
        verb = [word("be", "passive"), word(form, "predicate")]
        return [*negation, *verb], subject, _adpositional(clause.agent, "agent", "by", lexicon)
    subject = _phrase(clause.agent, "agent", lexicon)
    verb = [*negation, word(form, "predicate")]
    return verb, subject, _phrase(clause.patient, "patient", lexicon, OBJECT)


def _adpositional(phrase: Phrase, role: str, adposition: str, lexicon: Lexicon) -> list[Word]:
    words = _phrase(phrase, role, lexicon)
    if phrase.kind == "asked" and role in ("place", "year"):
        return words
    mark = lexicon.word(adposition, role)
    return [mark, *words] if lexicon.dialect.adpositions == "before" else [*words, mark]


def _phrase(phrase: Phrase, role: str, lexicon: Lexicon, ending: str = "") -> list[Word]:
    word, head, kind = lexicon.word, phrase.head, phrase.kind
    if kind == "thing":
        return _common(phrase, role, lexicon, ending)
    if kind == "person":
        given = word(head, role, "B-PER")
        return [given, word(phrase.family, role, "I-PER")] if phrase.family else [given]
    if kind == "organisation":
        names = (phrase.family, head) if lexicon.dialect.adjective_first else (head, phrase.family)
        return [word(names[0], role, "B-ORG"), word(names[1], role, "I-ORG")]
    return [word(head, role, "B-LOC" if kind == "place" else "O")]


def _common(phrase: Phrase, role: str, lexicon: Lexicon, ending: str) -> list[Word]:
    word, dialect = lexicon.word, lexicon.dialect
    words = [word(phrase.head + ending, role)]
    if phrase.adjective:
        words.insert(0 if dialect.adjective_first else 1, word(phrase.adjective, role))
    if phrase.number:
        words.insert(0, word(phrase.number, role))
    elif dialect.articles:
        words.insert(0, word(phrase.article, role))
    return words


def question(clause: Clause, role: str) -> Clause:
    """The clause as a question about one of its phrases: agent, patient, place or year."""
    return Clause(**(clause._asdict() | {role: Phrase(ASKING[role], "asked")}))
