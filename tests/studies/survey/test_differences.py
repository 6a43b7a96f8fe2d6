"""Numbers that tell arms apart, on records whose answers are known."""

import math

import pytest

from studies.analysis.claims import differences
from studies.analysis.claims.survey import CLAIMS, CONTRASTS
from studies.analysis.contrasts import judge_contrast
from studies.survey import EXPERIMENTS


def record(arm, lr, seed, status="done", depth=2, **series):
    points = {name: [[k, x] for k, x in enumerate(xs)] for name, xs in series.items()}
    config = {"arm": arm, "lr": lr, "seed": seed, "depth": depth}
    return {"config": config, "status": status, "series": points}


def accuracies(**by_arm):
    """Return a record for each seed and rate; `by_arm` has rows of rates by seeds."""
    return [
        record(arm, lr, seed, accuracy=[0.1, value])
        for arm, rows in by_arm.items()
        for lr, row in zip((0.1, 1.0), rows, strict=True)
        for seed, value in enumerate(row)
    ]


RECORDS = accuracies(a=[(0.5, 0.6), (0.8, 0.9)], b=[(0.7, 0.7), (0.1, 0.1)])


def test_own_best_rates_and_equal_rates_are_told_apart():
    own = differences.own_best("a", "b", RECORDS)
    assert own == pytest.approx({0: 0.1, 1: 0.2})
    matched = differences.at_equal_rates("a", "b", RECORDS)
    assert matched == pytest.approx({0: 0.25, 1: 0.35})
    assert differences.at_rate(1.0, "a", "b", RECORDS) == pytest.approx(
        {0: 0.7, 1: 0.8}
    )
    assert differences.no_worse("b", "a", RECORDS)[0] == pytest.approx(-0.08)


def test_a_run_that_diverged_is_as_good_as_chance():
    lost = record("a", 0.1, 0, "diverged", accuracy=[0.1, 0.9])
    assert differences.accuracy([lost], "a") == {(0.1, 0): 0.1}


def test_the_largest_rate_that_trains_ends_half_way_to_the_best():
    assert differences.largest_rate("a", "b", RECORDS) == {0: 1.0, 1: 1.0}


def test_typical_values_are_medians_without_the_last():
    found = record("a", 0.1, 0, shift=[1.0, 100.0, 10.0, 1e-9])
    assert differences.typical([found], "shift", "a") == {(0.1, 0): 1.0}
    lost = record("a", 0.1, 0, "diverged", shift=[1.0, 2.0, 3.0])
    assert math.isnan(differences.typical([lost], "shift", "a")[0.1, 0])


def test_less_of_a_series_is_counted_in_powers_of_ten():
    records = [
        record(arm, lr, 0, shift=[x, 0.0], accuracy=[score])
        for arm, lr, x, score in (
            ("a", 0.1, 1.0, 0.9), ("a", 1.0, 0.01, 0.5),
            ("b", 0.1, 10.0, 0.5), ("b", 1.0, 10.0, 0.9),
        )
    ]  # fmt: skip
    assert differences.less("shift", "a", "b", records) == pytest.approx({0: 2.0})
    assert differences.less_at_best("shift", "a", "b", records) == pytest.approx(
        {0: 1.0}
    )


def test_ranks_of_shift_and_loss_are_compared_within_a_seed():
    records = [
        record(arm, 0.1, seed, shift=[x, 0.0], probe_loss=[loss])
        for arm, x, loss in (("a", 1.0, 0.1), ("b", 2.0, 0.2), ("c", 3.0, 0.3))
        for seed in (0, 1)
    ]
    assert differences.shift_goes_with_loss("shift", records) == pytest.approx(
        {0: 1.0, 1: 1.0}
    )


def test_slopes_are_per_doubling_of_depth():
    records = [
        record("plain", 0.1, 0, depth=d, last_gradient=[x, 9.0])
        for d, x in ((2, 8.0), (4, 5.0), (16, 1.0))
    ]
    assert differences.slope("plain", records) == {0: -1.0}


def test_a_smaller_end_is_counted_at_the_best_constant_rate():
    records = [
        record(arm, lr, 0, probe_loss=[1.0, x])
        for arm, lr, x in (("plain", 1.0, 0.1), ("plain", 0.5, 9), ("z", 1.0, 1e-3))
    ]
    assert differences.smaller("probe_loss", "z", records) == pytest.approx({0: 2.0})


def test_no_records_leave_claims_untested():
    for asked in CONTRASTS:
        assert [row["verdict"] for row in judge_contrast(asked, [])] == [
            "not testable here"
        ]


def test_claims_are_of_experiments_and_arms_that_there_are():
    for asked in CONTRASTS:
        assert asked.about["experiment"] in EXPERIMENTS
    for claim in CLAIMS:
        assert {claim["arm"], claim["than"]} <= {*EXPERIMENTS[claim["kind"]].arms}
    keys = [asked.key for asked in CONTRASTS] + [claim["key"] for claim in CLAIMS]
    assert len(set(keys)) == len(keys)
