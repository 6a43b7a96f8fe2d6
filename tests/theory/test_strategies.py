"""What the strategies can produce, must never produce, and shrink to."""

from random import Random

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from condlab.theory import strategies as s

GENERAL = {"matrices": s.matrices, "any_shape": lambda m, n: s.any_shape(max(m, n))}
EXAMPLES = {
    "identity": lambda A: A.shape == (3, 3) and (A == np.eye(3)).all(),
    "zero": lambda A: not A.any(),
    "zero row": lambda A: A.any() and not A.any(axis=1).all(),
    "repeated singular values": lambda A: len(set(np.linalg.svd(A)[1].round(9))) == 1,
    "nearly singular": lambda A: 1e6 < np.linalg.cond(A) < 1e15,
    "graded": lambda A: A.any() and np.abs(A).max() > 500 * np.abs(A[A != 0]).min(),
    "not integers": lambda A: (A != A.round()).any(),
}


@pytest.mark.parametrize("condition", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("strategy", GENERAL.values(), ids=GENERAL)
def test_general_matrices_include_the_awkward_ones(strategy, condition):
    budget = settings(max_examples=3000, database=None)
    found = find(strategy(3, 3), condition, settings=budget, random=Random(0))
    assert condition(found)


@pytest.mark.parametrize(
    ("strategy", "belongs"),
    [
        (s.full_rank(2, 3), s.has_full_rank),
        (s.nonsingular(3), lambda A: s.exact_rank(A) == 3),
        (s.full_row_rank(3), lambda A: s.exact_rank(A) == len(A) <= 3),
        (s.full_column_rank(3), lambda A: s.exact_rank(A) == A.shape[1]),
        (s.wide(3), lambda A: len(A) < A.shape[1] == 3),
        (s.tall(3), lambda A: A.shape[1] < len(A) == 3),
        (s.any_shape(3), lambda A: max(A.shape) == 3),
        (s.symmetric(3), lambda A: (A == A.T).all()),
        (s.spd(3), lambda A: np.linalg.eigvalsh(A)[0] > -1e-12 * np.abs(A).max()),
        (s.spd(3), s.is_spd),
        (s.property_a(4), s.is_spd),
        (s.positive_diagonals(3), lambda d: (d > 0).all()),
    ],
)
def test_strategies_keep_their_promises(strategy, belongs):
    @given(strategy)
    def probe(A):
        assert belongs(A)

    probe()


@given(s.diagonally_dominant(4))
def test_diagonally_dominant_matrices_are_strictly_so(A):
    size = np.abs(A)
    off = size.sum(axis=1) - size.diagonal()
    # Graded entries may absorb the excess of 2^-8 in rounding, but not more.
    assert (size.diagonal() >= off * (1 - 1e-15)).all()
    assert (size.diagonal() > 0).all()


@given(s.property_a(5))
def test_property_a_means_a_two_colourable_graph(A):
    colour = np.zeros(5)
    for root in range(5):
        queue = [root] if not colour[root] else []
        colour[root] = colour[root] or 1
        while queue:
            i = queue.pop()
            for j in np.flatnonzero(A[i]):
                if j != i:
                    assert colour[j] != colour[i]
                    queue += [] if colour[j] else [j]
                    colour[j] = -colour[i]


@given(s.given_spectrum(3, 4, st.just(np.array([4.0, 2.0, 0.5]))))
def test_given_spectrum_is_had_up_to_rounding(A):
    assert np.allclose(np.linalg.svd(A)[1], [4, 2, 0.5], rtol=0, atol=1e-14)


def test_sizes_that_have_no_instances_say_so():
    assert s.none().is_empty
    assert s.wide(1).is_empty
    assert s.tall(1).is_empty


def test_counterexamples_shrink_to_few_small_integers():
    A = find(
        s.small_integers(3, 3), lambda A: np.linalg.norm(A, 2) > 1.5, random=Random(0)
    )
    assert (A != 0).sum() == 1
    assert np.abs(A).max() in (2.0, 3.0)


def test_exact_rank_sees_one_unit_in_the_last_place():
    assert s.exact_rank(np.array([[1.0, 1.0], [1.0, np.nextafter(1.0, 2.0)]])) == 2
    assert s.exact_rank(np.array([[0.1, 0.2], [0.2, 0.4]])) == 1
    assert s.exact_rank(np.zeros((2, 3))) == 0


def test_positive_definiteness_is_decided_exactly():
    assert s.is_spd(np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-52]]))
    assert not s.is_spd(np.ones((2, 2)))
    assert not s.is_spd(np.array([[1.0, 0.5], [0.0, 1.0]]))
    assert not s.is_spd(np.ones((2, 3)))
