"""Tests of the search itself: planted theorems, true, false and undecidable."""

import math

import numpy as np
import pytest
from hypothesis import strategies as st

from condlab import theory
from condlab.theory import Margin, Theorem, balls, model, verify
from condlab.theory.search import _Chart

INTEGERS = st.integers(-50, 50)


def planted(check, instances=lambda size: INTEGERS, **rest):
    return Theorem("planted", "planted", "these tests", instances, check, **rest)


def test_true_theorem_survives_every_example():
    verdicts = verify(planted(lambda x: Margin(-abs(x), 0.0, 0.0)), sizes=[1, 2])
    assert [v.size for v in verdicts] == [1, 2]
    assert all(v.outcome == "holds" and v.counterexample is None for v in verdicts)
    assert all(v.examples >= 50 for v in verdicts)  # the integers run out below 200


def test_planted_false_theorem_is_found_and_shrunk_to_the_smallest_instance():
    (verdict,) = verify(planted(lambda x: Margin(float(x), 30.0, 1e-15)), sizes=[1])
    assert verdict.outcome == "falsified"
    assert verdict.counterexample == 31
    assert verdict.certificate is None  # there was nothing to confirm it with


def test_needle_that_only_large_sizes_have_is_found_at_the_smallest_of_them():
    def instances(size):
        return theory.strategies.small_integers(size, size)

    def trace_below_five(A):
        return Margin(float(np.trace(A)), 5.0, 0.0)

    outcomes = [v.outcome for v in verify(planted(trace_below_five, instances))]
    assert outcomes == ["holds", *["falsified"] * 4]


def test_targeting_climbs_to_a_corner_that_chance_would_miss():
    vectors = st.lists(st.integers(0, 1000), min_size=4, max_size=4)
    false = planted(lambda x: Margin(sum(x), 3900.0, 0.0), lambda size: vectors)
    (verdict,) = verify(false, sizes=[1], max_examples=3000)
    assert verdict.outcome == "falsified"


def test_violation_at_rounding_level_is_inconclusive():
    almost = planted(lambda x: Margin(1.0 + 2.0**-52, 1.0, rounding=1e-15))
    (verdict,) = verify(almost, sizes=[1])
    assert verdict.outcome == "inconclusive"
    assert verdict.counterexample is not None


def test_violation_that_is_not_confirmed_is_inconclusive():
    false = planted(lambda x: Margin(2.0, 1.0, 0.0), confirm=lambda x: False)
    (verdict,) = verify(false, sizes=[1])
    assert verdict.outcome == "inconclusive"
    assert verdict.certificate is None


def test_unconfirmed_violations_do_not_stop_the_search_for_confirmed_ones():
    false = planted(lambda x: Margin(abs(x), 0.0, 0.0), confirm=lambda x: x > 17)
    (verdict,) = verify(false, sizes=[1])
    assert (verdict.outcome, verdict.counterexample) == ("falsified", 18)
    assert verdict.certificate == "confirmed by the theorem's own confirm"


def test_side_that_is_not_a_number_is_inconclusive_not_ignored():
    (verdict,) = verify(planted(lambda x: Margin(math.nan, 1.0, 0.0)), sizes=[1])
    assert verdict.outcome == "inconclusive"


NO_INSTANCES = {
    "nothing": lambda size: st.nothing(),
    "filtered away": lambda size: INTEGERS.filter(lambda x: x > 99),
    "none": lambda size: theory.strategies.none(),
}


@pytest.mark.parametrize("instances", NO_INSTANCES.values(), ids=NO_INSTANCES)
def test_search_of_no_instance_is_inconclusive_and_says_why(instances):
    empty = planted(lambda x: Margin(2.0, 1.0, 0.0), instances)
    (verdict,) = verify(empty, sizes=[4])
    assert (verdict.outcome, verdict.examples) == ("inconclusive", 0)
    assert verdict.reason == "no instance of size 4 was found to try"
    assert verdict.counterexample is None
    assert math.isnan(verdict.tightness)


