"""A linear system under a diagonal scaling, and the way back to its own units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from condlab._scaled import Array, apply


class Solution(NamedTuple):
    """A solution in the units of the system, and what it leaves over: b − A x."""

    x: Array
    residual: Array


@dataclass(frozen=True, slots=True, eq=False)
class ScaledSystem:
    """The system (D₁ A D₂) y = D₁ b that stands for A x = b, with x = D₂ y.

    Parameters
    ----------
    A : array, shape (m, n)
        The scaled matrix.
    b : array, shape (m,) or (m, k)
        The scaled right-hand side, or several.
    unscaled : tuple of arrays
        The matrix and the right-hand side as they came.
    right : array, shape (n,), or None
        The diagonal of D₂; None is the identity.

    Examples
    --------
    >>> import numpy as np
    >>> from condlab import row_scaling
    >>> A, b = np.array([[3.0, 4.0], [2e9, 1e9]]), np.array([7.0, 3e9])
    >>> system = row_scaling(A).system(A, b)
    >>> x, residual = system.recover(np.linalg.solve(system.A, system.b))
    >>> x.round(12), bool(abs(residual / b).max() < 1e-14)
    (array([1., 1.]), True)
    """

    A: Array
    b: Array
    unscaled: tuple[Array, Array]
    right: Array | None

    def recover(self, y: Array) -> Solution:
        """Return x = D₂ y and b − A x in the units that the system came in.

        Parameters
        ----------
        y : array, shape (n,) or (n, k)
            What a solver found for the scaled system.
        """
        A, b = self.unscaled
        x = lines_times(y, self.right)
        return Solution(x, b - A @ x)


def scaled_system(
    A: Array, b: Array, left: Array | None, right: Array | None
) -> ScaledSystem:
    """Return the scaled system.

    Raises
    ------
    ValueError
        If b has not as many rows as A.
    """
    if b.shape[:1] != A.shape[:1] or b.ndim > 2:
        raise ValueError(
            f"a right-hand side for shape {tuple(A.shape)} has {A.shape[0]} rows, got "
            f"shape {tuple(b.shape)}; give b as a vector, or a matrix of columns"
        )
    return ScaledSystem(apply(A, left, right), lines_times(b, left), (A, b), right)


def lines_times(b: Array, d: Array | None) -> Array:
    """Return diag(d) b of a vector or a matrix, in the container of b."""
    if d is None:
        return b
    return apply(b[:, None], d, None)[:, 0] if b.ndim == 1 else apply(b, d, None)
