"""Bounds of matrices that span more than the range of floats, or are graded twice."""

import itertools
import math

import numpy as np
import pytest

from condlab.bounds import bauer, van_der_sluis
from tests.exact import Exact

EPS = np.finfo(float).eps
WIDE = {
    "two": [[1e200, 1e-200], [1e200, -1e-200]],
    "wider": [[1e300, 1e-300], [1e300, -1e-300]],
    "units of columns": [[1e200, 1e-200], [-2e200, 1e-200]],
    "complex": [[1e200j, 1e-200], [1e200, 1e-200j]],
}


@pytest.mark.parametrize("A", WIDE.values(), ids=WIDE)
def test_rows_that_span_more_than_the_range_are_not_called_singular(A):
    B = np.array(A) / [np.abs(A).max(axis=0)]  # the units of columns do not matter
    for p in (1, "inf"):
        for side in ("right", "both"):
            expected = bauer(B, side=side, p=p).upper
            found = bauer(A, side=side, p=p)
            assert found.lower <= expected * (1 + 100 * EPS)
            assert found.upper == pytest.approx(expected)
        assert bauer(A, side="left", p=p).lower < math.inf
    for p in (1, 2, "inf"):
        assert van_der_sluis(A, side="left", p=p).lower < math.inf
        expected = van_der_sluis(B, side="right", p=p).upper
        assert van_der_sluis(A, side="right", p=p).upper == pytest.approx(expected)


def test_exactly_dependent_rows_that_span_more_than_the_range_are_singular():
    A = [[1e200, 1e-200], [2e200, 2e-200]]
    for side in ("left", "right"):
        assert van_der_sluis(A, side=side).lower == math.inf
    assert bauer(A, side="both", p=1).lower == math.inf


def test_one_sided_bauer_keeps_its_digits_where_both_sides_are_graded():
    rng = np.random.default_rng(2)
    left, right = 10.0 ** rng.uniform(-12, 12, (2, 5))
    A = left[:, None] * rng.standard_normal((5, 5)) * right
    exact = Exact(A)
    for side, p in itertools.product(("left", "right"), (1, "inf")):
        bracket, (best, _) = bauer(A, side=side, p=p), exact.bauer(side, p)
        assert bracket.lower <= float(best) <= bracket.upper
        assert bracket.upper <= float(best) * (1 + 1e-10)
