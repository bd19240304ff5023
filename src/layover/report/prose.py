"""The sentences of a report, generated from its intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from layover.report.report import Curve, Report
from layover.stats import Interval

FEW, NAMED = 3, 6
"""Arms whose numbers a sentence gives one by one; of more, their range, and of many no names."""
MOST = 4
"""Digits after the point, at most."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An arm's difference, and whether it is clear."""

    arm: str
    cell: Interval
    sign: int


Ranked = list[Standing]


def signed(value: float, digits: int = 1) -> str:
    """+1.8, −0.4, 0.0; "n/a" for NaN."""
    if math.isnan(value):
        return "n/a"
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def number(value: float) -> str:
    """Three digits that count, at least all before the point: 0.0123, 4.56, 1,234."""
    if not math.isfinite(value):
        return "n/a"
    before = math.floor(math.log10(abs(value))) + 1 if value else 1
    return f"{value:,.{min(6, max(0, 3 - before))}f}".replace("-", "−")


class Bounded(Protocol):
    """A number with the ends of its interval."""

    @property
    def estimate(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def bracket(interval: Bounded, digits: int = 1) -> str:
    """[+0.9, +2.7], never broken over two lines, with as many digits as tell its ends apart."""
    low, high = signed(interval.low, digits), signed(interval.high, digits)
    if low == high and interval.low < interval.high and digits < MOST:
        return bracket(interval, digits + 1)
    return f"[{low},\u00a0{high}]"


def bounded(value: Bounded, digits: int = 1) -> str:
    """+1.8 [+0.9, +2.7]; "less than 0.05 either way" where nothing else is left of it."""
    half = 0.5 * 10**-digits
    if max(abs(value.low), abs(value.high)) < half:
        return f"less than {half:g} either way"
    return f"{signed(value.estimate, digits)}\u00a0{bracket(value, digits)}"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


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

    lead: str = ""
    """What comes before all claims: of a study that serves its models, what that costs."""
    summary: str
    """Which arm helps most on average, which hurt, which cannot be told from the baseline."""
    targets: tuple[tuple[str, str], ...] = ()
    """Targets with the same for them; empty where the summary says it all."""

    def __str__(self) -> str:
        first = " ".join(filter(None, (self.lead, self.summary)))
        return "\n".join((first, *(f"{name}: {text}" for name, text in self.targets)))


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
    summary = [*(growth := tuple(_growth(report))), _headline(report)]
    # A study that turns a number is about that number, whatever else it measures.
    lead = "" if growth else report.latency
    if growth and report.latency:
        summary.append(report.latency)
    if all(one.cell.seeds == 1 for pairs in ranked.values() for one in pairs):
        summary.append(
            "Every model was trained once, so the intervals cover the choice of test examples "
            "only, and no difference is called clear: another seed may give another answer."
        )
    summary += _choice(report)
    targets = by_text((name, _target(report, pairs)) for name, pairs in ranked.items())
    targets = targets if len(ranked) > 1 else ()
    return Answer(lead=lead, summary=" ".join(summary), targets=targets)


def _ranked(report: Report, target: str) -> Ranked:
    """The measured arms, best first; an empty target means the mean over targets."""
    found = [
        Standing(arm=arm, cell=cell, sign=report.sign(arm, target))
        for arm in report.named("arm")
        if (cell := report.shown(arm, target))
    ]
    return sorted(found, key=lambda one: -one.cell.estimate)


def _headline(report: Report) -> str:
    common = report.common_targets()
    ranked = _ranked(report, "")
    if not ranked:
        return (
            "No target was measured for every arm, so there is no average to compare; "
            "each target is answered by itself."
        )
    # A sentence starts with where, as an arm may be called "direct" or "mBERT".
    where = _where(report, ranked, common)
    if len(ranked) == 1:
        only = ranked[0]
        verb = {1: "helps", -1: "hurts", 0: f"cannot be told from {report.baseline}"}
        return f"{where}, {only.arm} {verb[only.sign]}: {bounded(only.cell)} points."
    gains, losses, unclear = _parted(ranked)
    # An arm that scored higher but is not shown to help gets its numbers too.
    best = gains[0] if gains else ranked[0]
    higher = [one for one in unclear if gains and one.cell.estimate > best.cell.estimate]
    names = [f"{one.arm} {bounded(one.cell)}" if one in higher else one.arm for one in unclear]
    if gains:
        most = " most" if gains[1:] else ""
        parts = [f"{best.arm} helps{most}, {bounded(best.cell)} points over {report.baseline}"]
        if gains[1:]:
            parts.append(f"{_values(gains[1:])} {_verb(gains[1:], 'help')} too")
    else:
        parts = ["no arm is shown to help"]
        if unclear:
            parts.append(f"the highest, {best.arm}, is at {bounded(best.cell)} points")
    if losses:
        parts.append(f"{_values(losses)} {_verb(losses, 'hurt')}")
    if unclear:
        parts.append(f"{_listed(names)} cannot be told from {report.baseline}")
    return f"{where}, {'; '.join(parts)}."


def _choice(report: Report) -> Iterator[str]:
    """What choosing the arm for each target is worth, where it is another answer than an arm is."""
    best, common = report.best, report.common_targets()
    if not best or not best.tells_of_seeds or len(report.best_of) < 2:
        return
    highest = _ranked(report, "")[:1]
    if highest and signed(highest[0].cell.estimate) == signed(best.estimate):
        return
    verb = {1: "helps", -1: "hurts", 0: f"cannot be told from {report.baseline}"}
    where = "each target" if len(common) > 1 else "the target"
    yield (
        f"Choosing one of {_listed(report.best_of)} for {where}, on other data than it is measured "
        f"on, {verb[report.best_sign]}: {bounded(best)} points."
    )


def _growth(report: Report) -> Iterator[str]:
    """What a doubling adds: the answer of a study that turns a number."""
    for curves, what in ((report.curves, "training examples"), (report.sizes, "the encoder")):
        known = [c for c in curves if c.slope and c.slope.seeds and len(c.points) > 2]
        means = [curve for curve in known if not curve.target]
        means = means or [curve for curve in known if curve.target == known[0].target]
        if not 0 < len(means) <= NAMED:
            continue
        where = f"on {means[0].target}" if means[0].target else "averaged over targets"
        parts = [f"with {c.arm} {_doubling(c)}" for c in means]
        more = [
            f"{c.arm} over {c.against} {bounded(c.contrast)}"
            for c in means
            if c.contrast and c.contrast.seeds
        ]
        if more:
            parts.append(f"the difference on average, {listed(more)}")
        yield f"Doubling {what} adds, in points and {where}: {'; '.join(parts)}."
        # How closely it goes with the size is asked of the first: the gap, where there is one.
        if what == "the encoder" and means[0].told:
            yield f"Of {means[0].arm}: {means[0].told[:1].lower()}{means[0].told[1:]}"


def _doubling(curve: Curve) -> str:
    """By its law where that has an end; the straight line is an average."""
    if curve.gains:
        return listed([f"{bounded(value)} from {at:,.0f}" for at, value in curve.gains])
    places = [point.at for point in curve.points]
    # What has a name, such as an encoder, is counted by the million.
    ends = [
        compact(at) if curve.points[0].label else f"{at:,.0f}" for at in (min(places), max(places))
    ]
    return f"{bounded(curve.slope)} on average over {' to '.join(ends)}" if curve.slope else ""


def compact(value: float) -> str:
    """950, 2.5k, 20k, 270M"""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{float(f'{value / size:.3g}'):g}{letter}"
    return f"{value:g}"


def _where(report: Report, ranked: Ranked, common: Sequence[str]) -> str:
    languages = {language for one in ranked for language in one.cell.languages}
    where = count(len(languages), "zero-shot language")
    if len(common) == 1:
        return f"On {common[0]} in {where}"
    return f"Averaged over {targets_told(report, common)} and {where}"


def targets_told(report: Report, names: Sequence[str]) -> str:
    """4 targets; 2 tasks with 5 encoders, where each target is of one of them."""
    found = [target for target in report.targets if target.name in names]
    encoders = {encoder for target in found for encoder in target.encoders}
    if len(encoders) > 1 and all(len(target.encoders) == 1 for target in found):
        tasks = {target.task for target in found}
        return f"{count(len(tasks), 'task')} with {count(len(encoders), 'encoder')}"
    return count(len(names), "target")


def measured_on(report: Report) -> str:
    """A sentence on encoders and languages, and what generated ones cannot show."""
    encoders = list(dict.fromkeys(name for one in report.targets for name in one.encoders))
    if not encoders or not report.languages:
        return ""
    # ISO 639-3 leaves these codes to local use: no language of the world has one.
    made = [one for one in report.languages if "qaa" <= one.code <= "qtz"]
    languages = count(len(report.languages), "generated language" if made else "language")
    told = f"Measured on {listed(encoders)} in {languages}"
    if not made:
        return f"{told}."
    return f"{told}: it shows the machinery, not what published encoders do in real languages."


def by_text(said: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names that have the same said of them, together."""
    groups: dict[str, list[str]] = {}
    for name, text in said:
        groups.setdefault(text, []).append(name)
    return tuple(
        (listed(names) if len(names) <= NAMED else f"{len(names)} targets", text)
        for text, names in groups.items()
    )


def _parted(ranked: Ranked) -> tuple[Ranked, Ranked, Ranked]:
    """Those clearly above, those clearly below (the lowest first), and the others."""
    gains = [one for one in ranked if one.sign > 0]
    losses = [one for one in ranked if one.sign < 0][::-1]
    return gains, losses, [one for one in ranked if not one.sign]


def _target(report: Report, ranked: Ranked) -> str:
    gains, losses, unclear = _parted(ranked)
    names = [one.arm for one in unclear]
    parts = [
        f"above {report.baseline}: {_values(gains)}" if gains else "",
        f"below {report.baseline}: {_values(losses)}" if losses else "",
        f"not distinguishable: {_listed(names)}" if unclear else "",
    ]
    return ("; ".join(filter(None, parts)) or "not measured") + "."


def _values(ranked: Ranked) -> str:
    if len(ranked) <= FEW:
        return listed([f"{one.arm} {bounded(one.cell)}" for one in ranked])
    ends = sorted(one.cell.estimate for one in ranked)
    names = _listed([one.arm for one in ranked])
    return f"{names} (by {signed(ends[0])} to {signed(ends[-1])})"


def _listed(names: Sequence[str]) -> str:
    return listed(names) if len(names) <= NAMED else count(len(names), "arm")


def _verb(ranked: Ranked, verb: str) -> str:
    return verb + "s" if len(ranked) == 1 else verb
