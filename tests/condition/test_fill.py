"""What a factorisation of an estimate fills in, counted before it is made."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import cholesky
from scipy.sparse.linalg import splu

from condlab.condition._fill import _elimination_tree, _symbolic_count, fits
from condlab.condition._sparse_lu import factorise, inverse_operator
from condlab.errors import SingularMatrixError
from tests.condition.sparse_matrices import (
    EPS,
    RECTANGULAR,
    laplacian,
    random_sparse,
)
from tests.optional import given, st


@pytest.mark.parametrize("A", RECTANGULAR.values(), ids=RECTANGULAR)
def test_inverse_operator_is_the_pseudo_inverse(A):
    A = A if A.shape[0] >= A.shape[1] else A.T.tocsr()
    X, _ = inverse_operator(A, math.inf)
    expected = np.linalg.pinv(A.toarray())
    kappa = np.linalg.cond(A.toarray())
    # The augmented system is solved with a condition number of about 2^26 or κ² 2^-26.
    atol = max(2.0**26, kappa**2 / 2.0**26) * A.shape[0] * EPS * np.abs(expected).max()
    np.testing.assert_allclose(columns(X, A.shape[0]), expected, atol=atol)
    adjoint = columns(X.H, A.shape[1])
    np.testing.assert_allclose(adjoint, expected.conj().T, atol=atol)


def columns(X, n):
    return np.column_stack([X.matvec(e) for e in np.eye(n)])


def test_equilibration_keeps_the_fill_of_the_unscaled_matrix():
    A = laplacian(40)
    B = sp.diags_array(10.0 ** np.random.default_rng(11).uniform(-4, 4, 1600)) @ A
    assert factorise(B, math.inf).lu.nnz <= 1.1 * factorise(A, math.inf).lu.nnz
    assert (
        factorise(A, math.inf).lu.nnz <= splu(A.tocsc()).nnz
    )  # COLAMD, SciPy's default


def test_structural_singularity_is_said():
    with pytest.raises(SingularMatrixError, match="exactly singular"):
        factorise(sp.diags_array([1.0, 0.0]), math.inf)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 25))
@pytest.mark.parametrize("permc_spec", ["COLAMD", "MMD_AT_PLUS_A"])
def test_symbolic_count_is_that_of_a_dense_cholesky(permc_spec, seed, n):
    rng = np.random.default_rng(seed)
    S = sp.random_array((n, n), density=rng.uniform(0, 0.3), rng=rng)
    S = abs(S) + abs(S).T
    S = sp.csr_array(S - sp.diags_array(S.diagonal()))
    S.eliminate_zeros()
    order = ordering(S, permc_spec)
    M = S.toarray() + np.diag(S.toarray().sum(axis=1) + 1)
    L = cholesky(M[np.ix_(order, order)], lower=True)
    # Fill of random positive numbers never cancels, only truly absent entries are 0.
    assert _symbolic_count(S, permc_spec) == n + 2 * np.count_nonzero(np.tril(L, -1))


def ordering(S, permc_spec):
    degree = np.diff(S.indptr) + 1.0
    lu = splu((S + sp.diags_array(degree)).tocsc(), permc_spec=permc_spec)
    return np.argsort(lu.perm_c)


def test_elimination_tree_of_an_arrow_is_a_path_or_a_star():
    assert _elimination_tree(np.array([3, 3, 3]), np.array([0, 1, 2]), 4) == [
        3,
        3,
        3,
        4,
    ]
    assert _elimination_tree(np.array([1, 2, 3]), np.zeros(3, int), 4) == [1, 2, 3, 4]


def test_row_exchanges_stay_within_the_fill_of_the_normal_equations():
    A = random_sparse(400, 400, 13)
    actual = splu(A.tocsc()).nnz
    assert not fits(A, actual, row_exchanges=True)
    assert fits(laplacian(20), 400**2 / 4, row_exchanges=True)


@pytest.mark.parametrize("k", [20, 70])
def test_a_mesh_fits_where_its_factors_do_and_one_entry_less_does_not(k):
    A, order = laplacian(k), "MMD_AT_PLUS_A"
    actual = _symbolic_count(sp.csr_array(abs(A) - 4 * sp.eye_array(k * k)), order)
    assert fits(A, actual)
    assert not fits(A, actual - 1)
    stored = factorise(A, np.inf).lu.nnz  # SuperLU's supernodes hold some zeros
    assert actual <= stored <= 1.1 * actual


def test_fill_guard_refuses_a_random_graph_and_admits_a_tree():
    n, rng = 3000, np.random.default_rng(12)
    edges = rng.integers(0, n, (2, 3 * n))
    graph = sp.coo_array((np.ones(3 * n), tuple(edges)), shape=(n, n))
    assert not fits(graph, n * n / 20)
    parents = (rng.random(n - 1) * np.arange(1, n)).astype(int)
    tree = sp.coo_array((np.ones(n - 1), (np.arange(1, n), parents)), shape=(n, n))
    assert fits(tree, 4 * n)
