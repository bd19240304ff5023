"""The page stands alone, escapes what it shows, fits a phone, and renders whatever there is."""

from __future__ import annotations

import dataclasses
import html
import itertools
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from layover.report import Arm, Cell, Language, Report, Target, figures, grids, render, svg
from layover.report.opening import opening
from layover.stats import Estimates

Made = Callable[..., Report]
EVIL = "<script>alert('&\"')</script> $x_1$ 日本"


class Tags(HTMLParser):
    """Collects start tags, and checks that what was opened is closed."""

    VOID = frozenset({"meta", "link", "img", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(demo: Report) -> str:
    return render(demo)


@pytest.fixture(scope="module")
def whole(grown: Report) -> str:
    return render(grown)


def named(report: Report, name: str) -> Report:
    """The report with one arm, target, language and everything else named `name`."""

    def swap(cells: tuple[object, ...]) -> tuple[object, ...]:
        changed = []
        for cell in cells:
            names = {"arm": "ccg", "target": "POS", "phase": "POS"}
            old = {k: v for k, v in names.items() if getattr(cell, k, None) == v}
            changed.append(dataclasses.replace(cell, **dict.fromkeys(old, name)))  # type: ignore
        return tuple(changed)

    return dataclasses.replace(
        report,
        study=name,
        question=name,
        arms=tuple(
            dataclasses.replace(arm, name=name) if arm.name == "ccg" else arm for arm in report.arms
        ),
        targets=(Target(name=name, metric=name, chance=12.0), *report.targets[1:]),
        languages=(
            *report.languages[:-1],
            Language(code=report.languages[-1].code, name=name, distance=0.9),
        ),
        differences=swap(report.differences),
        scores=swap(report.scores),
        layers=swap(report.layers),
        trainings=swap(report.trainings),
        provenance={name: name},
        commands=(name,),
        notes=(name,),
    )


def test_it_loads_nothing_from_elsewhere(page: str) -> None:
    tags = Tags(page).found
    assert not {"script", "link", "img", "iframe", "object", "base"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        for name, value in attributes.items():
            if name.split(":")[-1] in {"src", "href"}:
                assert (value or "").startswith("data:" if "download" in attributes else "#")
    assert "http:" not in page and "https:" not in page
    assert "@import" not in page
    assert all(url.startswith("url(#") for url in re.findall(r"url\([^)]*", page))


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([\w-]+)', page)) <= set(ids)


def test_every_text_is_escaped(demo: Report) -> None:
    found = render(named(demo, EVIL))
    assert "<script" not in found
    assert "$x_1$" in found
    tags = Tags(found).found
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)


def test_every_part_is_there_in_order_and_empty_ones_are_left_out(page: str, whole: str) -> None:
    parts = (
        *("differences", "languages", "curves", "sizes", "costs", "layers", "ledger"),
        *("controls", "training", "methods", "provenance", "downloads"),
    )
    places = [whole.index(f'<section id="{part}">') for part in parts]
    assert places == sorted(places)
    assert whole.index("<h1") < whole.index('id="answer"') < whole.index("<svg") < places[0]
    for part in ("curves", "sizes", "costs", "ledger"):
        assert f'id="{part}"' not in page
    assert "layover run studies/demo.py" in page
    assert "+6.7<" in page.replace("</b>", "<").replace("<b>", "")


def test_bold_marks_exactly_what_is_clear_after_correction(page: str, demo: Report) -> None:
    section = page[
        page.index('<section id="differences">') : page.index('<section id="languages">')
    ]
    rows = demo.named("arm")
    names = ["", *(target.name for target in demo.targets)]
    places = [(arm, name, code) for arm in rows for name in names for code in ("", "qal")]
    assert section.count("<b>") == sum(demo.sign(*place) != 0 for place in places)
    excluding = sum(demo.shown(*place).sign != 0 for place in places)  # type: ignore[union-attr]
    assert section.count("<b>") < excluding


def test_scores_alone_have_one_panel_each_and_no_band_leaves_the_scale(
    demo: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def widened(cell: Cell) -> Cell:
        languages = {
            code: dataclasses.replace(interval, low=-900.0, high=900.0)
            for code, interval in cell.estimates.languages.items()
        }
        return dataclasses.replace(
            cell, estimates=dataclasses.replace(cell.estimates, languages=languages)
        )

    bands: list[np.ndarray] = []
    heights: list[int] = []

    def element(figure: Figure, words: str) -> str:
        above = figure.axes[0]
        heights.append(len(figure.axes))
        bands.extend(np.asarray(path.vertices) for c in above.collections for path in c.get_paths())
        return ""

    monkeypatch.setattr(figures, "element", element)
    cells = tuple(map(widened, demo.scores))
    figures.by_language(dataclasses.replace(demo, scores=cells, arms=demo.arms[:1], differences=()))
    assert heights == [1] * len(demo.targets)
    assert all(b[:, 1].min() >= 0 and b[:, 1].max() <= 100 for b in bands if len(b)) and bands


def test_figures_have_words_for_those_who_cannot_see_them(page: str) -> None:
    figures = [attributes for tag, attributes in Tags(page).found if tag == "svg"]
    assert len(figures) == 1 + 4 + 4 + 2 + 8
    assert all(a["role"] == "img" and re.search(r"\d", a["aria-label"] or "") for a in figures)


def test_the_same_report_gives_the_same_bytes(demo: Report, page: str) -> None:
    assert render(demo) == page


def test_it_is_small(page: str) -> None:
    assert len(page.encode()) < 1_000_000


@pytest.mark.slow
def test_a_study_of_a_papers_size_stays_below_two_megabytes(demo: Report) -> None:
    arms = tuple(Arm(name=f"arm {i}") for i in range(10))
    targets = tuple(Target(name=f"target {i}", metric="F1") for i in range(9))
    languages = tuple(
        Language(code=f"q{a}{b}", name=f"Language {a}{b}", distance=i, source=i == 0)
        for i, (a, b) in enumerate(itertools.product("abcdefgh", "abcde"))
    )
    interval = demo.differences[0].estimates.mean
    estimates = Estimates(mean=interval, languages={x.code: interval for x in languages})
    cells = tuple(
        Cell(arm=arm.name, target=target.name, estimates=estimates)
        for arm in arms for target in targets
    )  # fmt: skip
    trainings = tuple(
        dataclasses.replace(demo.trainings[0], arm=arm.name, seed=seed, phase=target.name)
        for arm in arms for target in targets for seed in range(5)
    )  # fmt: skip
    large = dataclasses.replace(
        demo,
        arms=(demo.arms[0], *arms),
        targets=targets,
        languages=languages,
        differences=cells,
        means=tuple(dataclasses.replace(cell, target="") for cell in cells[::9]),
        scores=(*cells, *(dataclasses.replace(cell, arm="direct") for cell in cells[:9])),
        trainings=trainings,
    )
    assert len(render(large).encode()) < 2_000_000


def test_all_that_a_study_may_have_renders(whole: str, grown: Report) -> None:
    Tags(whole)
    ids = re.findall(r'\bid="([^"]*)"', whole)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([\w-]+)', whole)) <= set(ids)
    assert '<a href="#ledger">1 supported, 1 contradicted, 1 not tested</a>' in whole
    assert "CCG helps by 10." in whole and "Missing: mnli on POS" in whole
    assert "<li>ccg: seed 9 left out</li>" in whole
    assert "ccg gains 0.40 points a doubling." in whole
    opening = whole[whole.index('id="answer"') : whole.index("The answer as a figure")]
    assert (
        "CCG helps by 10 – <strong>contradicted</strong>: " in opening
        and "MNLI helps" not in opening
    )
    assert "Choosing one of" in whole
    assert whole.count(">a model by itself, onnx, Corvic, batch 32<") == 1
    assert "http:" not in whole and "https:" not in whole


def test_a_claim_about_another_encoder_does_not_open_the_page(grown: Report) -> None:
    other = [dataclasses.replace(one, verdict="not tested") for one in grown.verdicts]
    assert opening(grown.verdicts) and not opening(other)


def test_a_curve_stands_with_the_answer_and_nowhere_else(whole: str, grown: Report) -> None:
    start = whole.index("The answer as a figure")
    words = "POS: difference, points by training examples."
    assert whole.count(words) == 1 and start < whole.index(words) < whole.index('id="differences"')
    assert whole.index('class="panels small"') > whole.index('id="differences"')
    bare = dataclasses.replace(grown, curves=(), sizes=(), scores=(), layers=(), trainings=())
    assert render(bare).index('class="panels small"') < render(bare).index('id="differences"')


def test_every_text_and_mark_has_the_contrast_that_wcag_asks_for() -> None:
    css = (Path(grids.__file__).parent / "style.css").read_text("utf-8")
    deepest = [grids.shade(value, 1.0) for value in (-1.0, 1.0)]
    small = re.search(r"td small \{ color: (#\w+)", css)
    texts = [one for _, one in re.findall(r"(^|[ {])color: (#\w{6})", css)]
    assert small and len(texts) >= 5
    assert all(contrast(text, "#ffffff") >= 4.5 for text in (*texts, svg.INK, svg.GREY))
    assert all(contrast(t, d) >= 4.5 for t in (svg.INK, small[1]) for d in deepest)
    assert all(contrast(mark, "#ffffff") >= 3 for mark in svg.COLOURS)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    "arms, seeds, targets",
    [(("direct",), 2, 1), (("direct", "ccg"), 1, 1), (("direct", "ccg", "no pretraining"), 3, 2)],
    ids=["baseline alone", "one seed, one target", "one arm"],
)
def test_small_studies_render(made: Made, arms: tuple[str, ...], seeds: int, targets: int) -> None:
    Tags(render(made(arms, seeds=seeds, targets=targets)))


def test_a_study_without_results_renders(demo: Report) -> None:
    nothing = dataclasses.replace(demo, differences=(), scores=(), layers=(), trainings=())
    found = render(nothing)
    assert "There is no answer yet" in found
    Tags(found)
    empty = Report(study="", question="", arms=(), targets=(), languages=(), differences=())
    Tags(render(empty))


def test_unmeasured_cells_are_shown_as_such(demo: Report) -> None:
    gone = tuple(c for c in demo.differences if (c.arm, c.target) != ("ccg", "POS"))
    found = render(dataclasses.replace(demo, differences=gone, layers=(), trainings=()))
    assert 'title="not measured"' in found
    assert "ccg was not measured, or has no baseline to compare, on POS." in found
    assert "3 targets" in found


def test_arms_beyond_the_palette_render_and_look_different(demo: Report) -> None:
    arms = (*demo.arms, *(Arm(name=f"arm {i}") for i in range(20)))
    looks = svg.looks(dataclasses.replace(demo, arms=arms))
    assert len(set(looks.values())) == len(arms)
    Tags(render(dataclasses.replace(demo, arms=arms)))


WIDTHS = (390, 1280)
WRAPPER = """<!doctype html><body>
{frames}
<script>onload = () => document.querySelectorAll("iframe").forEach(frame => {{
  const inside = frame.contentDocument;
  const root = inside.documentElement;
  inside.querySelectorAll("details").forEach(x => x.open = true);
  frame.dataset.found = root.scrollWidth - root.clientWidth + " too wide, "
    + inside.querySelectorAll("svg").length + " figures";
  frame.dataset.end = Math.round(
    inside.querySelector(".lead svg").getBoundingClientRect().bottom + inside.defaultView.scrollY);
}})</script>"""
FRAME = (
    '<iframe style="width:{width}px;height:900px;border:0" id="{name}-{width}" srcdoc="{page}">'
    "</iframe>"
)

Opened = Callable[[str, int], dict[str, str | None]]


@pytest.fixture(scope="module")
def opened(demo: Report, whole: str, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """What was measured in a page in a frame of a width; Chromium, which takes seconds to start,
    shows all of them at once."""
    long = render(named(demo, "a rather long name " + "x" * 60))
    frames = [
        FRAME.format(width=width, name=name, page=html.escape(page))
        for name, page in (("long", long), ("whole", whole))
        for width in WIDTHS
    ]
    folder = tmp_path_factory.mktemp("chromium")
    wrapper = folder / "wrapper.html"
    wrapper.write_text(WRAPPER.format(frames="\n".join(frames)), "utf-8")
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=5000",
            f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000", "--dump-dom",
            wrapper.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    found = {
        attributes["id"]: attributes
        for tag, attributes in Tags(done.stdout).found
        if tag == "iframe"
    }
    return lambda name, width: found[f"{name}-{width}"]


needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium installed")


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_window_in_chromium(opened: Opened, width: int) -> None:
    assert opened("long", width)["data-found"] == "0 too wide, 19 figures"


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("width, most", [(390, 2 * 800), (1280, 800)])
def test_question_answer_and_figure_are_on_the_first_screens(
    opened: Opened, width: int, most: int
) -> None:
    assert int(opened("whole", width)["data-end"] or "") <= most
