"""Matrices of a shape, and vectors; whatever their rank."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.strategies import SearchStrategy

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
    return arrays((m, n), st.integers(-bound, bound).map(float))


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
    return arrays((m, n), st.one_of(st.just(0.0), signed))


def positive_diagonals(n: int, *, exponent: int = 8) -> SearchStrategy[np.ndarray]:
    """Draw vectors of n powers of two between 2^-exponent and 2^exponent.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(positive_diagonals(2), lambda d: d[0] != d[1])
    array([1., 2.])
    """
    return arrays((n,), st.integers(-exponent, exponent).map(lambda k: 2.0**k))


def vectors(n: int) -> SearchStrategy[np.ndarray]:
    """Draw vectors of n small integers, most of them nonzero.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(vectors(2), lambda x: x.sum() > 0)
    array([0., 1.])
    """
    return arrays((n,), st.integers(-5, 5).map(float))


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
    >>> from condlab.theory.strategies import exact_rank
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


def arrays(shape: tuple[int, ...], elements: SearchStrategy[float]) -> Matrices:
    # Without a fill value every entry is drawn, and shrinks, by itself.
    return hnp.arrays(np.float64, shape, elements=elements, fill=st.nothing())


def _reflection(x: np.ndarray) -> np.ndarray:
    square = x @ x
    identity = np.eye(len(x))
    return identity - 2 * np.outer(x, x) / square if square else identity
