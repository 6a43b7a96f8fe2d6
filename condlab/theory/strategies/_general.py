"""Matrices of a shape, and vectors; whatever their rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from condlab.theory.strategies._drawn import Draw, Drawn, any_of, integers, powers

if TYPE_CHECKING:
    from hypothesis.internal.conjecture.data import ConjectureData

Matrices = SearchStrategy[np.ndarray]


def none() -> SearchStrategy:
    """Return the strategy of a size that has no instances.

    Examples
    --------
    >>> none().is_empty
    True
    """
    return st.nothing()


def small_integers(m: int, n: int, *, bound: int = 3) -> Matrices:
    """Draw m x n matrices of integers in [-bound, bound].

    Examples
    --------
    >>> from hypothesis import find
    >>> find(small_integers(1, 2), lambda A: A.any())
    array([[0., 1.]])
    """
    return Drawn(
        f"small_integers({m}, {n}, bound={bound})", draw_small_integers(m, n, bound)
    )


def powers_of_two(m: int, n: int, *, exponent: int = 8) -> Matrices:
    """Draw m x n matrices of zeros and signed powers of two up to 2^exponent.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(powers_of_two(1, 1), lambda A: A[0, 0] > 2)
    array([[4.]])
    """
    return Drawn(
        f"powers_of_two({m}, {n}, exponent={exponent})",
        draw_powers_of_two(m, n, exponent),
    )


def positive_diagonals(n: int, *, exponent: int = 8) -> SearchStrategy[np.ndarray]:
    """Draw vectors of n powers of two between 2^-exponent and 2^exponent.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(positive_diagonals(2), lambda d: d[0] != d[1])
    array([1., 2.])
    """
    return Drawn(
        f"positive_diagonals({n}, exponent={exponent})",
        lambda data: powers(data, (n,), exponent),
    )


def vectors(n: int) -> SearchStrategy[np.ndarray]:
    """Draw vectors of n small integers, most of them nonzero.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(vectors(2), lambda x: x.sum() > 0)
    array([0., 1.])
    """
    return Drawn(f"vectors({n})", lambda data: integers(data, (n,), -5, 5))


def graded(m: int, n: int) -> Matrices:
    """Draw integer matrices with rows and columns in very different units.

    Examples
    --------
    >>> from hypothesis import find
    >>> bool(find(graded(2, 2), lambda A: A.max() > 64).max() > 64)
    True
    """
    return Drawn(f"graded({m}, {n})", draw_graded(m, n))


def sparse(m: int, n: int) -> Matrices:
    """Draw matrices with at most about m + n nonzero small integers, as dense arrays.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(sparse(2, 2), lambda A: (A != 0).sum() == 1)
    array([[1., 0.],
           [0., 0.]])
    """
    return Drawn(f"sparse({m}, {n})", _draw_sparse(m, n))


def near_singular(m: int, n: int) -> Matrices:
    """Draw matrices at a relative distance of 2^-4 to 2^-40 from a lower rank.

    Examples
    --------
    >>> from condlab.theory.strategies import exact_rank
    >>> from hypothesis import find
    >>> A = find(near_singular(2, 2), lambda A: 0 < abs(np.linalg.det(A)) < 0.01)
    >>> exact_rank(A)
    2
    """
    return Drawn(f"near_singular({m}, {n})", _draw_near_singular(m, n))


def gaussian(m: int, n: int) -> Matrices:
    """Draw matrices of independent standard normal entries, by their seed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(gaussian(2, 3), lambda A: True).shape
    (2, 3)
    """
    return Drawn(f"gaussian({m}, {n})", _draw_gaussian(m, n))


def given_spectrum(
    m: int, n: int, spectrum: SearchStrategy[np.ndarray] | None = None
) -> Matrices:
    """Draw H_1 diag(s) H_2 with Householder reflections H and singular values s.

    Parameters
    ----------
    m, n : int
        The shape.
    spectrum : strategy of arrays, shape (min(m, n),), optional
        By default powers of two, often repeated. The singular values are those of
        `spectrum` up to the rounding of the two products.

    Examples
    --------
    >>> from hypothesis import find
    >>> A = find(given_spectrum(2, 2, st.just(np.array([3.0, 3.0]))), lambda A: True)
    >>> np.linalg.svd(A, compute_uv=False).round(12)
    array([3., 3.])
    """
    return Drawn(f"given_spectrum({m}, {n})", _draw_given_spectrum(m, n, spectrum))


def matrices(m: int, n: int) -> Matrices:
    """Draw m x n matrices of every kind of this module, the simplest first.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(matrices(2, 2), lambda A: (A == np.eye(2)).all())
    array([[1., 0.],
           [0., 1.]])
    """
    return Drawn(f"matrices({m}, {n})", draw_matrices(m, n))


def draw_matrices(m: int, n: int) -> Draw:
    kinds = (
        draw_small_integers(m, n, 3),
        draw_powers_of_two(m, n, 8),
        _draw_sparse(m, n),
        draw_graded(m, n),
        _draw_near_singular(m, n),
        lambda _: np.eye(m, n),
        _draw_given_spectrum(m, n, None),
        _draw_gaussian(m, n),
    )
    return lambda data: any_of(data, kinds)


def draw_small_integers(m: int, n: int, bound: int) -> Draw:
    return lambda data: integers(data, (m, n), -bound, bound)


def draw_powers_of_two(m: int, n: int, exponent: int) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        entries = []
        for _ in range(m * n):
            sign = (0.0, 1.0, -1.0, 0.0)[data.draw_integer(0, 3)]  # half of them zero
            power = 2.0 ** data.draw_integer(-exponent, exponent) if sign else 1.0
            entries.append(sign * power)
        return np.array(entries).reshape(m, n)

    return draw


def draw_graded(m: int, n: int) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        rows, columns = powers(data, (m, 1), 5), powers(data, (n,), 5)
        return rows * integers(data, (m, n), -3, 3) * columns

    return draw


def _draw_sparse(m: int, n: int) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        A = np.zeros((m, n))
        for _ in range(data.draw_integer(0, m + n)):
            place, value = data.draw_integer(0, m * n - 1), data.draw_integer(0, 5)
            A.flat[place] = (1.0, -1.0, 2.0, -2.0, 3.0, -3.0)[value]
        return A

    return draw


def _draw_near_singular(m: int, n: int) -> Draw:
    rank = max(1, min(m, n) - 1)

    def draw(data: ConjectureData) -> np.ndarray:
        low = integers(data, (m, rank), -3, 3) @ integers(data, (rank, n), -3, 3)
        small = 2.0 ** -data.draw_integer(4, 40, shrink_towards=4)
        return low + integers(data, (m, n), -3, 3) * small

    return draw


def _draw_gaussian(m: int, n: int) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        seed = data.draw_integer(0, 2**32 - 1)
        return np.random.default_rng(seed).standard_normal((m, n))

    return draw


def _draw_given_spectrum(
    m: int, n: int, spectrum: SearchStrategy[np.ndarray] | None
) -> Draw:
    def draw(data: ConjectureData) -> np.ndarray:
        middle = np.zeros((m, n))
        x = integers(data, (m,), -5, 5)
        s = powers(data, (min(m, n),), 6) if spectrum is None else data.draw(spectrum)
        np.fill_diagonal(middle, s)
        return _reflection(x) @ middle @ _reflection(integers(data, (n,), -5, 5))

    return draw


def _reflection(x: np.ndarray) -> np.ndarray:
    square = x @ x
    identity = np.eye(len(x))
    return identity - 2 * np.outer(x, x) / square if square else identity
