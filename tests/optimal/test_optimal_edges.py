"""The best scaling at the edges: zeros, extremes of size, time limits, bad input."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

import condlab
from condlab import optimal_scaling
from condlab.gallery import hilbert
from tests.optimal.cases import ONE_SIDED, RTOL, graded


@pytest.mark.parametrize("side", ["left", "right", "symmetric", "both"])
@pytest.mark.parametrize(
    "A", [np.ones((3, 3)), np.zeros((2, 2)), np.diag([1.0, 0.0]), [[0.0]]]
)
def test_the_optimum_of_singular_matrices_is_infinite(A, side):
    best = optimal_scaling(A, side=side)
    assert best.optimum == condlab.Bracket(math.inf, math.inf)
    assert np.isfinite(best.scaling.apply(np.asarray(A))).all()


def test_rows_of_zeros_of_a_tall_matrix_take_no_part():
    A = graded(9, 4)
    B = np.insert(A, 3, 0.0, axis=0)
    one, two = optimal_scaling(A), optimal_scaling(B)
    assert two.optimum.upper == pytest.approx(one.optimum.upper)
    assert two.scaling.left[3] == 1


def test_one_line_has_the_condition_number_one():
    for A in ([[1.0, 2.0, 3.0]], [[1.0], [0.0]], [[-7.0]]):
        for side in ONE_SIDED:
            assert optimal_scaling(A, side=side).optimum.upper < 1 + 1e-12


def test_huge_and_tiny_entries_are_scaled_like_others():
    A = np.array([[1e300, 2e300], [2e-300, 4.1e-300]])
    plain = optimal_scaling([[1.0, 2.0], [2.0, 4.1]])
    assert optimal_scaling(A).optimum.upper == pytest.approx(plain.optimum.upper)
    both = optimal_scaling(A, side="both")
    assert both.gap <= RTOL
    assert both.optimum.upper < plain.optimum.upper


def test_a_condition_number_of_1e14_ends_with_a_bracket():
    A = graded(15, 15) * 10.0 ** np.linspace(-7, 7, 15)
    assert optimal_scaling(A, side="right").gap <= RTOL
    left = optimal_scaling(A, side="left")  # only columns could help
    assert 1e10 < left.optimum.lower <= left.optimum.upper


def test_hilbert_matrices_that_look_singular_have_a_certain_lower_bound():
    best = optimal_scaling(hilbert(14))
    assert best.optimum.lower > 1e12
    assert best.optimum.upper == math.inf
    assert best.gap == math.inf


def test_a_time_limit_returns_the_best_so_far_with_its_gap():
    A = graded(60, 60, seed=7)
    best = optimal_scaling(A, time_limit=0.0)
    full = optimal_scaling(A)
    assert best.iterations == 0
    assert full.optimum.upper <= best.optimum.upper
    assert best.optimum.lower <= full.optimum.upper
    assert best.gap == pytest.approx(best.optimum.upper / best.optimum.lower - 1)


def test_progress_is_told_while_it_works():
    said = []
    optimal_scaling(graded(9, 9), progress=said.append)
    optimal_scaling(graded(9, 9), side="both", progress=said.append)
    assert len(said) > 5
    assert all(label.startswith("gap") for label in said)


def test_sparse_matrices_and_nested_lists_are_taken_and_left_alone():
    A = graded(6, 6)
    before = A.copy()
    dense, sparse, nested = (
        optimal_scaling(B).optimum for B in (A, sp.csr_array(A), A.tolist())
    )
    assert dense == sparse == nested
    assert (before == A).all()


@pytest.mark.parametrize(
    ("A", "options", "message"),
    [
        (np.eye(2), {"side": "rows"}, "side must be one of left"),
        (np.eye(2), {"p": 3}, "p must be 1, 2"),
        (np.eye(2), {"side": "symmetric", "p": 1}, "needs p=2, got p=1"),
        (np.eye(2), {"rtol": 0.0}, "rtol must be positive"),
        (np.eye(2), {"time_limit": -1}, "time_limit is a number of seconds"),
        (np.ones((2, 3)), {"side": "symmetric"}, "needs a square matrix"),
        (np.ones((3, 2)), {"p": "fro"}, "independent lines only"),
        (1j * np.eye(2), {"p": 1}, "complex matrices needs p=2"),
        ([[1.0, 2.0], [0.0, 1.0]], {"side": "symmetric"}, "needs a symmetric matrix"),
        ([[1.0, math.nan]], {}, "every entry must be finite"),
        (np.ones((0, 2)), {}, "at least one row"),
        (np.eye(2), {"side": "both", "p": "fro"}, 'needs p=1, 2 or "inf", got'),
        (sp.coo_array(np.ones(3)), {}, r"2-D\) is needed, got shape \(3,\)"),
    ],
)
def test_bad_input_gets_one_sentence(A, options, message):
    with pytest.raises(ValueError, match=message):
        optimal_scaling(A, **options)
