"""Times, medians and intervals against exact counts and simulations."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from studies.analysis.statistics import (
    Time,
    clustered_mean,
    median_time,
    penalised,
    steps_to_target,
)


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


SIMULATIONS = 4000
RATES = (-1.0, 0.0, 0.5)  # what each learning rate adds to an effect of 0.3


def coverage(n, draw, interval, rates=RATES):
    """Return how often an interval holds the mean effect of n seeds at some rates."""
    rng = np.random.default_rng(n)
    true, hits = 0.3 + np.mean(rates), 0
    for _ in range(SIMULATIONS):
        seeds, noise = draw(rng, (n, 1)), draw(rng, (n, len(rates)))
        lower, upper = interval(0.3 + np.array(rates) + 0.5 * seeds + 0.3 * noise)
        hits += lower <= true <= upper
    return hits / SIMULATIONS


def clustered(gaps):
    found = clustered_mean(dict(enumerate(gaps.tolist())))
    return found.lower, found.upper


def normal(rng, shape):
    return rng.normal(size=shape)


def laplace(rng, shape):
    return rng.laplace(size=shape) / math.sqrt(2)


def uniform(rng, shape):
    return rng.uniform(-math.sqrt(3), math.sqrt(3), size=shape)


@pytest.mark.parametrize("n", [3, 4, 5])
@pytest.mark.parametrize("draw", [normal, laplace, uniform])
@pytest.mark.parametrize("rates", [(0.0,), RATES], ids=["own-best", "equal-rates"])
def test_intervals_over_few_seeds_cover_93_to_97_percent(n, draw, rates):
    assert 0.93 <= coverage(n, draw, clustered, rates) <= 0.97


@pytest.mark.parametrize("n", [3, 4, 5])
def test_taking_rates_of_a_seed_as_independent_would_cover_less(n):
    def pooled(gaps):
        return stats.bootstrap(
            (gaps.ravel(),), np.mean, n_resamples=99, method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval  # fmt: skip

    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(200):
        noise = 0.5 * rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, 3))
        lower, upper = pooled(noise)
        hits += lower <= 0 <= upper
    assert hits / 200 < 0.85


def test_the_interval_is_students():
    means = {0: [1.0, 3.0], 1: [4.0], 2: [3.0, 3.0, 3.0]}
    found = clustered_mean(means)
    expected = stats.ttest_1samp([2, 4, 3], 0).confidence_interval(0.95)
    assert (found.value, found.n) == (3.0, 3)
    assert (found.lower, found.upper) == pytest.approx(tuple(expected))


def test_one_seed_says_nothing_of_its_scatter():
    found = clustered_mean({7: [1.0, 2.0]})
    assert (found.value, found.lower, found.upper) == (1.5, -math.inf, math.inf)


def test_arms_without_a_common_pair_are_refused():
    with pytest.raises(ValueError, match="no pair is in both arms"):
        clustered_mean({})


def test_targets_are_met_once_and_censored_runs_rank_last():
    falling = [[0, "inf"], [5, 4.0], [10, 2.0], [15, 3.0]]
    assert steps_to_target(falling, 3.0, 15) == Time(7.5, True)
    assert steps_to_target(falling, 4.0, 15) == Time(5.0, True)
    never = steps_to_target(falling, 1.0, 40)
    assert never == Time(40, False)
    assert penalised(never) == 60
