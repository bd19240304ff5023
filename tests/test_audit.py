"""The zero-shot guard: a study that is not what it says is stopped before it is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layover import languages
from layover.audit import Finding, audit, check, sources
from layover.encoders import XLMR_BASE
from layover.errors import AuditError
from layover.executors.execute import Outcome, execute, plan
from layover.executors.local import Local
from layover.languages import Language
from layover.leaks import SHARED
from layover.metrics.accuracy import ACCURACY, WORD_ACCURACY
from layover.metrics.mining import PAIR_F1
from layover.metrics.ranking import MAP_20
from layover.portraits import portrait
from layover.recipe import Check, Recipe, Selection, steps
from layover.registry import load_file
from layover.scripts import SCRIPTS
from layover.stage import Stage
from layover.stages import Phase, Stop, World, chain, evaluate
from layover.store import Store
from layover.study import Arm, Study
from layover.tasks.formats import Conll, Tsv
from layover.tasks.mixture import Mixture
from layover.tasks.sources import Files, Row
from layover.tasks.target import Target
from layover.tasks.task import Data, Task
from layover.tasks.types.classification import Classification, Labelled
from layover.tasks.types.mining import Line, Mining
from layover.tasks.types.ranking import Match, Ranking
from layover.tasks.types.tagging import Sentence, Tagging
from layover.tasks.types.text import MaskedText, Text
from layover.world import Shape

RECIPE = Recipe(duration=steps(1), learning_rate=1e-3)

Texts = Mapping[str, Sequence[str]]
"""Language -> the texts of a file."""


def nowhere(stage: Stage) -> Path:
    raise AssertionError("nothing here was written by a stage")


def judged(row: Row) -> Labelled:
    number = str(row.fields["row"])
    return Labelled(id=number, cluster=number, text=row.fields["text"], pair=None, label="yes")


def tagged(row: Row) -> Sentence:
    number = str(row.fields["row"])
    words = row.fields["tokens"]
    return Sentence(id=number, cluster=number, words=words, tags=("X",) * len(words))


def raw(row: Row) -> Text:
    number = str(row.fields["row"])
    return Text(id=number, cluster=number, text=row.fields["text"])


def matched(row: Row) -> Match:
    """In training a pair, in a test the query or the candidate alone."""
    number, text = str(row.fields["row"]), row.fields["text"]
    query, _, candidate = text.partition("// ")
    return Match(
        id=number,
        cluster=number,
        query=query.strip() or None,
        candidate=candidate or None,
        name=number,
    )


def mined(row: Row) -> Line:
    number = str(row.fields["row"])
    side, _, text = row.fields["text"].partition(": ")
    gold = (number,) if side == "source" else None
    return Line(id=number, cluster=number, side=side, text=text, gold=gold)  # type: ignore


@pytest.fixture(autouse=True)
def own_memory_of_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Data]:
    """Writes texts to files and gives the data that they hold."""

    def write(name: str, split: str, texts: Texts, kind: str = "sequence") -> Data:
        for code, items in texts.items():
            lines = items if kind != "token" else ["\n".join(t.split()) + "\n" for t in items]
            path = tmp_path / f"{name}-{split}-{code}.txt"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        task_type, reader, parse = {
            "sequence": (Classification(labels=("yes", "no")), Tsv(columns=("text",)), judged),
            "token": (Tagging(labels=("X",)), Conll(), tagged),
            "lm": (MaskedText(), Tsv(columns=("text",)), raw),
            "dual": (Ranking(), Tsv(columns=("text",)), matched),
            "embed": (Mining(), Tsv(columns=("text",)), mined),
        }[kind]
        source = Files(
            paths=(f"{name}-{{split}}-{{language}}.txt",), reader=reader, root=str(tmp_path)
        )
        task: Any = Task(name=name, type=task_type, source=source, parse=parse, splits=())
        return Data(task=task, split=split, languages=tuple(texts))

    return write


METRICS = {"token": WORD_ACCURACY, "dual": MAP_20, "embed": PAIR_F1}


def study_of(
    test: Data,
    *stops: Stop,
    source: str = "eng",
    allow: tuple[str, ...] = (),
    dev: Data | None = None,
) -> Study:
    metric = METRICS.get(test.task.type.head, ACCURACY)
    target = Target(name="the target", train=(), test=test, metric=metric, dev=dev)
    model = chain(XLMR_BASE, *stops, recipe=RECIPE, seed=0)
    arm = Arm(name="arm", leaves=evaluate(model, target))
    return Study(name="toy", question="?", arms=(arm,), baseline="arm", source=source, allow=allow)


def sentences(first: int, count: int) -> list[str]:
    """Sentences of which no two are the same."""
    return [f"this is number {number} of them" for number in range(first, first + count)]


def names(found: Sequence[Finding]) -> set[str]:
    return {finding.name for finding in found}


TRAIN, TEST = sentences(0, 100), sentences(1000, 100)


def test_an_honest_study_has_no_findings(files: Callable[..., Data]) -> None:
    test = files("judge", "test", {"eng": TEST, "deu": sentences(2000, 50)})
    assert check(study_of(test, files("judge", "train", {"eng": TRAIN})), nowhere) == ()


# Languages


def test_training_on_labels_in_a_measured_language_stops_the_study(
    files: Callable[..., Data],
) -> None:
    train = files("judge", "train", {"eng": TRAIN, "deu": sentences(3000, 20)})
    study = study_of(files("judge", "test", {"eng": TEST, "deu": TEST}), train)
    with pytest.raises(AuditError, match=r"(?s)toy.*'judge in deu'.*German.*the target.*allow"):
        check(study, nowhere)


def test_it_is_found_at_any_place_of_the_chain_and_in_any_part_of_a_mixture(
    files: Callable[..., Data],
) -> None:
    english = files("judge", "train", {"eng": TRAIN})
    german = files("other", "train", {"deu": sentences(3000, 20)})
    tags = files("tags", "train", {"eng": TRAIN}, "token")
    test = files("judge", "test", {"eng": TEST, "deu": TEST})
    chains: list[tuple[Stop, ...]] = [
        (german, english),
        (english, german),
        (Mixture(parts=(tags, german)), english),
    ]
    for stops in chains:
        assert names(audit(study_of(test, *stops), nowhere)) == {"other in deu"}


def test_choosing_a_checkpoint_on_the_test_is_found(files: Callable[..., Data]) -> None:
    train = files("judge", "train", {"eng": TRAIN})
    test = files("judge", "test", {"eng": TEST, "deu": sentences(2000, 50)})
    selection = Selection(checks=(Check(data=test, metric=ACCURACY),), every=1)
    chosen = Phase(data=train, selection=selection)
    assert names(audit(study_of(test, chosen), nowhere)) == {
        "judge in deu",
        "judge overlaps judge in eng",
        "judge overlaps judge in deu",
    }


def test_files_that_are_missing_are_left_to_the_stages_that_need_them(
    files: Callable[..., Data], tmp_path: Path
) -> None:
    train, test = files("judge", "train", {"eng": TRAIN}), files("judge", "test", {"deu": TRAIN})
    (tmp_path / "judge-train-eng.txt").unlink()
    assert audit(study_of(test, train), nowhere) == ()


def test_training_in_a_language_that_is_not_measured_is_nobodys_business(
    files: Callable[..., Data],
) -> None:
    french = files("judge", "train", {"fra": sentences(3000, 20)})
    assert audit(study_of(files("judge", "test", {"deu": TEST}), french), nowhere) == ()


def test_the_source_is_the_one_that_the_study_names(files: Callable[..., Data]) -> None:
    test = files("judge", "test", {"eng": TEST, "deu": sentences(2000, 50)})
    train = files("judge", "train", {"deu": sentences(3000, 20)})
    assert audit(study_of(test, train, source="deu"), nowhere) == ()
    assert names(audit(study_of(test, train, source="eng"), nowhere)) == {"judge in deu"}


def test_text_without_labels_may_be_in_any_language(files: Callable[..., Data]) -> None:
    text = files("text", "train", {"eng": TEST, "deu": TEST}, "lm")
    stops = (text, files("judge", "train", {"eng": TRAIN}))
    test = files("judge", "test", {"eng": TEST, "deu": TEST})
    assert audit(study_of(test, *stops), nowhere) == ()


# Scripts

WRITTEN = {
    "eng": "the dog ran",
    "vie": "con chó đã chạy",
    "rus": "собака бежала",
    "kaz": "ит жүгірді",
    "arb": "ركض الكلب",
    "urd": "کتا بھاگا",
    "ben": "কুকুরটি দৌড়াল",
    "hin": "कुत्ता भागा",
    "kat": "ძაღლი გაიქცა",
    "ell": "ο σκύλος έτρεξε",
    "guj": "કૂતરો દોડ્યો",
    "pan": "ਕੁੱਤਾ ਭੱਜਿਆ",
    "zho": "狗跑了",
    "heb": "הכלב רץ",
    "jpn": "犬が走った",
    "kor": "개가 달렸다",
    "mal": "നായ ഓടി",
    "mya": "ခွေးပြေးသည်",
    "tam": "நாய் ஓடியது",
    "tel": "కుక్క పరిగెత్తింది",
    "tha": "หมาวิ่ง",
}


def rows(text: str, count: int) -> list[str]:
    return [f"{text} {number}" for number in range(count)]


def test_there_is_a_sentence_in_every_script() -> None:
    assert {languages.language(code).script for code in WRITTEN} == SCRIPTS.keys()


@pytest.mark.parametrize("code", WRITTEN)
def test_rows_are_known_by_their_script(code: str, files: Callable[..., Data]) -> None:
    test = files("judge", "test", {"eng": TEST})
    mine = languages.language(code).script
    for other, text in WRITTEN.items():
        train = files("judge", "train", {code: rows(text, 20)})
        found = names(audit(study_of(test, train, source=code), nowhere)) - {f"judge in {code}"}
        theirs = languages.language(other).script
        # Japanese and Korean are written in Chinese characters, too.
        fits = theirs == mine or (mine in ("Jpan", "Kore") and theirs == "Hans")
        assert found == (set() if fits else {f"judge {code} in another script"})


@pytest.mark.parametrize(("strange", "is_found"), [(0, False), (2, False), (3, True), (200, True)])
def test_a_hundredth_of_the_rows_may_be_in_another_script(
    strange: int, is_found: bool, files: Callable[..., Data]
) -> None:
    texts = [*rows(WRITTEN["rus"], strange), *sentences(0, 200 - strange)]
    study = study_of(files("judge", "test", {"eng": TEST}), files("judge", "train", {"eng": texts}))
    assert bool(audit(study, nowhere)) == is_found


def test_numbers_and_signs_have_no_script(files: Callable[..., Data]) -> None:
    train = files("judge", "train", {"eng": [f"{number} + 1 = ?" for number in range(30)]})
    assert audit(study_of(files("judge", "test", {"eng": TEST}), train), nowhere) == ()


def test_a_language_of_a_script_that_is_not_listed_is_not_judged_by_it(
    files: Callable[..., Data], monkeypatch: pytest.MonkeyPatch
) -> None:
    amharic = Language(code="amh", short="am", name="Amharic", script="Ethi", lineage=("Semitic",))
    monkeypatch.setitem(languages._LANGUAGES, "amh", amharic)
    train = files("judge", "train", {"amh": rows("ውሻው ሮጠ", 20)})
    study = study_of(files("judge", "test", {"amh": TEST}), train, source="amh")
    assert audit(study, nowhere) == ()


# Overlap


def copied(count: int) -> Texts:
    """A hundred test rows of which `count` are training rows."""
    return {"deu": [*TRAIN[:count], *TEST[count:]]}


@pytest.mark.parametrize(("count", "is_found"), [(0, False), (5, False), (6, True), (100, True)])
def test_a_twentieth_of_the_test_may_occur_in_training(
    count: int, is_found: bool, files: Callable[..., Data]
) -> None:
    assert SHARED == 0.05
    study = study_of(files("judge", "test", copied(count)), files("nli", "train", {"eng": TRAIN}))
    found = audit(study, nowhere)
    assert names(found) == ({"nli overlaps judge in deu"} if is_found else set())
    assert all(f"{count} of 100" in finding.explanation for finding in found)


def test_each_language_is_looked_at_for_itself(files: Callable[..., Data]) -> None:
    many = {"deu": TRAIN[:20], **{code: TEST for code in ("fra", "spa", "ita", "nld", "por")}}
    study = study_of(files("judge", "test", many), files("judge", "train", {"eng": TRAIN}))
    assert names(audit(study, nowhere)) == {"judge overlaps judge in deu"}


@pytest.mark.parametrize("kind", ["sequence", "token"])
def test_a_copy_counts_for_the_same_head_only(kind: str, files: Callable[..., Data]) -> None:
    test = files("measured", "test", {"deu": TRAIN}, "token")
    head = files("head", "train", {"eng": sentences(4000, 20)}, "token")
    study = study_of(test, files("trained", "train", {"eng": TRAIN}, kind), head)
    found = {"trained overlaps measured in deu"} if kind == "token" else set()
    assert names(audit(study, nowhere)) == found


TRIFLES: dict[str, Callable[[str], str]] = {
    "case": str.upper,
    "spaces": lambda text: f"  {text.replace(' ', '   ')} ",
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "full width": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text
    ),
    "accents apart": lambda text: text.replace("é", "e\u0301"),
    "sharp s": lambda text: text.replace("ss", "ß"),
}


@pytest.mark.parametrize("trifle", TRIFLES)
@pytest.mark.parametrize("side", ["train", "test"])
def test_trifles_do_not_hide_a_copy(trifle: str, side: str, files: Callable[..., Data]) -> None:
    texts = {"train": [f"{text} café grass" for text in TRAIN]}
    texts["test"] = texts["train"]
    texts[side] = [TRIFLES[trifle](text) for text in texts[side]]
    assert texts["train"] != texts["test"]
    study = study_of(
        files("judge", "test", {"deu": texts["test"]}),
        files("judge", "train", {"eng": texts["train"]}),
    )
    assert names(audit(study, nowhere)) == {"judge overlaps judge in deu"}


def test_a_query_that_was_trained_on_with_its_candidate_is_found(
    files: Callable[..., Data],
) -> None:
    test = files("rank", "test", {"deu": TEST}, "dual")
    pairs = [f"{text} // and its answer" for text in TRAIN]
    assert audit(study_of(test, files("rank", "train", {"eng": pairs}, "dual")), nowhere) == ()
    leaked = [f"{text} // and its answer" for text in TEST[:10]]
    study = study_of(test, files("rank", "train", {"eng": pairs + leaked}, "dual"))
    assert names(audit(study, nowhere)) == {"rank overlaps rank in deu"}


# What is meant


def test_a_leak_of_queries_is_not_hidden_by_a_large_pool(files: Callable[..., Data]) -> None:
    pairs = [f"{text}// its answer {row}" for row, text in enumerate(TRAIN)]
    pool = [f"// candidate {row}" for row in range(3000)]
    honest = files("rank", "honest", {"eng": TEST + pool}, "dual")
    leaky = files("rank", "test", {"eng": TRAIN + pool}, "dual")
    train = files("rank", "train", {"eng": pairs}, "dual")
    assert audit(study_of(honest, train), nowhere) == ()
    (found,) = audit(study_of(leaky, train), nowhere)
    assert found.explanation.startswith("100 of 100 rank test examples")


def sides(source: Sequence[str], target: Sequence[str]) -> list[str]:
    return [f"source: {text}" for text in source] + [f"target: {text}" for text in target]


def test_a_layer_or_threshold_is_not_chosen_on_what_is_tested(files: Callable[..., Data]) -> None:
    english = sentences(5000, 400)
    dev = files("mine", "dev", {"deu": sides(TRAIN, english)}, "embed")
    test = files("mine", "test", {"deu": sides(TEST, english)}, "embed")
    copied = files("mine", "copied", {"deu": sides(TEST[:10] + TRAIN, english)}, "embed")
    assert audit(study_of(test, dev=dev), nowhere) == ()
    for leaky in (test, copied):
        (found,) = audit(study_of(test, dev=leaky), nowhere)
        assert found.name == "mine overlaps mine in deu"


def test_a_threshold_from_labels_of_a_test_language_is_not_zero_shot(
    files: Callable[..., Data],
) -> None:
    test = files("judge", "test", {"deu": TEST})
    dev = files("judge", "dev", {"deu": sentences(2000, 50), "eng": TRAIN})
    assert names(audit(study_of(test, dev=dev), nowhere)) == {"judge in deu"}


def test_a_selection_by_raw_text_has_seen_no_labels(files: Callable[..., Data]) -> None:
    text = files("text", "train", {"deu": TRAIN}, "lm")
    anything = replace(ACCURACY, predictions="")
    selection = Selection(checks=(Check(data=text, metric=anything),), every=1)
    stops = (Phase(data=text, selection=selection), files("judge", "train", {"eng": TRAIN}))
    assert audit(study_of(files("judge", "test", {"deu": TEST}), *stops), nowhere) == ()


def test_an_allowed_finding_passes_and_is_told(files: Callable[..., Data]) -> None:
    train = files("judge", "train", {"eng": TRAIN, "deu": sentences(3000, 20)})
    test = files("judge", "test", {"eng": TRAIN, "deu": TEST})
    both = ("judge in deu", "judge overlaps judge in eng")
    assert names(check(study_of(test, train, allow=both), nowhere)) == set(both)
    for name, other in (both, both[::-1]):
        with pytest.raises(AuditError) as error:
            check(study_of(test, train, allow=(name,)), nowhere)
        told = str(error.value)
        assert repr(other) in told and repr(name) not in told


def test_a_finding_is_told_once_however_many_arms_share_it(files: Callable[..., Data]) -> None:
    train = files("judge", "train", {"eng": TRAIN, "deu": sentences(3000, 20)})
    test = files("judge", "test", {"deu": TEST})
    target = Target(name="the target", train=(train,), test=test, metric=ACCURACY)
    arms = tuple(
        Arm(
            name=f"seed {seed}",
            leaves=evaluate(chain(XLMR_BASE, target, recipe=RECIPE, seed=seed), target),
        )
        for seed in range(3)
    )
    study = Study(name="toy", question="?", arms=arms, baseline="seed 0")
    assert [finding.name for finding in audit(study, nowhere)] == ["judge in deu"]


# Worlds


def test_the_tiny_world_is_what_it_says(tiny: Study, tiny_run: tuple[Store, Outcome]) -> None:
    assert audit(tiny, tiny_run[0].result) == ()


def test_the_sources_are_the_stages_that_write_data(
    tiny: Study, files: Callable[..., Data]
) -> None:
    assert sources(tiny) == tuple(stage for stage in tiny.stages if isinstance(stage, World))
    test = files("judge", "test", {"deu": TEST})
    assert sources(study_of(test, files("judge", "train", {"eng": TRAIN}))) == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"), [("demo", {}), ("deployment_cost", {"miniature": True})]
)
def test_a_study_of_a_generated_world_is_what_it_says(
    name: str, arguments: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(__file__).parent.parent / "studies"
    monkeypatch.syspath_prepend(str(folder))
    module: Any = load_file(folder / f"{name}.py", name)

    # Less raw text, which no audit reads.
    def small(paragraphs: int, **more: Any) -> Shape:
        return Shape(paragraphs=60, **more)

    monkeypatch.setattr(module, "Shape", small)
    study = module.study(seeds=1, **arguments)
    store = Store(tmp_path)
    needed = sources(study)
    assert [stage.label for stage in needed] == ["world 1"]
    execute(plan(study, store, needed), Local(store, lambda event: None))
    # It raises AuditError with what the study does not allow.
    assert {one.name for one in check(study, store.result)} == set(study.allow)


# Portraits


def test_text_that_a_checkpoint_is_measured_on_is_no_target(files: Callable[..., Data]) -> None:
    german = files("judge", "train", {"deu": sentences(3000, 20)})
    text = files("text", "test", {"eng": TEST, "deu": sentences(3000, 20)}, "lm")
    study = study_of(files("other", "test", {"fra": TEST}), german)
    model = chain(XLMR_BASE, german, recipe=RECIPE, seed=0)
    arm = Arm(name="judge", leaves=portrait(model, XLMR_BASE, text))
    assert audit(replace(study, portraits=(arm,)), nowhere) == ()
