"""Statistics against SciPy, closed forms and data made to mislead."""

import math

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
    survival,
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


def test_kaplan_meier_is_the_product_of_the_shares_that_go_on():
    times = [Time(1, True), Time(2, False), Time(3, True), Time(4, True)]
    curve = survival(times).survival_function_.to_numpy().ravel()
    assert curve[-4:] == pytest.approx([3 / 4, 3 / 4, 3 / 8, 0])
    assert median_time(times).value == 3


def test_most_runs_censored_gives_an_infinite_median():
    median = median_time([Time(5, True), Time(9, False), Time(9, False)])
    assert median.value == median.upper == math.inf


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
