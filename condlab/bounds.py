"""What no diagonal scaling can beat: brackets of the best condition number there is.

Every bracket is certain, rounding included. The scaled matrix D A is known only up to
the rounding of its entries; how far that moves κ is part of the bracket, and a second
scaling by powers of two, which has no such rounding, serves where it moves κ too far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from condlab import _arrays
from condlab._bauer import NEGLIGIBLE, one_sided, two_sided
from condlab._rank import is_singular
from condlab.condition._brackets import by_singular_values
from condlab.condition._inverse import EPS, UNIT_ROUNDOFF, divided_by_peak, norm
from condlab.condition.exact import _dense, cond
from condlab.errors import NotPositiveDefiniteError
from condlab.norms import NORMS, row_norms
from condlab.scaling import jacobi_scaling, row_scaling
from condlab.types import (
    Array,
    Bracket,
    ConditionEstimate,
    ConditionNorm,
    Norm,
    Scaling,
)

__all__ = ["bauer", "van_der_sluis"]

DUAL: dict[Norm, Norm] = {1: "inf", 2: 2, "inf": 1}


def van_der_sluis(
    A: Array, *, side: Literal["left", "right", "symmetric"] = "left", p: Norm = 2
) -> Bracket:
    """Bracket the best condition number that diagonal scaling of one side can reach.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Of any shape and rank for p = 2 from the left or right, otherwise square;
        symmetric positive definite for ``side="symmetric"``.
    side : {"left", "right", "symmetric"}
        Which matrices compete: D A, A D or D A D, with D positive diagonal.
    p : {1, 2, "inf"}
        The norm of the condition number.

    Returns
    -------
    Bracket
        `upper` is attained by the equilibrated matrix B up to its rounding: rows of
        equal q-norm for the left, 1/p + 1/q = 1, columns of equal p-norm for the
        right, unit diagonal for the symmetric side. `lower` is κ_p(B) / `factor`, at
        least 1 and, where the scaled lines are linearly independent, at least
        κ₂(B)^(1/2). Both ends are inf where A is certainly singular.

    Raises
    ------
    NotPositiveDefiniteError
        If the side is symmetric and Cholesky's method fails.
    ValueError
        If A has not the shape or symmetry that is needed, is empty or not finite, or
        an option is not of its list.

    Notes
    -----
    One argument serves all: let D have largest entry 1. Then the norm of D B is at
    least that of its row with d_i = 1, which is 1, and dividing by D ≤ 1 does not
    shrink the inverse. So κ_p(D B) ≥ ‖B⁻¹‖_p = κ_p(B) / ‖B‖_p. With at most μ nonzeros
    in a column ‖B‖_p ≤ μ^(1/p) ≤ m^(1/p), which is 1 for p = "inf". From the right it
    is the same for the transpose and the dual norm. For D B D with B of unit diagonal
    the entry 1 takes the place of the row, for every p, and positive definiteness
    bounds the entries by 1: ‖B‖_p is at most the largest number of nonzeros in a row.

    References
    ----------
    .. [1] A. van der Sluis, "Condition numbers and equilibration of matrices",
       Numerische Mathematik 14, 1969, 14-23.
    .. [2] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
       SIAM 2002, Theorem 7.5 and Corollary 7.6.
    .. [3] A. Jambulapati, J. Li, C. Musco, K. Shiragur, A. Sidford and K. Tian,
       "Structured semidefinite programming for recovering structured
       preconditioners", NeurIPS 2023, for the root.

    Examples
    --------
    >>> van_der_sluis([[3.0, 0.0], [0.0, 1e-9]]).upper.__round__(12)
    1.0
    >>> van_der_sluis([[1.0, 1.0], [0.0, 1e-9]]).factor.__round__(6)
    1.306563
    """
    if side not in ("left", "right", "symmetric"):
        raise ValueError(f'side must be "left", "right" or "symmetric", got {side!r}')
    if p not in NORMS:
        raise ValueError(f'p must be 1, 2 or "inf", got {p!r}')
    needs_square = side == "symmetric" or p != 2
    A = _dense(A, square=f"van der Sluis's bound for {side}, {p}" * needs_square)
    if side == "symmetric":
        found, _ = _symmetric(A, p)
    else:
        found, _ = _left(A, p) if side == "left" else _left(A.T.copy(), DUAL[p])
    return _decided(A, found)


def equilibrated(A: np.ndarray, side: str) -> tuple[Bracket, Scaling]:
    """Return the bracket of best κ₂ with the scaling that certainly attains its end.

    A is real, its rows or its diagonal are of middle size.
    """
    if side == "symmetric":
        found, scaling = _symmetric(A, 2)
    else:
        found, scaling = _left(A, 2)
        units = np.ldexp(1.0, -np.frexp(np.abs(A).max(axis=1))[1])
        scaling = scaling.compose(Scaling(units))
    return _decided(A, found), scaling


def _left(A: np.ndarray, p: Norm) -> tuple[Bracket, Scaling]:
    """Return the bracket with a scaling of the rows of A divided by their peaks."""
    A = divided_by_peak(A, axis=1)
    if not A.any():
        return Bracket(math.inf, math.inf, 1.0), Scaling(np.ones(len(A)))
    most = int(np.count_nonzero(A, axis=0).max())
    promised = {1: float(most), 2: math.sqrt(most), "inf": 1.0}[p]
    q = DUAL[p]
    scalings = row_scaling(A, p=q), row_scaling(A, p=q, rounding="power-of-two")
    independent = p == 2 and A.shape[0] <= A.shape[1]
    return _bracket(A, scalings, lambda B: row_norms(B, p=q), p, promised, independent)


def _symmetric(A: np.ndarray, p: Norm) -> tuple[Bracket, Scaling]:
    if not (A == A.T).all():
        i, j = np.argwhere(A != A.T)[0]
        raise ValueError(
            f"symmetric scaling needs a symmetric matrix, got {A[i, j]} at ({i}, {j}) "
            f"and {A[j, i]} at ({j}, {i}); use (A + A.T) / 2 if that is rounding"
        )
    units = _arrays.power_of_two(jacobi_scaling(A).left)
    exact = Scaling(units, units)
    with np.errstate(over="ignore", invalid="ignore"):
        A = exact.apply(A)
    scalings = jacobi_scaling(A), Scaling()
    _require_positive_definite(scalings[0].apply(A))
    promised = float(np.count_nonzero(A, axis=1).max())
    found, scaling = _bracket(A, scalings, np.diagonal, p, promised, independent=False)
    return found, scaling.compose(exact)


def _require_positive_definite(A: np.ndarray) -> None:
    try:
        if np.isfinite(A).all():
            np.linalg.cholesky(A)
            return
    except np.linalg.LinAlgError:
        pass
    raise NotPositiveDefiniteError(
        "symmetric scaling needs a positive definite matrix, and Cholesky's method "
        'failed on this one scaled to unit diagonal; use side="left" or "right"'
    )


def _bracket(
    A: np.ndarray,
    scalings: tuple[Scaling, Scaling],
    sizes: Callable[[np.ndarray], np.ndarray],
    p: Norm,
    promised: float,
    independent: bool,
) -> tuple[Bracket, Scaling]:
    """Bracket the best κ by a scaling, or where rounding hides it by an exact one.

    The one that attains the upper end is returned. `sizes` gives the norms of the
    scaled rows, or the scaled diagonal; `promised` bounds the norm of a matrix whose
    sizes are 1.
    """
    slack = 1 - 4 * (max(A.shape) + 8) * EPS
    ends, factors = [], []
    for scaling, rounded in zip(scalings, (True, False), strict=True):
        B = scaling.apply(A)
        sigma = singular_values(B) if p == 2 else None
        low, high = bracket_of_scaled(B, p, rounded, sigma)
        found = sizes(B)[sizes(B) > 0]  # zero rows neither help nor hurt
        least, most = float(found.min()), float(found.max())
        size = (norm(B, p) if sigma is None else float(sigma[0])) / slack
        factors.append(max(1.0, min(promised, size)))
        ratio = max(1.0, min(promised * most, size) / least)
        root = math.sqrt(low) * least / most if independent else 1.0
        ends.append((max(1.0, low / ratio * slack, root * slack), high))
        if math.isfinite(high):
            break
    lower, upper = max(end[0] for end in ends), min(end[1] for end in ends)
    attains = scalings[[end[1] for end in ends].index(upper)]
    return Bracket(lower, upper, factors[0]), attains


def _decided(A: np.ndarray, found: Bracket) -> Bracket:
    """Return the bracket, of infinities where A, as it came, is certainly singular.

    In other units A may look singular: entries that leave the range become zeros.
    """
    if math.isinf(found.upper) and is_singular(A):
        return Bracket(math.inf, math.inf, found.factor)
    return found


def bracket_of_scaled(
    B: np.ndarray, p: ConditionNorm, rounded: bool, sigma: np.ndarray | None = None
) -> tuple[float, float]:
    """Bracket κ of the matrix whose entries B holds, rounded or only underflowed.

    A relative change η of the matrix moves 1/κ by at most η and the norm by 1 ± η.
    For p = 2 `sigma` may give the singular values of B, where the proof begins.
    """
    found = cond(B, p) if sigma is None else _cond_2(B, sigma)
    unit = 2 * UNIT_ROUNDOFF if rounded else NEGLIGIBLE
    eta = (
        unit * (math.sqrt(min(B.shape)) if p in (2, "fro") else 1.0)
        + B.size * NEGLIGIBLE
    )
    lower = (1 - eta) / (1 / found.lower + eta) * (1 - 4 * EPS)
    rest = 1 / found.upper - eta
    return lower, (1 + eta) / rest * (1 + 4 * EPS) if rest > 0 else math.inf


def singular_values(B: np.ndarray) -> np.ndarray:
    """Return those of a B of any range, as LAPACK finds them."""
    unit = divided_by_peak(B)
    return np.ldexp(np.linalg.svd(unit, compute_uv=False), _exponent(B))


def _cond_2(B: np.ndarray, sigma: np.ndarray) -> ConditionEstimate:
    unit = np.ldexp(sigma, -_exponent(B))
    return by_singular_values(divided_by_peak(B), 2, unit)


def _exponent(B: np.ndarray) -> int:
    """Return by which power of two `divided_by_peak` divides."""
    return int(np.frexp(np.abs(B.view(np.float64)).max())[1])


def bauer(
    A: Array, *, side: Literal["left", "right", "both"], p: Literal[1, "inf"]
) -> Bracket:
    """Bracket the best κ₁ or κ∞ under diagonal scaling, for which formulas are known.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (n, n)
        Real or complex, finite.
    side : {"left", "right", "both"}
        Which matrices compete: D A, A D, or D₁ A D₂.
    p : {1, "inf"}
        The norm of the condition number.

    Returns
    -------
    Bracket
        Of ‖ |A⁻¹| |A| ‖_p for the left, ‖ |A| |A⁻¹| ‖_p for the right and the spectral
        radius of |A⁻¹| |A| for both, which is an infimum where A is reducible. Its
        ends differ by rounding alone; both are inf where A is certainly singular.

    Raises
    ------
    ValueError
        If A is not square, is empty or not finite, or an option is not of its list.

    Notes
    -----
    With a computed inverse X and the residual R = I − XA, |A⁻¹||A| lies entry by entry
    within |R| |A⁻¹||A| of |X||A|. The spectral radius of a nonnegative T lies between
    (tr T^k / n)^(1/k) and ‖T^k‖^(1/k), which meet as k grows, irreducible or not.

    References
    ----------
    .. [1] F. L. Bauer, "Optimally scaled matrices", Numerische Mathematik 5, 1963,
       73-87.

    Examples
    --------
    >>> A = [[1.0, 1.0], [1.0, -1.0]]
    >>> [round(bauer(A, side=side, p=1).upper, 9) for side in ("left", "both")]
    [2.0, 2.0]
    """
    if side not in ("left", "right", "both"):
        raise ValueError(f'side must be "left", "right" or "both", got {side!r}')
    if p not in (1, "inf"):
        raise ValueError(f'Bauer\'s formulas need p = 1 or "inf", got {p!r}')
    A = _dense(A, square="the best scaled κ₁ or κ∞")
    if side == "both":
        return _decided(A, two_sided(A))
    if side == "left":
        return _decided(A, one_sided(A, p))
    return _decided(A, one_sided(A.T.copy(), 1 if p == "inf" else "inf"))
