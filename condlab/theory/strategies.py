"""Hypothesis strategies of matrices, for the catalogue and for your own tests.

Sizes are arguments, never drawn: the shrinker then finds the smallest size by trying
the sizes in turn. Entries are small integers, powers of two and products of both
wherever possible, so that determinants are exact, counterexamples can be printed and
shrinking means something. Every strategy of general matrices can produce the
identity, zero rows, repeated singular values and, for 1 x 1, every scalar it uses.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.strategies import SearchStrategy

Matrices = SearchStrategy[np.ndarray]


def none() -> SearchStrategy[Any]:
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
    return _arrays((m, n), st.integers(-bound, bound).map(float))


def powers_of_two(m: int, n: int, *, exponent: int = 8) -> Matrices:
    """Draw m x n matrices of zeros and signed powers of two up to 2^exponent.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(powers_of_two(1, 1), lambda A: A[0, 0] > 2)
    array([[4.]])
    """
    powers = st.integers(-exponent, exponent).map(lambda k: 2.0**k)
    signed = st.builds(lambda x, s: s * x, powers, st.sampled_from([1.0, -1.0]))
    return _arrays((m, n), st.one_of(st.just(0.0), signed))


def positive_diagonals(n: int, *, exponent: int = 8) -> SearchStrategy[np.ndarray]:
    """Draw vectors of n powers of two between 2^-exponent and 2^exponent.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(positive_diagonals(2), lambda d: d[0] != d[1])
    array([1., 2.])
    """
    return _arrays((n,), st.integers(-exponent, exponent).map(lambda k: 2.0**k))


def vectors(n: int) -> SearchStrategy[np.ndarray]:
    """Draw vectors of n small integers, most of them nonzero.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(vectors(2), lambda x: x.sum() > 0)
    array([0., 1.])
    """
    return _arrays((n,), st.integers(-5, 5).map(float))


def graded(m: int, n: int) -> Matrices:
    """Draw integer matrices with rows and columns in very different units.

    Examples
    --------
    >>> from hypothesis import find
    >>> bool(find(graded(2, 2), lambda A: A.max() > 64).max() > 64)
    True
    """
    return st.builds(
        lambda d, A, e: d[:, None] * A * e,
        positive_diagonals(m, exponent=5),
        small_integers(m, n),
        positive_diagonals(n, exponent=5),
    )


def sparse(m: int, n: int) -> Matrices:
    """Draw matrices with at most about m + n nonzero small integers, as dense arrays.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(sparse(2, 2), lambda A: (A != 0).sum() == 1)
    array([[1., 0.],
           [0., 0.]])
    """
    entry = st.tuples(
        st.integers(0, m - 1), st.integers(0, n - 1), st.integers(-3, 3).filter(bool)
    )

    def build(entries: list[tuple[int, int, int]]) -> np.ndarray:
        A = np.zeros((m, n))
        for i, j, x in entries:
            A[i, j] = x
        return A

    return st.lists(entry, max_size=m + n).map(build)


def near_singular(m: int, n: int) -> Matrices:
    """Draw matrices at a relative distance of 2^-4 to 2^-40 from a lower rank.

    Examples
    --------
    >>> from hypothesis import find
    >>> A = find(near_singular(2, 2), lambda A: 0 < abs(np.linalg.det(A)) < 0.01)
    >>> exact_rank(A)
    2
    """
    rank = max(1, min(m, n) - 1)
    low = st.builds(np.matmul, small_integers(m, rank), small_integers(rank, n))
    return st.builds(
        lambda A, B, k: A + B * 2.0**-k, low, small_integers(m, n), st.integers(4, 40)
    )


def gaussian(m: int, n: int) -> Matrices:
    """Draw matrices of independent standard normal entries, by their seed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(gaussian(2, 3), lambda A: True).shape
    (2, 3)
    """
    seeds = st.integers(0, 2**32 - 1)
    return seeds.map(lambda s: np.random.default_rng(s).standard_normal((m, n)))


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
    if spectrum is None:
        spectrum = positive_diagonals(min(m, n), exponent=6)

    def build(x: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
        middle = np.zeros((m, n))
        np.fill_diagonal(middle, s)
        return _reflection(x) @ middle @ _reflection(y)

    return st.builds(build, vectors(m), spectrum, vectors(n))


def matrices(m: int, n: int) -> Matrices:
    """Draw m x n matrices of every kind of this module, the simplest first.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(matrices(2, 2), lambda A: (A == np.eye(2)).all())
    array([[1., 0.],
           [0., 1.]])
    """
    return st.one_of(
        small_integers(m, n),
        powers_of_two(m, n),
        sparse(m, n),
        graded(m, n),
        near_singular(m, n),
        st.just(np.eye(m, n)),
        given_spectrum(m, n),
        gaussian(m, n),
    )


def full_rank(m: int, n: int) -> Matrices:
    """Draw m x n matrices of exactly full row or column rank, whichever is smaller.

    Examples
    --------
    >>> from hypothesis import find
    >>> exact_rank(find(full_rank(2, 3), lambda A: True))
    2
    """
    return matrices(m, n).filter(has_full_rank)


def full_row_rank(size: int) -> Matrices:
    """Draw m x size matrices with 1 <= m <= size and independent rows.

    Examples
    --------
    >>> from hypothesis import find
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

    return st.builds(build, matrices(n, n), _arrays((n,), excess), _arrays((n,), signs))