def test_sizes_without_instances_do_not_spoil_the_outcome_of_others():
    def from_two(size):
        return INTEGERS if size > 1 else st.nothing()

    verdicts = verify(planted(lambda x: Margin(0.0, 1.0, 0.0), from_two), sizes=[1, 2])
    assert [v.outcome for v in verdicts] == ["inconclusive", "holds"]
    assert model.overall((v.outcome, v.examples) for v in verdicts) == "holds"
    assert verdicts[1].reason == ""


@pytest.mark.parametrize(
    ("trials", "outcome"),
    [
        ([], "inconclusive"),
        ([("inconclusive", 0), ("inconclusive", 0)], "inconclusive"),
        ([("holds", 3), ("inconclusive", 2)], "inconclusive"),
        ([("inconclusive", 2), ("falsified", 1)], "falsified"),
        ([("inconclusive", 0), ("falsified", 1), ("holds", 9)], "falsified"),
        ([("holds", 3), ("inconclusive", 0)], "holds"),
    ],
)
def test_outcome_of_all_sizes(trials, outcome):
    assert model.overall(trials) == outcome


def test_doubt_is_the_reason_of_an_inconclusive_verdict():
    (verdict,) = verify(planted(lambda x: Margin(1.0 + 1e-15, 1.0, 1e-14)), sizes=[1])
    assert verdict.outcome == "inconclusive"
    assert "inside rounding" in verdict.reason


def test_false_claim_about_kappa_is_decided_at_size_one():
    def bounded(A):
        return balls.kappa(A), balls.arb(5)

    claim = theory.theorem(
        "planted",
        "Every condition number is at most 5.",
        "nobody",
        lambda size: theory.strategies.small_integers(size, size, bound=1),
        bounded,
        latex="",
    )
    (verdict,) = verify(claim, sizes=[1])
    assert verdict.outcome == "falsified"
    assert verdict.counterexample == [[0]]
    assert verdict.certificate.startswith("lhs = inf > rhs = 5.0")


def test_tightness_is_the_largest_ratio_seen():
    (verdict,) = verify(planted(lambda x: Margin(float(x), 50.0, 0.0)), sizes=[1])
    assert verdict.tightness == 1.0
    assert verdict.tightest == 50


def test_local_optimisation_reaches_the_maximum_between_the_integers():
    def hump(x):  # the maximum of x exp(1 - x / c) / c is 1, at c = 2.7
        return Margin(x / 2.7 * math.exp(1 - x / 2.7), 1.0, 1e-12)

    floats = st.integers(1, 9).map(float)
    theorem = planted(hump, lambda size: floats, admits=lambda x: 1 <= x <= 9)
    (verdict,) = verify(theorem, sizes=[1], max_examples=60)
    assert verdict.outcome == "holds"
    assert verdict.tightest == pytest.approx(2.7, abs=1e-3)


def test_local_optimisation_stays_within_the_hypotheses():
    seen = []

    def check(x):
        seen.append(x)
        return Margin(x, 10.0, 0.0)

    theorem = planted(
        check, lambda size: st.integers(1, 4).map(float), admits=lambda x: x <= 4.5
    )
    (verdict,) = verify(theorem, sizes=[1], max_examples=60)
    assert max(seen) <= 4.5
    assert 4.4 < verdict.tightest <= 4.5


def test_local_optimisation_finds_a_violation_that_integers_do_not_show():
    def check(x):  # exceeds 1 only within 0.1 of 2.5
        return Margin(1.01 - (x - 2.5) ** 2, 1.0, 1e-12)

    theorem = planted(
        check, lambda size: st.integers(1, 4).map(float), admits=lambda x: 0 < x < 5
    )
    (verdict,) = verify(theorem, sizes=[1], max_examples=60)
    assert verdict.outcome == "falsified"


def test_moved_instances_keep_zeros_and_symmetry():
    A = np.array([[1.0, 2.0, 0.0], [2.0, 3.0, 4.0], [0.0, 4.0, 5.0]])
    chart = _Chart((A, 3, 2.0))
    B, k, eta = chart.instance(chart.start + np.arange(1.0, 7.0))
    assert (B == B.T).all()
    assert ((B == 0) == (A == 0)).all()
    assert (k, eta) == (3, 8.0)
    same, _, _ = chart.instance(chart.start)
    assert (same == A).all()


