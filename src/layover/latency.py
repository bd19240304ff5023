"""Whether the arms of a study answer as fast as each other.

The launches of two arms are paired by seed, as they answered the same requests in the same rounds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from layover.factors import factors
from layover.report.report import Ratio
from layover.serving import Shop
from layover.stats import Bounds, Interval, equivalent, holm, levels
from layover.store import Store
from layover.study import Study


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The latency of an arm beside another's, and whether they are the same for all that
    matters."""

    arm: str
    over: str
    target: str
    backend: str
    batch: int
    log: Interval
    """Of the ratio's logarithm: of median times, over all languages."""
    margin: float
    """The smallest difference that matters, as a share: 0.05 calls what lies between 1 / 1.05 and
    1.05 the same."""
    level: float = math.nan
    """Of the interval that decides; NaN where nothing can be decided."""
    p: float = math.nan
    """The larger one of the two one-sided tests, after Holm's correction over the study."""
    alike: bool = False
    """Both are models of one size."""

    @property
    def ratio(self) -> tuple[float, float, float]:
        """With the interval that the test looks at."""
        low, high = self.log.at(self.level)
        return math.exp(self.log.estimate), math.exp(low), math.exp(high)

    @property
    def verdict(self) -> str:
        """The same, different, or open."""
        _, low, high = self.ratio
        most = 1 + self.margin
        if low > 1 / most and high < most:
            return "same"
        return "different" if low > most or high < 1 / most else "open"

    @property
    def sentence(self) -> str:
        """The answer in words."""
        what = f"{self.arm} on {self.target} with {self.backend}, requests of {self.batch}"
        if not self.log.seeds:
            return f"{what}: not measured beside {self.over}."
        if math.isnan(self.level):
            return f"{what}: measured once only, so that nothing can be said of its latency."
        value, low, high = (100 * (each - 1) for each in self.ratio)
        within = f"{100 * self.margin:g} %"
        found = (
            f"the median over all languages takes {_more(value)} time than {self.over}'s, "
            f"{100 * self.level:.4g} % interval [{low:+.1f}, {high:+.1f}]".replace("-", "−")
        )
        decided = {
            "same": f"the same within {within}",
            "different": f"it differs by more than {within}",
            "open": f"whether it is within {within} is not settled",
        }[self.verdict]
        return f"{what}: {found}; {decided}{_expected((self,))}."

    @property
    def row(self) -> dict[str, Any]:
        value, low, high = self.ratio
        return {
            "arm": self.arm,
            "over": self.over,
            "target": self.target,
            "backend": self.backend,
            "batch": self.batch,
            "ratio": value,
            "low": low,
            "high": high,
            "level": self.level,
            "margin": self.margin,
            "p": self.p,
            "verdict": self.verdict,
            "launches": self.log.seeds,
        }


def _more(percent: float) -> str:
    return f"{abs(percent):.1f} % {'less' if percent < 0 else 'more'}"


def comparisons(study: Study, store: Store, margin: float | None = None) -> tuple[Comparison, ...]:
    """The latency of every arm beside that of the baseline and of each arm before it, for requests
    of every size: the same requests in the same rounds, and launches as what was drawn. `margin`
    stands in for that of the benchmarks."""
    shop = Shop(study, store)
    return _judged([one for target in shop.samples for one in _compared(shop, target, margin)])


def _compared(shop: Shop, target: str, margin: float | None) -> Iterator[Comparison]:
    from layover.bench.summary import ratio

    samples = shop.samples[target]
    names = {one.contender for one in samples}
    arms = sorted(
        (arm.name for arm in shop.study.arms), key=lambda name: name != shop.study.baseline
    )
    backends = dict.fromkeys(backend for _, backend in names)
    least = min(
        leaf.margin
        for leaf in shop.benchmarks
        if any(score.target == target for _, score, _ in shop.measured(leaf))
    )
    for batch in sorted({one.batch for one in samples}):
        for backend in backends:
            for over, arm in combinations(arms, 2):
                if not {(arm, backend), (over, backend)} <= names:
                    continue
                both = [*shop.facts[arm, target, backend], *shop.facts[over, target, backend]]
                yield Comparison(
                    arm=arm,
                    over=over,
                    target=target,
                    backend=backend,
                    batch=batch,
                    log=ratio(samples, (arm, backend), (over, backend), batch),
                    margin=least if margin is None else margin,
                    alike=len({factors(score).encoder for score, _ in both}) == 1,
                )


