"""A study's comparisons as one HTML file, a sentence, or a table in the terminal."""

from layover.report.html import render
from layover.report.prose import Answer, answer
from layover.report.report import (
    Arm,
    Cell,
    Cost,
    Curve,
    Language,
    LayerCurve,
    Point,
    Portrait,
    Report,
    Target,
    Training,
)
from layover.report.table import table

__all__ = [
    "Answer",
    "Arm",
    "Cell",
    "Cost",
    "Curve",
    "Language",
    "LayerCurve",
    "Point",
    "Portrait",
    "Report",
    "Target",
    "Training",
    "answer",
    "render",
    "table",
]
