"""Ratios of times: pairs, seeds, bounds."""

import math

import pytest

from studies.analysis.ratios import Ratio, at_rate, effect, ratio_of
from studies.analysis.runs import Run
from studies.analysis.statistics import Time
from studies.analysis.verdicts import WORDS, verdict


def pair(seed, arm, other):
    """Return a pair of times; a negative one is of a run that never arrived."""
    return seed, *(Time(abs(t), t > 0) for t in (arm, other))


def test_pairs_that_both_arrive_give_students_interval_over_seeds():
    found = ratio_of([pair(0, 10, 40), pair(1, 20, 40), pair(2, 40, 40)])
    assert found.value == pytest.approx(-1)
    assert (found.bound, found.n) == ("", 3)
    # Logs are -2, -1, 0: deviation 1, and 4.303 is t at 0.975 with 2 degrees.
    assert found.upper == pytest.approx(-1 + 4.30265 / math.sqrt(3), rel=1e-5)


def test_rates_of_a_seed_count_once():
    once = ratio_of([pair(0, 10, 40), pair(1, 20, 40), pair(2, 40, 40)])
    thrice = ratio_of(
        [pair(s, a, 40) for s, a in ((0, 10), (1, 20), (2, 40)) for _ in range(3)]
    )
    assert (thrice.value, thrice.lower, thrice.n) == (once.value, once.lower, 3)
    assert thrice.pairs == 9


@pytest.mark.parametrize(
    ("third", "bound", "open_ends"),
    [
        ((-100, 40), ">", (False, True)),
        ((40, -100), "<", (True, False)),
    ],
)
def test_a_run_that_never_arrives_opens_the_interval_on_its_side(
    third, bound, open_ends
):
    found = ratio_of([pair(0, 10, 40), pair(1, 20, 40), pair(2, *third)])
    assert found.bound == bound
    assert (found.lower == -math.inf, found.upper == math.inf) == open_ends


def test_runs_of_both_that_never_arrive_leave_it_undecided():
    found = ratio_of([pair(0, -100, 40), pair(1, 40, -100)])
    assert (found.bound, found.lower, found.upper) == ("?", -math.inf, math.inf)


def test_pairs_that_neither_arrives_in_are_counted_and_say_nothing():
    telling = [pair(0, 10, 40), pair(1, 20, 40)]
    found = ratio_of([*telling, pair(1, -100, -100)])
    assert found.value == ratio_of(telling).value
    assert (found.pairs, found.reached, found.bound) == (3, (2, 2), "")
    assert ratio_of([pair(0, -100, -100)]).n == 0


def runs(arm, times, setting="s"):
    """Return runs of an arm from times by rate, a seed each."""
    return [
        Run("x", setting, arm, lr, seed, 100, Time(step, True), {})
        for lr, steps in times.items()
        for seed, step in enumerate(steps)
    ]


def test_each_arm_is_taken_at_its_own_best_rate_and_paired_by_seed():
    made = runs("plain", {0.1: [80, 80], 0.3: [40, 44], 1.0: [60, 60]})
    made += runs("E", {0.1: [20, 22], 0.3: [40, 44], 1.0: [60, 60]})
    found = effect(made, "E", "plain")
    assert found["own"].value == pytest.approx(-1)
    assert found["best_lr"] == {"E": ["0.1"], "plain": ["0.3"]}
    assert found["edge"] == ["E"]
    assert found["matched"].value == pytest.approx((-2 - math.log2(80 / 22) - 0) / 6)
    assert at_rate(made, "E", "plain", 1.0).value == 0
    assert at_rate(made, "E", "plain", 7.0) is None


def ratio(lower, upper, n=3):
    return Ratio((lower + upper) / 2, lower, upper, n, "", (3, 3), 3)


def test_every_verdict_is_one_of_the_words():
    faster, slower, unsure = ratio(-2, -1), ratio(1, 2), ratio(-1, 1)
    cases = {
        (faster, faster): "reproduced",
        (slower, slower): "contradicted",
        (faster, unsure): "not shown",
        (faster, slower): "not shown",
        (ratio(-2, -1, n=2), faster): "too few seeds",
    }
    for (own, matched), word in cases.items():
        assert verdict(own, matched) == word
        assert word in WORDS