def _judged(found: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Together, by Holm's procedure: two one-sided tests at the share of error that each is given
    are one interval of twice that."""
    ps = [equivalent(one.log, math.log1p(one.margin)).p for one in found]
    return tuple(
        replace(one, level=1 - 2 * (1 - level), p=p)
        for one, level, p in zip(found, levels(ps), holm(ps), strict=True)
    )


def ratios(found: Sequence[Comparison]) -> tuple[Ratio, ...]:
    """What a figure shows of those that can be decided."""
    return tuple(
        Ratio(
            arm=one.arm,
            over=one.over,
            label=f"{one.target}, {one.backend}, batch {one.batch}",
            value=Bounds(**dict(zip(("estimate", "low", "high"), one.ratio, strict=True))),
            margin=one.margin,
        )
        for one in found
        if not math.isnan(one.level)
    )


def by_pair(found: Sequence[Comparison], baseline: str) -> tuple[tuple[Comparison, ...], ...]:
    """The comparisons of each two arms: those with the baseline first, and the clearest difference
    first, which is the one that is farthest from none at the least."""
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for one in found:
        pairs.setdefault((one.arm, one.over), []).append(one)
    ranked = sorted(pairs.values(), key=lambda mine: (mine[0].over != baseline, -_least(mine)))
    return tuple(map(tuple, ranked))


def _least(mine: Sequence[Comparison]) -> float:
    """The near end of the interval that is farthest from a ratio of 1, as a logarithm."""
    ends = (one.log.at(one.level) for one in mine if not math.isnan(one.level))
    return max((max(low, -high) for low, high in ends), default=-math.inf)


def in_short(pairs: Sequence[Sequence[Comparison]]) -> str:
    """The first pair in words, and how many comparisons of the others found what."""
    said = summaries(pairs)
    if len(said) < 2:
        return "".join(said)
    others = [one for mine in pairs[1:] for one in mine]
    known = [one for one in others if not math.isnan(one.level)]
    counted = f": {_counted(known)}" if known else ""
    return f"{said[0]} All other pairs of arms, in {len(others)} comparisons{counted}."


def summaries(pairs: Sequence[Sequence[Comparison]]) -> tuple[str, ...]:
    """One sentence for each two arms."""
    return tuple(map(_summary, pairs))


def _summary(mine: Sequence[Comparison]) -> str:
    first = mine[0]
    known = [one for one in mine if not math.isnan(one.level)]
    if len(mine) == 1 or not known:
        return first.sentence
    ratios = sorted(one.ratio[0] for one in known)
    ends = list(dict.fromkeys(_more(100 * (each - 1)) for each in (ratios[0], ratios[-1])))
    found = f"between {ends[0]} and {ends[1]}" if ends[1:] else ends[0]
    return (
        f"The median latency of {first.arm} beside {first.over}'s, in {len(known)} comparisons "
        f"(targets, backends and sizes of request): {_counted(known)}. It takes {found} time"
        f"{_expected(known)}."
    )


def _counted(known: Sequence[Comparison]) -> str:
    """How many are the same, how many differ, and of how many one cannot tell."""
    counts = Counter(one.verdict for one in known)
    margin = f"{100 * max(one.margin for one in known):g} %"
    return "; ".join(
        f"{words.format(margin=margin)} in {counts[kind]}"
        for kind, words in VERDICTS.items()
        if counts[kind]
    )


def _expected(found: Sequence[Comparison]) -> str:
    """A word on differences that nothing but noise is known to make."""
    if any(one.alike and one.verdict != "same" for one in found):
        return " (models of one size, of which no difference is expected)"
    return ""


VERDICTS = {
    "same": "the same within {margin}",
    "different": "a difference of more than {margin}",
    "open": "whether it is within {margin} is not settled",
}
"""In words, where they are counted."""
