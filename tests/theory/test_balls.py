"""Ball arithmetic against mpmath: every enclosure must hold the truth."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given

from condlab.theory import balls, strategies

BITS = 128
HARD = {
    "identity": np.eye(3),
    "ones": np.ones((4, 4)),
    "zero": np.zeros((3, 3)),
    "1x1": np.array([[-2.0]]),
    "repeated": np.diag([1.0, 1.0, 4.0]),
    "clustered": np.diag([1.0, 1.0 + 2.0**-52, 1.0 + 2.0**-51]),
    "rank one": np.outer([1.0, 2.0, -3.0], [1.0, 2.0, -3.0]),
    "huge and tiny": np.array([[1e200, 1.0], [1.0, 1e-200]]),
}


def holds(ball, number):
    """Tell whether a ball holds an mpmath number, to mpmath's own precision."""
    with mpmath.workdps(60):
        lower, upper = (mpmath.mpf(x.str(70, radius=False)) for x in _ends(ball))
        slack = abs(number) * mpmath.mpf(10) ** -55 + mpmath.mpf(10) ** -300
        return lower - slack <= number <= upper + slack


def _ends(ball):
    with balls.precision(300):
        return ball.lower(), ball.upper()


def exact(A):
    return mpmath.matrix(A.tolist())


@pytest.mark.parametrize("A", HARD.values(), ids=HARD)
def test_symmetric_eigenvalues_hold_the_truth_and_are_sharp(A):
    with balls.precision(BITS):
        found = balls.symmetric_eigenvalues(balls.ball(A))
    with mpmath.workdps(500):  # enough for entries 400 orders of magnitude apart
        truth = sorted(mpmath.eigsy(exact(A), eigvals_only=True))
    largest = max(abs(x) for x in truth) + 1
    for ball, number in zip(found, truth, strict=True):
        assert holds(ball, number)
        # Rotations leave n^2 roundings of the largest eigenvalue behind.
        assert float(ball.rad()) <= 2.0 ** (20 - BITS) * float(largest)


@given(A=strategies.any_shape(4))
def test_singular_values_hold_those_of_mpmath(A):
    with balls.precision(BITS):
        found = balls.singular_values(balls.ball(A))
    with mpmath.workdps(60):
        truth = mpmath.svd_r(exact(A), compute_uv=False)
    truth = sorted(truth, reverse=True)[: min(A.shape)]
    scale = float(max(truth)) + 1
    for ball, number in zip(found, truth, strict=True):
        # A zero singular value is the root of a ball around zero.
        assert holds(ball, number) or float(number) <= 2.0 ** (-BITS / 2 + 8) * scale


@given(A=strategies.nonsingular(3))
def test_inverse_determinant_and_norms_hold_those_of_mpmath(A):
    with balls.precision(BITS):
        B = balls.ball(A)
        inverse = balls.inverse(B)
        quantities = [balls.determinant(B), *(balls.norm(B, p) for p in (1, "inf"))]
        norms = [balls.norm_fro(B), balls.row_norms(B)[0], balls.row_norms(B, 1)[0]]
        left = balls.pseudoinverse(B[:, :1])
    with mpmath.workdps(120):  # near-singular ones lose half of them
        M = exact(A)
        truth = [mpmath.det(M), mpmath.mnorm(M, 1), mpmath.mnorm(M, mpmath.inf)]
        truth += [
            mpmath.mnorm(M, "f"),
            mpmath.norm(M[0, :], 2),
            mpmath.norm(M[0, :], 1),
        ]
        for ball, number in zip(inverse.ravel(), mpmath.inverse(M), strict=True):
            assert holds(ball, number)
    assert all(map(holds, quantities + norms, truth))
    identity = balls.product(left, balls.ball(A[:, :1]))[0, 0]
    assert identity.contains(1) or not A[:, 0].any()


def test_kappa_of_a_singular_matrix_is_unbounded_not_wrong():
    with balls.precision(BITS):
        kappa = balls.kappa(balls.ball(np.ones((3, 3))))
        assert not kappa < 1e30
        assert not balls.inverse(balls.ball(np.ones((2, 2))))[0, 0].is_finite()


SINGULAR = {
    "zero": [[0]],
    "zeros": [[0, 0], [0, 0]],
    "ones": [[1, 1], [1, 1]],
    "rank one": [[1, 2], [2, 4]],
    "zero column": [[1, 0], [2, 0]],
    "tenths": [[0.1, 0.1], [0.1, 0.1]],
    "large integers": [[2**60 + 1, 2**61 + 2], [1, 2]],
}


