"""The languages are as far from the source as they say, and told apart by nothing else."""

from __future__ import annotations

from dataclasses import replace

from layover.world import LANGUAGES, Dialect, Shape
from layover.world.concepts import NOUNS, OPPOSITE, UPOS
from layover.world.grammar import Clause, Phrase, fragment, question, realise, text
from layover.world.lexicon import OBJECT, PAST, lexicons, names

CLAUSE = Clause(
    "buy",
    Phrase("bano", "person"),
    Phrase("dog", adjective="big"),
    past=True,
    place=Phrase("velota", "place"),
)


def keys(clause: Clause, dialect: Dialect) -> str:
    """The sentence with concepts for words."""
    lexicon = lexicons((LANGUAGES[0], replace(dialect, code="xxx")), 1)["xxx"]
    return " ".join(word.key for word in realise(clause, lexicon))


def test_the_default_languages_are_ordered_by_distance() -> None:
    distances = [dialect.distance for dialect in LANGUAGES]
    assert distances[0] == 0
    assert distances == sorted(set(distances)) and distances[-1] <= 1
    assert Shape().source is LANGUAGES[0]


def test_distance_runs_from_nothing_shared_to_nothing_different() -> None:
    source = Dialect(code="xxx", name="X")
    strange = Dialect(
        code="xxx",
        name="X",
        cognates=0,
        order="SOV",
        adjective_first=False,
        adpositions="after",
        case_suffix="ot",
        articles=False,
        script="Cyrl",
    )
    assert source.distance == 0
    assert strange.distance == 1


def test_equal_words_are_cognates_and_as_many_as_declared() -> None:
    found = lexicons(LANGUAGES, 3)
    source = found["qal"]
    meanings = {source.form(key): key for key in UPOS}
    for dialect in LANGUAGES[1:]:
        forms = {key: found[dialect.code].form(key) for key in UPOS}
        assert len(set(forms.values())) == len(UPOS), "no two concepts share a word"
        equal = [key for key, form in forms.items() if form == source.form(key)]
        assert all(meanings.get(form, key) == key for key, form in forms.items())
        assert len(equal) <= round(dialect.cognates * len(UPOS))
        assert len(equal) >= 0.4 * dialect.cognates * len(UPOS)


def test_word_order_follows_the_dialect() -> None:
    def order(**changes: object) -> str:
        return keys(CLAUSE, Dialect(code="x", name="X", **changes))

    assert order() == "bano buy+past the big dog+object in velota ."
    assert order(order="VSO") == "buy+past bano the big dog+object in velota ."
    assert order(order="SOV") == "bano in velota the big dog+object buy+past ."
    assert order(adjective_first=False) == "bano buy+past the dog+object big in velota ."
    assert order(adpositions="after") == "bano buy+past the big dog+object velota in ."
    assert order(articles=False) == "bano buy+past big dog+object in velota ."


def test_one_meaning_has_several_sentences() -> None:
    source = LANGUAGES[0]
    passive = CLAUSE._replace(passive=True)
    assert keys(passive, source) == "the big dog be buy+past by bano in velota ."
    assert keys(CLAUSE._replace(fronted=True), source).startswith("in velota bano ")
    assert keys(question(CLAUSE, "agent"), source).startswith("who buy+past the big dog")
    assert keys(question(CLAUSE, "place"), source).endswith(" where ?")
    assert keys(CLAUSE._replace(polar=True), source).startswith("whether bano ")
    assert keys(CLAUSE._replace(negated=True, opening="but"), source).startswith("but bano not ")


def test_affixes_and_scripts_change_the_form_and_not_the_key() -> None:
    found = lexicons(LANGUAGES, 1)
    elder, far = found["qde"], found["qfe"]
    assert elder.form("dog" + OBJECT) == elder.form("dog") + "ot"
    assert elder.form("buy" + PAST) == elder.form("buy") + "il"
    assert all("а" <= letter <= "я" for noun in NOUNS for letter in far.form(noun))
    name = text(fragment(Phrase("bano", "person"), far))
    assert name == "bano .", "names are written alike in every script"


def test_an_organisation_is_a_body_with_a_name() -> None:
    guild = CLAUSE._replace(agent=Phrase("guild", "organisation", family="mirro"))
    for dialect, wanted in ((LANGUAGES[0], "mirro guild"), (LANGUAGES[2], "guild mirro")):
        words = realise(guild, lexicons(LANGUAGES, 1)[dialect.code])
        named = [word for word in words if word.entity.endswith("ORG")]
        assert " ".join(word.key for word in named) == wanted
        assert [word.entity for word in named] == ["B-ORG", "I-ORG"]


def test_training_and_testing_share_no_name() -> None:
    everyone = names(1)
    train, test = everyone.half(False), everyone.half(True)
    for all_of, one, other in zip(everyone, train, test, strict=True):
        assert sorted((*one, *other)) == sorted(all_of)
        assert not set(one) & set(other)


def test_every_opposite_goes_both_ways() -> None:
    assert all(OPPOSITE[OPPOSITE[word]] == word != OPPOSITE[word] for word in OPPOSITE)
