"""Lanczos and Golub-Kahan: the defining identities, known spectra, every breakdown."""

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from condlab.lanczos import golub_kahan, lanczos, ritz_pairs, singular_triplets
from tests.optional import given, st

EPS = np.finfo(float).eps


def hermitian(spectrum, seed=0, *, is_complex=False):
    n = len(spectrum)
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((n, n)) + 1j * is_complex * rng.standard_normal((n, n))
    Q = np.linalg.qr(G if is_complex else G.real)[0]
    A = Q * np.asarray(spectrum) @ Q.conj().T
    return (A + A.conj().T) / 2


def tolerance(A):
    """Return n eps ‖A‖ with the constant of two Gram-Schmidt passes."""
    return 10 * max(A.shape) * EPS * max(np.linalg.norm(A, 2), np.finfo(float).tiny)


SYMMETRIC = {
    "identity": np.eye(6),
    "zero": np.zeros((5, 5)),
    "one": np.array([[7.0]]),
    "zero-1x1": np.zeros((1, 1)),
    "rank-one": 6 * np.outer(np.ones(4), np.ones(4)) / 4,
    "repeated": hermitian([1, 1, 1, 2, 2, 5]),
    "indefinite": hermitian(np.linspace(-3, 4, 12)),
    "ill-conditioned": hermitian(np.geomspace(1, 1e-15, 20)),
    "huge": 1e300 * hermitian([1, 2, 3.0]),
    "tiny": 1e-300 * hermitian([1, 2, 3.0]),
    "complex": hermitian(np.linspace(-1, 2, 9), is_complex=True),
    "hilbert": sl.hilbert(15),
    "nilpotent-squared": np.diag([1.0, 1e-200]),
}
RECTANGULAR = {
    "tall": np.random.default_rng(1).standard_normal((9, 4)),
    "wide": np.random.default_rng(2).standard_normal((4, 9)),
    "row": np.arange(1.0, 5.0)[None, :],
    "column": np.arange(1.0, 5.0)[:, None],
    "rank-two": np.outer(np.ones(7), np.arange(5.0)) + np.eye(7, 5, k=1)[:, :1],
    "jordan-zero": np.eye(4, k=1),
    "complex-tall": hermitian(np.arange(1.0, 8.0), is_complex=True)[:, :3],
}


@pytest.mark.parametrize("steps", [1, 3, 50])
@pytest.mark.parametrize("A", SYMMETRIC.values(), ids=SYMMETRIC)
def test_lanczos_satisfies_its_recurrence(A, steps):
    T = lanczos(A, np.random.default_rng(3).standard_normal(len(A)), steps)
    Q, k = T.basis, len(T.alpha)
    assert 1 <= k <= min(steps, len(A))
    assert np.abs(Q.conj().T @ Q - np.eye(k)).max() <= 10 * len(A) * EPS
    rest = T.coupling * np.outer(T.next, np.eye(k)[-1])
    assert np.abs(A @ Q - Q @ T.matrix - rest).max() <= tolerance(A)
    assert T.invariant == (T.coupling == 0)
    if not T.invariant:
        assert k == steps
        assert np.abs(Q.conj().T @ T.next).max() <= 10 * len(A) * EPS


@pytest.mark.parametrize("A", SYMMETRIC.values(), ids=SYMMETRIC)
def test_every_residual_interval_holds_an_eigenvalue(A):
    start = np.random.default_rng(4).standard_normal(len(A))
    for steps in (1, 2, 5, 50):
        pairs = ritz_pairs(A, lanczos(A, start, steps))
        distance = np.abs(pairs.values[:, None] - np.linalg.eigvalsh(A)).min(axis=1)
        assert (distance <= pairs.residuals + tolerance(A)).all()


@pytest.mark.parametrize(
    ("name", "steps"),
    [("identity", 1), ("zero", 1), ("one", 1), ("rank-one", 2), ("repeated", 3)],
)
def test_lanczos_stops_at_the_number_of_distinct_eigenvalues(name, steps):
    A = SYMMETRIC[name]
    T = lanczos(A, np.random.default_rng(5).standard_normal(len(A)), 50)
    assert T.invariant
    assert len(T.alpha) == steps
    distinct = np.unique(np.linalg.eigvalsh(A).round(9))
    np.testing.assert_allclose(
        np.linalg.eigvalsh(T.matrix), distinct, atol=tolerance(A)
    )


def test_lanczos_finds_the_whole_spectrum_of_a_distinct_one():
    spectrum = np.concatenate([-np.geomspace(1, 1e-9, 10), np.geomspace(1, 1e-9, 10)])
    A = hermitian(spectrum)
    values = ritz_pairs(A, lanczos(A, np.ones(20), 20)).values
    np.testing.assert_allclose(values, np.sort(spectrum), atol=tolerance(A))


def test_recomputed_residuals_see_what_the_recurrence_does_not():
    """In float32 products the recurrence claims far less than the truth."""
    A = hermitian(np.linspace(1, 2, 40))

    def product(x):
        return (A.astype(np.float32) @ x.astype(np.float32)).astype(float)

    T = lanczos(product, np.ones(40), 40)
    pairs = ritz_pairs(lambda x: A @ x, T)
    claimed = T.coupling * np.abs(np.linalg.eigh(T.matrix)[1][-1])
    assert (pairs.residuals > 1e3 * claimed).any()
    distance = np.abs(pairs.values[:, None] - np.linalg.eigvalsh(A)).min(axis=1)
    assert (distance <= pairs.residuals + tolerance(A)).all()


