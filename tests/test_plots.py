"""Plot functions draw on the Axes that they are given, what the records say."""

import io
import math
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import condlab
from condlab import plots
from condlab.plots import style
from condlab.plots.scalings import handles
from condlab.types import Bracket, ConditionEstimate

A = np.array([[1.0, 2.0], [300.0, 100.0]])


@pytest.fixture
def axes():
    return Figure().subplots()


def test_every_function_returns_the_axes_it_was_given(axes):
    rows = condlab.compare_scalings(A)
    assert plots.scalings({"A": rows}, axes) is axes
    assert plots.brackets({"A": condlab.cond_2(A)}, axes) is axes


def test_without_axes_those_of_pyplot_are_drawn_on():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    mine = pyplot.figure().subplots()
    assert plots.scalings({"A": condlab.compare_scalings(A)}) is mine
    pyplot.close("all")


def test_unscaled_and_best_are_told_apart_by_colour_and_shape():
    marks, words = handles()
    unscaled, best = (marks[words.index(w)] for w in ("unscaled", words[6]))
    assert "best" in words[6]
    assert to_hex(unscaled.get_facecolor()) != to_hex(best.get_color())
    assert type(unscaled) is not type(best)
    assert len(set(words)) == len(words)


def test_a_mark_stands_where_each_condition_number_is(axes):
    rows = condlab.compare_scalings(A, scalings=[*condlab.SCALINGS, "optimal"])
    plots.scalings({"A": rows}, axes)
    drawn = [float(x) for line in axes.lines for x in line.get_xdata()]
    for row in rows:
        if row.name != "optimal":
            assert any(math.isclose(x, row.kappa.value) for x in drawn)
    best = rows[-1].best
    assert {best.lower, best.upper} <= set(drawn)


def test_infinite_numbers_are_hollow_at_the_edge_and_singular_ones_said(axes):
    rows = list(condlab.compare_scalings(A))
    lost = ConditionEstimate(math.inf, 3.0, math.inf, 2, "svd")
    rows[1] = condlab.ScalingRow("row", lost, rows[1].scaling, "left")
    found = condlab.ScalingComparison(tuple(rows), {}, 2)
    plots.scalings({"A": found, "S": condlab.compare_scalings(np.ones((2, 2)))}, axes)
    (circle,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert circle.get_xdata()[0] == axes.get_xlim()[1]
    assert to_hex(circle.get_markerfacecolor()) == style.PAPER
    assert ["singular" in text.get_text() for text in axes.texts] == [True]


@pytest.mark.parametrize("ratio", [1.0, 1e15, 1e308])
def test_numbers_at_the_ends_of_the_range_are_drawn(ratio):
    rows = condlab.compare_scalings(np.diag([ratio**0.5, ratio**-0.5]))
    for draw in (
        lambda axes: plots.scalings({"A": rows}, axes),
        lambda axes: plots.brackets({row.name: row.kappa for row in rows}, axes),
    ):
        figure = Figure()
        draw(figure.subplots())
        figure.savefig(io.BytesIO())


@pytest.mark.parametrize("given", [{}, {"p": 1}])
def test_nothing_to_draw_and_mixed_norms_are_refused(given, axes):
    rows = {f"{p}": condlab.compare_scalings(A, p) for p in given and (1, 2)}
    with pytest.raises(ValueError, match="comparisons of one norm are needed"):
        plots.scalings(rows, axes)


def test_a_bracket_without_an_end_is_an_arrow_and_no_number_is_said(axes):
    kappas = {
        "at least": Bracket(2.0, math.inf),
        "infinite": Bracket(math.inf, math.inf),
        "none": Bracket(math.nan, math.nan),
        "known": Bracket(2.0, 3.0),
    }
    plots.brackets(kappas, axes)
    assert [line.get_marker() for line in axes.lines].count(">") == 1
    assert [text.get_text() for text in axes.texts] == ["infinite", "none"]
    assert [t.get_text() for t in axes.get_yticklabels()] == list(kappas)


@pytest.mark.parametrize(
    "values", [[-1.0, 0.0, 3.0], [0.0, 0.0], [1e-200], [1e200], [1e308, -1e308]]
)
def test_spectra_are_drawn_with_their_intervals(values, axes):
    torch = pytest.importorskip("torch")
    from condlab.spectra import spectrum

    known = spectrum(torch.diag(torch.tensor(values, dtype=torch.float64)))
    plots.spectrum(known, axes)
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), known.values.numpy())
    (segments,) = axes.collections
    ends = np.array([segment[:, 0] for segment in segments.get_segments()])
    np.testing.assert_array_equal(ends[:, 0], known.lower.numpy())
    np.testing.assert_array_equal(ends[:, 1], known.upper.numpy())


def test_a_density_is_drawn_within_its_band_and_a_whole_one_is_certain():
    torch = pytest.importorskip("torch")
    from condlab import curvature, spectra

    H = torch.diag(torch.arange(1.0, 101.0, dtype=torch.float64))
    seen = spectra.density(H, num_matvecs=8, num_probes=2)
    whole = curvature.examine(*curvature.example("mlp")).density()
    for found, name in ((seen, "99.9 % band"), (whole, "certain")):
        axes = plots.density(found, Figure().subplots())
        assert name in [text.get_text() for text in axes.get_legend().get_texts()]
        x, value = axes.lines[0].get_data()
        np.testing.assert_array_equal(value, found.cumulative(x).value)


def test_verdicts_are_a_cell_a_size(axes):
    pytest.importorskip("flint")
    from condlab.theory import Verdict

    trials = {
        "a": [Verdict("a", 1, "holds", 9, 0.5), Verdict("a", 3, "falsified", 9, 1.5)],
        "b": [Verdict("b", 3, "inconclusive", 0, math.nan)],
    }
    plots.tightness(trials, axes)
    assert [text.get_text() for text in axes.texts] == [".50", "1.50", "·"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "3"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"]


def test_without_matplotlib_a_sentence_says_which_extra_to_install(monkeypatch):
    for name in [n for n in sys.modules if n.startswith("condlab.plots")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'condlab\[figures\]'"):
        import condlab.plots  # noqa: F401


def test_of_a_long_name_the_end_is_shown(axes):
    name = "a/folder/" * 30 + "matrix.csv"
    plots.scalings({name: condlab.compare_scalings(A)}, axes)
    (label,) = (text.get_text() for text in axes.get_yticklabels())
    assert label.endswith("folder/matrix.csv")
    assert len(label) == 30
