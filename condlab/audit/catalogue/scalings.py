"""Matrices to equilibrate: the largest entries of all lines should become equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from condlab import gallery
from condlab.audit import exact
from condlab.audit.model import Problem


def unevenness(A: np.ndarray, left: Iterable[float], right: Iterable[float]) -> float:
    """Return the largest over the smallest of all lines' largest entries, exactly.

    Parameters
    ----------
    A : array, shape (m, n)
    left, right : array
        The multipliers.

    Examples
    --------
    >>> unevenness(np.diag([2.0, 8.0]), [0.5, 0.125], [1, 1])
    1.0
    """
    rows = [Fraction(float(x)) for x in left]
    columns = [Fraction(float(x)) for x in right]
    scaled = [
        [abs(r * a * c) for a, c in zip(row, columns, strict=True)]
        for r, row in zip(rows, exact.rational(A), strict=True)
    ]
    sizes = [max(line) for line in (*scaled, *zip(*scaled, strict=True))]
    return exact.rounded(max(sizes) / min(sizes)) if min(sizes) else float("inf")


MATRICES: dict[str, tuple[Callable[[], np.ndarray], str]] = {
    "hilbert 6": (lambda: gallery.hilbert(6), "mild"),
    "graded": (lambda: 10.0 ** -np.add.outer(np.arange(6), np.arange(6)), "rank one"),
    "arrow": (lambda: gallery.arrow(8), "one heavy row and column"),
    "rows 1e-150 to 1e150": (
        lambda: np.diag([1e-150, 1.0, 1e150]) @ gallery.min_ij(3),
        "products of two multipliers leave the range",
    ),
    "columns 1e-150 to 1e150": (
        lambda: gallery.min_ij(3) @ np.diag([1e-150, 1.0, 1e150]),
        "the same for columns",
    ),
    "subnormal row": (
        lambda: np.array([[1.0, 2.0], [4e-320, 2e-320]]),
        "1 over the largest entry overflows",
    ),
    "huge": (lambda: np.array([[1e308, 1.0], [1.0, 1e-308]]), "the whole range"),
    "rectangle": (lambda: np.arange(1.0, 13.0).reshape(3, 4) ** 9, "wide"),
    "triangle": (lambda: np.tril(4.0 ** np.arange(36).reshape(6, 6)), "lower"),
}

PROBLEMS: tuple[Problem, ...] = tuple(
    Problem(
        "equilibration",
        name,
        make,
        lambda: 1.0,
        "what equilibration means; the answer is evaluated in rationals",
        source,
    )
    for name, (make, source) in MATRICES.items()
)
