"""Curves over examples and parameters, and the figures of what serving costs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from layover.report import Report, costs, curves, prose, svg

Drawn = list[tuple[Figure, str]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    found: Drawn = []

    def element(figure: Figure, words: str) -> str:
        found.append((figure, words))
        return "<svg>"

    for module in (curves, costs):
        monkeypatch.setattr(module, "element", element)
    return found


def test_curves_of_one_target_and_axis_share_a_panel(grown: Report, drawn: Drawn) -> None:
    panels = curves.curve_panels(grown, (*grown.curves, *grown.sizes))
    assert [panel.names for panel in panels] == [("ccg", "squad"), ("xnli",)]
    assert all(figure.axes[0].get_xscale() == "log" for figure, _ in drawn)
    assert "ccg: 3.47 at 250, 4.74 at 1k, 5.37 at 4k and 5.68 at 16k" in drawn[0][1]


def test_points_without_a_law_are_joined_and_those_with_one_are_not(
    grown: Report, drawn: Drawn
) -> None:
    bare = dataclasses.replace(grown.curves[0], line=())
    curves.curve_panels(grown, [bare])
    curves.curve_panels(grown, grown.curves[:1])
    styles = [
        [line.get_linestyle() for line in figure.axes[0].get_lines() if line.get_marker() != "None"]
        for figure, _ in drawn
    ]
    assert styles == [["-"], ["None"]]


def test_ticks_of_a_logarithmic_axis_stand_apart() -> None:
    kept = curves._apart([1.0, 1.01, 10.0, 11.0, 1000.0])
    assert kept == [1.01, 11.0, 1000.0]
    assert curves._apart([5.0]) == [5.0] and curves._apart([]) == []
    assert [prose.compact(x) for x in (950, 2500, 20_000, 2.7e8, 3.5e9)] == [
        "950", "2.5k", "20k", "270M", "3.5B",
    ]  # fmt: skip


def test_encoders_of_nearly_one_size_have_labels_above_each_other(
    grown: Report, drawn: Drawn
) -> None:
    (one,) = grown.sizes
    near = [
        dataclasses.replace(point, at=at)
        for point, at in zip(one.points, (1, 30, 40, 100), strict=True)
    ]
    curves.curve_panels(grown, [dataclasses.replace(one, points=tuple(near))])
    heights = [text.get_position()[1] for text in drawn[0][0].axes[0].texts]
    assert len(heights) == 4 and heights[1] != heights[2] != heights[3]


def test_the_arms_of_a_line_have_its_colour_and_marks_of_their_own(grown: Report) -> None:
    line = dataclasses.replace(grown.curves[0], arm="all three", arms=("ccg", "squad", "xnli"))
    looks = svg.looks(dataclasses.replace(grown, curves=(line,)))
    family = [looks[name] for name in ("all three", *line.arms)]
    assert len({look.colour for look in family}) == 1
    assert len({look.marker for look in family}) == 4
    assert looks["hellaswag"].colour != family[0].colour


def test_names_are_cut_where_they_differ() -> None:
    assert svg.briefs(["multi-task, others", "multi-task, others, more"], 14) == [
        "multi-… others", "multi-…s, more",
    ]  # fmt: skip
    assert svg.briefs(["short", "multi-task, others"], 14) == ["short", "multi-task, o…"]
    same = ["aaaaaaaaaaaaa one bbbbbbbb", "aaaaaaaaaaaaa two bbbbbbbb"]
    assert svg.briefs(same, 14) == same


def test_batches_of_one_size_share_their_scale(grown: Report, drawn: Drawn) -> None:
    panels = costs.latency_panels(grown)
    assert [panel.title for panel in panels] == [
        "eager, batch 1", "eager, batch 32", "onnx, batch 1", "onnx, batch 32",
    ]  # fmt: skip
    limits = [figure.axes[0].get_xlim()[1] for figure, _ in drawn]
    assert limits[0] == limits[2] and limits[1] == limits[3] and limits[0] < limits[1]


def test_quality_is_shown_beside_the_latency_of_the_smallest_batch(
    grown: Report, drawn: Drawn
) -> None:
    panels = costs.quality_panels(grown)
    assert [panel.title for panel in panels] == [one.name for one in grown.languages]
    shown = {
        float(np.asarray(line.get_xdata())[0])
        for line in drawn[0][0].axes[0].get_lines()
        if len(np.asarray(line.get_xdata())) == 1
    }
    ours = [one for one in grown.costs if (one.language, one.batch) == ("qal", 1)]
    assert shown == {one.p50.estimate for one in ours}


def test_without_quality_only_latency_is_drawn(grown: Report, drawn: Drawn) -> None:
    bare = dataclasses.replace(
        grown, costs=tuple(dataclasses.replace(x, quality=None) for x in grown.costs)
    )
    assert costs.quality_panels(bare) == []
    unknown = tuple(
        dataclasses.replace(x, p50=dataclasses.replace(x.p50, estimate=math.nan))
        for x in grown.costs
    )
    assert costs.quality_panels(dataclasses.replace(grown, costs=unknown)) == []
