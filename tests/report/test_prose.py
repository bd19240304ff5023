"""The sentences say what the intervals say, also where there is little or nothing to say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import pytest

from layover.report import Arm, Cell, Curve, Language, Point, Report, Target, answer
from layover.report.methods import methods
from layover.report.notes import allowed, missing
from layover.report.prose import bounded, listed, measured_on, number, signed, targets_told
from layover.report.report import common
from layover.stats import Estimates, Interval

Made = Callable[..., Report]


def interval(estimate: float, half: float, seeds: int = 3, languages: int = 2) -> Interval:
    return Interval(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        error=half / 4,
        by_seed=tuple((seed, estimate) for seed in range(seeds)),
        examples=100,
        languages=("bbb", "ccc")[:languages],
        shared=0.0,
        fixed=(half / 4) ** 2,
    )


def report(cells: Mapping[tuple[str, str], Interval], targets: str = "P") -> Report:
    arms = dict.fromkeys(arm for arm, _ in cells)
    differences = tuple(
        Cell(arm=arm, target=target, estimates=Estimates(mean=cell, languages={}))
        for (arm, target), cell in cells.items()
    )
    # Where there is a mean over targets here, it is over one.
    (*_, mean) = ("", *common(differences, targets))
    return Report(
        study="s",
        question="q",
        arms=(Arm(name="direct", role="baseline"), *(Arm(name=arm) for arm in arms)),
        targets=tuple(Target(name=name, metric="accuracy") for name in targets),
        languages=(
            Language(code="aaa", name="A", source=True),
            Language(code="bbb", name="B"),
            Language(code="ccc", name="C"),
        ),
        differences=differences,
        means=tuple(
            dataclasses.replace(cell, target="") for cell in differences if cell.target == mean
        ),
    )


def summary(**arms: tuple[float, float]) -> str:
    """The summary of a study with one target, without no-break spaces."""
    found = report({(arm, "P"): interval(*numbers) for arm, numbers in arms.items()})
    return answer(found).summary.replace("\u00a0", " ")


def test_helping_hurting_and_undecided_arms_are_named_as_such() -> None:
    text = summary(best=(5, 1), good=(2, 1), same=(0.1, 1), bad=(-4, 1))
    assert text.startswith("On P in 2 zero-shot languages, best helps most, +5.0 [")
    assert "points over direct; good +2.0 [" in text
    assert "] helps too; bad −4.0 [" in text
    assert text.endswith("] hurts; same cannot be told from direct.")


def test_an_uncertain_arm_is_not_called_best() -> None:
    text = summary(wild=(9, 40), sure=(2, 1))
    assert text.startswith("On P in 2 zero-shot languages, sure helps, +2.0")
    assert "wild +9.0 [" in text and "cannot be told from direct" in text


def test_no_help_is_said() -> None:
    assert summary(one=(0.2, 1), two=(0.1, 1)).startswith(
        "On P in 2 zero-shot languages, no arm is shown to help; the highest, one, is at +0.2 ["
    )
    text = summary(one=(-5, 1), two=(-3, 1))
    assert text.startswith("On P in 2 zero-shot languages, no arm is shown to help; one −5.0")
    assert text.endswith("] hurt.")


@pytest.mark.parametrize(
    "numbers, verb",
    [((2, 1), "helps:"), ((-2, 1), "hurts:"), ((0.1, 1), "cannot be told from direct:")],
)
def test_a_single_arm_is_answered_without_ranking(numbers: tuple[float, float], verb: str) -> None:
    assert summary(only=numbers).startswith(
        f"On P in 2 zero-shot languages, only {verb} {signed(numbers[0])} ["
    )


def test_nothing_to_compare_is_said() -> None:
    assert "nothing to compare" in answer(report({})).summary
    unmeasured = dataclasses.replace(report({("one", "P"): interval(1, 1)}), differences=())
    assert "no answer yet" in answer(unmeasured).summary
    assert methods(unmeasured) == ()


def test_one_seed_is_said() -> None:
    one = report({("one", "P"): interval(3, 1, seeds=1)})
    text = answer(one).summary
    assert "one cannot be told from direct" in text and "Every model was trained once" in text
    assert "No difference is called clear" in " ".join(methods(one))
    assert "say nothing about other seeds" in " ".join(methods(one))


def test_the_mean_compares_only_targets_that_all_arms_have() -> None:
    cells = {
        ("one", "P"): interval(1, 0.5),
        ("one", "Q"): interval(9, 0.5),
        ("two", "P"): interval(4, 0.5),
    }
    found = report(cells, "PQ")
    assert "languages, two helps most, +4.0" in answer(found).summary
    assert dict(answer(found).targets)["Q"].startswith("above direct: one +9.0")
    assert missing(found) == (
        "two was not measured, or has no baseline to compare, on Q.",
        "The mean over targets covers P: only what every measured arm has can be averaged.",
    )


def test_what_the_baseline_lacks_is_said_of_the_baseline() -> None:
    found = report({("one", "P"): interval(1, 0.5)}, "PQ")
    cells = [("one", "P"), ("direct", "P"), ("one", "Q")]
    scores = tuple(
        Cell(arm=arm, target=target, estimates=Estimates(mean=interval(50, 1), languages={}))
        for arm, target in cells
    )
    told = missing(dataclasses.replace(found, scores=scores))
    assert "direct was not measured on Q: no arm can be compared with it there." in told
    assert not any(line.startswith("one was not measured") for line in told)


def test_arms_without_a_common_target_are_not_averaged() -> None:
    found = report({("one", "P"): interval(1, 0.5), ("two", "Q"): interval(4, 0.5)}, "PQ")
    assert "there is no average to compare" in answer(found).summary
    assert found.overall("one") is None


def test_fewer_seeds_or_languages_than_elsewhere_are_said() -> None:
    cells = {("one", "P"): interval(1, 1), ("two", "P"): interval(1, 1, seeds=2, languages=1)}
    assert missing(report(cells)) == ("two on P rests on 2 of 3 seeds and 1 of 2 languages.",)


def test_many_arms_are_summed_up_and_few_told_one_by_one() -> None:
    many = summary(a=(9, 1), b=(5, 1), c=(4, 1), d=(3, 1), e=(2, 1))
    assert "; b, c, d and e (by +2.0 to +5.0) help too." in many
    assert "; b +5.0 [" in summary(a=(9, 1), b=(5, 1), c=(4, 1), d=(3, 1))


def test_what_excludes_zero_only_before_the_correction_is_not_said_to_help() -> None:
    text = summary(**{name: (1.0, 1.8) for name in "abcde"})  # 2.2 standard errors from zero
    assert text.startswith("On P in 2 zero-shot languages, no arm is shown to help")
    assert ", a helps: +1.0" in summary(a=(1.0, 1.8))


def curve(arm: str, slope: float, target: str = "", places: int = 4, **more: object) -> Curve:
    points = tuple(Point(at=1_000 * 2**i, value=interval(1, 1)) for i in range(places))
    return Curve(arm=arm, target=target, points=points, slope=interval(slope, 0.1), **more)  # type: ignore[arg-type]


def test_a_study_that_turns_a_number_is_answered_by_what_a_doubling_adds() -> None:
    found = report({("one", "P"): interval(3, 1)})
    ends = ((1000, interval(2, 0.1)), (4000, interval(0.01, 0.02)))
    curves = (
        curve("tags", 0.5),
        curve("tags in 5", 0.2, against="tags", contrast=interval(-0.3, 0.2), gains=ends),
        curve("tags", 9.0, "P"),
    )
    text = answer(dataclasses.replace(found, curves=curves)).summary.replace("\u00a0", " ")
    assert text.startswith(
        "Doubling training examples adds, in points and averaged over targets: with tags +0.5 "
        "[+0.4, +0.6] on average over 1,000 to 8,000; with tags in 5 +2.0 [+1.9, +2.1] from 1,000 "
        "and less than 0.05 either way from 4,000; the difference on average, tags in 5 over tags "
        "−0.3 [−0.5, −0.1]."
    )


def test_two_sizes_are_no_answer() -> None:
    found = report({("one", "P"): interval(3, 1)})
    two = dataclasses.replace(found, curves=(curve("tags", 0.5, places=2),))
    assert answer(two) == answer(found)


def test_a_study_of_encoders_is_answered_by_how_it_goes_with_their_size() -> None:
    found = report({("one", "P"): interval(3, 1)})
    sizes = (
        curve("a − b", 9.0, "P", told="Rank correlation 0.6."),
        curve("a", 1.0, "P", told="No."),
    )
    text = answer(dataclasses.replace(found, sizes=sizes)).summary
    assert text.startswith("Doubling the encoder adds, in points and on P: with a − b +9.0")
    assert "Of a − b: rank correlation 0.6. On P" in text


def test_targets_that_differ_in_their_encoders_are_counted_apart() -> None:
    cells = {("one", target): interval(1, 1) for target in "PQRS"}
    found = report(cells, "PQRS")
    targets = [
        dataclasses.replace(target, task="pos" if i % 2 else "ner", encoders=("ab"[i // 2],))
        for i, target in enumerate(found.targets)
    ]
    apart = dataclasses.replace(found, targets=tuple(targets))
    assert targets_told(apart, "PQRS") == "2 tasks with 2 encoders"
    assert targets_told(apart, "PQ") == "2 targets"
    ((names, _),) = answer(found).targets
    assert names == "P, Q, R and S"


def test_the_line_under_the_question_says_what_generated_languages_cannot_show() -> None:
    found = report({("one", "P"): interval(1, 1)})
    assert measured_on(found) == ""
    targets = tuple(dataclasses.replace(one, encoders=("tiny",)) for one in found.targets)
    real = dataclasses.replace(found, targets=targets)
    assert measured_on(real) == "Measured on tiny in 3 languages."
    made = tuple(dataclasses.replace(one, code=f"q{one.code[:2]}") for one in real.languages)
    assert measured_on(dataclasses.replace(real, languages=made)) == (
        "Measured on tiny in 3 generated languages: it shows the machinery, not what published "
        "encoders do in real languages."
    )


def test_no_interval_is_shown_without_width() -> None:
    assert bounded(interval(2.0, 0.01)).replace("\u00a0", " ") == "+2.0 [+1.99, +2.01]"
    assert bounded(interval(0.01, 0.02)) == "less than 0.05 either way"


def test_what_a_study_allows_is_one_sentence_with_names() -> None:
    assert list(allowed(("NLI 10 in deu", "NLI 10 in zho", "POS in rus", "a mixture"))) == [
        "The study allows what the guard would stop: NLI 10 in German and Chinese; POS in "
        "Russian; a mixture."
    ]
    assert list(allowed(())) == []


def test_choosing_is_worth_what_was_not_chosen_on() -> None:
    found = report({("one", "P"): interval(3, 1), ("two", "P"): interval(1, 1)})
    chosen = dataclasses.replace(found, best=interval(2.5, 1), best_of=("one", "two"))
    text = answer(chosen).summary
    assert "Choosing one of one and two for the target" in text and "helps: +2.5" in text
    assert chosen.families[0].size == found.families[0].size + 1
    assert "parted into folds" in " ".join(methods(chosen))
    for other in (interval(3, 1), interval(2.5, 1, seeds=1)):
        assert "Choosing" not in answer(dataclasses.replace(chosen, best=other)).summary
    unclear = dataclasses.replace(chosen, best=interval(0.5, 5))
    assert "cannot be told from direct: +0.5" in answer(unclear).summary
    assert "Choosing" not in answer(dataclasses.replace(chosen, best_of=("one",))).summary
    assert "parted into folds" not in " ".join(methods(found))


def test_methods_say_the_family_and_what_it_could_have_found(made: Made) -> None:
    text = " ".join(methods(made(("direct", "ccg", "squad"), seeds=2, targets=2)))
    assert "The 2 means over targets are one family, and the 4 zero-shot differences" in text
    assert "2 arms on 2 targets are another; each may err in 2.5 % of studies" in text
    assert "even one of these 6 would be called clear in at most 5 % of studies" in text
    assert "would be called clear with a probability of 80 %" in text
    assert "as drawn from many: 5 languages" in text
    lone = " ".join(methods(made(("direct", "ccg"), seeds=2, targets=1)))
    assert "called clear where its interval excludes zero (5 %)" in lone and "family" in lone


def test_methods_count_what_was_measured(made: Made) -> None:
    text = " ".join(methods(made(("direct", "ccg"), seeds=2, targets=1)))
    assert "2 seeds and 2,000 test examples in 5 zero-shot languages" in text


def test_numbers_and_lists_read_well() -> None:
    assert [signed(x) for x in (1.75, -0.44, 0.04, -0.04, float("nan"))] == [
        "+1.8", "−0.4", "0.0", "0.0", "n/a",
    ]  # fmt: skip
    assert [number(x) for x in (0.01234, 4.567, 1234.5, 0.0, -0.5, float("nan"))] == [
        "0.0123", "4.57", "1,234", "0.00", "−0.500", "n/a",
    ]  # fmt: skip
    assert [listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip
