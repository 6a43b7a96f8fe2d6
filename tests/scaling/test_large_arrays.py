"""Matrices that are worked through in pieces, against one line or entry at a time."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from condlab import Scaling, norms, ruiz_scaling
from condlab._arrays import TOGETHER
from condlab.equilibration import leaders, reciprocals

EPS = np.finfo(float).eps
ROWS, COLUMNS = 20_000, 15_000
FORMATS = ["csr", "csc", "coo"]


def matrix(kind):
    """Return more entries than a piece holds, and lines of none at all."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, norms.SHORT + 1, ROWS)
    lengths[5_000:9_000] = 0
    rows = np.repeat(np.arange(ROWS), lengths)
    columns = rng.integers(10, COLUMNS, len(rows))
    data = rng.standard_normal(len(rows))
    if kind == "tiny lines":
        data[rows % 7 == 0] *= 1e-170
    elif kind == "huge line":
        data[rows == rows[-1]] *= 1e170
    elif kind == "stored zeros":
        data[rows % 5 == 0] = 0
    elif kind == "long line":
        rows, columns = np.r_[rows, np.full(500, 17)], np.r_[columns, 20:520]
        data = np.r_[data, rng.standard_normal(500)]
    A = sp.coo_array((data, (rows, columns)), shape=(ROWS, COLUMNS)).tocsr()
    assert A.nnz > norms.ENTRIES > leaders.PIECE
    return A.astype(np.float32) if kind == "single" else A


def one_by_one(A, axis):
    """Return the norms of lines by math.hypot, which is right to a rounding."""
    A = A.tocsr() if axis == 1 else A.tocsc()
    ends = zip(A.indptr[:-1], A.indptr[1:], strict=True)
    return np.array([math.hypot(*map(float, A.data[i:j])) for i, j in ends])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "kind",
    ["middle", "tiny lines", "huge line", "stored zeros", "long line", "single"],
)
def test_norms_of_lines_short_long_and_empty_are_those_of_each_line_alone(kind, form):
    A = matrix(kind)
    eps = float(np.finfo(A.dtype).eps)
    for axis, measure in ((1, norms.row_norms), (0, norms.column_norms)):
        terms = np.diff((A.tocsr() if axis == 1 else A.tocsc()).indptr).max()
        found = measure(A.asformat(form))
        assert found.dtype == A.dtype
        # Higham 2002, Lemma 3.1, for a sum of squares, its root and a rescaling
        assert_allclose(found, one_by_one(A, axis), rtol=(terms + 4) * eps)


@pytest.mark.parametrize("form", FORMATS)
def test_an_entry_that_is_not_finite_is_found_in_any_piece(form):
    A = matrix("middle")
    A.data[-1] = np.nan
    i, j = A.tocoo().coords[0][-1], A.tocoo().coords[1][-1]
    for measure in (norms.row_norms, norms.column_norms):
        with pytest.raises(ValueError, match=rf"got nan at index \({i}, {j}\)"):
            measure(A.asformat(form))


@pytest.mark.parametrize("form", FORMATS)
def test_every_entry_is_multiplied_by_the_factor_of_its_own_line(form):
    A, rng = matrix("middle"), np.random.default_rng(1)
    left, right = rng.uniform(0.5, 2, ROWS), rng.uniform(0.5, 2, COLUMNS)
    B = A.asformat(form)
    i, j = B.tocoo().coords
    assert_array_equal(Scaling(left=left).apply(B).data, B.data * left[i])
    assert_array_equal(Scaling(right=right).apply(B).data, B.data * right[j])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("shape", [(100_001, 7), (900, 601), (40, TOGETHER // 4 + 1)])
def test_columns_of_a_large_dense_matrix_are_multiplied_one_like_another(shape, dtype):
    rng = np.random.default_rng(2)
    A = rng.standard_normal(shape).astype(dtype)
    d = rng.uniform(0.5, 2, shape[1]).astype(A.real.dtype)
    before = A.copy()
    for B in (A, np.asfortranarray(A)):
        found = Scaling(right=d).apply(B)
        assert found.dtype == dtype
        assert_array_equal(found, before * d)
        assert_array_equal(B, before)


@pytest.mark.parametrize("kind", ["middle", "single", "stored zeros"])
def test_sweeps_over_entries_in_pieces_are_sweeps_over_all(kind):
    A = matrix(kind)
    eps = float(np.finfo(A.dtype).eps)
    left, right = np.ones(ROWS, A.dtype), np.ones(COLUMNS, A.dtype)
    i, j = A.tocoo().coords
    for _ in range(6):
        B = np.abs(A.data) * left[i] * right[j]
        rows, columns = np.zeros_like(left), np.zeros_like(right)
        np.maximum.at(rows, i, B)
        np.maximum.at(columns, j, B)
        left = left / np.sqrt(np.where(rows == 0, 1, rows))
        right = right / np.sqrt(np.where(columns == 0, 1, columns))
    found = ruiz_scaling(A, tol=0, max_sweeps=6)
    assert_allclose(found.left, left, rtol=8 * 6 * eps)
    assert_allclose(found.right, right, rtol=8 * 6 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reciprocals_are_those_of_each_number_alone(dtype):
    kind = np.finfo(dtype)
    sound = np.array([3.0, kind.tiny, kind.tiny / 2, kind.max, 1.0], dtype)
    for x in (sound, np.append(sound, dtype(0)), -sound):
        wanted = [1 / a if a else 1 for a in x.astype(np.longdouble)]
        found = reciprocals.reciprocal(x)
        assert found.dtype == dtype
        assert_array_equal(found, np.array(wanted).astype(dtype))
    low = np.array([0.0, kind.smallest_subnormal, 2.0], dtype)
    assert_array_equal(reciprocals.reciprocal(low), [1, 2 / kind.tiny, 0.5])


@pytest.mark.parametrize("norms_", [[1.0, 1 + 1e-3], [1 - 1e-3, 1.0], [0.0, 1.001]])
def test_norms_count_as_unit_up_to_the_tolerance_on_either_side(norms_):
    assert not reciprocals.are_unit(np.array(norms_), 0.9e-3)
    assert reciprocals.are_unit(np.array(norms_), 1.1e-3)


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_a_few_long_sparse_lines_have_the_norms_of_dense_ones(rows):
    A = np.random.default_rng(rows).standard_normal((rows, 3 * norms.ENTRIES))
    expected, close = np.linalg.norm(A, axis=1), {"rtol": A.shape[1] * EPS}
    assert_allclose(norms.row_norms(sp.csr_array(A)), expected, **close)
    assert_allclose(norms.column_norms(sp.csc_array(A.T)), expected, **close)
