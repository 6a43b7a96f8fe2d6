"""Scalings of matrices whose entries span more than the range of floats allows."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from containers import CONTAINERS, dense
from numpy.testing import assert_allclose

from condlab.equilibration.reciprocals import reciprocal
from condlab.scaling import (
    column_scaling,
    jacobi_scaling,
    row_column_scaling,
    row_scaling,
    ruiz_scaling,
)
from condlab.types import Scaling
from tests.optional import given, st, torch

EPS = np.finfo(float).eps
WIDE = np.array([[1e200, 1e-200], [1e200, -1e-200]])
BOTH_SIDES = [row_column_scaling, ruiz_scaling]


def right_if_representable(found, a, x, y):
    """Tell whether `found` is a x y to two roundings, or left the range with it."""
    kind = np.finfo(found.dtype)
    truth = Fraction(float(a)) * Fraction(float(x)) * Fraction(float(y))
    if abs(truth) > Fraction(float(kind.max)):
        return bool(np.isinf(found))
    smallest = Fraction(float(kind.smallest_subnormal))
    allowed = max(2 * Fraction(float(kind.eps)) * abs(truth), smallest)
    return bool(np.isfinite(found)) and abs(Fraction(float(found)) - truth) <= allowed


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(seed=st.integers(0, 2**32 - 1))
def test_three_factors_are_multiplied_right_wherever_the_product_is_in_range(
    dtype, seed
):
    rng, kind = np.random.default_rng(seed), np.finfo(dtype)
    m, n = rng.integers(1, 4, 2)
    lowest = kind.minexp - kind.nmant + 1

    def draw(*shape):
        exponents = rng.integers(lowest, kind.maxexp, shape)
        return np.ldexp(rng.uniform(0.5, 0.99, shape), exponents).astype(dtype)

    A, left, right = draw(m, n), draw(m), draw(n)
    A[rng.random((m, n)) < 0.2] = 0
    for name, container in CONTAINERS.items():
        vector = container if name in ("torch", "strict") else np.asarray
        B = dense(Scaling(vector(left), vector(right)).apply(container(A)))
        assert B.dtype == dtype
        for i, j in np.ndindex(m, n):
            assert right_if_representable(B[i, j], A[i, j], left[i], right[j]), name


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_ten_times_huge_times_tiny_is_one(container):
    vector = (
        np.asarray
        if container in (sp.csr_array, sp.csc_array, sp.coo_array)
        else container
    )
    if container is np.asfortranarray:
        vector = np.asarray
    scaling = Scaling(vector(np.array([1e10])), vector(np.array([1e-310])))
    assert dense(scaling.apply(container(np.array([[1e300]])))) == pytest.approx(1.0)


def test_complex_entries_keep_both_parts():
    A = np.array([[1e300 - 2e300j]])
    B = Scaling(np.array([1e10]), np.array([1e-310])).apply(A)
    assert_allclose(B, [[1 - 2j]], rtol=1e-13)  # 1e-310 itself has 14 digits


def test_derivatives_go_through_factors_beyond_the_range():
    A = torch.tensor([[1e300, 2e300]], dtype=torch.float64, requires_grad=True)
    left = torch.tensor([1e10], dtype=torch.float64)
    right = torch.tensor([2.0**-1030, 1e-300], dtype=torch.float64)
    B = Scaling(left, right).apply(A)
    (gradient,) = torch.autograd.grad(B.sum(), A)
    assert_allclose(gradient, [[1e10 * 2.0**-1030, 1e-290]], rtol=1e-12)


@pytest.mark.parametrize("scaling", BOTH_SIDES)
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_rows_that_span_more_than_the_range_are_equilibrated_not_made_singular(
    container, scaling
):
    B = dense(scaling(container(WIDE)).apply(container(WIDE)))
    assert np.linalg.cond(B) == pytest.approx(1.0, rel=1e-7)


@pytest.mark.parametrize("p", [1, 2, "inf"])
@pytest.mark.parametrize("decades", [170, 250, 300])
def test_columns_are_unit_though_their_multipliers_have_no_float(decades, p):
    A = np.array([[1.0, 3.0], [2.0, -1.0]]) * [10.0**decades, 10.0**-decades]
    scaling = row_column_scaling(A, p=p)
    B = scaling.apply(A)
    assert_allclose(
        np.linalg.norm(B, {1: 1, 2: 2, "inf": np.inf}[p], axis=0), 1, rtol=8 * EPS
    )
    # Rows are those of A / their norms up to one common factor, which cancels in B.
    assert np.isfinite(scaling.left).all()
    assert np.isfinite(scaling.right).all()


def test_single_precision_shares_its_range_too():
    A = np.array([[1e30, 1e-30], [1e30, -1e-30]], np.float32)
    for scaling in BOTH_SIDES:
        B = scaling(A).apply(A)
        assert B.dtype == np.float32
        assert np.linalg.cond(B) == pytest.approx(1.0, rel=1e-6)


def test_zero_lines_keep_scale_one_where_the_sides_share():
    A = np.zeros((3, 3))
    A[:2, :2] = WIDE * [1e90, 1e-90]
    scaling = row_column_scaling(A)
    assert scaling.left[2] == scaling.right[2] == 1


def test_norms_beyond_the_largest_float_are_divided_by():
    A = np.full((2, 300), 1.7e308)
    B = row_scaling(A).apply(A)
    assert_allclose(np.linalg.norm(B, axis=1), 1, rtol=1e-12)  # a subnormal multiplier
    B = column_scaling(A.T, p=1).apply(A.T)
    assert_allclose(np.abs(B).sum(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("scaling", [row_scaling, column_scaling, row_column_scaling])
@pytest.mark.parametrize("large", [1.7e308, 1.2e308, 3.3e38, 2.3e38])
def test_powers_of_two_divide_the_largest_floats(scaling, large):
    dtype = np.float64 if large > 1e39 else np.float32
    A = np.array([[large, 0], [large / 4, 1e-5]], dtype)
    found = scaling(A, rounding="power-of-two")  # 2^1024 is no float, 2^-1024 is one
    for d in (found.left, found.right):
        assert d is None or (np.frexp(d)[0] == 0.5).all()
    B = found.apply(A).astype(float)
    sizes = np.linalg.norm(B, axis=1 if scaling is row_scaling else 0)
    assert (sizes >= 0.5**0.5 * (1 - 1e-6)).all()
    assert (sizes <= 2**0.5 * (1 + 1e-6)).all()


def test_what_no_multipliers_can_reach_stays_nonsingular_and_finite():
    A = np.array([[1e308, 5e-324], [1e308, -5e-324]])  # 2^2098 between the columns
    for scaling in BOTH_SIDES:
        found = scaling(A)
        B = found.apply(A)
        assert np.isfinite(B).all()
        assert (np.abs(B).max(axis=0) > 0).all()


SUBNORMAL = {
    "a row": np.array([[1.0, 2.0], [4e-320, 2e-320]]),
    "a column": np.array([[1.0, 4e-320], [1.0, 2e-320]]),
    "all": np.array([[4e-320, 0.0], [5e-324, 1e-310]]),
    "beside the largest": np.array([[1e308, 2.0], [4e-320, 2e-320]]),
    "with lines of zeros": np.array([[1.0, 2.0, 0.0], [4e-320, 0, 0], [0, 0, 0]]),
    "float32": np.array([[1, 2], [3e-44, 1e-45]], np.float32),
}


@pytest.mark.parametrize("rounding", [None, "power-of-two"])
@pytest.mark.parametrize("A", SUBNORMAL.values(), ids=SUBNORMAL)
def test_the_right_side_takes_what_the_reciprocal_of_a_subnormal_row_has_too_much(
    A, rounding
):
    found = row_column_scaling(A, p="inf", rounding=rounding)
    B = np.abs(found.apply(A))
    for axis, d in ((1, found.left), (0, found.right)):
        sizes, zero = B.max(axis), np.abs(A).max(axis) == 0
        assert (d[zero] == 1).all()
        assert ((sizes[~zero] > 0.49) & (sizes[~zero] < 1.5)).all()
        if rounding is None:
            assert_allclose(sizes[~zero], 1, rtol=4 * np.finfo(A.dtype).eps)


@pytest.mark.parametrize("A", SUBNORMAL.values(), ids=SUBNORMAL)
def test_sweeps_reach_subnormal_lines(A):
    B = np.abs(ruiz_scaling(A).apply(A))
    for axis in (0, 1):
        sizes = B.max(axis)
        assert_allclose(sizes[sizes > 0], 1, rtol=1e-6)


def test_reciprocal_of_a_subnormal_diagonal_stays_finite():
    left = jacobi_scaling(np.diag([1e-310, -2.0]), symmetric=False).left
    assert np.isfinite(left).all()
    assert left[1] == -0.5


def test_the_reciprocal_of_a_norm_is_the_same_beside_any_other():
    kind = np.finfo(float)
    norms = np.array([3.0, 0.0, kind.tiny / 4, kind.tiny, kind.max, 1e-300])
    alone = [reciprocal(norms[i : i + 1])[0] for i in range(len(norms))]
    assert reciprocal(norms).tolist() == alone
    assert np.isfinite(alone).all()
    assert alone[:2] == [1 / 3, 1.0]
