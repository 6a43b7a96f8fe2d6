"""A study's figure: few arms in colour, names that do not overlap."""

import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg

from condlab.plots import style as _style
from studies.figures.training import GREY, study_figure, study_title, styles_of

RATIO = {"value": -1.0, "lower": -2.0, "upper": -0.5, "n": 3}


def arm(end):
    """Return an arm whose curves end at a value."""
    curve = [[0, 2.0], [50, 1.0], [100, end]]
    return {
        "rates": [{"lr": lr, "median": 40.0} for lr in (0.1, 0.3)],
        "curves": {"probe_loss": curve, "accuracy": curve},
        "points": [[0.1, 3.0, 40.0, True], [0.3, None, 150.0, False]],
    }


def setting(names):
    """Return a setting of arms that end at nearly the same place."""
    return {
        "study": "vit", "preset": "real", "kind": "", "data": "cifar10",
        "data_words": "CIFAR-10", "steps": 100, "epochs": 8.0, "metric": "accuracy",
        "runs": 9, "arms": {name: arm(0.5 + i / 1e4) for i, name in enumerate(names)},
    }  # fmt: skip


CLAIM = {
    "study": "vit", "arm": "LN+E", "than": "LN", "verdict": "reproduced",
    "own": RATIO, "matched": RATIO, "seen": {"preset": "real"},
}  # fmt: skip
NAMES = ("nGPT", "init_E", "E_gain", "LN", "RMS", "LN+E", "post")


def test_at_most_four_arms_are_coloured_the_baseline_and_the_claims_first():
    styles = styles_of(setting(NAMES), [CLAIM])
    coloured = [name for name, style in styles.items() if style != GREY]
    assert coloured == ["LN", "LN+E", "E_gain", "init_E"]
    assert list(styles)[:3] == ["nGPT", "RMS", "post"]  # below the others


def test_every_coloured_arm_is_named_beside_its_curve_without_overlap():
    with _style.style():
        figure = study_figure(setting(NAMES), [CLAIM])
    for axes in figure.axes[1:3]:
        labels = {text.get_text(): text.get_position()[1] for text in axes.texts}
        assert labels.keys() == {"LN", "LN+E", "E_gain", "init_E"}
        heights = sorted(labels.values())
        gaps = [b - a for a, b in itertools.pairwise(heights)]
        assert min(gaps) > 0.06


def test_names_beside_curves_stay_on_the_page():
    names = ("plain", "PC_gain", "plain+muon", "init_E_all")
    with _style.style():
        muon = {**CLAIM, "arm": "plain+muon", "than": "plain"}
        figure = study_figure(setting(names), [muon])
        renderer = FigureCanvasAgg(figure).get_renderer()
        for axes in figure.axes[1:3]:
            assert "muon" in {text.get_text() for text in axes.texts}
            for text in axes.texts:
                assert text.get_window_extent(renderer).x1 < figure.bbox.x1


def test_the_title_is_of_the_same_presets_claim():
    assert "0.50 [0.25, 0.71], n = 3" in study_title(setting(NAMES), [CLAIM])
    other = {**CLAIM, "seen": {"preset": "cpu"}}
    assert "0.50" not in study_title(setting(NAMES), [other])
