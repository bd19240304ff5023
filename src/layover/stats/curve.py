"""Learning curves: laws fitted to what more data of a kind buys.

* `logarithm`: start + doubling * log2(size / smallest). No end in sight.
* `power`: ceiling - missing * (size / smallest) ** -rate, the law of Hestness et al. (2017) in
  points: `missing` is what the smallest size lacks to the ceiling, which need not be reached.

Fitted by least squares to what was found, and again to each of many draws of what the points may
truly be (`Joint.draws`: they share seeds and test examples): intervals are quantiles of these fits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from layover.errors import ResultError
from layover.stats.contrast import contrast
from layover.stats.interval import ERROR, Interval
from layover.stats.joint import Joint
from layover.stats.term import Term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Law = Literal["logarithm", "power"]
PARAMETERS: Mapping[Law, tuple[str, ...]] = {
    "logarithm": ("start", "doubling"),
    "power": ("ceiling", "missing", "rate"),
}
SLOWEST, FASTEST, RATES = 0.02, 8.0, 600
"""Rates that are tried, and a step, whose rate is infinite. The slowest is a logarithm to the
eye."""

Points = Mapping[float, Sequence[Term]]
"""Size -> the terms of what was measured there: a score, or a difference from the baseline."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A number with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """A law fitted to points, in their unit."""

    law: Law
    sizes: tuple[float, ...]
    """Rising."""
    measured: tuple[Interval, ...]
    """Of each size."""
    parameters: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    """Bounds of the parameters. Of a power law, a `low` rate of 0 and an infinite ceiling: these
    points do not tell it from one that never ends. An infinite rate: from a step."""
    misfit: float
    """Root mean square of what the law leaves over, with the degrees of freedom that it leaves;
    NaN with as many points as parameters."""
    fits: Array = field(repr=False)
    """[1 + draws, parameters], the first of what was found."""

    def at(self, size: float) -> Bounds:
        """What the law says of a size; beyond the sizes measured it is a guess."""
        return _bounds(self._of(size))

    def gain(self, size: float) -> Bounds:
        """What doubling this size buys."""
        return _bounds(self._of(2 * size) - self._of(size))

    def _of(self, size: float) -> Array:
        return _law(self.law, self.fits, size / self.sizes[0])


def curve(points: Points, law: Law) -> Curve:
    """The law fitted to the sizes that were measured, over the seeds that all of these have.

    Raises ResultError with a size that is not above zero, with fewer points than the law has
    parameters, and where the points have no seed in common.
    """
    names = PARAMETERS[law]
    intervals = {size: contrast(points[size]) for size in sorted(points)}
    measured = {size: one for size, one in intervals.items() if one.seeds}
    sizes = tuple(measured)
    if any(not 0 < size < math.inf for size in points):
        raise ResultError(f"a learning curve needs sizes above zero, not {sorted(points)}")
    if len(sizes) < len(names):
        raise ResultError(
            f"cannot fit {len(names)} parameters ({', '.join(names)}) of the {law} law to "
            f"{len(sizes)} sizes {list(sizes)}; measure {len(names) - len(sizes)} more"
            + (", or fit a logarithm" if law == "power" and len(sizes) == 2 else "")
        )
    sums = Joint(tuple(tuple(points[size]) for size in sizes))
    if not sums.seeds:
        raise ResultError(f"the sizes {list(sizes)} have no seed in common; run the same seeds")
    found = sums.values.mean(axis=0)
    fits = _fitted(law, sizes, found, sums.draws())
    bounds = {name: _bounds(column) for name, column in zip(names, _told(law, fits).T, strict=True)}
    return Curve(
        law=law,
        sizes=sizes,
        measured=tuple(measured.values()),
        parameters={name: bound.estimate for name, bound in bounds.items()},
        low={name: bound.low for name, bound in bounds.items()},
        high={name: bound.high for name, bound in bounds.items()},
        misfit=_misfit(law, sizes, found, fits[0]),
        fits=fits,
    )


def told_law(points: Points) -> Curve:
    """The law that the sizes tell: the power law where its rate has an interval within the rates
    tried, and the logarithm where none tells that rate from 0, which is that of a logarithm.

    Raises ResultError where they tell neither: with no more sizes than parameters, or where the
    rate is not told from that of a step; and as `curve` does.
    """
    line = curve(points, "logarithm")
    if len(line.sizes) <= len(PARAMETERS["logarithm"]):
        raise ResultError(
            f"{len(line.sizes)} sizes do not tell a law, any line goes through them; measure 3"
        )
    if len(line.sizes) <= len(PARAMETERS["power"]):
        return line
    power = curve(points, "power")
    if not power.low["rate"] or not power.parameters["rate"]:
        return line
    if math.inf in (power.parameters["rate"], power.high["rate"]):
        raise ResultError(
            "these sizes do not tell the law: it may have reached its ceiling at once; measure "
            "smaller sizes"
        )
    return power


def doubling(points: Points) -> tuple[Term, ...]:
    """The gain per doubling of the size as a sum of terms: the slope of the least-squares line over
    log2(size), which is linear in what was measured. Raises ResultError with less than two sizes.

    `contrast` of it has an interval; `contrast` of one less another tests that two slopes differ.
    """
    weights = slope_weights(points)
    return tuple(term * weights[size] for size in points for term in points[size])


def slope_weights(sizes: Iterable[float]) -> dict[float, float]:
    """Size -> its weight in the slope of the least-squares line over log2(size). Raises ResultError
    with less than two sizes, or one that is not above zero."""
    known = sorted(set(sizes))
    if len(known) < 2 or not all(0 < size < math.inf for size in known):
        raise ResultError(f"a slope needs two sizes above zero, not {known}")
    logs = {size: math.log2(size) for size in known}
    middle = math.fsum(logs.values()) / len(logs)
    whole = math.fsum((log - middle) ** 2 for log in logs.values())
    return {size: (log - middle) / whole for size, log in logs.items()}


def slope_difference(one: Points, other: Points) -> Interval:
    """By how much more one kind of data gains per doubling than another; `p()` of it tests that the
    slopes are the same."""
    return contrast([*doubling(one), *(term * -1.0 for term in doubling(other))])


def _law(law: Law, fits: Array, ratio: float) -> Array:
    """[fits], at this multiple of the smallest size."""
    if law == "logarithm":
        return fits[:, 0] + fits[:, 1] * math.log2(ratio)
    return fits[:, 0] - fits[:, 1] * ratio ** -fits[:, 2]


def _fitted(law: Law, sizes: tuple[float, ...], found: Array, drawn: Array) -> Array:
    """[1 + draws, parameters]"""
    import numpy as np

    ratios = np.array(sizes) / sizes[0]
    values = np.vstack([found, drawn])
    if law == "logarithm":
        return values @ np.linalg.pinv(np.stack([np.ones(len(sizes)), np.log2(ratios)], axis=1)).T
    # For a given rate the law is linear, so the best rate is looked for among many (variable
    # projection; Golub and Pereyra 1973): no start is guessed, and no fit fails.
    rates = np.append(np.geomspace(SLOWEST, FASTEST, RATES), np.inf)
    designs = np.stack([np.ones((RATES + 1, len(sizes))), -(ratios ** -rates[:, None])], axis=2)
    spans = np.linalg.qr(designs)[0]
    explained = np.stack([((values @ span) ** 2).sum(axis=1) for span in spans], axis=1)
    best = np.nan_to_num(explained, nan=-1.0).argmax(axis=1)
    linear = np.einsum("fpk,fk->fp", np.linalg.pinv(designs)[best], values)
    return np.column_stack([linear, rates[best]])


def _told(law: Law, fits: Array) -> Array:
    """The parameters as they are told: at the slowest rate that was tried the law is a logarithm,
    in which they are without bounds."""
    import numpy as np

    if law == "logarithm":
        return fits
    told = fits.copy()
    slowest = fits[:, 2] <= SLOWEST * 1.0001
    told[slowest, 2] = 0.0
    told[slowest, :2] = np.where(fits[slowest, 1:2] < 0, -np.inf, np.inf)
    return told


def _bounds(fits: Array) -> Bounds:
    """Of [1 + draws]."""
    import numpy as np

    tail = ERROR / 2
    if np.isnan(fits).any():
        return Bounds(estimate=float(fits[0]), low=math.nan, high=math.nan)
    # Between a number and infinity there is nothing to interpolate.
    low = float(np.quantile(fits[1:], tail, method="lower"))
    high = float(np.quantile(fits[1:], 1 - tail, method="higher"))
    return Bounds(estimate=float(fits[0]), low=low, high=high)


def _misfit(law: Law, sizes: tuple[float, ...], found: Array, fit: Array) -> float:
    left = len(sizes) - len(PARAMETERS[law])
    if not left:
        return math.nan
    told = [float(_law(law, fit[None], size / sizes[0])[0]) for size in sizes]
    return math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(told, found, strict=True)) / left)
