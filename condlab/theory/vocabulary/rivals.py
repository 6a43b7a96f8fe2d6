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
    return [*square(size), *wide(size), *tall(size)]


def no_vectors(size: int) -> Shapes:
    """Return those with two rows and two columns or more; kappa of a vector is 1."""
    return [shape for shape in any_shape(size) if min(shape) > 1 or size == 1]


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


def well_scaled(matrices: strategies.Matrices, sides: str) -> strategies.Matrices:
    """Draw the matrices, some of them scaled on those sides to a small kappa."""
    scaled = matrices.map(lambda A: _apply(A, sides, near_best(A, sides)))
    return st.one_of(matrices, scaled)


def near_best(A: np.ndarray, sides: str) -> list[np.ndarray]:
    """Return integer scalings of small kappa, by moving one multiplier at a time.

    The sides are "rows", "columns", "rows columns", or "symmetric" for D A D.
    """
    starts = [_start(A, side) for side in sides.split()]
    ends = np.cumsum([len(start) for start in starts])[:-1]

    def inverse_kappa(x: np.ndarray) -> float:
        scaled = _apply(A, sides, np.split(x, ends))
        values = np.linalg.svd(scaled, compute_uv=False)
        return values[-1] / values[0]

    x = np.concatenate(starts)
    best = inverse_kappa(x)
    for factor in (2.0, 1.25, 1.0625):
        for i, up in itertools.product(range(len(x)), (True, False)):
            y = x.copy()
            y[i] = np.ceil(x[i] * factor) if up else max(1, np.floor(x[i] / factor))
            if inverse_kappa(y) > best:
                x, best = y, inverse_kappa(y)
    return np.split(x, ends)


def _apply(A: np.ndarray, sides: str, scalings: list[np.ndarray]) -> np.ndarray:
    for side, d in zip(sides.split(), scalings, strict=True):
        A = A if side == "columns" else d[:, None] * A
        A = A if side == "rows" else A * d
    return A


def _start(A: np.ndarray, side: str) -> np.ndarray:
    """Return multipliers between 1 and 64 about inverse to the norms.

    Symmetric ones come in twice, so smaller ones keep the entries as readable.
    """
    level = 4 if side == "symmetric" else 16
    norms = np.linalg.norm(A, axis=0 if side == "columns" else 1)
    norms = np.sqrt(norms) if side == "symmetric" else norms
    norms = np.where(norms > 0, norms, norms.max())
    return np.ceil(np.clip(level * norms.mean() / norms, 1, 64))