@given(
    diagonal=st.lists(st.integers(-3, 3), min_size=1, max_size=8),
    seed=st.integers(0, 2**32 - 1),
)
def test_diagonal_integers_never_give_nan_or_a_false_eigenvalue(diagonal, seed):
    A = np.diag(np.array(diagonal, dtype=float))
    start = np.random.default_rng(seed).standard_normal(len(A))
    T = lanczos(A, start, 20)
    assert T.invariant
    values = np.linalg.eigvalsh(T.matrix)
    weights = np.abs(start) / np.linalg.norm(start)
    # A direction that the start almost lacks is found to eps over that component.
    atol = tolerance(np.eye(8)) * 3 / weights.min()
    # Rounding may bring a second vector of a multiple eigenvalue, never a ghost.
    found, times = np.unique(values.round(6), return_counts=True)
    np.testing.assert_allclose(found, np.unique(diagonal), atol=max(atol, 1e-6))
    assert all(t <= diagonal.count(x) for x, t in zip(found, times, strict=True))
    np.testing.assert_allclose(values, values.round(6), atol=atol)


@pytest.mark.parametrize("steps", [1, 3, 50])
@pytest.mark.parametrize(
    "A", (SYMMETRIC | RECTANGULAR).values(), ids=SYMMETRIC | RECTANGULAR
)
def test_golub_kahan_satisfies_its_two_recurrences(A, steps):
    G = golub_kahan(A, np.random.default_rng(6).standard_normal(A.shape[1]), steps)
    U, V, B = G.left, G.right, G.matrix
    j, k = B.shape
    assert (U.shape[1], V.shape[1]) == (j, k)
    assert k - 1 <= j <= k <= min(steps, A.shape[1])
    for X in (U, V):
        defect = X.conj().T @ X - np.eye(X.shape[1])
        assert np.abs(defect).max(initial=0) <= 10 * max(A.shape) * EPS
    assert np.abs(A @ V - U @ B).max(initial=0) <= tolerance(A)
    rest = G.coupling * np.outer(G.next, np.eye(j)[-1]) if j else 0
    adjoint = A.conj().T @ U - V @ B.T - rest
    assert np.abs(adjoint).max(initial=0) <= tolerance(A)
    assert G.invariant == (G.coupling == 0)


@pytest.mark.parametrize(
    "A", (SYMMETRIC | RECTANGULAR).values(), ids=SYMMETRIC | RECTANGULAR
)
def test_every_residual_interval_holds_a_singular_value_or_zero(A):
    start = np.random.default_rng(7).standard_normal(A.shape[1])
    sigma = np.append(np.linalg.svd(A, compute_uv=False), 0.0)
    for steps in (1, 2, 50):
        triplets = singular_triplets(A, golub_kahan(A, start, steps))
        distance = np.abs(triplets.values[:, None] - sigma).min(axis=1)
        assert (distance <= triplets.residuals + tolerance(A)).all()


def test_golub_kahan_of_a_full_run_gives_all_singular_values():
    A = np.random.default_rng(8).standard_normal((12, 7)) * np.geomspace(1, 1e-8, 7)
    triplets = singular_triplets(A, golub_kahan(A, np.ones(7), 7))
    expected = np.linalg.svd(A, compute_uv=False)
    np.testing.assert_allclose(triplets.values, expected, atol=tolerance(A))


def test_every_kind_of_operator_gives_the_same_run():
    A = hermitian(np.arange(1.0, 9.0))
    start = np.ones(8)
    expected = lanczos(A, start, 4)
    for operator in (sp.csr_array(A), aslinearoperator(A), lambda x: A @ x):
        T = lanczos(operator, start, 4)
        np.testing.assert_allclose(T.matrix, expected.matrix, atol=tolerance(A))
    expected = golub_kahan(A, start, 4)
    for operator in (sp.csc_array(A), aslinearoperator(A)):
        G = golub_kahan(operator, start, 4)
        np.testing.assert_allclose(G.matrix, expected.matrix, atol=tolerance(A))


def test_the_start_is_left_alone_and_its_length_does_not_matter():
    A, start = hermitian([1.0, 2.0, 3.0]), np.array([1e-200, 2e-200, 3e-200])
    copy = start.copy()
    T = lanczos(A, start, 2)
    np.testing.assert_array_equal(start, copy)
    np.testing.assert_allclose(T.matrix, lanczos(A, 1e200 * start, 2).matrix)


@pytest.mark.parametrize("function", [lanczos, golub_kahan])
def test_bad_arguments_get_one_clear_sentence(function):
    with pytest.raises(ValueError, match="not zero, got norm 0"):
        function(np.eye(2), np.zeros(2), 2)
    with pytest.raises(ValueError, match="not zero, got norm nan"):
        function(np.eye(2), np.array([1.0, np.nan]), 2)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        function(np.eye(2), np.ones(2), 0)


def test_a_matrix_that_maps_the_start_to_zero_ends_at_once():
    A = LinearOperator((3, 2), matvec=lambda x: np.zeros(3), rmatvec=lambda y: y[:2])
    G = golub_kahan(A, np.ones(2), 5)
    assert G.invariant
    assert G.matrix.shape == (0, 1)
    assert len(singular_triplets(A, G).values) == 0