@pytest.mark.parametrize("A", SINGULAR.values(), ids=SINGULAR)
@pytest.mark.parametrize("p", [1, 2, "inf"])
def test_kappa_of_a_certainly_singular_matrix_is_infinite(A, p):
    with balls.precision(BITS):
        kappa = balls.kappa_p(balls.ball(np.array(A)), p)
        assert kappa > balls.ball(1e300)
        assert kappa > balls.kappa_p(balls.ball(np.eye(2)), p)


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (2, 3), (3, 2)])
def test_kappa_of_a_rectangular_matrix_without_full_rank_is_infinite(shape):
    with balls.precision(BITS):
        assert balls.kappa(balls.ball(np.zeros(shape))) > 1
        low = np.outer(np.arange(shape[0]) + 1.0, np.arange(shape[1]) + 1.0)
        assert (balls.kappa(balls.ball(low)) > 1e300) == (1 not in shape)


def test_kappa_of_a_scaled_matrix_with_a_zero_row_is_infinite():
    A = balls.unit_rows(balls.ball(np.array([[1.0, 3.0], [0.0, 0.0]])))
    assert not all(x.is_exact() for x in A.ravel())
    assert balls.kappa(A) > 1e300


def test_kappa_of_an_almost_singular_matrix_is_finite_where_bits_suffice():
    A = np.array([[2**60 + 1, 1], [2**60, 1]])  # of determinant 1
    with balls.precision(300):
        kappa = balls.kappa(balls.ball(A))
        exact = balls.arb((2**60 + 1) ** 2 + 2**120 + 2)  # |A|_F^2 / det
        assert abs((kappa + 1 / kappa) / exact - 1) < 1e-12


def test_integers_and_fractions_become_balls_that_hold_them():
    M = np.array([[2**60 + 1, -(2**62) - 1]])
    assert [x.fmpq() for x in balls.ball(M).ravel()] == [int(x) for x in M.ravel()]
    huge = np.array([[2**90 + 1, True]], dtype=object)
    with balls.precision(300):
        assert [x.fmpq() for x in balls.ball(huge).ravel()] == [2**90 + 1, 1]
        third = balls.ball(np.array([Fraction(1, 3)], dtype=object))[0]
        assert third.contains(balls.arb(1) / 3)


def test_extended_precision_is_refused_not_rounded():
    with pytest.raises(ValueError, match="no float64; convert it first"):
        balls.ball(np.array([np.longdouble(1) / 3]))


def test_spectral_radius_holds_complex_and_defective_eigenvalues():
    rotation = np.array([[0.0, -2.0], [2.0, 0.0]])
    jordan = np.array([[1.0, 1.0], [0.0, 1.0]])
    with balls.precision(BITS):
        assert balls.spectral_radius(balls.ball(rotation)).contains(2)
        assert balls.spectral_radius(balls.ball(jordan)).contains(1)


@given(A=strategies.matrices(3, 2))
def test_unit_lines_have_unit_norms_and_zero_lines_stay(A):
    with balls.precision(BITS):
        for p in (1, 2, "inf"):
            norms = balls.row_norms(balls.unit_rows(balls.ball(A), p), p)
            for norm, row in zip(norms, A, strict=True):
                assert norm.contains(1 if row.any() else 0)
            transposed = balls.unit_columns(balls.ball(A.T), p)
            same = balls.unit_rows(balls.ball(A), p).T
            assert all(map(balls.arb.overlaps, transposed.ravel(), same.ravel()))


def test_unit_diagonal_is_jacobi_scaling():
    A = np.array([[4.0, 2.0], [2.0, 16.0]])
    with balls.precision(BITS):
        B = balls.unit_diagonal(balls.ball(A))
        assert all(
            x.contains(y) for x, y in zip(B.ravel(), [1, 0.25, 0.25, 1], strict=True)
        )


def test_root_of_a_ball_around_zero_is_the_nonnegative_half():
    with balls.precision(BITS):
        root = balls.sqrt(balls.arb(0, 1e-20))
        assert root.contains(0)
        assert root.contains(1e-10)
        assert not root.contains(1e-9)


def test_integers_stay_integers_and_floats_become_exact_balls():
    parts = balls.ball((2, 0.1, np.array([0.1])))
    assert parts[0] == 2
    assert isinstance(parts[0], int)
    assert parts[1].is_exact()
    assert float(parts[1]) == float(parts[2][0]) == 0.1


def test_precision_is_put_back_afterwards():
    with balls.precision(100):
        with balls.precision(300):
            pass
        assert balls.ctx.prec == 100
