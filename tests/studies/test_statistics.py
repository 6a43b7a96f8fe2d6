"""Statistics against SciPy, closed forms and data made to mislead."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from studies._common.statistics import (
    Time,
    holm,
    median_time,
    paired_difference,
    penalised,
    steps_to_target,
    stratified_spearman,
)


def rng():
    return np.random.default_rng(0)


def correlation(x, y, strata=None, clusters=None, **options):
    strata = [0] * len(x) if strata is None else strata
    clusters = range(len(x)) if clusters is None else clusters
    options = {"resamples": 400, **options}
    return stratified_spearman(
        x, y, strata=strata, clusters=clusters, rng=rng(), **options
    )


@pytest.mark.parametrize("ties", [False, True])
def test_one_stratum_gives_spearmans_rho(ties):
    x, y = rng().normal(size=(2, 40))
    y = y + x
    x = x.round() if ties else x
    assert correlation(x, y).rho == pytest.approx(stats.spearmanr(x, y).statistic)


def test_differences_between_strata_make_no_correlation():
    strata = np.repeat(np.arange(20), 10)
    x, y = rng().normal(size=(2, 200)) + 100 * strata
    found = correlation(x, y, strata)
    assert stats.spearmanr(x, y).statistic > 0.99
    assert found.lower < 0 < found.upper
    assert found.p_value > 0.05


def test_only_order_within_strata_counts():
    x, y = rng().normal(size=(2, 30))
    strata = [i % 3 for i in range(30)]
    moved = np.exp(x) + 7 * np.array(strata)
    assert correlation(moved, y, strata).rho == pytest.approx(
        correlation(x, y, strata).rho
    )


def test_the_permutation_agrees_with_scipys_exact_p():
    x, y = np.arange(7), np.array([1, 3, 2, 5, 4, 7, 6])
    exact = stats.permutation_test(
        (x,),
        lambda z: stats.spearmanr(z, y).statistic,
        permutation_type="pairings",
        n_resamples=np.inf,
    ).pvalue
    found = correlation(x, y, resamples=4000).p_value
    assert found == pytest.approx(exact, abs=4 * math.sqrt(exact / 4000))


def test_copies_of_a_run_in_its_cluster_add_no_certainty():
    x = rng().normal(size=12)
    y = x + rng().normal(size=12)[::-1]
    once = correlation(x, y, clusters=range(12))
    copies = correlation(np.tile(x, 9), np.tile(y, 9), clusters=[*range(12)] * 9)
    naive = correlation(np.tile(x, 9), np.tile(y, 9))
    assert copies.upper - copies.lower == pytest.approx(
        once.upper - once.lower, rel=0.2
    )
    assert naive.upper - naive.lower < (once.upper - once.lower) / 2


def test_small_strata_are_left_out_and_what_never_varies_is_nan():
    found = correlation([1, 2, 3, 9, 8], [1, 2, 3, 0, 1], strata="aaabb")
    assert (found.runs, found.strata, found.rho) == (3, 1, pytest.approx(1))
    assert math.isnan(correlation([1, 1, 1], [1, 2, 3]).rho)


def test_infinite_condition_numbers_rank_last():
    assert correlation([1, 5, math.inf], [1, 2, 3]).rho == pytest.approx(1)


def first_time_with_at_most_half_left(times):
    """Return the median from the curve's definition, each factor an exact ratio."""
    curve = [(0, Fraction(1))]
    for step in sorted({t.step for t in times if t.reached}):
        at_risk = [t for t in times if t.step >= step]
        ended = [t for t in at_risk if t.reached and t.step == step]
        left = Fraction(len(at_risk) - len(ended), len(at_risk))
        curve.append((step, curve[-1][1] * left))
    return next((step for step, share in curve if 2 * share <= 1), math.inf)


@pytest.mark.parametrize("n", range(3, 9))
def test_the_median_is_the_first_time_at_which_at_most_half_are_left(n):
    draw = random.Random(n)
    for _ in range(200):
        steps = draw.choices(range(10, 90, 10), k=n)
        times = [Time(step, draw.random() < 0.7) for step in steps]
        assert median_time(times) == first_time_with_at_most_half_left(times)


@pytest.mark.parametrize(("n", "median"), [(6, 30), (8, 40), (7, 40)])
def test_half_of_an_even_number_is_reached_not_missed_by_rounding(n, median):
    # lifelines 0.30.3 takes exp of a rounded sum of logarithms: 40 for six.
    assert median_time([Time(10 * i, True) for i in range(1, n + 1)]) == median


@pytest.mark.parametrize("n", [2, 4, 6, 8, 10])
def test_a_median_is_finite_when_just_half_arrive(n):
    half = [Time(10 + i, True) for i in range(n // 2)]
    late = [Time(99, False)] * (n // 2)
    assert median_time(half + late) == half[-1].step
    assert median_time([*half[:-1], Time(99, False), *late]) == math.inf


def test_the_paired_interval_does_not_see_what_pairs_share():
    seeds = rng().normal(scale=100, size=30)
    gaps = 1 + rng().normal(scale=0.1, size=30)
    first = dict(enumerate(seeds))
    second = {i: seeds[i] + gaps[i] for i in first}
    found = paired_difference(first, second, rng=rng())
    standard_error = gaps.std(ddof=1) / math.sqrt(30)
    assert found.value == pytest.approx(gaps.mean())
    assert found.upper - found.lower == pytest.approx(3.92 * standard_error, rel=0.15)


def test_arms_without_a_common_pair_are_refused():
    with pytest.raises(ValueError, match="no pair is in both arms"):
        paired_difference({0: 1.0}, {1: 1.0}, rng=rng())


def test_targets_are_met_once_and_censored_runs_rank_last():
    falling = [[0, "inf"], [5, 4.0], [10, 2.0], [15, 3.0]]
    assert steps_to_target(falling, 3.0, 15) == Time(7.5, True)
    assert steps_to_target(falling, 4.0, 15) == Time(5.0, True)
    never = steps_to_target(falling, 1.0, 40)
    assert never == Time(40, False)
    assert penalised(never) == 60


def test_holm_is_monotone_and_bounded():
    adjusted = holm([0.2, 0.001, 0.9, 0.011])
    assert adjusted == pytest.approx([0.4, 0.004, 0.9, 0.033])
