"""A report as one HTML file that needs nothing else: style, figures and text are inside it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from layover.report import costs, curves, figures, grids, portraits, prose, svg
from layover.report.downloads import downloads
from layover.report.forest import forest
from layover.report.ledger import left_out, spoken
from layover.report.methods import methods
from layover.report.notes import missing
from layover.report.opening import opening
from layover.report.report import Report

CURVE = "The curve: points with their 95 % intervals, and the fitted law, if any, with its band."
LATENCY = (
    "Latency: ratios of medians, with the intervals that decide about all of them together; "
    "grey: the same for all that matters."
)
"""Under the figure that stands with the answer."""


def render(report: Report) -> str:
    """The page. The same report gives the same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"named": named, "spoken": spoken, "left_out": left_out}
    question = report.question.replace("`", "")
    title, *more = [" ".join(part.split()) for part in question.strip().split("\n\n")]
    page = environment.get_template("page.html.jinja").render(
        report=report,
        title=title or report.study,
        more=[paragraph for paragraph in more if paragraph],
        answer=prose.answer(report),
        ground=prose.measured_on(report),
        claims=opening(report.verdicts),
        methods=methods(report),
        notes=(*missing(report), *report.notes),
        looks=svg.looks(report),
        rulings=rulings(report),
        seeds=max((cell.estimates.mean.seeds for cell in report.differences), default=0),
        **_answer(report),
        **_rest(report),
    )
    return page + "\n"


def _answer(report: Report) -> dict[str, Any]:
    limit = grids.deepest(report)
    differences = grids.difference_grids(report)
    lead, targets = forest(report)
    learning = curves.curve_panels(report, report.curves)
    sizes = curves.curve_panels(report, report.sizes)
    ratios = costs.ratio_panels(report)
    drawn = [*filter(None, [lead]), *targets, *learning, *sizes]
    # A study that turns a number is answered by a curve, and one that serves its models by how
    # long that takes: the first of these figures stands with the answer.
    carried = learning or sizes or ratios
    return {
        "differences": differences,
        "languages": grids.language_grids(report),
        "scores": grids.score_grid(report),
        "controls": grids.control_grid(report),
        "slopes": grids.slope_grid(report.curves),
        "points": grids.point_grids(report.curves),
        "size_points": grids.point_grids(report.sizes),
        "cost_table": grids.cost_grid(report),
        "limit": f"{limit:.0f}",
        "scale": [grids.shade(x / 4, 1.0) for x in range(-4, 5)],
        "lead": lead,
        "by_target": targets,
        "carrying": carried[:1],
        "carried": LATENCY if carried is ratios else CURVE,
        "latency_note": LATENCY,
        **{
            name: panels[1:] if panels is carried else panels
            for name, panels in (("learning", learning), ("sizes", sizes), ("ratios", ratios))
        },
        "files": downloads(report, drawn),
    }


def _rest(report: Report) -> dict[str, Any]:
    return {
        "by_language": figures.by_language(report),
        "layers": figures.layer_curves(report),
        "portraits": portraits.portrait_panels(report),
        "portrait_words": portraits.portrait_words(report),
        "changes": portraits.change_grid(report),
        "losses": portraits.loss_grid(report),
        "trainings": figures.training_curves(report),
        "latency": costs.latency_panels(report),
        "quality": costs.quality_panels(report),
    }


def named(panels: Iterable[svg.Panel]) -> list[str]:
    """What the legend of some panels must name."""
    return list(dict.fromkeys(chain.from_iterable(panel.names for panel in panels)))


def rulings(report: Report) -> str:
    """2 supported, 1 inconclusive, 11 not tested"""
    found = [one.verdict for one in report.verdicts]
    kinds = ("supported", "contradicted", "inconclusive", "not tested")
    return ", ".join(f"{found.count(kind)} {kind}" for kind in kinds if kind in found)