def test_search_is_a_function_of_its_seed():
    theorem = theory.CATALOGUE["wc-thm5.1-rows"]
    first, second = (verify(theorem, sizes=[3], max_examples=80) for _ in range(2))
    assert first[0].examples == second[0].examples
    assert str(first[0].counterexample) == str(second[0].counterexample)


def test_sizes_are_searched_in_ascending_order_whatever_order_they_come_in():
    verdicts = verify(planted(lambda x: Margin(0.0, 1.0, 0.0)), sizes=[3, 1, 2])
    assert [v.size for v in verdicts] == [1, 2, 3]


@pytest.mark.parametrize("bad", [{"sizes": []}, {"sizes": [0]}, {"max_examples": 0}])
def test_senseless_budgets_are_refused(bad):
    with pytest.raises(ValueError, match="must be positive integers"):
        verify(planted(lambda x: Margin(0.0, 1.0, 0.0)), **bad)


def formula(sides):
    return theory.theorem(
        "planted",
        "planted",
        theory.Reference("nobody", 2000, "Nothing", "Nowhere"),
        lambda size: st.integers(-9, 9).map(float),
        sides,
        latex="",
    )


def test_formula_below_float_resolution_is_still_decided_and_certified():
    tiny = formula(lambda x: (1 + balls.arb(2.0**-90), balls.arb(1)))
    (verdict,) = verify(tiny, sizes=[1])
    assert verdict.outcome == "falsified"
    assert "128-bit" in verdict.certificate


def test_equality_that_no_precision_can_decide_counts_as_attained():
    root = formula(lambda x: (balls.arb(2).sqrt() * balls.arb(2).sqrt(), balls.arb(2)))
    (verdict,) = verify(root, sizes=[1])
    assert (verdict.outcome, verdict.tightness) == ("holds", 1.0)


def test_formula_too_wide_to_compare_is_inconclusive():
    wide = formula(lambda x: (balls.arb(1.1, 0.2), balls.arb(1)))
    (verdict,) = verify(wide, sizes=[1])
    assert verdict.outcome == "inconclusive"


def test_catalogue_is_read_only_and_refuses_a_second_entry_of_a_key():
    from condlab.theory.catalogue import by_key

    entry = planted(lambda x: Margin(0.0, 1.0, 0.0))
    with pytest.raises(ValueError, match="'planted' twice"):
        by_key([entry, entry])
    with pytest.raises(TypeError):
        theory.CATALOGUE["mine"] = entry


def test_every_shipped_theorem_certifies_and_says_what_it_claims():
    for key, entry in theory.CATALOGUE.items():
        assert entry.key == key
        assert entry.confirm is not None, key
        assert entry.enclose is not None, key
        assert entry.latex, key
        assert entry.statement.endswith("."), key
        assert isinstance(entry.reference, theory.Reference | str), key
        assert str(entry.reference), key


@pytest.mark.parametrize("sizes", [1, "ab", [1.5], [True], [None]])
def test_sizes_that_are_no_positive_integers_are_refused(sizes):
    with pytest.raises(ValueError, match=r"sizes .* must be positive integers"):
        verify(planted(lambda x: Margin(0.0, 1.0, 0.0)), sizes=sizes)


@pytest.mark.parametrize("found", [True, (1.0, 2.0, 0.0), None])
def test_check_without_a_margin_is_told_what_to_return(found):
    with pytest.raises(TypeError, match=r"must return a Margin\(lhs, rhs, rounding\)"):
        verify(planted(lambda x: found), sizes=[1])


def test_key_in_place_of_a_theorem_is_told_where_theorems_are():
    with pytest.raises(TypeError, match=r"CATALOGUE\[key\], got 'wc-thm5.1-rows'"):
        verify("wc-thm5.1-rows")


def test_rounding_that_is_not_a_number_falsifies_nothing():
    (verdict,) = verify(planted(lambda x: Margin(3.0, 2.0, math.nan)), sizes=[1])
    assert verdict.outcome == "inconclusive"
