"""Matrices of a rank, and square ones with a property."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from condlab.theory.strategies._drawn import Draw, Drawn, any_of, integers, powers
from condlab.theory.strategies._general import (
    Matrices,
    draw_graded,
    draw_matrices,
    draw_powers_of_two,
    draw_small_integers,
    matrices,
)
from condlab.theory.strategies._rationals import has_full_rank

if TYPE_CHECKING:
    from hypothesis.internal.conjecture.data import ConjectureData


def full_rank(m: int, n: int) -> Matrices:
    """Draw m x n matrices of exactly full row or column rank, whichever is smaller.

    Examples
    --------
    >>> from hypothesis import find
    >>> from condlab.theory.strategies import exact_rank
    >>> exact_rank(find(full_rank(2, 3), lambda A: True))
    2
    """
    draw_any = draw_matrices(m, n)

    def draw(data: ConjectureData) -> np.ndarray:
        A = draw_any(data)
        while not has_full_rank(A):  # as often as min(m, n) times
            A = A + np.eye(m, n)
        return A

    return Drawn(f"full_rank({m}, {n})", draw)


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
    kinds = (
        draw_small_integers(n, n, 3),
        draw_powers_of_two(n, n, 8),
        draw_graded(n, n),
    )

    def draw(data: ConjectureData) -> np.ndarray:
        A = any_of(data, kinds)
        return np.tril(A) + np.tril(A, -1).T

    return Drawn(f"symmetric({n})", draw)


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
    kinds = (
        lambda data: np.diag(powers(data, (n,), 8)),
        _draw_cholesky_product(n),
        _in_other_units(_draw_cholesky_product(n)),
        _draw_correlations(n),
    )
    return Drawn(f"spd({n})", lambda data: any_of(data, kinds))


def property_a(n: int) -> Matrices:
    """Draw SPD matrices with Young's Property A: the graph of A is two-colourable.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(property_a(2), lambda A: A[0, 1] != 0)
    array([[2., 1.],
           [1., 2.]])
    """
    kinds = [_draw_two_coloured(p, n - p) for p in range(1, max(n, 2))]
    return Drawn(f"property_a({n})", _in_other_units(lambda data: any_of(data, kinds)))


def diagonally_dominant(n: int) -> Matrices:
    """Draw matrices strictly diagonally dominant by rows, of either sign.

    Examples
    --------
    >>> from hypothesis import find
    >>> A = find(diagonally_dominant(2), lambda A: A[0, 1] != 0)
    >>> bool((2 * np.abs(np.diag(A)) > np.abs(A).sum(axis=1)).all())
    True
    """
    draw_off = draw_matrices(n, n)

    def draw(data: ConjectureData) -> np.ndarray:
        off = draw_off(data)
        np.fill_diagonal(off, 0.0)
        extra = 2.0 ** -integers(data, (n,), 0, 8)
        sign = 1 - 2 * integers(data, (n,), 0, 1)
        return off + np.diag(sign * (np.abs(off).sum(axis=1) + extra))

    return Drawn(f"diagonally_dominant({n})", draw)


def _draw_cholesky_product(n: int) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        L = np.tril(integers(data, (n, n), -2, 2), -1)
        L += np.diag(integers(data, (n,), 1, 4))
        return L @ L.T

    return draw


def _draw_correlations(n: int) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        k = data.draw_integer(-2, 30)
        d = powers(data, (n,), 3)
        return d[:, None] * (np.ones((n, n)) + 2.0**-k * np.eye(n)) * d

    return draw


def _in_other_units(kind: Draw) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        A = kind(data)
        if not data.draw_integer(0, 1):
            return A
        d = powers(data, (len(A),), 4)
        return d[:, None] * A * d

    return draw


def _draw_two_coloured(p: int, q: int) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        A = np.zeros((p + q, p + q))
        A[:p, p:] = integers(data, (p, q), -3, 3)
        A[p:, :p] = A[:p, p:].T
        return A + np.diag(np.abs(A).sum(axis=1) + 2.0 ** -data.draw_integer(0, 10))

    return draw