def exact_rank(A: np.ndarray) -> int:
    """Return the rank of a float matrix in rational arithmetic.

    Examples
    --------
    >>> exact_rank(np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-52]]))
    2
    """
    return _rational(A).rank()


def has_full_rank(A: np.ndarray) -> bool:
    """Tell whether a float matrix has exactly full row or column rank.

    Examples
    --------
    >>> has_full_rank(np.ones((2, 2)))
    False
    """
    return exact_rank(A) == min(A.shape)


def is_spd(A: np.ndarray) -> bool:
    """Tell whether a float matrix is exactly symmetric positive definite.

    Sylvester's criterion in rational arithmetic.

    Examples
    --------
    >>> is_spd(np.array([[1.0, 1.0], [1.0, 1.0]]))
    False
    """
    if A.shape[0] != A.shape[1] or not (A == A.T).all():
        return False
    return all(_rational(A[:k, :k]).det() > 0 for k in range(1, len(A) + 1))


def _rational(A: np.ndarray) -> fmpq_mat:
    entries = map(Fraction, A.ravel().tolist())
    ratios = [fmpq(x.numerator, x.denominator) for x in entries]
    return fmpq_mat(A.shape[0], A.shape[1], ratios)


def _arrays(shape: tuple[int, ...], elements: SearchStrategy[float]) -> Matrices:
    # Without a fill value every entry is drawn, and shrinks, by itself.
    return hnp.arrays(np.float64, shape, elements=elements, fill=st.nothing())


def _reflection(x: np.ndarray) -> np.ndarray:
    square = x @ x
    identity = np.eye(len(x))
    return identity - 2 * np.outer(x, x) / square if square else identity


def _cholesky_products(n: int) -> Matrices:
    def build(L: np.ndarray, d: np.ndarray) -> np.ndarray:
        L = np.tril(L, -1) + np.diag(d)
        return L @ L.T

    pivots = _arrays((n,), st.integers(1, 4).map(float))
    return st.builds(build, small_integers(n, n, bound=2), pivots)


def _in_other_units(kind: Matrices) -> Matrices:
    def build(A: np.ndarray, k: np.ndarray) -> np.ndarray:
        d = 2.0 ** k[: len(A)]
        return d[:, None] * A * d

    exponents = _arrays((16,), st.integers(-4, 4).map(float))
    return st.one_of(kind, st.builds(build, kind, exponents))


def _two_coloured(p: int, q: int) -> Matrices:
    def build(F: np.ndarray, k: int) -> np.ndarray:
        A = np.zeros((p + q, p + q))
        A[:p, p:], A[p:, :p] = F, F.T
        return A + np.diag(np.abs(A).sum(axis=1) + 2.0**-k)

    return st.builds(build, small_integers(p, q), st.integers(0, 10))
