"""How often the condition number rose, drawn."""

from studies.figures.theorem_52 import theorem_52_figure


def row(reading, point, rose, regular):
    shares = {"share": [0.1, 0.9]} if regular else {}
    counts = {"rose": rose, "regular": regular, **shares}
    return {"family": "tanh", "point": point, "reading": reading, **counts}


ROWS = [
    row("frozen", "drawn", 3, 4),
    row("frozen", "minimum", 0, 0),
    row("inside, raw", "drawn", 1, 4),
    row("inside, raw", "minimum", 2, 2),
]


def test_a_panel_a_reading_and_a_row_a_kind_of_network():
    axes = theorem_52_figure({"networks": 4, "rows": ROWS}).axes
    assert [a.get_title() for a in axes] == ["frozen", "inside,\nraw"]
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    assert names == ["tanh, as drawn", "tanh, at minima"]
    points = [line.get_xdata()[0] for line in axes[1].lines if line.get_marker() == "o"]
    assert points == [0.25, 1.0]


def test_readings_without_a_regular_case_say_so():
    axes = theorem_52_figure({"networks": 4, "rows": ROWS}).axes
    words = [text.get_text() for text in axes[0].texts]
    assert words == ["4", "0", "never regular"]


def test_the_title_pools_each_reading():
    title = theorem_52_figure({"networks": 4, "rows": ROWS}).texts[0].get_text()
    assert "75 % and 50 % of regular cases" in title.replace("\n", " ")
