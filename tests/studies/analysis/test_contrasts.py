"""Claims of other numbers than steps: which runs they ask, and what is said of them."""

import math

import pytest

from studies.analysis import numbers
from studies.analysis.contrasts import (
    Contrast,
    at_best,
    contrast_verdict,
    judge_contrast,
    last,
    minus,
)
from studies.analysis.statistics import clustered_mean


def record(arm, seed, value, lr=0.1, preset="real", status="done", **config):
    data = {"data": "digits", "network": "resnet20", "width": 8, **config}
    return {
        "study": "high_learning_rate",
        "preset": preset,
        "status": status,
        "config": {"arm": arm, "lr": lr, "seed": seed, "steps": 9, **data},
        "series": {"accuracy": [[0, 0.1], [9, value]]},
    }


def contrast(measure, **about):
    words = {"claim": "GN is better", "method": "norms", "says": "accuracy, GN - BN"}
    return Contrast(
        "k", **words, study="high_learning_rate", measure=measure, about=about
    )


def better(records):
    best = {arm: at_best(last(records, "accuracy", arm=arm)) for arm in ("GN", "BN")}
    return minus(best["GN"], best["BN"])


PAIRS = [
    record(arm, seed, value + 0.01 * seed * (arm == "GN"))
    for arm, value in (("GN", 0.7), ("BN", 0.5))
    for seed in range(3)
]


def test_a_claim_has_the_mean_and_the_interval_of_its_seeds_numbers():
    (row,) = judge_contrast(contrast(better), PAIRS)
    mean = clustered_mean({0: [0.2], 1: [0.21], 2: [0.22]})
    assert row["mean"]["value"] == pytest.approx(mean.value)
    assert row["mean"]["lower"] == pytest.approx(mean.lower)
    assert (row["verdict"], row["seen"]["seeds"], row["lost"]) == ("reproduced", 3, 0)


def test_the_other_sign_contradicts_and_two_seeds_say_nothing():
    (row,) = judge_contrast(
        contrast(lambda rs: {s: -x for s, x in better(rs).items()}), PAIRS
    )
    assert row["verdict"] == "contradicted"
    few = [r for r in PAIRS if r["config"]["seed"] < 2]
    assert judge_contrast(contrast(better), few)[0]["verdict"] == "too few seeds"
    assert contrast_verdict(clustered_mean({0: [1.0], 1: [-1.0], 2: [0.5]})) == (
        "not shown"
    )


def test_presets_are_judged_apart_and_other_studies_are_not_asked():
    other = [{**r, "preset": "cpu"} for r in PAIRS]
    strange = [{**r, "study": "vit"} for r in PAIRS]
    rows = judge_contrast(contrast(better), [*PAIRS, *other, *strange])
    assert [row["seen"]["preset"] for row in rows] == ["real", "cpu"]
    assert [row["seen"]["runs"] for row in rows] == [6, 6]


def test_a_claim_about_one_data_set_asks_its_runs_alone():
    (row,) = judge_contrast(contrast(better, data="cifar10_16"), PAIRS)
    assert row["verdict"] == "not testable here"
    assert "mean" not in row


def test_a_seed_without_a_number_is_lost_and_said():
    gone = [*PAIRS, record("GN", 3, 0.9, status="diverged"), record("BN", 3, 0.5)]
    (row,) = judge_contrast(contrast(better), gone)
    assert (row["mean"]["n"], row["lost"]) == (3, 1)
    assert numbers.cells(row)[3].endswith("n = 3, 1 lost")


def test_the_best_rate_is_the_one_of_the_best_median_without_lost_runs():
    values = {(0.1, 0): 1.0, (0.1, 1): 3.0, (0.3, 0): 2.5, (0.3, 1): 2.0}
    values |= {(1.0, 0): 9.0, (1.0, 1): math.nan}
    assert at_best(values) == {0: 2.5, 1: 2.0}
    assert at_best(values, largest=False) == {0: 1.0, 1: 3.0}
    assert at_best({}) == {}


def test_runs_that_the_fields_do_not_tell_apart_are_refused():
    twice = [record("BN", 0, 0.5, batch=2), record("BN", 0, 0.5, batch=4)]
    with pytest.raises(ValueError, match="one run a rate and seed is needed"):
        last(twice, "accuracy", arm="BN")
    assert last(twice, "accuracy", arm="BN", batch=4) == {(0.1, 0): 0.5}


def test_the_table_names_what_has_no_runs():
    (row,) = judge_contrast(contrast(better), PAIRS)
    (none,) = judge_contrast(contrast(better, data="imagenet"), PAIRS)
    other = {**none, "claim": "LN is better"}
    text = numbers.table([row, none, other])
    assert "| GN is better | digits, 8 × 8 pixels; " in text
    assert text.endswith("No runs yet: LN is better.")
    assert numbers.table([none]) == ""
