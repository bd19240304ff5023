"""The statistics of a study: intervals, differences, families, equivalence, power, choices."""

from layover.stats.choice import Chosen, chosen
from layover.stats.contrast import Term, contrast, measured_languages
from layover.stats.equivalence import Equivalence, equivalent
from layover.stats.family import holm, levels
from layover.stats.interval import LEVEL, Estimates, Interval
from layover.stats.paired import estimates, mean_over_targets, paired_difference, score
from layover.stats.power import detectable, settling
from layover.stats.sample import REPLICATES, Measured, Run, Sample, by_seed, samples

__all__ = [
    "LEVEL",
    "REPLICATES",
    "Chosen",
    "Equivalence",
    "Estimates",
    "Interval",
    "Measured",
    "Run",
    "Sample",
    "Term",
    "by_seed",
    "chosen",
    "contrast",
    "detectable",
    "equivalent",
    "estimates",
    "holm",
    "levels",
    "mean_over_targets",
    "measured_languages",
    "paired_difference",
    "samples",
    "score",
    "settling",
]
