"""The statistics of a study: intervals, paired differences, and sums of them."""

from layover.stats.contrast import Term, contrast, measured_languages
from layover.stats.interval import LEVEL, Estimates, Interval
from layover.stats.paired import estimates, mean_over_targets, paired_difference, score
from layover.stats.sample import REPLICATES, Measured, Run, Sample, by_seed, samples

__all__ = [
    "LEVEL",
    "REPLICATES",
    "Estimates",
    "Interval",
    "Measured",
    "Run",
    "Sample",
    "Term",
    "by_seed",
    "contrast",
    "estimates",
    "mean_over_targets",
    "measured_languages",
    "paired_difference",
    "samples",
    "score",
]
