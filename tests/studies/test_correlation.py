"""Correlations against SciPy, closed forms and data made to mislead."""

import math

import numpy as np
import pytest
from scipy import stats

from studies.analysis.correlation import holm, stratified_spearman


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


def test_holm_is_monotone_and_bounded():
    adjusted = holm([0.2, 0.001, 0.9, 0.011])
    assert adjusted == pytest.approx([0.4, 0.004, 0.9, 0.033])
