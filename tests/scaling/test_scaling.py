"""Scalings against LAPACK, closed forms and their defining identities."""

import numpy as np
import pytest
import scipy.sparse as sp
from containers import CONTAINERS, dense
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import lapack

from condlab.errors import NotPositiveDefiniteError, SingularMatrixError
from condlab.norms import column_norms, row_norms
from condlab.scaling import (
    column_scaling,
    jacobi_scaling,
    row_column_scaling,
    row_scaling,
    ruiz_scaling,
)
from condlab.types import Scaling
from tests.optional import given, hnp, st, torch

EPS = np.finfo(float).eps
NORMS = [1, 2, "inf"]
CONTAINER = pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
ONE_PASS = [row_scaling, column_scaling, row_column_scaling]
numbers = st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) > 1e-100)
matrices = hnp.arrays(
    float, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=numbers
)
full = hnp.arrays(
    float,
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    elements=st.floats(0.001, 1000).map(lambda x: x - 500.0005).filter(bool),
)


@pytest.mark.parametrize("p", NORMS)
@given(A=matrices)
def test_equilibrated_lines_have_unit_norms_or_are_zero(p, A):
    # One norm of at most 5 entries, one division, one product and the norm again.
    tolerance = 24 * EPS
    B = row_scaling(A, p=p).apply(A)
    assert_allclose(row_norms(B, p=p), A.any(axis=1), rtol=tolerance)
    B = column_scaling(A, p=p).apply(A)
    assert_allclose(column_norms(B, p=p), A.any(axis=0), rtol=tolerance)


@pytest.mark.parametrize("p", NORMS)
@given(A=matrices)
def test_row_scaling_ignores_row_units(p, A):
    units = 2.0 ** np.linspace(-500, 500, len(A)).round()
    B = units[:, None] * A
    assert_allclose(
        row_scaling(B, p=p).apply(B), row_scaling(A, p=p).apply(A), rtol=24 * EPS
    )


@pytest.mark.parametrize("p", NORMS)
@given(A=matrices)
def test_column_scaling_is_row_scaling_of_the_transpose(p, A):
    units = 2.0 ** np.linspace(500, -500, A.shape[1]).round()
    for B in (A, A * units):
        assert_allclose(
            column_scaling(B, p=p).apply(B),
            row_scaling(B.T, p=p).apply(B.T).T,
            rtol=24 * EPS,
        )


@given(A=full)
def test_row_column_scaling_in_the_inf_norm_is_lapack_geequ(A):
    rows, columns, *_ = lapack.dgeequ(A)
    scaling = row_column_scaling(A, p="inf")
    assert_allclose(scaling.left, rows, rtol=4 * EPS)
    assert_allclose(scaling.right, columns, rtol=4 * EPS)


@given(A=full)
def test_powers_of_two_are_within_a_factor_two_of_lapack_geequb(A):
    rows, *_ = lapack.dgeequb(A)
    ratio = row_scaling(A, p="inf", rounding="power-of-two").left / rows
    assert set(ratio) <= {0.5, 1.0, 2.0}


@pytest.mark.parametrize("scaling", ONE_PASS)
@given(A=matrices)
def test_power_of_two_scaling_is_exact_and_leaves_norms_near_one(scaling, A):
    rounded = scaling(A, rounding="power-of-two")
    B = rounded.apply(A)
    for multipliers in (rounded.left, rounded.right):
        if multipliers is not None:
            assert_array_equal(np.frexp(multipliers)[0], 0.5)
    left = 1 if rounded.left is None else rounded.left[:, None]
    right = 1 if rounded.right is None else rounded.right
    assert_array_equal(B / left / right, A)
    norms = row_norms(B) if scaling is row_scaling else column_norms(B)
    norms = norms[norms > 0]
    assert (np.abs(np.log2(norms)) <= 0.5 + 8 * EPS).all()


@pytest.mark.parametrize("scaling", [*ONE_PASS, ruiz_scaling])
@pytest.mark.parametrize("p", NORMS)
@given(A=matrices)
def test_every_container_gets_the_same_numbers_and_itself_back(scaling, p, A):
    expected = scaling(A, p=p).apply(A)
    for name, container in CONTAINERS.items():
        B = container(A)
        found = scaling(B, p=p).apply(B)
        assert type(found) is type(B)
        assert_allclose(dense(found), expected, rtol=1e-13, err_msg=name)
        assert_array_equal(dense(B), A)  # the argument is as it was


