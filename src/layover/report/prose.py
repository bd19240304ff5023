"""The sentences of a report, generated from its intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from layover.report.report import Report, measured
from layover.stats import LEVEL, REPLICATES, Interval

Ranked = list[tuple[str, Interval]]


def signed(value: float, digits: int = 1) -> str:
    """+1.8, −0.4, 0.0; "n/a" for NaN."""
    if math.isnan(value):
        return "n/a"
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def bracket(interval: Interval, digits: int = 1) -> str:
    """[+0.9, +2.7], never broken over two lines."""
    return f"[{signed(interval.low, digits)},\u00a0{signed(interval.high, digits)}]"


def listed(items: Sequence[str]) -> str:
    """a; a and b; a, b and c"""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def count(number: int, noun: str) -> str:
    """1 seed, 4 seeds"""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def span(numbers: Iterable[int], noun: str) -> str:
    """4 seeds; 3 to 4 seeds"""
    found = list(numbers)
    low, high = min(found), max(found)
    text = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{text} {noun}" if high == 1 else f"{text} {noun}s"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the study found."""

    summary: str
    """Which arm helps most on average, which hurt, which cannot be told from the baseline."""
    targets: tuple[tuple[str, str], ...] = ()
    """Each target with the same for it; empty where the summary says it all."""

    def __str__(self) -> str:
        return "\n".join((self.summary, *(f"{name}: {text}" for name, text in self.targets)))


def answer(report: Report) -> Answer:
    """The study's answer, generated from its differences."""
    if not report.named("arm"):
        return Answer(
            summary="There is nothing to compare: the study has no arm besides its baseline."
        )
    ranked = {target.name: _ranked(report, target.name) for target in report.targets}
    if not any(ranked.values()):
        return Answer(
            summary="There is no answer yet: no arm and the baseline have been measured on the "
            "same target, seed and zero-shot language."
        )
    summary = [_headline(report)]
    if all(cell.seeds == 1 for pairs in ranked.values() for _, cell in pairs):
        summary.append(
            "Every model was trained once, so the intervals cover the choice of test examples "
            "only; another seed may give another answer."
        )
    targets = tuple((name, _target(report, pairs)) for name, pairs in ranked.items())
    return Answer(summary=" ".join(summary), targets=targets if len(targets) > 1 else ())


def _ranked(report: Report, target: str) -> Ranked:
    """The measured arms, best first; an empty target means the mean over targets."""
    found = (
        (arm, report.shown(arm, target) if target else report.overall(arm))
        for arm in report.named("arm")
    )
    return sorted(
        ((arm, interval) for arm, interval in found if interval),
        key=lambda pair: -pair[1].estimate,
    )


def _headline(report: Report) -> str:
    common = report.common_targets()
    ranked = _ranked(report, "")
    if not ranked:
        return (
            "No target was measured for every arm, so there is no average to compare; "
            "each target is answered by itself."
        )
    languages = {language for _, interval in ranked for language in interval.languages}
    where = count(len(languages), "zero-shot language")
    if len(common) == 1:
        where = f"on {common[0]} in {where}"
    else:
        where = f"averaged over {len(common)} targets and {where}"
    if len(ranked) == 1:
        arm, interval = ranked[0]
        verb = {1: "helps", -1: "hurts", 0: f"cannot be told from {report.baseline}"}
        return f"{arm} {verb[interval.sign]}: {_value(interval)} points, {where}."
    gains = [pair for pair in ranked if pair[1].sign > 0]
    losses = [pair for pair in ranked if pair[1].sign < 0][::-1]
    best, interval = gains[0] if gains else ranked[0]
    # An arm that scored higher but is not shown to help gets its numbers too.
    unclear = [
        f"{arm} {_value(cell)}" if gains and cell.estimate > interval.estimate else arm
        for arm, cell in ranked
        if not cell.sign
    ]
    rest = []
    if gains:
        most = " most" if gains[1:] else ""
        first = f"{best} helps{most}, {_value(interval)} points over {report.baseline}, {where}"
        if gains[1:]:
            first += f"; {_values(gains[1:])} {_verb(gains[1:], 'help')} too"
    else:
        first = f"No arm is shown to help, {where}"
        if unclear:
            first += f"; the highest, {best}, is at {_value(interval)} points"
    if losses:
        rest.append(f"{_values(losses)} {_verb(losses, 'hurt')}")
    if unclear:
        rest.append(f"{listed(unclear)} cannot be told from {report.baseline}")
    return ". ".join(filter(None, (first, "; ".join(rest)))) + "."


