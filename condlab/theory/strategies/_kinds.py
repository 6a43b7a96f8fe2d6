"""Matrices of a rank, and square ones with a property."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from condlab.theory.strategies._general import (
    Matrices,
    arrays,
    graded,
    matrices,
    positive_diagonals,
    powers_of_two,
    small_integers,
)
from condlab.theory.strategies._rationals import has_full_rank, is_spd


def full_rank(m: int, n: int) -> Matrices:
    """Draw m x n matrices of exactly full row or column rank, whichever is smaller.

    Examples
    --------
    >>> from hypothesis import find
    >>> from condlab.theory.strategies import exact_rank
    >>> exact_rank(find(full_rank(2, 3), lambda A: True))
    2
    """
    return matrices(m, n).filter(has_full_rank)


def full_row_rank(size: int) -> Matrices:
    """Draw m x size matrices with 1 <= m <= size and independent rows.

    Examples
    --------
    >>> from hypothesis import find
    >>> from condlab.theory.strategies import exact_rank
    >>> exact_rank(find(full_row_rank(3), lambda A: len(A) == 2))
    2
    """
    return st.one_of([full_rank(m, size) for m in range(1, size + 1)])


def full_column_rank(size: int) -> Matrices:
    """Draw size x n matrices with 1 <= n <= size and independent columns.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(full_column_rank(3), lambda A: A.shape[1] == 2).shape
    (3, 2)
    """
    return full_row_rank(size).map(np.transpose)


def wide(size: int) -> Matrices:
    """Draw m x size matrices with m < size and independent rows.

    Examples
    --------
    >>> wide(1).is_empty
    True
    """
    return st.one_of([full_rank(m, size) for m in range(1, size)])


def tall(size: int) -> Matrices:
    """Draw size x n matrices with n < size and independent columns.

    Examples
    --------
    >>> tall(1).is_empty
    True
    """
    return wide(size).map(np.transpose)


def any_shape(size: int) -> Matrices:
    """Draw matrices of any rank whose larger dimension is `size`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(any_shape(2), lambda A: not A.any() and len(A) == 1)
    array([[0., 0.]])
    """
    shapes = [(m, size) for m in range(1, size + 1)]
    shapes += [(size, n) for n in range(1, size)]
    return st.one_of([matrices(m, n) for m, n in shapes])


def nonsingular(n: int) -> Matrices:
    """Draw n x n matrices that are exactly nonsingular.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(nonsingular(1), lambda A: True)
    array([[1.]])
    """
    return full_rank(n, n)


def symmetric(n: int) -> Matrices:
    """Draw symmetric n x n matrices of any inertia, zero included.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(symmetric(1), lambda A: A[0, 0] < 0)
    array([[-1.]])
    """
    kinds = st.one_of(small_integers(n, n), powers_of_two(n, n), graded(n, n))
    return kinds.map(lambda A: np.tril(A) + np.tril(A, -1).T)


def spd(n: int) -> Matrices:
    """Draw symmetric positive definite n x n matrices.

    Diagonal ones, integer Cholesky products, those in other units, near-singular
    ones and all-but-equal correlations.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(spd(2), lambda A: True)
    array([[1., 0.],
           [0., 1.]])
    """
    return st.one_of(
        positive_diagonals(n).map(np.diag),
        _cholesky_products(n),
        _in_other_units(_cholesky_products(n)),
        st.builds(
            lambda k, d: d[:, None] * (np.ones((n, n)) + 2.0**-k * np.eye(n)) * d,
            st.integers(-2, 30),
            positive_diagonals(n, exponent=3),
        ),
    ).filter(is_spd)


def property_a(n: int) -> Matrices:
    """Draw SPD matrices with Young's Property A: the graph of A is two-colourable.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(property_a(2), lambda A: A[0, 1] != 0)
    array([[2., 1.],
           [1., 2.]])
    """
    colours = range(1, n) if n > 1 else range(1, 2)
    return _in_other_units(st.one_of([_two_coloured(p, n - p) for p in colours]))


def diagonally_dominant(n: int) -> Matrices:
    """Draw matrices strictly diagonally dominant by rows, of either sign.

    Examples
    --------
    >>> from hypothesis import find
    >>> A = find(diagonally_dominant(2), lambda A: A[0, 1] != 0)
    >>> bool((2 * np.abs(np.diag(A)) > np.abs(A).sum(axis=1)).all())
    True
    """
    excess = st.integers(0, 8).map(lambda k: 2.0**-k)
    signs = st.sampled_from([1.0, -1.0])

    def build(A: np.ndarray, extra: np.ndarray, sign: np.ndarray) -> np.ndarray:
        off = A - np.diag(np.diag(A))
        return off + np.diag(sign * (np.abs(off).sum(axis=1) + extra))

    return st.builds(build, matrices(n, n), arrays((n,), excess), arrays((n,), signs))


def _cholesky_products(n: int) -> Matrices:
    def build(L: np.ndarray, d: np.ndarray) -> np.ndarray:
        L = np.tril(L, -1) + np.diag(d)
        return L @ L.T

    pivots = arrays((n,), st.integers(1, 4).map(float))
    return st.builds(build, small_integers(n, n, bound=2), pivots)


def _in_other_units(kind: Matrices) -> Matrices:
    def build(A: np.ndarray, k: np.ndarray) -> np.ndarray:
        d = 2.0 ** k[: len(A)]
        return d[:, None] * A * d

    exponents = arrays((16,), st.integers(-4, 4).map(float))
    return st.one_of(kind, st.builds(build, kind, exponents))


def _two_coloured(p: int, q: int) -> Matrices:
    def build(F: np.ndarray, k: int) -> np.ndarray:
        A = np.zeros((p + q, p + q))
        A[:p, p:], A[p:, :p] = F, F.T
        return A + np.diag(np.abs(A).sum(axis=1) + 2.0**-k)

    return st.builds(build, small_integers(p, q), st.integers(0, 10))
