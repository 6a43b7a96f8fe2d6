"""Norms of rows and columns against NumPy on safe input and mpmath on the rest."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from containers import CONTAINERS, dense
from numpy.testing import assert_allclose

from condlab.norms import column_norms, row_norms
from tests.optional import given, hnp, mpmath, st, torch

EPS = np.finfo(float).eps
NORMS = [1, 2, "inf"]
CONTAINER = pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
matrices = hnp.arrays(
    float,
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    elements=st.floats(-1e300, 1e300),  # no norm of five leaves the range
)


def exact_norm(line, p):
    size = [abs(mpmath.mpf(float(x))) for x in line]
    if p == "inf":
        return max(size)
    return sum(size) if p == 1 else mpmath.sqrt(mpmath.fsum(x * x for x in size))


def tolerance(count):
    """Relative error of a sum of `count` rounded squares, its root and its rescaling.

    Higham 2002, Lemma 3.1: gamma_(count + 4), with room for a factor of two.
    """
    return 2 * (count + 4) * EPS


@pytest.mark.parametrize("p", NORMS)
@given(A=matrices)
def test_norms_are_those_of_exact_arithmetic(p, A):
    for norms, lines in ((row_norms, A), (column_norms, A.T)):
        with mpmath.workdps(60):
            expected = [float(exact_norm(line, p)) for line in lines]
        for name, container in CONTAINERS.items():
            found = dense(norms(container(A), p=p))
            rtol = tolerance(lines.shape[1])
            assert_allclose(found, expected, rtol=rtol, atol=4e-323, err_msg=name)


@pytest.mark.parametrize("p", NORMS)
@CONTAINER
def test_norms_of_huge_and_tiny_rows_neither_overflow_nor_vanish(container, p):
    A = np.array([[3e200, 4e200], [3e-200, 4e-200], [3.0, 4.0], [0.0, 0.0]])
    unit = {1: 7, 2: 5, "inf": 4}[p]
    expected = unit * np.array([1e200, 1e-200, 1, 0])
    assert_allclose(dense(row_norms(container(A), p=p)), expected, rtol=8 * EPS)
    assert_allclose(dense(column_norms(container(A.T), p=p)), expected, rtol=8 * EPS)


def test_norm_beyond_the_range_is_inf():
    assert row_norms(np.full((1, 4), 1.5e308), p=1)[0] == math.inf


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
def test_norms_keep_single_precision_and_take_complex_entries(dtype, p):
    A = np.array([[3, 4], [0, 1e-30]], dtype=dtype)
    if np.iscomplexobj(A):
        A = A * np.complex64(1j)
    order = np.inf if p == "inf" else p
    expected = np.linalg.norm(A.astype(complex), ord=order, axis=1)
    norms = row_norms(A, p=p)
    assert norms.dtype == A.real.dtype
    assert_allclose(norms, expected, rtol=8 * np.finfo(dtype).eps)
    assert_allclose(row_norms(sp.csr_array(A), p=p), norms, rtol=8e-7)
    assert_allclose(dense(row_norms(torch.tensor(A), p=p)), norms, rtol=8e-7)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64])
def test_integers_and_booleans_become_double_precision(dtype):
    A = np.array([[1, 0], [1, 1]], dtype=dtype)
    assert row_norms(A).dtype == np.float64
    assert_allclose(row_norms(A), [1, math.sqrt(2)])


@CONTAINER
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (1, 1), (1, 4), (4, 1)])
def test_empty_and_one_line_matrices_have_norms(container, shape):
    A = np.ones(shape)
    for p in NORMS:
        rows, columns = (f(container(A), p=p) for f in (row_norms, column_norms))
        assert dense(rows).shape == shape[:1]
        assert dense(columns).shape == shape[1:]
        if 0 in shape:
            assert not dense(rows).any()
            assert not dense(columns).any()


@CONTAINER
def test_non_finite_entry_is_named_by_its_index(container):
    for bad in (math.nan, math.inf):
        A = np.ones((3, 2))
        A[2, 1] = bad
        with pytest.raises(ValueError, match=rf"got .*{bad}.* at index \(2, 1\)"):
            row_norms(container(A))


def test_duplicate_entries_of_a_sparse_matrix_are_summed_first_on_a_copy():
    A = sp.coo_array(([3.0, -3.0, 2.0], ([0, 0, 1], [0, 0, 1])), shape=(2, 2))
    assert_allclose(row_norms(A), [0, 2])
    assert A.nnz == 3


def test_other_input_is_refused_by_name():
    with pytest.raises(ValueError, match=r"2-D.*got shape \(3,\)"):
        row_norms([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="p must be 1, 2"):
        row_norms(np.eye(2), p=3)
    with pytest.raises(TypeError, match="real or complex"):
        row_norms(np.array([["a"]]))
