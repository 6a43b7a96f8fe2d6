"""Correlations against SciPy, closed forms and data made to mislead."""

import math

import numpy as np
import pytest
from scipy import stats

from studies.analysis.correlation import holm, stratified_spearman


def rng():
    return np.random.default_rng(0)


def correlation(x, y, strata=None, clusters=None):
    strata = [0] * len(x) if strata is None else strata
    clusters = range(len(x)) if clusters is None else clusters
    return stratified_spearman(x, y, strata=strata, clusters=clusters)


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


def test_the_interval_is_the_jackknife_of_fishers_z():
    x, y = rng().normal(size=(2, 15))
    a, b = stats.rankdata(x), stats.rankdata(x + y)
    without = [stats.pearsonr(np.delete(a, i), np.delete(b, i))[0] for i in range(15)]
    error = math.sqrt(14 * np.var(np.arctanh(without)))
    middle = math.atanh(stats.spearmanr(a, b).statistic)
    ends = stats.t.interval(0.95, 14, loc=middle, scale=error)
    found = correlation(x, x + y)
    assert (found.lower, found.upper) == pytest.approx(tuple(np.tanh(ends)))
    assert found.p_value == pytest.approx(2 * stats.t.sf(middle / error, 14))


def arms_of_runs(count, rng):
    """Return runs of three seeds at three rates, alike where they are of one arm."""
    x, y = rng.normal(size=(2, count))
    y = (x + y) / math.sqrt(2)
    strata, clusters = np.repeat(np.arange(3), 3 * count), np.tile(np.arange(count), 9)
    x, y = (np.tile(v, 9) + 0.3 * rng.normal(size=9 * count) for v in (x, y))
    return x, y, strata, clusters


def test_intervals_over_arms_cover_and_intervals_over_runs_do_not():
    draws = np.random.default_rng(4)
    true = np.mean([correlation(*arms_of_runs(8, draws)).rho for _ in range(1500)])
    tries, over_arms, over_runs = 400, 0, 0
    for _ in range(tries):
        x, y, strata, clusters = arms_of_runs(8, draws)
        found = correlation(x, y, strata, clusters)
        over_arms += found.lower <= true <= found.upper
        found = correlation(x, y, strata)
        over_runs += found.lower <= true <= found.upper
    # four deviations of the count of successes, and of the mean of 1500
    slack = 4 * math.sqrt(0.95 * 0.05 / tries)
    assert 0.95 - slack - 0.01 <= over_arms / tries <= min(0.95 + slack + 0.01, 0.995)
    assert over_runs / tries < 0.75


def test_no_count_of_tests_hides_a_strong_correlation():
    x = np.arange(80.0)
    found = correlation(x, x + 20 * rng().normal(size=80))
    assert holm([found.p_value, *[1.0] * 10_000])[0] < 1e-6


def test_copies_of_a_run_in_its_cluster_add_no_certainty():
    x = rng().normal(size=12)
    y = x + rng().normal(size=12)[::-1]
    once = correlation(x, y, clusters=range(12))
    copies = correlation(np.tile(x, 9), np.tile(y, 9), clusters=[*range(12)] * 9)
    naive = correlation(np.tile(x, 9), np.tile(y, 9))
    assert copies.upper - copies.lower == pytest.approx(
        once.upper - once.lower, rel=1e-9
    )
    assert naive.upper - naive.lower < (once.upper - once.lower) / 2


def test_small_strata_are_left_out_and_what_never_varies_is_nan():
    found = correlation([1, 2, 3, 9, 8], [1, 2, 3, 0, 1], strata="aaabb")
    assert (found.runs, found.strata, found.rho) == (3, 1, pytest.approx(1))
    assert math.isnan(correlation([1, 1, 1], [1, 2, 3]).rho)


def test_a_perfect_or_single_cluster_has_no_interval():
    perfect = correlation([1, 2, 3, 4], [1, 2, 3, 5])
    single = correlation([1, 2, 3, 4], [1, 2, 4, 3], clusters=[0] * 4)
    for found in (perfect, single):
        assert math.isnan(found.lower)
        assert math.isnan(found.p_value)


def test_infinite_condition_numbers_rank_last():
    assert correlation([1, 5, math.inf], [1, 2, 3]).rho == pytest.approx(1)


def test_holm_is_monotone_and_bounded():
    adjusted = holm([0.2, 0.001, 0.9, 0.011])
    assert adjusted == pytest.approx([0.4, 0.004, 0.9, 0.033])
