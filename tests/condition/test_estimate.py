"""Estimates against exact condition numbers, closed forms, and their own promises."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from condlab.condition import cond_1, cond_2, estimate_cond_1, estimate_cond_2
from tests.condition.sparse_matrices import (
    EPS,
    RECTANGULAR,
    M,
    laplacian,
    random_sparse,
)
from tests.optional import given, st

PROMISE = 4e-3  # a singular value lies within this of each end, relatively
BOTH = [estimate_cond_1, estimate_cond_2]


def arrow(n):
    A = np.diag(np.arange(n, 2.0 * n))
    A[0, :] = A[:, 0] = 1.0
    return sp.csr_array(A)


def neumann(k):
    """Return the graph Laplacian of a grid: its null vector is constant."""
    A = laplacian(k)
    return (A - sp.diags_array(A.sum(axis=1))).tocsr()


def badly_scaled(seed, decades):
    rng = np.random.default_rng(seed)
    units = 10.0 ** rng.uniform(-decades, decades, 400)
    return (sp.diags_array(units) @ laplacian(20, 0.3)).tocsr()


SQUARE = {
    "one": sp.csr_array([[3.0]]),
    "two": sp.csr_array([[1.0, 2.0], [3.0, 4.0]]),
    "identity": sp.eye_array(30, format="csr"),
    "swap": sp.csr_array([[0.0, 1.0], [1.0, 0.0]]),
    "diagonal": sp.diags_array(np.geomspace(1, 1e-12, 60)).tocsr(),
    "graded-beyond-eps": sp.diags_array(np.geomspace(1, 1e-40, 40)).tocsr(),
    "laplacian": laplacian(15),
    "convection": laplacian(15, 0.4),
    "badly-scaled": badly_scaled(0, 4),
    "random": random_sparse(80, 80, 1),
    "complex": random_sparse(60, 60, 2, is_complex=True),
    "huge": 1e305 * laplacian(8),
    "tiny": 1e-305 * laplacian(8),
    "ill-conditioned": sp.csr_array(np.vander(np.linspace(0.1, 1, 9))),
    "indefinite": sp.block_array(
        [[None, random_sparse(20, 20, 3)], [random_sparse(20, 20, 4), None]]
    ).tocsr(),
    "arrow": arrow(40),
}  # fmt: skip


def rounding(A, kappa):
    """Return the relative rounding of an LU-based κ: n eps κ, with room for growth."""
    return 10 * max(A.shape) * EPS * kappa


@pytest.mark.parametrize("A", SQUARE.values(), ids=SQUARE)
def test_estimate_cond_1_is_certain_from_below_and_near(A):
    exact, found = cond_1(A), estimate_cond_1(A, rng=0)
    assert found.lower <= exact.upper
    assert exact.lower <= found.upper
    assert found.lower <= found.value <= found.upper
    noise = min(rounding(A, exact.value), 1e-3) + 100 * EPS
    # Within a factor of 3, say the authors; within rounding, never above.
    assert exact.value / 3 <= found.value <= exact.value * (1 + noise)


@pytest.mark.parametrize("A", (SQUARE | RECTANGULAR).values(), ids=SQUARE | RECTANGULAR)
def test_estimate_cond_2_is_certain_from_below_and_near(A):
    exact, found = cond_2(A), estimate_cond_2(A, rng=0)
    assert found.lower <= exact.upper
    assert exact.lower <= found.upper
    assert found.lower <= found.value <= found.upper
    noise = min(rounding(A, exact.value), 1e-3)
    assert found.value == pytest.approx(exact.value, rel=2 * PROMISE + noise)


def test_laplacian_agrees_with_its_closed_form():
    k = 120
    truth = 1 / np.tan(np.pi / (2 * (k + 1))) ** 2
    found = estimate_cond_2(laplacian(k), rng=0)
    assert found.value == pytest.approx(truth, rel=1.5e-3)
    assert found.lower <= truth * (1 + EPS)
    assert "not converged" not in found.method


@pytest.mark.parametrize("decades", [2, 4, 5])
def test_rows_in_random_units_keep_their_digits(decades):
    A = badly_scaled(decades, decades)
    exact = cond_2(A)
    found = estimate_cond_2(A, rng=1)
    assert found.lower <= exact.upper
    assert found.value == pytest.approx(exact.value, rel=2 * PROMISE)


SINGULAR = {
    "zero": sp.csr_array((3, 3)),
    "zero-1x1": sp.csr_array((1, 1)),
    "ones": sp.csr_array(np.ones((4, 4))),
    "zero-row": sp.diags_array([1.0, 0.0, 2.0]).tocsr(),
    "neumann": neumann(12),
    "rounded-dependence": sp.csr_array(np.array([[0.1, 0.3], [0.2, 0.6]]) / 3),
    "product": random_sparse(40, 12, 8) @ random_sparse(12, 40, 9),
}


@pytest.mark.parametrize("function", BOTH, ids=lambda f: f.__name__)
@pytest.mark.parametrize("A", SINGULAR.values(), ids=SINGULAR)
def test_singular_matrices_are_infinitely_ill_conditioned(function, A):
    found = function(A, rng=0)
    assert found.value == found.upper == math.inf
    assert found.lower >= 1


@pytest.mark.parametrize("shape", [(8, 5), (5, 8)])
def test_rank_deficient_rectangles_are_infinitely_ill_conditioned(shape):
    assert estimate_cond_2(sp.csr_array(np.ones(shape)), rng=0).value == math.inf


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12))
def test_lower_bounds_are_never_above_the_truth(seed, n):
    A = np.random.default_rng(seed).integers(-2, 3, (n, n)).astype(float)
    assert estimate_cond_2(A, rng=seed).lower <= cond_2(A).upper
    assert estimate_cond_1(A, rng=seed).lower <= cond_1(A).upper


@pytest.mark.parametrize("function", BOTH, ids=lambda f: f.__name__)
def test_diagonal_dominance_bounds_kappa_from_above(function):
    A = laplacian(12, 0.2) + sp.eye_array(144)
    exact = (cond_1 if function is estimate_cond_1 else cond_2)(A)
    found = function(A, rng=0)
    assert exact.lower <= found.upper < 2 * exact.value


@pytest.mark.parametrize("function", BOTH, ids=lambda f: f.__name__)
def test_over_the_fill_limit_only_a_lower_bound_is_given(function):
    A = laplacian(20)
    exact = (cond_1 if function is estimate_cond_1 else cond_2)(A)
    found = function(A, rng=0, fill_limit=1000)
    assert found.value == found.lower <= exact.upper
    assert exact.lower <= found.upper
    assert "no LU" in found.method


@pytest.mark.parametrize("A", [laplacian(12), *RECTANGULAR.values()])
def test_an_operator_gets_a_lower_bound_from_products_alone(A):
    exact, found = cond_2(A), estimate_cond_2(aslinearoperator(A), rng=0)
    assert "lower bound only" in found.method
    assert found.lower <= exact.upper
    # On so few columns the Krylov space is everything.
    assert found.value == pytest.approx(exact.value, rel=0.1)


NO_ADJOINT = {
    "transposed": (lambda v: M @ v, lambda u: M @ u),
    "of another size": (lambda v: M @ v, lambda u: 2 * (M.T @ u)),
    "of another sign": (lambda v: M @ v, lambda u: -(M.T @ u)),
    "conjugate forgotten": (lambda v: 1j * (M @ v), lambda u: 1j * (M.T @ u)),
    "not linear": (lambda v: np.abs(M @ v), lambda u: M.T @ u),
}


@pytest.mark.parametrize("pair", NO_ADJOINT.values(), ids=NO_ADJOINT)
def test_an_operator_whose_rmatvec_is_not_the_adjoint_is_refused(pair):
    A = LinearOperator((3, 3), matvec=pair[0], rmatvec=pair[1], dtype=complex)
    with pytest.raises(ValueError, match=r"rmatvec must be the adjoint of matvec"):
        estimate_cond_2(A)


@pytest.mark.parametrize("unit", [1e-3, 1e-4, 2.0**-12])
def test_an_operator_that_rounds_to_a_unit_has_no_digits_below_it(unit):
    rng, false = np.random.default_rng(0), 0
    for n in rng.integers(2, 8, 60):
        U, V = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
        A = U * np.geomspace(1, 1e-6, n) @ V
        operator = LinearOperator(
            A.shape,
            matvec=lambda v, A=A: np.round(A @ v / unit) * unit,
            rmatvec=lambda u, A=A: np.round(A.T @ u / unit) * unit,
            dtype=float,
        )
        false += estimate_cond_2(operator, rng=rng).lower > 1.001e6
    assert false == 0  # what is rounded to 0 is no null vector


@pytest.mark.parametrize("size", [1.7e308, np.inf, np.nan])
def test_an_operator_beyond_the_floats_is_refused_without_a_warning(size):
    A = aslinearoperator(sp.csr_array([[size, -size], [size, size]]))
    with pytest.raises(ValueError, match="products of the operator must be finite"):
        estimate_cond_2(A)


def test_without_a_factorisation_a_dominant_matrix_keeps_its_upper_bound():
    A = sp.diags_array([np.full(99, -1.0), np.full(100, 3.0)], offsets=[1, 0]).tocsr()
    found, exact = estimate_cond_2(A, fill_limit=0), cond_2(A)  # 2 / 1.5 at most
    assert exact.lower <= found.upper <= 2 + 1e-9
    assert found.value == found.lower <= exact.upper
    assert "no LU: the value is the lower bound" in found.method


def test_an_operator_with_a_null_vector_is_singular():
    A = aslinearoperator(np.diag([1.0, 2.0, 0.0]))
    assert estimate_cond_2(A, rng=0).value == math.inf


@pytest.mark.parametrize("function", BOTH, ids=lambda f: f.__name__)
def test_the_seed_decides_and_global_state_is_left_alone(function):
    A = random_sparse(50, 50, 10)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert function(A, rng=3) == function(A, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("function", BOTH, ids=lambda f: f.__name__)
def test_containers_and_the_argument(function):
    A = laplacian(6, 0.1)
    data = A.data.copy()
    expected = function(A, rng=0)
    for container in (A.tocsc(), A.tocoo(), sp.csr_matrix(A), A.toarray()):
        assert function(container, rng=0).value == pytest.approx(expected.value)
    np.testing.assert_array_equal(A.data, data)


@pytest.mark.parametrize("function", BOTH, ids=lambda f: f.__name__)
def test_bad_input_gets_one_clear_sentence(function):
    with pytest.raises(ValueError, match=r"at least one row .* \(0, 3\)"):
        function(sp.csr_array((0, 3)))
    with pytest.raises(ValueError, match=r"nan at index \(1, 1\)"):
        function(sp.diags_array([1.0, np.nan]))
    with pytest.raises(ValueError, match=r"square matrix, got .* \(2, 3\)"):
        estimate_cond_1(sp.csr_array(np.ones((2, 3))))
    with pytest.raises(ValueError, match="num_matvecs must be at least 1"):
        estimate_cond_2(laplacian(3), num_matvecs=0)
    with pytest.raises(ValueError, match="block_size must be at least 1"):
        estimate_cond_1(laplacian(3), block_size=0)
