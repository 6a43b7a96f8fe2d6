"""Test error against how many images a norm sees, from records to the drawing."""

import pytest

from condlab.plots.style import style
from studies import associate_normalization as associate
from studies import micro_batches as micro
from studies.analysis.batches import errors_by_images
from studies.engine.configs import settings_of
from studies.figures.batches import FIRST, batch_figures
from studies.figures.training import COLOURS

STUDIES = {"associate_normalization": associate, "micro_batches": micro}


def records(study, error):
    return [
        {
            "study": study,
            "preset": "real",
            "status": "done",
            "config": settings_of(config),
            "series": {"accuracy": [[9, 1 - error(config) / 100]]},
        }
        for config in STUDIES[study].PRESETS["real"]
    ]


def of_batch(config):
    return {"BN": 200 / config.batch}.get(config.arm, 20.0) + config.seed


def test_errors_are_those_of_the_sources_rate_a_seed_each():
    rows = errors_by_images(records("associate_normalization", of_batch))
    (row,) = [r for r in rows if (r["norm"], r["images"]) == ("BN", 4)]
    assert row["errors"] == pytest.approx([50, 51, 52])
    assert len(rows) == 10 + 5 * 5  # arms in batches of 64, norms in smaller ones


def test_a_norm_that_sees_one_image_has_no_number_of_images():
    rows = errors_by_images(records("micro_batches", lambda _config: 30.0))
    seen = {row["norm"]: row["images"] for row in rows if row["images"] is None}
    assert seen == {"GN": None, "GN+WS": None}


def test_records_of_other_studies_and_rates_are_left_out():
    made = records("micro_batches", lambda _config: 30.0)
    for record in made:
        record["config"]["lr"] = 0.5
    others = [{**r, "study": "survey"} for r in made]
    assert errors_by_images([*made, *others]) == []
    assert batch_figures([]) == {}


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_has_one_figure_in_which_four_norms_are_coloured(study):
    rows = errors_by_images(records(study, lambda config: 30.0 + config.seed))
    with style():
        ((name, figure),) = batch_figures(rows).items()
    assert name == f"studies-{study.replace('_', '-')}-by-images-real"
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.texts]
    there = {row["norm"] for row in rows}
    assert set(labels) == set([norm for norm in FIRST if norm in there][:4])
    drawn = {line.get_color() for line in axes.lines} & set(COLOURS)
    assert drawn == set(COLOURS)


def test_the_title_tells_errors_at_both_ends():
    rows = errors_by_images(records("associate_normalization", of_batch))
    with style():
        (figure,) = batch_figures(rows).values()
    title = " ".join(figure.texts[0].get_text().split())
    assert "64 images, then 2: BN 4 to 101 %" in title
    assert "Assoc 21 to 21 %" in title
