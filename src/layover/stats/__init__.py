"""The statistics of a study: intervals, differences, families, equivalence, power, choices,
curves and relations."""

from layover.stats.choice import Chosen, chosen, widened
from layover.stats.contrast import contrast
from layover.stats.curve import (
    Bounds,
    Curve,
    Law,
    Points,
    curve,
    doubling,
    slope_difference,
    told_law,
)
from layover.stats.equivalence import Equivalence, equivalent
from layover.stats.family import holm, levels
from layover.stats.interval import ERROR, LEVEL, Estimates, Interval
from layover.stats.paired import difference, estimates, mean_over_targets, paired_difference, score
from layover.stats.power import detectable, settling
from layover.stats.relation import Correlation, Relation, relation
from layover.stats.sample import REPLICATES, Clustered, Measured, Run, Sample, by_seed, samples
from layover.stats.term import Term, measured_languages

__all__ = [
    "ERROR",
    "LEVEL",
    "REPLICATES",
    "Bounds",
    "Chosen",
    "Clustered",
    "Correlation",
    "Curve",
    "Equivalence",
    "Estimates",
    "Interval",
    "Law",
    "Measured",
    "Points",
    "Relation",
    "Run",
    "Sample",
    "Term",
    "by_seed",
    "chosen",
    "contrast",
    "curve",
    "detectable",
    "difference",
    "doubling",
    "equivalent",
    "estimates",
    "holm",
    "levels",
    "mean_over_targets",
    "measured_languages",
    "paired_difference",
    "relation",
    "samples",
    "score",
    "settling",
    "slope_difference",
    "told_law",
    "widened",
]