def _target(report: Report, ranked: Ranked) -> str:
    gains = [pair for pair in ranked if pair[1].sign > 0]
    losses = [pair for pair in ranked if pair[1].sign < 0][::-1]
    unclear = [arm for arm, interval in ranked if not interval.sign]
    parts = [
        f"above {report.baseline}: {_values(gains)}" if gains else "",
        f"below {report.baseline}: {_values(losses)}" if losses else "",
        f"not distinguishable: {listed(unclear)}" if unclear else "",
    ]
    return ("; ".join(filter(None, parts)) or "not measured") + "."


def methods(report: Report) -> tuple[str, ...]:
    """How the numbers were made, in words that fit this study."""
    cells = [
        interval
        for arm in report.named("arm")
        for target in report.targets
        if (interval := report.shown(arm, target.name))
    ]
    if not cells:
        return ()
    source = report.source.name if report.source else "the source language"
    level = f"{100 * LEVEL:.0f} %"
    sentences = [
        f"A difference is an arm's score minus that of {report.baseline} with the same seed, in "
        "the same language, on the same test examples. The zero-shot mean weighs all languages "
        f"other than {source} equally; the mean over targets weighs targets equally.",
        f"Each difference rests on {span((c.seeds for c in cells), 'seed')} and "
        f"{span((c.examples for c in cells), 'test example')} in "
        f"{span((len(c.languages) for c in cells), 'zero-shot language')}.",
        f"The {level} intervals resample the test examples {REPLICATES:,} times, parallel items "
        "together and jointly over languages, arm and baseline; "
        + (
            "with a single seed they say nothing about other seeds."
            if all(c.seeds == 1 for c in cells)
            else "they cover the spread between seeds too, with Student's t for their small number."
        ),
    ]
    if report.layers:
        sentences.append(
            "Layer and centring of what is retrieved or mined were chosen for each model on the "
            "target's dev set, and so was, in each language, the score that a mined pair must "
            "reach."
        )
    if len(cells) > 1:
        sentences.append(
            f"They are not corrected for the number of comparisons: of {len(cells)} differences, "
            f"about {len(cells) * (1 - LEVEL):.1f} would exclude zero if no arm had any effect. "
            "An arm named best was picked by the numbers shown, which flatters it slightly."
        )
    return tuple(sentences)


def missing(report: Report) -> tuple[str, ...]:
    """Which cells were not measured, or rest on fewer seeds or languages than others."""
    found = {
        (arm, target.name): report.shown(arm, target.name)
        for arm in report.named("arm")
        for target in report.targets
    }
    cells = {name: cell for name, cell in found.items() if cell}
    empty: dict[str, list[str]] = {}
    for arm, target in found.keys() - cells.keys():
        empty.setdefault(arm, []).append(target)
    sentences = []
    for arm in report.named("arm"):
        if lacks := [target.name for target in report.targets if target.name in empty.get(arm, ())]:
            where = "any target" if len(lacks) == len(report.targets) else listed(lacks)
            sentences.append(f"{arm} was not measured, or has no baseline to compare, on {where}.")
    seeds = max((cell.seeds for cell in cells.values()), default=0)
    for (arm, target), cell in cells.items():
        languages = max(len(other.languages) for (_, t), other in cells.items() if t == target)
        parts = [f"{cell.seeds} of {seeds} seeds"] if cell.seeds < seeds else []
        if len(cell.languages) < languages:
            parts.append(f"{len(cell.languages)} of {languages} languages")
        if parts:
            sentences.append(f"{arm} on {target} rests on {listed(parts)}.")
    common = report.common_targets()
    if cells and len(common) < len(report.targets):
        sentences.append(
            f"The mean over targets covers {listed(common) or 'no target'}: "
            "only what every measured arm has can be averaged."
        )
    scores = (measured(report.score(report.baseline, target.name)) for target in report.targets)
    if report.scores and not all(scores):
        sentences.append(f"The baseline {report.baseline} lacks scores on some targets.")
    return tuple(sentences)


def _value(interval: Interval) -> str:
    return f"{signed(interval.estimate)}\u00a0{bracket(interval)}"


def _values(ranked: Ranked) -> str:
    return listed([f"{arm} {_value(interval)}" for arm, interval in ranked])


def _verb(ranked: Ranked, verb: str) -> str:
    return verb + "s" if len(ranked) == 1 else verb
