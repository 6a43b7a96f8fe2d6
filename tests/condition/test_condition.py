"""Exact condition numbers against mpmath with 80 digits, and what must not change."""

import math

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp

from condlab.condition import cond_1, cond_2, cond_fro, cond_inf, cond_skeel
from tests.optional import given, st, torch
from tests.optional import mpmath as mp

EPS = np.finfo(float).eps
DIGITS = 80
SQUARE_ONLY = [cond_1, cond_inf, cond_skeel]
ALL = [*SQUARE_ONLY, cond_2, cond_fro]


def truth(function, A):
    """Return the condition number of the stored matrix, from 80 digits."""
    with mp.workdps(DIGITS):
        M = mp.matrix(np.asarray(A).tolist())
        if function in (cond_2, cond_fro):
            svd = mp.svd_c if np.iscomplexobj(A) else mp.svd_r
            wide = M.rows < M.cols
            S = [abs(s) for s in svd(M.H if wide else M, compute_uv=False)]
            if function is cond_2:
                return max(S) / min(S)
            return mp.sqrt(mp.fsum(s**2 for s in S) * mp.fsum(s**-2 for s in S))
        X = M**-1
        if function is cond_skeel:
            return mp.mnorm(X.apply(abs) * M.apply(abs), mp.inf)
        p = 1 if function is cond_1 else mp.inf
        return mp.mnorm(M, p) * mp.mnorm(X, p)


def holds(bracket, kappa):
    noise = mp.mpf(10) ** (20 - DIGITS) * kappa  # of the 80 digits themselves
    return bracket.lower <= kappa + noise and kappa - noise <= bracket.upper


def with_spectrum(n, kappa, seed, *, m=None, is_complex=False):
    """Return U diag(1 ... 1/kappa) V' with random orthogonal or unitary U and V."""
    rng = np.random.default_rng(seed)

    def factor(rows):
        G = rng.standard_normal((rows, n))
        if is_complex:
            G = G + 1j * rng.standard_normal((rows, n))
        return np.linalg.qr(G)[0]

    return factor(m or n) * np.geomspace(1, 1 / kappa, n) @ factor(n).conj().T


def graded(n, kappa, seed):
    rows, columns = np.geomspace(1, kappa**-0.5, n), np.geomspace(kappa**-0.5, 1, n)
    B = np.eye(n) + 0.1 * np.random.default_rng(seed).standard_normal((n, n))
    return rows[:, None] * B * columns


MATRICES = {
    "hilbert-4": sl.hilbert(4),
    "hilbert-10": sl.hilbert(10),
    "vandermonde-11": np.vander(np.linspace(-1, 1, 11)),
    "vandermonde-12": np.vander(np.linspace(0.5, 1.5, 12)),
    "frank-like": sl.companion(np.arange(1.0, 10.0)),
    "graded-8": graded(8, 1e12, 0),
    "graded-12": graded(12, 1e14, 1),
    "one": np.array([[3.0]]),
    "identity": np.eye(5),
    "repeated": np.eye(4) + np.ones((4, 4)),
    "huge": 1e307 * with_spectrum(3, 10.0, 2),
    "tiny": 1e-307 * with_spectrum(3, 10.0, 3),
    "complex-6": with_spectrum(6, 1e10, 4, is_complex=True),
    "complex-12": with_spectrum(12, 1e13, 5, is_complex=True),
} | {
    f"spectrum-{n}-{kappa:.0e}": with_spectrum(n, kappa, n)
    for n in (2, 3, 5, 8, 12)
    for kappa in (1e1, 1e7, 1e14)
}


@pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("A", MATRICES.values(), ids=MATRICES)
def test_value_is_within_rounding_of_mpmath_and_bracket_holds_it(function, A):
    kappa, found = truth(function, A), function(A)
    assert holds(found, kappa)
    assert found.lower <= found.value <= found.upper
    # The computed inverse has a normwise error of at most 2 n eps kappa (Higham,
    # section 14.3, with the usual growth), a singular value one of 3 eps sigma_1.
    rounding = 2 * (len(A) + 8) * EPS
    assert abs(found.value - kappa) <= rounding * kappa * max(kappa, 1)


@pytest.mark.parametrize("function", [cond_2, cond_fro], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (1, 6), (6, 1)])
def test_rectangular_matrices_are_measured_by_singular_values(function, shape):
    m, n = shape
    A = with_spectrum(min(shape), 1e9, 6, m=max(shape))
    A = A if m >= n else A.T
    kappa, found = truth(function, A), function(A)
    assert holds(found, kappa)
    assert abs(found.value - kappa) <= (max(shape) + 8) * EPS * kappa**2


@given(
    entries=st.lists(st.integers(-9, 9), min_size=9, max_size=9),
    exponents=st.lists(st.integers(-60, 60), min_size=3, max_size=3),
)
@pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)
def test_bracket_holds_the_truth_for_row_scaled_integer_matrices(
    function, entries, exponents
):
    B = np.array(entries, dtype=float).reshape(3, 3)
    A = np.ldexp(B, np.array(exponents)[:, None])
    found = function(A)
    assert 1 <= found.lower <= found.value <= found.upper
    if round(np.linalg.det(B)) == 0:  # integers under 10: the determinant is exact
        assert found.value == found.upper == math.inf
    else:
        assert holds(found, truth(function, A))


@given(exponent=st.integers(-1000, 1000), seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)
def test_units_that_are_powers_of_two_change_nothing(function, exponent, seed):
    A = np.random.default_rng(seed).integers(-99, 99, (4, 4)).astype(float)
    assert function(np.ldexp(A, exponent)) == function(A)


