"""Families on which equilibration is as far from the best scaling as it gets."""

from __future__ import annotations

import numpy as np

from condlab.gallery._size import require_size
from condlab.types import Scaling

PAIR_ANGLE, ANGLE = 1e-5, 1e-2  # Gram matrices square them: kappa_2 near 1e10 n


def repeated_row(m: int, n: int) -> np.ndarray:
    """Return the identity with its last row repeated, shape (m, n), m >= n.

    Its rows have unit norm, so row equilibration leaves kappa_2 = sqrt(m - n + 1),
    while dividing the repeated rows by that number gives kappa_2 = 1: for tall
    matrices van der Sluis's factor sqrt(m) is attained up to n - 1.

    References
    ----------
    A. van der Sluis, "Condition numbers and equilibration of matrices", Numer. Math.
    14, 1969, 14-23, for the factor; the example is elementary.

    Examples
    --------
    >>> repeated_row(4, 2)
    array([[1., 0.],
           [0., 1.],
           [0., 1.],
           [0., 1.]])
    """
    n = require_size("repeated-row", n)
    m = require_size("repeated-row", m, at_least=n)
    return np.eye(n)[np.minimum(np.arange(m), n - 1)]


def nearly_parallel_rows(
    m: int, *, pair_angle: float = PAIR_ANGLE, angle: float = ANGLE
) -> np.ndarray:
    """Return m unit rows near one direction, two of them much nearer, shape (m, m).

    Rows 1 and 2 are at +-`pair_angle` from the first axis in one plane, every other row
    at `angle` in a plane of its own. Equal row norms are a bad choice: weighting the
    others down (`nearly_parallel_scaling`) takes kappa_2 to near 1 / tan(pair_angle).
    Row equilibration is off by a factor that tends to sqrt(m / 2) as the angles and
    their ratio fall to zero; no larger one is known for full row rank.

    Parameters
    ----------
    m : int
        The order, at least 2.
    pair_angle, angle : float
        In radians, 0 < pair_angle < angle < pi / 2.

    References
    ----------
    A. van der Sluis, "Condition numbers and equilibration of matrices", Numer. Math.
    14, 1969, 14-23, bounds the factor by sqrt(m).

    Examples
    --------
    >>> import numpy as np
    >>> A = nearly_parallel_rows(8)
    >>> better = nearly_parallel_scaling(8).apply(A)
    >>> print(f"{np.linalg.cond(A) / np.linalg.cond(better):.3f}")
    2.000
    """
    m = _checked(m, pair_angle, angle)
    A = np.diag(np.full(m, np.sin(angle)))
    A[:, 0] = np.cos(angle)
    A[:2, :2] = np.cos(pair_angle)
    A[:2, 1] = [np.sin(pair_angle), -np.sin(pair_angle)]
    return A


def nearly_parallel_gram(
    n: int, *, pair_angle: float = PAIR_ANGLE, angle: float = ANGLE
) -> np.ndarray:
    """Return the Gram matrix of `nearly_parallel_rows`, shape (n, n).

    Symmetric positive definite with unit diagonal, so Jacobi scaling leaves it as it
    is, a factor near n / 2 above the best symmetric diagonal scaling.

    Parameters
    ----------
    n : int
        The order, at least 2.
    pair_angle, angle : float
        In radians, 0 < pair_angle < angle < pi / 2.

    References
    ----------
    A. van der Sluis, "Condition numbers and equilibration of matrices", Numer. Math.
    14, 1969, 14-23, bounds the factor by n.

    Examples
    --------
    >>> nearly_parallel_gram(3, pair_angle=0.1, angle=0.5).round(4)
    array([[1.    , 0.9801, 0.8732],
           [0.9801, 1.    , 0.8732],
           [0.8732, 0.8732, 1.    ]])
    """
    n = _checked(n, pair_angle, angle)
    cosines = np.full(n, np.cos(angle))
    cosines[:2] = np.cos(pair_angle)
    gram = np.outer(cosines, cosines)
    gram[0, 1] = gram[1, 0] = np.cos(2 * pair_angle)
    np.fill_diagonal(gram, 1.0)
    return gram


def nearly_parallel_scaling(
    m: int, *, pair_angle: float = PAIR_ANGLE, angle: float = ANGLE
) -> Scaling:
    """Return the left scaling of `nearly_parallel_rows` that beats equal row norms.

    Rows past the second are multiplied by 2 sin(pair_angle) / sin(angle): enough to
    keep the smallest singular value where the pair puts it, and too little to add to
    the largest. For the Gram matrix use it on both sides.

    Examples
    --------
    >>> nearly_parallel_scaling(4, pair_angle=1e-3, angle=1e-1).left.round(3)
    array([1.  , 1.  , 0.02, 0.02])
    """
    m = _checked(m, pair_angle, angle)
    left = np.full(m, 2 * np.sin(pair_angle) / np.sin(angle))
    left[:2] = 1.0
    return Scaling(left=left)


def nearly_parallel_gram_kappa_2(
    n: int, *, pair_angle: float = PAIR_ANGLE, angle: float = ANGLE, weight: float = 1.0
) -> float:
    """Return kappa_2 of the Gram matrix after weighting rows past the second.

    The difference of the pair is an eigenvector, so are the differences of the others;
    a 2 x 2 problem is left, whose determinant is known without cancellation.

    Parameters
    ----------
    n : int
        The order, at least 2.
    pair_angle, angle : float
        In radians.
    weight : float
        Multiplier of the rows, and of the columns, past the second.

    Examples
    --------
    >>> nearly_parallel_gram_kappa_2(8) / nearly_parallel_gram_kappa_2(8, weight=2e-3)
    3.999...
    """
    n = _checked(n, pair_angle, angle)
    pair, other = 2 * np.sin(pair_angle) ** 2, (weight * np.sin(angle)) ** 2
    shared = 2 * np.cos(pair_angle) ** 2
    if n == 2:
        return float(shared / pair)
    trace = shared + (n - 2) * (weight * np.cos(angle)) ** 2 + other
    largest = (trace + np.sqrt(trace**2 - 4 * shared * other)) / 2
    eigenvalues = [pair, shared * other / largest] + [other] * (n > 3)
    return float(max(largest, pair) / min(eigenvalues))


def _checked(m: int, pair_angle: float, angle: float) -> int:
    if not 0 < pair_angle < angle < np.pi / 2:
        raise ValueError(
            "the angles need 0 < pair_angle < angle < pi/2, "
            f"got {pair_angle} and {angle}"
        )
    return require_size("nearly-parallel rows", m, at_least=2)