@given(A=matrices)
def test_ruiz_scaling_reaches_unit_inf_norms_of_every_nonzero_line(A):
    B = ruiz_scaling(A, tol=1e-8).apply(A)
    assert_allclose(row_norms(B, p="inf"), A.any(axis=1), rtol=1e-8)
    assert_allclose(column_norms(B, p="inf"), A.any(axis=0), rtol=1e-8)


def test_ruiz_scaling_halves_the_distance_with_every_sweep():
    A = np.array([[1.0, 1e8], [1e-8, 1e3]])
    distances = []
    for sweeps in (6, 7, 8, 9):
        B = ruiz_scaling(A, tol=0, max_sweeps=sweeps).apply(A)
        norms = np.concatenate([row_norms(B, p="inf"), column_norms(B, p="inf")])
        distances.append(np.abs(np.log(norms)).max())
    ratios = np.divide(distances[1:], distances[:-1])
    # log norms halve exactly once the largest entries stay where they are
    assert_allclose(ratios, 0.5, rtol=1e-10)


def test_ruiz_scaling_in_the_2_norm_makes_a_positive_matrix_doubly_unit():
    A = np.array([[1.0, 2.0], [3.0, 4.0]]) ** 8
    B = ruiz_scaling(A, p=2, max_sweeps=500).apply(A)
    assert_allclose(row_norms(B), 1, rtol=1e-8)
    assert_allclose(column_norms(B), 1, rtol=1e-8)


@pytest.mark.parametrize("multiple", [1e-200, 1e-308, 1e200, 1e307])
@pytest.mark.parametrize("scaling", [*ONE_PASS, ruiz_scaling])
def test_scalings_have_no_absolute_threshold(scaling, multiple):
    A = np.array([[1.0, 2.0], [4.0, -8.0]])
    assert_allclose(
        scaling(A * multiple).apply(A * multiple), scaling(A).apply(A), rtol=1e-14
    )


def test_reciprocal_of_a_subnormal_norm_stays_finite():
    scaling = row_scaling(np.array([[5e-324, 0.0]]))
    assert np.isfinite(scaling.left).all()


@CONTAINER
def test_zero_line_is_left_alone_unless_strict(container):
    A = np.array([[0.0, 0.0], [0.0, 2.0]])
    for scaling in ONE_PASS:
        assert_array_equal(dense(scaling(container(A)).apply(container(A))), A > 0)
        with pytest.raises(SingularMatrixError, match=r"zeros only in \w+ 0"):
            scaling(container(A), strict=True)


@CONTAINER
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (1, 1), (1, 4), (4, 1)])
def test_empty_and_one_line_matrices_are_scaled(container, shape):
    A = container(np.full(shape, 4.0))
    for scaling in [*ONE_PASS, ruiz_scaling]:
        assert dense(scaling(A).apply(A)).shape == shape


@CONTAINER
def test_jacobi_scaling_gives_a_unit_diagonal(container):
    A = np.array([[4.0, 2.0, 0.0], [2.0, 9.0, 1e-200], [0.0, 1e-200, 1e-300]])
    B = dense(jacobi_scaling(container(A)).apply(container(A)))
    assert_allclose(np.diag(B), 1, rtol=4 * EPS)
    assert_allclose(B, B.T, rtol=4 * EPS)
    C = dense(jacobi_scaling(container(-A), symmetric=False).apply(container(-A)))
    assert_allclose(C, A / np.diag(A)[:, None], rtol=4 * EPS)


@CONTAINER
def test_jacobi_scaling_says_which_diagonal_entry_stops_it(container):
    A = np.diag([1.0, -2.0, 0.0])
    with pytest.raises(NotPositiveDefiniteError, match=r"-2\.0 at index 1"):
        jacobi_scaling(container(A))
    with pytest.raises(SingularMatrixError, match=r"0\.0 at index 2"):
        jacobi_scaling(container(A), symmetric=False)
    with pytest.raises(ValueError, match=r"square matrix, got shape \(2, 3\)"):
        jacobi_scaling(container(np.ones((2, 3))))


def test_jacobi_scaling_refuses_complex_entries_by_name():
    with pytest.raises(ValueError, match="real matrix, got dtype complex128"):
        jacobi_scaling(np.eye(2) * 1j)


def test_unknown_rounding_is_refused():
    with pytest.raises(ValueError, match="power-of-two"):
        row_scaling(np.eye(2), rounding="nearest")


def test_composition_applies_one_scaling_after_the_other():
    A = np.arange(1.0, 7.0).reshape(2, 3)
    first, second = row_scaling(A), ruiz_scaling(A)
    both = second.compose(first)
    assert_allclose(both.apply(A), second.apply(first.apply(A)), rtol=4 * EPS)
    assert Scaling().compose(first).left is first.left