def test_skeel_ignores_row_units_over_the_whole_range():
    A = with_spectrum(6, 1e8, 7)
    units = np.array([-1000, -500, -3, 0, 500, 1000])[:, None]
    assert cond_skeel(np.ldexp(A, units)) == cond_skeel(A)


def test_skeel_is_the_least_of_kappa_inf_over_row_scalings():
    A = np.diag(np.geomspace(1, 1e9, 6)) @ with_spectrum(6, 1e3, 8)
    equilibrated = A / np.abs(A).sum(axis=1, keepdims=True)
    assert cond_skeel(A).value == pytest.approx(cond_inf(equilibrated).value, rel=1e-10)
    assert cond_skeel(A).value < cond_inf(A).value


@pytest.mark.parametrize("kappa", [1.0, 1e6, 1e13])
def test_transpose_and_inverse_keep_kappa(kappa):
    A = with_spectrum(7, kappa, 9)
    rtol = 4 * (len(A) + 8) * EPS * kappa
    assert cond_2(A.T).value == pytest.approx(cond_2(A).value, rel=rtol)
    assert cond_1(A.T).value == pytest.approx(cond_inf(A).value, rel=rtol)
    inverse = np.linalg.inv(A)
    for function in (cond_1, cond_2, cond_inf, cond_fro):
        assert function(inverse).value == pytest.approx(function(A).value, rel=rtol)


def test_orthogonal_matrices_have_kappa_one():
    Q = np.linalg.qr(np.random.default_rng(10).standard_normal((20, 20)))[0]
    found = cond_2(Q)
    assert found.lower == 1.0
    assert found.upper - 1 < 100 * (len(Q) + 8) * EPS


SINGULAR = {
    "zero": np.zeros((3, 3)),
    "zero-1x1": np.zeros((1, 1)),
    "rank-one": np.outer([1.0, 2.0, 3.0], [1.0, 1e5, 1e-5]),
    "zero-row": np.diag([1.0, 0.0, 2.0]),
    "magic": np.array(
        [[16, 2, 3, 13], [5, 11, 10, 8], [9, 7, 6, 12], [4, 14, 15, 1]]
    ),
    "rounded-dependence": np.array([[0.1, 0.3], [0.2, 0.6]]) / 3,
    "laplacian-of-a-cycle": 2 * np.eye(9) - np.roll(np.eye(9), 1, 0)
    - np.roll(np.eye(9), -1, 0),
}  # fmt: skip


@pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("A", SINGULAR.values(), ids=SINGULAR)
def test_singular_matrices_are_infinitely_ill_conditioned(function, A):
    found = function(A)
    assert found.value == found.upper == math.inf
    assert 1 <= found.lower < math.inf


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_rank_deficient_rectangles_are_infinitely_ill_conditioned(shape):
    assert cond_2(np.ones(shape)).value == math.inf


def test_hopeless_hilbert_is_not_given_a_number():
    found = cond_2(sl.hilbert(20))
    assert found.value == math.inf
    assert 1e14 < found.lower <= truth(cond_2, sl.hilbert(20))


@pytest.mark.parametrize("function", [cond_1, cond_2, cond_inf, cond_fro])
def test_graded_matrices_keep_their_digits_beyond_double_precision(function):
    A = np.diag(np.ldexp(1.0, -40 * np.arange(5))) @ (2 * np.eye(5) + np.ones((5, 5)))
    kappa, found = truth(function, A), function(A)
    assert kappa > 2.0**150
    assert holds(found, kappa)
    assert abs(found.value - kappa) <= 100 * EPS * kappa


def test_kappa_beyond_the_range_of_floats_is_infinite():
    A = np.diag([1e300, 1e-300])
    assert cond_1(A).value == cond_2(A).value == math.inf
    assert cond_skeel(A).value == 1.0


@pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)
def test_every_container_gives_the_same_number(function):
    A = np.round(8 * with_spectrum(6, 1e2, 11))
    expected = function(A)
    containers = (sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix)
    for container in (*containers, torch.tensor, np.ndarray.tolist):
        assert function(container(A)) == expected
    assert function(torch.tensor(A, requires_grad=True)) == expected
    for dtype in (np.int64, np.float32, np.complex64, np.float16):
        assert function(A.astype(dtype)).value == pytest.approx(
            expected.value, rel=(len(A) + 8) * EPS * expected.value
        )


def test_booleans_count_as_numbers():
    assert cond_1(np.array([[True, True], [False, True]])).value == 4.0


def test_the_argument_is_left_alone():
    A = np.array([[1e10, 2.0], [3.0, 4.0]])
    copy = A.copy()
    for function in ALL:
        function(A)
    np.testing.assert_array_equal(A, copy)


@pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)
def test_bad_input_gets_one_clear_sentence(function):
    with pytest.raises(ValueError, match=r"at least one row .* \(0, 3\)"):
        function(np.zeros((0, 3)))
    with pytest.raises(ValueError, match=r"nan at index \(0, 1\)"):
        function(np.array([[1.0, np.nan], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="2-D"):
        function(np.ones(3))
    with pytest.raises(ValueError, match=r"GiB; use estimate_cond_1"):
        function(sp.eye_array(100_000, format="csr"))


@pytest.mark.parametrize("function", SQUARE_ONLY, ids=lambda f: f.__name__)
def test_rectangles_are_sent_to_cond_2(function):
    with pytest.raises(ValueError, match=r"square matrix, got .* \(2, 3\).* cond_2"):
        function(np.ones((2, 3)))
