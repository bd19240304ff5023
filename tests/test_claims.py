"""A verdict is right for rows in which its claim is true, false, undecided or missing; and it
speaks only of the encoders and targets that it rests on."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from layover import coverage
from layover.claims import (
    EVERY,
    Best,
    Claim,
    Contrast,
    Counted,
    Coverage,
    Published,
    Word,
    gain,
    mean,
    score,
)
from layover.cli.claims import as_row
from layover.cli.shared import plain
from layover.encoders import XLMR_LARGE, Folder
from layover.errors import StudyError
from layover.measured import Measurement
from layover.report.ledger import Ledger, sentence
from layover.stages import Phase, chain, evaluate
from layover.study import Arm, Study
from layover.tasks.generated import CODES
from made_rows import (
    ARMS,
    RECIPE,
    SEEDS,
    TARGETS,
    TOY,
    row,
    rows,
    study,
    targets,
    train,
    verdict,
    verdicts,
)
from made_rows import TASKS as WORLD

Effects = Mapping[str, float | Mapping[str, float]]
OTHERS = TARGETS[:3]


def claim(*contrasts: Contrast, least: int = 0, margin: float = 0.0) -> Claim:
    return Claim(text="so it is", source="a test", contrasts=contrasts, least=least, margin=margin)


def over(arm: str | Best, *names: str) -> Contrast:
    return gain(arm, *(names or TARGETS), over="direct")


def each(arms: float, **other: float) -> Effects:
    return {arm: other.get(arm, arms) for arm in ARMS[1:]}


def on(others: float, retrieval: float) -> Mapping[str, float]:
    return {**dict.fromkeys(OTHERS, others), "retrieval": retrieval}


PUBLISHED = Published(
    name="they", scores=tuple((name, 60.0, 5 if name == "retrieval" else 6) for name in TARGETS)
)
EFFECT = claim(over("nli"))
BEST = claim(over("both"), *(gain("both", *TARGETS, over=one) for one in ("nli", "tags")))
ORDER = claim(over("nli", "retrieval") - over("nli", *OTHERS))
MOST = claim(*(over(arm, "NLI") for arm in ARMS[1:]), least=3)
NEVER = claim(-mean(*(over(arm, "NLI") for arm in ARMS[1:])))
CHOSEN = claim(over(Best(arms=ARMS[1:])))
THEIRS = claim(gain("nli", *TARGETS, over=PUBLISHED, languages=EVERY))
MARGIN = claim(over("nli"), margin=2.0)
NO_WORSE = claim(over("nli"), margin=-1.0)
NO_GAIN = replace(NEVER, margin=-1.0)

KINDS: tuple[tuple[str, Claim, Effects, Effects, Effects], ...] = (
    ("an effect", EFFECT, each(0, nli=3), each(0, nli=-3), each(0)),
    ("the best of all", BEST, each(1, both=4), each(4, both=1), each(3)),
    (
        "one gain above another",
        ORDER,
        {"nli": on(0, 4)},
        {"nli": on(4, 0)},
        {"nli": on(2, 2)},
    ),
    ("a gain of most arms", MOST, each(3, nli=-3), each(-3, nli=3), each(0, nli=3, tags=3)),
    ("no gain", NEVER, each(-2), each(2), each(0)),
    ("the best for each target", CHOSEN, each(0, nli=3), each(-3), each(0)),
    ("more than was published", THEIRS, each(0, nli=3), each(0, nli=-3), each(0)),
    ("an effect above a margin", MARGIN, each(0, nli=4), each(0, nli=0.5), each(0, nli=2)),
    ("no loss of a point", NO_WORSE, each(0), each(0, nli=-2), each(0, nli=-1)),
    ("no gain of a point", NO_GAIN, each(0), each(2), each(1)),
)


@pytest.mark.parametrize("what, made, true, false, open_", KINDS, ids=[kind[0] for kind in KINDS])
def test_a_verdict_is_right_where_the_truth_is_known(
    what: str, made: Claim, true: Effects, false: Effects, open_: Effects
) -> None:
    # The same noise for all three: it is the effect that leaves a claim open.
    words = [verdict(rows(effects, noise=1), made).verdict for effects in (true, false, open_)]
    assert words == ["supported", "contradicted", "inconclusive"]


@pytest.mark.parametrize("made", [kind[1] for kind in KINDS], ids=[kind[0] for kind in KINDS])
def test_a_claim_whose_rows_are_missing_is_not_tested_and_names_them(made: Claim) -> None:
    every = rows(each(0))
    lacking = verdict([one for one in every if (one.arm, one.target) != ("nli", "NLI")], made)
    assert lacking.verdict == "not tested"
    assert lacking.missing == ("nli on NLI",)
    assert "nli on NLI" in sentence(lacking)
    assert math.isnan(lacking.confidence) and not lacking.found


@pytest.mark.parametrize(
    "made, told",
    [
        (claim(over("nil")), "no arm is called 'nil': did you mean 'nli'?"),
        (claim(over("nli", "choise")), "no target is called 'choise': did you mean 'choice'?"),
        (claim(over(Best(arms=("nli", "tag")))), "did you mean 'tags'"),
        (replace(EFFECT, beside=(over("nil"),)), "no arm is called 'nil'"),
        (
            claim(gain("nli", "NLI", over="direct", languages=("qco", "deu"))),
            f"nli is not measured on NLI in deu; it is in {', '.join(CODES)}",
        ),
        (replace(EFFECT, encoders=("xlmr-large",)), "did you mean 'xlm-r-large'"),
        (replace(EFFECT, targets=("tatobea",)), "did you mean 'tatoeba'"),
    ],
)
def test_a_claim_with_a_misspelt_name_is_refused_with_the_nearest(made: Claim, told: str) -> None:
    with pytest.raises(StudyError, match="so it is") as error:
        verdict(rows(each(0)), made)
    assert told in str(error.value)


def test_confidence_is_on_the_claimed_side() -> None:
    high, low, even = (verdict(rows({"nli": by}, noise=1), EFFECT) for by in (3, -3, 0))
    assert high.confidence > 0.99 and low.confidence < 0.01
    assert 0.01 < even.confidence < 0.99


def test_identical_arms_decide_nothing() -> None:
    made = [replace(one, arm=arm) for one in rows({}) for arm in ("direct", "nli")]
    found = verdict(made, EFFECT)
    assert (found.verdict, found.confidence) == ("inconclusive", 0.5)


def test_verdicts_of_a_study_are_judged_together() -> None:
    found = rows({"nli": 1.0, "tags": 0.0}, noise=1.0)
    alone = verdict(found, claim(over("nli", "NLI")))
    p = alone.found[0].p()
    others = [claim(over("tags", name)) for name in TARGETS]
    together = verdicts(found, claim(over("nli", "NLI")), *others)[0]
    assert 0.01 < p <= 0.05, p
    assert (alone.verdict, together.verdict) == ("supported", "inconclusive")
    assert together.level > alone.level == 0.95


def test_one_contrast_above_does_not_support_a_claim_about_all() -> None:
    found = verdict(rows({"nli": 3, "tags": -0.3}, noise=1), claim(over("nli"), over("tags")))
    assert found.verdict == "inconclusive"
    assert found.confidence < 0.99


def test_one_seed_decides_nothing_and_is_not_in_the_family() -> None:
    every = rows({"nli": 3, "tags": 3})
    once = [one for one in every if one.arm == "direct" or (one.arm, one.seed) != ("nli", 2)]
    once = [one for one in once if (one.arm, one.seed) != ("nli", 3)]
    lone, more = verdicts(once, EFFECT, claim(over("tags")))
    assert (lone.verdict, lone.settle) == ("inconclusive", None)
    assert math.isnan(lone.confidence) and lone.intervals[0][0] > 0
    assert "One seed tells nothing of others" in sentence(lone)
    assert (more.verdict, more.level) == ("supported", 0.95)


def test_an_open_claim_says_how_many_more_seeds_would_settle_it() -> None:
    found = verdict(rows({"nli": 1.5}, noise=3), claim(over("nli", "NLI")))
    assert found.verdict == "inconclusive"
    assert found.settle is not None and found.settle > 0
    assert f"{found.settle} more seed" in sentence(found)


def test_a_claim_about_several_is_settled_with_the_last_of_them() -> None:
    made = rows({"nli": 1.5, "tags": 2.5}, noise=3)
    one, other = over("nli", "NLI"), over("tags", "NLI")
    alone = [verdict(made, claim(each)).settle for each in (one, other)]
    assert None not in alone and alone[0] != alone[1]
    assert verdict(made, claim(one, other)).settle == max(filter(None, alone))


def test_a_contrast_that_need_not_be_settled_asks_for_no_seeds() -> None:
    """One below zero contradicts a claim about both, wherever the other is."""
    both = claim(over("nli", "NLI"), over("tags", "NLI"))
    found = verdict(rows({"nli": -1, "tags": 0.3}, noise=3), both)
    assert found.verdict == "inconclusive"
    assert found.settle is not None and found.settle < 20


def test_the_interval_that_is_shown_is_the_one_that_decides() -> None:
    both = claim(over("nli"), over("tags"), over("both"))
    for noise in (0.3, 1.0, 2.0):
        for low in (-0.5, -1, -1.5, -2, -3):
            found = verdict(rows(each(2, nli=low), noise=noise), both)
            below = any(high < 0 for _, high in found.intervals)
            assert below == (found.verdict == "contradicted"), (noise, low)
    assert found.levels[0] == pytest.approx(1 - 0.05 / 3) and found.levels[1] == 0.95
    assert "(95 % and 98.33 % intervals)" in sentence(found)


def test_what_lies_at_the_margin_is_not_a_want_of_test_examples() -> None:
    made = [replace(one, arm=arm) for one in rows({}) for arm in ("direct", "nli")]
    told = sentence(verdict(made, EFFECT))
    assert "too near the margin" in told and "test examples" not in told.partition(".")[2]


@pytest.mark.parametrize("width", [80, 140])
def test_people_are_shown_true_minuses_and_no_certainty(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    found = rows(each(0, nli=-9, tags=9), noise=0.3)
    console.print(Ledger(title="So", verdicts=verdicts(found, EFFECT, claim(over("tags")))))
    told = console.export_text()
    assert "nli − direct" in " ".join(told.split())
    assert re.search("−[89]", told) and not re.search(r"-[ \d]", told)
    assert "< 1 %" in told and "> 99 %" in told and "100 %" not in told


def test_a_margin_is_told_beside_the_values_that_it_is_for() -> None:
    assert "points, where more than −1.0 is claimed (95 % interval)" in sentence(
        verdict(rows(each(0)), NO_WORSE)
    )
    assert "is claimed" not in sentence(verdict(rows(each(0)), EFFECT))


def test_seeds_are_in_the_order_of_numbers() -> None:
    found = verdict(rows(each(0), seeds=(2, 10, 9)), EFFECT)
    assert found.rests_on.seeds == (2, 9, 10)


def without(one: Measurement, code: str) -> Measurement:
    kept = {name: table for name, table in one.statistics.items() if name != code}
    return replace(one, statistics=kept)


def test_only_seeds_and_languages_that_all_sides_have_are_compared_and_the_others_named() -> None:
    every = rows(each(0, nli=3))
    fewer = [one for one in every if (one.arm, one.seed) != ("direct", 3)]
    found = verdict(fewer, EFFECT)
    assert found.rests_on.seeds == (1, 2)
    assert "nli on NLI: seed 3 left out, which not all sides have" in found.notes

    short = [without(one, "qco") if one.arm == "direct" else one for one in every]
    codes = verdict(short, EFFECT).rests_on.languages
    assert "qco" not in codes and len(codes) == 4
    assert "NLI: without qco, which not all sides have" in verdict(short, EFFECT).notes


def test_sides_that_share_no_seed_are_not_compared() -> None:
    every = rows(each(0))
    apart = [one for one in every if (one.seed == 1) == (one.arm == "direct")]
    found = verdict(apart, claim(over("nli", "NLI")))
    assert found.verdict == "not tested"
    assert found.missing == ("a seed that all have: nli on NLI has 2, 3; direct on NLI has 1",)


def test_sides_that_were_tested_on_different_examples_are_not_compared() -> None:
    every = rows(each(0, nli=3))
    apart = [replace(one, data_key="newer") if one.arm == "nli" else one for one in every]
    found = verdict(apart, claim(over("nli", "NLI")))
    assert found.verdict == "not tested"
    assert "tested on different examples" in sentence(found)
    assert verdict(apart, claim(over("tags", "NLI"))).verdict != "not tested"


def test_a_language_that_a_claim_names_and_a_side_lacks_is_named() -> None:
    there, every = claim(gain("nli", "NLI", over="direct", languages=("qco",))), rows({"nli": 3})
    assert verdict(every, there).verdict == "supported"
    short = [without(one, "qco") if one.arm == "direct" else one for one in every]
    assert verdict(short, there).missing == ("direct on NLI in qco",)


def test_published_averages_are_not_compared_with_those_of_fewer_languages() -> None:
    few = Published(name="they", scores=(("NLI", 60.0, 15),))
    found = verdict(rows(each(0)), claim(gain("nli", "NLI", over=few, languages=EVERY)))
    assert found.missing == ("the same languages: they on NLI has 15, and 6 were measured",)
    none = verdict(rows(each(0)), claim(gain("nli", "choice", over=few, languages=EVERY)))
    assert none.missing == ("they has no figure for choice",)


def test_a_difference_from_published_figures_is_shown_beside_and_decides_nothing() -> None:
    beside = gain("nli", *TARGETS, over=PUBLISHED, languages=EVERY)
    found = verdict(rows({"nli": 3}), replace(claim(over("nli")), beside=(beside,)))
    assert found.verdict == "supported"
    assert [name for name, _ in found.beside] == ["nli − they"]
    assert found.beside[0][1].estimate == pytest.approx(3, abs=0.5)
    assert "Beside it: nli − they +3" in sentence(found)


def test_the_best_of_equal_arms_is_no_better_than_they_are() -> None:
    """Chosen on what it is measured on, the best of four arms with this noise is some points up."""
    found = rows(each(0), noise=4)
    naive = max(verdict(found, claim(over(arm, "NLI"))).found[0].estimate for arm in ARMS[1:])
    best = verdict(found, claim(over(Best(arms=ARMS[1:]), "NLI"))).found[0].estimate
    assert best < naive


def test_a_toy_never_supports_a_claim_about_another_encoder() -> None:
    made = replace(EFFECT, encoders=(XLMR_LARGE.name,))
    found = rows(each(0, nli=3))
    toy = verdict(found, made, within=study(encoder=TOY))
    assert (toy.verdict, toy.here) == ("not tested", "supported")
    assert toy.rests_on.encoders == ("tiny 2x128",)
    assert "speaks of xlm-r-large; here it is supported" in sentence(toy)
    large = verdict(found, made, within=study(encoder=XLMR_LARGE))
    assert (large.verdict, large.here) == ("supported", "supported")


def test_an_encoder_and_targets_that_a_claim_names_must_both_be_what_was_measured() -> None:
    found = rows(each(0, nli=3))
    both = replace(EFFECT, encoders=(XLMR_LARGE.name,), targets=TARGETS)
    toy = verdict(found, both, within=study(encoder=TOY))
    assert (toy.verdict, toy.here) == ("not tested", "supported")
    assert "speaks of xlm-r-large on NLI, " in sentence(toy)
    assert verdict(found, both).verdict == "supported"
    assert verdict(found, replace(both, targets=TARGETS[:2])).verdict == "not tested"


def test_a_folder_called_as_a_published_encoder_is_not_that_encoder() -> None:
    made = replace(EFFECT, encoders=(XLMR_LARGE.name,))
    copied = study(encoder=Folder(path=f"elsewhere/{XLMR_LARGE.name}"))
    assert verdict(rows(each(0, nli=3)), made, within=copied).verdict == "not tested"


def test_a_claim_about_two_encoders_is_not_decided_by_one_that_it_does_not_name() -> None:
    both = study(encoder=XLMR_LARGE, arms=("direct",))
    mixed = replace(both, arms=(*both.arms, study(encoder=TOY).arm("nli")))
    made = replace(EFFECT, encoders=(XLMR_LARGE.name,))
    assert verdict(rows({"nli": 3}), made, within=mixed).verdict == "not tested"


def counting(counts: object, least: int = 1, named: tuple[str, ...] = ()) -> Coverage:
    return Coverage(text="so many", source="a test", counts=counts, least=least, named=named)  # type: ignore[arg-type]


def foreign() -> Study:
    """One of whose targets is trained in another language."""
    aim = targets()[0]
    other = replace(aim, train=(replace(train(WORLD.nli), languages=("qco",)),))
    return study(aims=(other, *targets()[1:]))


def test_coverage_is_counted_from_the_study() -> None:
    here = study(encoder=TOY)
    assert coverage.encoders(here) == Counted(found=("tiny 2x128",))
    assert coverage.targets(here).found == TARGETS
    assert len(coverage.languages(here).found) == 6
    assert coverage.intermediate_tasks(here).found == ("nli", "supertags")
    assert coverage.formats(here).found == ("classification", "tagging")
    assert coverage.three_phases(here) == Counted(found=ARMS[1:])
    assert coverage.single_and_multi(here).found == (coverage.SINGLE, coverage.MULTI)
    assert coverage.zero_shot(here) == Counted(found=TARGETS)
    assert coverage.zero_shot(foreign()) == Counted(found=TARGETS[1:], lacking=("NLI",))


def test_an_arm_without_a_phase_is_named() -> None:
    model = chain(TOY, Phase(data=train(WORLD.nli)), targets()[0], recipe=RECIPE, seed=1)
    unread = Arm(name="unread", leaves=evaluate(model, targets()[0]))
    here = study(encoder=TOY)
    assert coverage.three_phases(replace(here, arms=(*here.arms, unread))).lacking == ("unread",)


COUNTS: tuple[tuple[Coverage, Study, Word], ...] = (
    (counting(coverage.targets, least=4), study(), "supported"),
    (counting(coverage.targets, least=5), study(), "contradicted"),
    (counting(coverage.encoders, named=("xlm-r-large",)), study(), "supported"),
    (counting(coverage.encoders, named=("mbert",)), study(), "contradicted"),
    (counting(coverage.single_and_multi, named=("multi-task",)), study(), "supported"),
    (
        counting(coverage.single_and_multi, named=("multi-task",)),
        study(arms=("direct", "nli")),
        "contradicted",
    ),
    (counting(coverage.zero_shot, least=4), study(), "supported"),
    (counting(coverage.zero_shot), foreign(), "contradicted"),
)


@pytest.mark.parametrize("made, within, word", COUNTS)
def test_a_count_decides_a_claim_of_coverage(made: Coverage, within: Study, word: Word) -> None:
    found = verdict((), made, within=within)
    assert found.verdict == word
    assert sentence(found).startswith(f"{word.capitalize()}: ")


HALF = [one for one in rows(each(0)) if one.arm == "nli" and one.target in TARGETS[:2]]


@pytest.mark.parametrize(
    "found, counts, told",
    [
        ((), coverage.targets, "4 counted ({}); declared, 0 of 4 measured."),
        (HALF, coverage.targets, "4 counted ({}); declared, 2 of 4 measured."),
        (rows(each(0)), coverage.targets, "4 counted ({})."),
        (rows(each(0))[:1], coverage.targets, "4 counted ({}); declared, 1 of 4 measured."),
        ((), coverage.three_phases, "4 counted ({}); declared, 0 of 4 measured."),
        (HALF, coverage.three_phases, "4 counted ({}); declared, 1 of 4 measured."),
        (rows(each(0)), coverage.three_phases, "4 counted ({})."),
        (HALF, coverage.intermediate_tasks, "2 counted ({}); declared, 1 of 2 measured."),
        ((), lambda study: Counted(found=()), "0 counted of at least 1."),
    ],
)
def test_coverage_says_how_much_of_what_is_declared_was_measured(
    found: Sequence[Measurement], counts: Callable[[Study], Counted], told: str
) -> None:
    shown = verdict(found, counting(counts))
    assert shown.counted == counts(study())
    names = shown.counted.found
    word = "Supported" if names else "Contradicted"
    assert sentence(shown) == f"{word}: {told.format(', '.join(names))}"
    row = json.loads(json.dumps(plain(as_row(shown))))
    assert row["sentence"] == sentence(shown) and row["found"] == list(names)
    assert f"{len(row['measured'])} of" in told or row["measured"] == row["found"]


def test_coverage_of_other_targets_is_not_tested() -> None:
    made = replace(counting(coverage.targets), targets=("xnli", "tatoeba"))
    assert verdict((), made).verdict == "not tested"
    assert verdict((), replace(made, targets=TARGETS)).verdict == "supported"


def test_contrasts_add_up_like_numbers() -> None:
    a, b = score("a", "x"), score("b", "x")
    assert (a - b + b).terms == a.terms
    assert (2 * a - a).terms == a.terms
    assert mean(a, b).terms == (0.5 * (a + b)).terms
    assert gain("a", "x", over="b").terms == (a - b).terms
    with pytest.raises(StudyError, match="scores cancel"):
        claim(gain("a", "x", over="a"))
    with pytest.raises(StudyError, match="asks for 3 of 1 contrasts"):
        claim(a - b, least=3)
    with pytest.raises(StudyError, match="a mean of no contrasts"):
        gain("a", over="b")


def test_the_ledger_is_json_that_says_what_the_verdict_says() -> None:
    lines = verdicts(
        rows({"nli": 3}), EFFECT, claim(over("tags")), counting(coverage.targets, least=4)
    )
    effect, missing, count = (
        json.loads(json.dumps(plain(as_row(one)), allow_nan=False)) for one in lines
    )
    assert effect["verdict"] == "supported"
    assert effect["contrasts"][0]["low"] > 0
    assert effect["rests_on"]["encoders"] == ["xlm-r-large"]
    assert effect["rests_on"]["seeds"] == list(SEEDS)
    assert (missing["verdict"], missing["contrasts"], missing["confidence"]) == (
        "not tested",
        [],
        None,
    )
    assert missing["missing"]
    assert (count["verdict"], count["found"]) == ("supported", list(TARGETS))


def test_a_single_cluster_of_examples_decides_nothing() -> None:
    one = [row(arm, "NLI", seed, 0, size=1) for arm in ("direct", "nli") for seed in SEEDS]
    found = verdict(one, claim(over("nli", "NLI")))
    assert found.verdict == "not tested"
    assert "more test examples" in sentence(found)
