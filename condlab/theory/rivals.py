"""Matrices with diagonal scalings good enough to beat equilibration.

A claim that some scaling is the best can only fail against one that is nearly best,
and a drawn scaling rarely is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np

from condlab.theory import strategies
from condlab.theory.strategies import has_full_rank, st

Shapes = Iterable[tuple[int, int]]


def square(size: int) -> Shapes:
    """Return the n x n shape of a size."""
    return [(size, size)]


def wide(size: int) -> Shapes:
    """Return the shapes with fewer rows than columns."""
    return [(m, size) for m in range(1, size)]


def tall(size: int) -> Shapes:
    """Return the shapes with fewer columns than rows."""
    return [(size, n) for n in range(1, size)]


def any_shape(size: int) -> Shapes:
    """Return the shapes whose larger dimension is `size`."""
    return [*wide(size), *tall(size), *square(size)]


def two_rows(size: int) -> Shapes:
    """Return the shapes with two rows."""
    return [(2, n) for n in range(1, size + 1) if max(2, n) == size]


def two_columns(size: int) -> Shapes:
    """Return the shapes with two columns."""
    return [(n, m) for m, n in two_rows(size)]


def scaled(
    shapes: Callable[[int], Shapes],
    sides: str,
    matrices: Callable[[int, int], strategies.Matrices] = strategies.full_rank,
) -> Callable[[int], st.SearchStrategy]:
    """Return instances (A, d) or (A, d, e): full rank, and scalings of those sides."""

    def of_shape(m: int, n: int) -> st.SearchStrategy:
        length = {"rows": m, "columns": n}
        drawn = [strategies.positive_diagonals(length[side]) for side in sides.split()]
        with_near_best = matrices(m, n).map(lambda A: (A, *near_best(A, sides)))
        return st.one_of(st.tuples(matrices(m, n), *drawn), with_near_best)

    return lambda size: st.one_of([of_shape(m, n) for m, n in shapes(size)])


def readable(m: int, n: int) -> strategies.Matrices:
    """Draw full-rank matrices of short numbers.

    Hypothesis counts choices, and to it a Gaussian matrix, which is one seed, is
    simpler than a matrix of nine small integers.
    """
    kinds = strategies.small_integers, strategies.sparse, strategies.graded
    return st.one_of([kind(m, n) for kind in kinds]).filter(has_full_rank)


def near_best(A: np.ndarray, sides: str) -> list[np.ndarray]:
    """Return integer scalings of small kappa, by moving one multiplier at a time."""
    lengths = [A.shape[side == "columns"] for side in sides.split()]
    x = np.full(sum(lengths), 16.0)
    if sides.startswith("rows"):
        x[: len(A)] = _integers(np.linalg.norm(A, axis=1))
    if sides == "columns":
        x = _integers(np.linalg.norm(A, axis=0))

    def kappa(x: np.ndarray) -> float:
        d = x[: len(A)] if "rows" in sides else np.ones(len(A))
        e = x[-A.shape[1] :] if "columns" in sides else 1.0
        values = np.linalg.svd(d[:, None] * A * e, compute_uv=False)
        return values[0] / max(values[-1], np.finfo(float).tiny)

    least = kappa(x)
    for factor in (2.0, 1.25, 1.0625):
        for i, up in itertools.product(range(len(x)), (True, False)):
            y = x.copy()
            y[i] = np.ceil(x[i] * factor) if up else max(1, np.floor(x[i] / factor))
            if kappa(y) < least:
                x, least = y, kappa(y)
    return np.split(x, np.cumsum(lengths)[:-1])


def _integers(norms: np.ndarray) -> np.ndarray:
    """Return multipliers between 1 and 64 about inverse to the norms."""
    norms = np.where(norms > 0, norms, norms.max())
    return np.ceil(np.clip(16 * norms.mean() / norms, 1, 64))
