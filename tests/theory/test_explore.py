"""Instances drawn by their choices alone, and what Hypothesis makes of the choices."""

import random

import numpy as np
import pytest
from hypothesis import strategies as st

from condlab.theory import CATALOGUE, Margin, Theorem, verify
from condlab.theory._explore import explore
from condlab.theory.strategies import matrices, spd


@st.composite
def pairs(draw):
    n = draw(st.integers(1, 4))
    return draw(st.lists(st.integers(0, n), min_size=n, max_size=n)), n


def planted(strategy, is_false):
    return Theorem(
        "planted", "planted", "these tests", lambda _: strategy,
        lambda x: Margin(2.0 if is_false(x) else 0.5, 1.0, 0.0),
    )  # fmt: skip


SHRUNK = {
    "integers": (st.integers(), lambda x: x > 10, 11),
    "booleans": (st.booleans(), lambda x: x, True),
    "text": (st.text(), lambda x: len(x) > 1, "00"),
    "bytes": (st.binary(), lambda x: len(x) > 1, b"\x00\x00"),
    "floats": (st.floats(0, 9), lambda x: x > 2.5, 3.0),
    "lists": (st.lists(st.integers(0, 9)), lambda x: sum(x) > 9, [1, 9]),
    "sets": (st.sets(st.integers(0, 9)), lambda x: len(x) > 1, {0, 1}),
    "dicts": (st.dictionaries(st.booleans(), st.just(3)), bool, {False: 3}),
    "permutations": (st.permutations([1, 2, 3]), lambda x: x[0] == 3, [3, 1, 2]),
    "mapped": (st.integers(0, 99).map(str), lambda x: len(x) > 1, "10"),
    "filtered": (st.integers().filter(lambda x: x != 11), lambda x: x > 10, 12),
    "one of": (st.none() | st.text(), lambda x: x is not None, ""),
    "flat": (st.integers(1, 3).flatmap(lambda n: st.just([0] * n)), bool, [0]),
    "composite": (pairs(), lambda x: sum(x[0]) > 0, ([1], 1)),
    "built": (st.builds(complex, st.integers(0, 9)), lambda z: z.real > 4, 5 + 0j),
    "recursive": (
        st.recursive(st.just(0), lambda s: st.lists(s, max_size=2)),
        lambda x: x != 0,
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("strategy", "false", "least"), SHRUNK.values(), ids=SHRUNK)
def test_counterexamples_of_any_strategy_are_drawn_again_and_shrunk(
    strategy, false, least
):
    (verdict,) = verify(planted(strategy, false), sizes=[1])
    assert verdict.outcome == "falsified"
    if isinstance(least, list) and isinstance(verdict.counterexample, list):
        assert sorted(verdict.counterexample) == sorted(least)
    else:
        assert verdict.counterexample == least


@pytest.mark.parametrize("strategy", [matrices(2, 3), spd(3), pairs()])
def test_the_simplest_instance_comes_first_and_then_others(strategy):
    seen = []
    explore(strategy, lambda x: (seen.append(str(x)), 0.0, False)[1:], 50, seed=1)
    assert len(seen) == 50
    assert len(set(seen)) > 10
    first = []
    explore(strategy, lambda x: (first.append(str(x)), 0.0, True)[1:], 50, seed=2)
    assert first == seen[:1]


@pytest.mark.parametrize("count", [10, 200])
def test_a_small_space_is_seen_in_full_and_nothing_of_it_twice(count):
    seen = []
    explore(
        st.integers(0, 9), lambda x: (seen.append(x), float(x), False)[1:], count, 0
    )
    assert len(seen) == len(set(seen))
    assert len(seen) >= 0.8 * min(count, 10)
    if count > 100:
        assert sorted(seen) == list(range(10))


def test_the_way_up_leads_to_a_corner():
    corner = st.tuples(*[st.integers(0, 10**6)] * 3)
    seen = []
    explore(corner, lambda x: (seen.append(x), float(sum(x)), False)[1:], 400, seed=3)
    assert max(map(sum, seen)) > 2.9e6


def test_global_generators_are_the_same_for_each_instance_and_left_as_they_were():
    drawn = set()

    def look(_):
        drawn.add((random.random(), np.random.standard_normal()))  # noqa: NPY002
        return 0.0, False

    random.seed(7)
    before, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    explore(st.integers(), look, 20, seed=0)
    assert len(drawn) == 1
    assert random.getstate() == before
    assert np.array_equal(np.random.get_state()[1], numpy[1])  # noqa: NPY002


def test_a_check_that_fails_is_not_taken_for_a_counterexample():
    def check(x):
        raise ZeroDivisionError("of the check")

    broken = Theorem("planted", "p", "these tests", lambda _: st.integers(), check)
    with pytest.raises(ZeroDivisionError, match="of the check"):
        verify(broken, sizes=[1])


def test_search_gives_up_where_nearly_nothing_passes_a_filter():
    never = st.integers(0, 9).filter(lambda x: x > 9)
    (verdict,) = verify(planted(never, lambda x: True), sizes=[1], max_examples=20)
    assert verdict.examples == 0


@pytest.mark.parametrize("key", ["wc-thm5.1-rows", "folklore-product-any-shape"])
def test_what_is_found_without_shrinking_is_certified_too(key):
    theorem = CATALOGUE[key]
    (verdict,) = verify(theorem, sizes=[3], seed=4, shrink=False)
    assert verdict.outcome == "falsified"
    assert theorem.confirm(verdict.counterexample)
