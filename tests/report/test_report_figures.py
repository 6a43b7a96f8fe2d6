import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from matplotlib.text import Text

from condlab.plots import style as _style
from condlab.plots.tightness import cell
from condlab.report import figures
from condlab.report.figures import counterexamples, scaling, tightness
from condlab.report.instances import Part, is_exact, parts, short
from condlab.theory import Verdict

MAKERS = {
    "scalings": lambda records: [scaling.scaling_figure(records.matrices)],
    "tightness": lambda records: tightness.tightness_figures(records.theorems),
    "counterexamples": lambda records: counterexamples.counterexample_figures(
        records.theorems
    ),
}


@pytest.fixture(scope="session")
def drawn(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    return figures.draw(records, folder)


def test_every_figure_is_drawn_twice_over(drawn):
    names = [path.name for path in drawn]
    assert names == ["scalings.svg", "tightness-1.svg", "counterexamples-1.svg"]
    assert all(path.with_suffix(".png").exists() for path in drawn)


def test_figures_are_not_empty(drawn):
    for path in drawn:
        pixels = imread(path.with_suffix(".png"))
        assert pixels.shape[1] == _style.WIDTH * _style.STYLE["savefig.dpi"]
        assert np.ptp(pixels[..., :3]) > 0.5
        assert (pixels[..., :3].min(axis=2) < 0.9).mean() > 0.005


def test_the_same_records_give_the_same_bytes(records, drawn, tmp_path):
    rcParams["font.size"] = 19  # a user's own settings change nothing
    again = figures.draw(records, tmp_path)
    for first, second in zip(drawn, again, strict=True):
        for suffix in (".svg", ".png"):
            one, two = (path.with_suffix(suffix) for path in (first, second))
            assert one.read_bytes() == two.read_bytes()


@pytest.fixture(autouse=True)
def own_settings():
    before = rcParams["font.size"]
    yield
    rcParams["font.size"] = before


def test_drawings_are_xml_without_dates(drawn):
    for path in drawn:
        text = path.read_text()
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert "<dc:date>" not in text
        assert "matplotlib.org" not in text


def test_pages_of_an_earlier_run_are_removed(records, tmp_path):
    (tmp_path / "counterexamples-9.png").touch()
    (tmp_path / "mine.png").touch()
    figures.draw(replace(records, matrices=[]), tmp_path)
    assert not (tmp_path / "counterexamples-9.png").exists()
    assert (tmp_path / "mine.png").exists()
    assert not (tmp_path / "scalings.png").exists()


@pytest.mark.parametrize("kind", MAKERS)
def test_no_text_overlaps_another_or_leaves_the_page(kind, records):
    with _style.style():
        for figure in MAKERS[kind](records):
            boxes = text_boxes(figure)
            width, height = FigureCanvasAgg(figure).get_width_height()
            for words, box in boxes:
                assert box.x0 >= 0, words
                assert box.y0 >= 0, words
                assert box.x1 <= width, words
                assert box.y1 <= height, words
            for (one, a), (two, b) in combinations(boxes, 2):
                assert not overlap(a, b), (one, two)


def text_boxes(figure):
    """Return the words and the box of every visible text of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    return [
        (text.get_text(), text.get_window_extent(canvas.get_renderer()))
        for text in texts
        if text.get_visible()
    ]


def overlap(a, b):
    slack = 0.5  # pixels
    return (
        min(a.x1, b.x1) - max(a.x0, b.x0) > slack
        and min(a.y1, b.y1) - max(a.y0, b.y0) > slack
    )


def test_every_falsified_claim_is_typeset(drawn, by_key):
    text = "".join(path.read_text() for path in drawn if "counter" in path.name)
    for key in ("wc-thm5.1-rows-tall", "planted-smaller-trace"):
        assert f">{key}<" in text
    assert ">planted-cauchy<" not in text


def test_many_claims_fill_several_pages_and_lose_none(records):
    many = [
        entry | {"key": f"{entry['key']}-{i}", "family": f"family {i % 7}"}
        for i in range(40)
        for entry in records.theorems
    ]
    with _style.style():
        for make in (
            tightness.tightness_figures,
            counterexamples.counterexample_figures,
        ):
            pages = make(many)
            words = {t.get_text() for page in pages for t in page.findobj(Text)}
            assert len(pages) > 1
            assert {e["key"] for e in many if "trace" in e["key"]} <= words
            assert all(page.get_figheight() < 13 for page in pages)


def test_records_without_theorems_or_matrices_draw_nothing(records, tmp_path):
    assert figures.draw(replace(records, matrices=[], theorems=[]), tmp_path) == []


@pytest.mark.parametrize(
    ("tightness_", "shown"),
    [(1.0, "1"), (0.99999, ".99"), (0.5, ".50"), (0.004, "0"), (-2.0, "0")],
)
def test_only_attained_bounds_show_one(tightness_, shown):
    assert cell(Verdict("claim", 2, "holds", 9, tightness_))[2] == shown


def test_widths_of_text_are_those_that_are_drawn():
    from matplotlib.figure import Figure

    with _style.style():
        figure = Figure(figsize=(7, 1))
        drawn = figure.text(0, 0.5, "κ₂(DA) ≤ √m wide", fontsize=7)
        box = drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer())
        estimate = _style.text_width(drawn.get_text(), 7) * figure.dpi
    assert box.width == pytest.approx(estimate, rel=0.05)


def test_unnamed_parts_get_letters():
    encoded = {"tuple": [{"array": [[1.0]]}, {"array": [2.0]}, 3]}
    found = parts(encoded, ["A"])
    assert [part.name for part in found] == ["A", "d", "e"]
    assert [part.kind for part in found] == ["matrix", "vector", "scalar"]


def test_arrays_of_three_dimensions_are_printed_page_by_page():
    found = parts({"array": [[[1.0]], [[2.0]]]}, ["x"])
    assert [(part.name, part.rows) for part in found] == [
        ("x[1]", (("1",),)),
        ("x[2]", (("2",),)),
    ]
    (large,) = parts({"array": np.zeros((9, 9)).tolist()}, ["x"])
    assert large.rows == (("9 × 9 array, see data/verdicts.json",),)


def test_printed_numbers_are_exact_or_said_to_be_rounded():
    assert parts(1 / 3, ["x"]) == [Part("x", (("0.3333",),), "scalar", rounded=True)]
    for x in (0.1, -7.0, 2.0**-13, 1e-300, 12345678.0):
        exact = float(short(x).replace("−", "-")) == x if "/" not in short(x) else True
        assert exact == is_exact(x)
