"""How a report's numbers were made, in words that fit the study."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from layover.report.prose import count, listed, number, span
from layover.report.report import BEST, Report
from layover.stats import ERROR, LEVEL, REPLICATES, Interval, detectable

POWER = 0.8


def methods(report: Report) -> tuple[str, ...]:
    """How the numbers were made; nothing where there are none."""
    cells = [
        interval
        for arm in report.named("arm")
        for target in report.targets
        if (interval := report.shown(arm, target.name))
    ]
    if not cells:
        return ()
    sentences = [*_differences(report, cells), _languages(cells), _family(report)]
    sentences += [_power(report, cells), _best(report), _layers(report)]
    sentences += [_curves(report), _costs(report), _verdicts(report)]
    return tuple(filter(None, sentences))


def _differences(report: Report, cells: list[Interval]) -> Iterator[str]:
    source = report.source.name if report.source else "the source language"
    yield (
        f"A difference is an arm's score minus that of {report.baseline} with the same seed, in "
        "the same language, on the same test examples. The zero-shot mean weighs all languages "
        f"other than {source} equally; the mean over targets weighs targets equally."
    )
    yield (
        f"Each difference rests on {span((c.seeds for c in cells), 'seed')} and "
        f"{span((c.examples for c in cells), 'test example')} in "
        f"{span((len(c.languages) for c in cells), 'zero-shot language')}."
    )
    single = all(cell.seeds == 1 for cell in cells)
    yield (
        f"The {100 * LEVEL:.0f} % intervals resample the test examples {REPLICATES:,} times, "
        "parallel items together and jointly over languages, arm and baseline; "
        + (
            "with a single seed they say nothing about other seeds."
            if single
            else "they cover the spread between seeds too, with Student's t for their small number."
        )
    )


def _languages(cells: list[Interval]) -> str:
    known = [cell for cell in cells if not math.isnan(cell.over_languages[0])]
    if not known:
        return "They hold for these languages; there are too few to speak of others."
    return (
        "They hold for these languages. The thin lines of the first figure also take the languages "
        f"as drawn from many: {span((len(c.languages) for c in known), 'language')} differ as "
        "much as they do."
    )


def _family(report: Report) -> str:
    """What is called clear, and why."""
    families = report.families
    size = sum(family.size for family in families)
    if not size:
        return "No difference is called clear: each rests on one seed, and another may differ."
    if size < 2:
        return (
            f"A difference is called clear where its interval excludes zero ({100 * ERROR:.0f} %); "
            "single languages are not tested."
        )
    return (
        f"A difference is called clear (bold, a filled marker, or a verb in the answer) where it "
        f"is not zero after Holm's correction for its family. {_tested(report)} If no arm had any "
        f"effect, even one of these {size} would be called clear in at most {100 * ERROR:.0f} % of "
        f"studies, and, were they independent, in {100 * (1 - LEVEL**size):.0f} % without the "
        "correction. The source language and single languages are shown with their intervals and "
        "not tested: none is ever clear, nor is what rests on one seed. The intervals themselves "
        "are not corrected: one may exclude zero where the difference is not clear."
    )


def _tested(report: Report) -> str:
    """Which families there are."""
    *means, cells = report.families
    arms = len({arm for arm, _, _ in cells.cells if arm})
    what = (
        f"zero-shot differences of {count(arms, 'arm')} on {count(len(report.targets), 'target')}"
    )
    best = ", with that of the best arm for each," if BEST in report.families[0].cells else ""
    if not means:
        return f"The {cells.size} {what}{best} are one family."
    return (
        f"The {means[0].size} means over targets{best} are one family, and the {cells.size} {what} "
        f"are another; each may err in {100 * cells.error:g} % of studies."
    )


def _power(report: Report, cells: list[Interval]) -> str:
    if not report.families:
        return ""
    family = report.families[-1]
    level = 1 - family.error / family.size
    # With one seed, what another would say is not known.
    found = [detectable(cell, POWER, level) for cell in cells if cell.seeds > 1 and cell.error > 0]
    if not found:
        return ""
    low, high = min(found), max(found)
    return (
        f"What could have been found: a true difference of {number(statistics.median(found))} "
        f"points (the median; {number(low)} to {number(high)}) would be called clear with a "
        f"probability of {100 * POWER:.0f} %, even as the last of its family."
    )


def _best(report: Report) -> str:
    if sum(report.overall(arm) is not None for arm in report.named("arm")) < 2:
        return ""
    text = "An arm named best was picked by the numbers shown, which flatters it slightly."
    if report.best is None:
        return text
    return (
        f"{text} What choosing is worth is free of that: the test examples are parted into folds, "
        "and each fold is scored with the arm that is best on the other folds, and under the other "
        "seeds where there are some."
    )


def _layers(report: Report) -> str:
    if not report.layers:
        return ""
    return (
        "Layer and centring of what is retrieved or mined were chosen for each model on the "
        "target's dev set, and so was, in each language, the score that a mined pair must reach."
    )


def _curves(report: Report) -> str:
    laws = sorted({curve.law for curve in report.curves if curve.law})
    if not laws:
        return ""
    return (
        f"Learning curves were fitted again for every resampling: {listed(laws)}. A band holds "
        "95 % of the fitted curves at each point."
    )


def _costs(report: Report) -> str:
    if not report.costs:
        return ""
    return (
        "Latencies are of one machine. Every model and backend ran in a process of its own, warmed "
        "up, in rounds that alternate at random; the intervals are over launches, or over the "
        "rounds of a single one."
    )


def _verdicts(report: Report) -> str:
    judged = [one for one in report.verdicts if one.found]
    if not judged:
        return ""
    return (
        "A claim is supported where the intervals of all its contrasts (or of as many as it names) "
        "lie above its margin, contradicted where they cannot, and else inconclusive. The "
        f"intervals of {count(len(judged), 'claim')} are as wide as it takes for all verdicts "
        f"together to err in at most {100 * ERROR:.0f} % of studies, by Holm's procedure."
    )