@pytest.mark.parametrize("format", ["lil", "dok", "bsr", "dia"])
def test_other_sparse_formats_come_back_in_their_own(format):
    A = sp.csr_array(np.array([[2.0, 0.0], [4.0, 4.0]])).asformat(format)
    B = row_scaling(A, p=1).apply(A)
    assert B.format == format
    assert_allclose(B.toarray(), [[1, 0], [0.5, 0.5]])


TRACED = [
    *(lambda A, s=s, p=p: s(A, p=p).apply(A) for s in ONE_PASS for p in (1, 2)),
    lambda A: ruiz_scaling(A, p=2, max_sweeps=3).apply(A),
    lambda A: jacobi_scaling(A + 4 * torch.eye(3, dtype=A.dtype)).apply(A),
]


@pytest.mark.parametrize("scale", TRACED)
def test_torch_derivatives_are_right_and_finite_with_zero_rows(scale):
    A = torch.tensor([[3.0, -1.0, 2.0], [0.5, 4.0, 1.0], [1.0, 1.0, 7.0]]).double()
    assert torch.autograd.gradcheck(scale, A.requires_grad_())
    Z = torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0], [1.0, 0.0, 2.0]]).double()
    jacobian = torch.func.jacrev(scale)(Z)
    assert torch.isfinite(jacobian).all()
    forward = torch.func.jacfwd(scale)(Z)
    torch.testing.assert_close(jacobian, forward)
    assert torch.isfinite(torch.func.hessian(lambda A: scale(A).sum())(Z)).all()
    batch = torch.stack([A.detach(), Z])
    each = torch.stack([scale(A.detach()), scale(Z)])
    torch.testing.assert_close(torch.func.vmap(scale)(batch), each)


FORMATS = [np.asarray, sp.csr_array, sp.csc_array, sp.coo_array]


@pytest.mark.parametrize("container", FORMATS)
@pytest.mark.parametrize("kind", ["full", "wide range", "ties", "few", "single"])
def test_sweeps_over_the_leading_entries_are_sweeps_over_all(container, kind):
    rng = np.random.default_rng(3)
    A = rng.standard_normal((30, 24))
    if kind == "wide range":
        A *= 10.0 ** rng.uniform(-8, 8, A.shape)
    elif kind == "ties":
        A = 2.0 ** rng.integers(-3, 4, A.shape)
    elif kind == "few":
        A *= rng.random(A.shape) < 0.1
    elif kind == "single":
        A = A.astype(np.float32)
    eps = np.finfo(A.dtype).eps
    left, right = np.ones(30), np.ones(24)
    for sweeps in range(1, 30):
        B = np.abs(A) * left[:, None] * right
        rows, columns = B.max(axis=1), B.max(axis=0)
        left = left / np.sqrt(np.where(rows == 0, 1, rows))
        right = right / np.sqrt(np.where(columns == 0, 1, columns))
        found = ruiz_scaling(container(A), tol=0, max_sweeps=sweeps)
        # each sweep rounds a handful of times
        assert_allclose(found.left, left, rtol=8 * sweeps * eps)
        assert_allclose(found.right, right, rtol=8 * sweeps * eps)


@pytest.mark.parametrize("container", FORMATS)
@pytest.mark.parametrize("seed", range(3))
def test_entries_that_single_precision_lifts_to_the_top_are_not_left_out(
    container, seed
):
    # All entries are the largest of their lines in the end, but for a few roundings.
    rng = np.random.default_rng(seed)
    rows, columns = np.exp(5 * rng.standard_normal((2, 20)))
    eps = np.finfo(np.float32).eps
    A = rows[:, None] * columns * (1 + eps * rng.integers(-9, 10, (20, 20)))
    A[:, 8:] *= rng.random((20, 12)) < 0.05  # few, so that a dense matrix is left
    A = A.astype(np.float32)
    left, right = np.ones((2, 20), np.float32)
    for sweeps in range(1, 61):
        B = A * left[:, None] * right
        rows, columns = B.max(axis=1), B.max(axis=0)
        left = left / np.sqrt(rows)
        right = right / np.sqrt(np.where(columns == 0, 1, columns))
        if sweeps in (2, 5, 12, 60):
            found = ruiz_scaling(container(A), tol=0, max_sweeps=sweeps)
            assert_allclose(found.left, left, rtol=8 * sweeps * eps)
            assert_allclose(found.right, right, rtol=8 * sweeps * eps)
