"""The best diagonal scaling there is, with a certificate that none is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import structural_rank

from condlab import _arrays
from condlab._rank import is_singular
from condlab.bounds import bracket_of_scaled
from condlab.condition import DENSE_BYTES, _dense, cond_2
from condlab.optimal import _closed, _matrix_free, _one_sided
from condlab.optimal._blocks import best_blocks
from condlab.optimal._one_sided import Found
from condlab.optimal._progress import Clock
from condlab.scaling import column_scaling, jacobi_scaling, row_scaling
from condlab.types import Array, Bracket, Scaling

__all__ = ["OptimalScaling", "optimal_scaling"]

Side = Literal["left", "right", "symmetric", "both"]
Norm = Literal[1, 2, "inf", "fro"]
SIDES = ("left", "right", "symmetric", "both")
NORMS = (1, 2, "inf", "fro")


@dataclass(frozen=True, slots=True)
class OptimalScaling:
    """The best scaling that was found, and how good the best of all can be.

    Parameters
    ----------
    scaling : Scaling
        What was found.
    optimum : Bracket
        Of the best reachable condition number: no scaling of the side goes below
        `lower`, rounding included, and `scaling` attains `upper` or less.
    gap : float
        ``optimum.upper / optimum.lower - 1``; inf where nothing bounds it, nan where A
        is certainly singular.
    iterations : int
        Steps of the iteration; 0 for formulas.
    method : str
        "interior-point", "barrier" (with the number of blocks), "matrix-free",
        "formula" or "singular".

    Examples
    --------
    >>> optimal_scaling([[1.0, 0.0], [0.0, 1e-8]]).gap < 1e-9
    True
    """

    scaling: Scaling
    optimum: Bracket
    gap: float
    iterations: int
    method: str


def optimal_scaling(
    A: Array,
    *,
    side: Side = "left",
    p: Norm = 2,
    rtol: float = 0.005,
    time_limit: float | None = None,
    progress: Callable[[str], object] | None = None,
) -> OptimalScaling:
    """Find the diagonal scaling of least condition number, with a certificate.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Real and of full rank; square for two sides and, but for "fro", for p other
        than 2; symmetric for ``side="symmetric"``. It is made dense, unless it is
        sparse and that would take more than 256 MiB: then p is 2, one side or
        "symmetric" is scaled, and A is square and for "symmetric" positive definite.
    side : {"left", "right", "symmetric", "both"}
        Which matrices compete: D A, A D, D A D or D₁ A D₂, with D positive diagonal.
    p : {1, 2, "inf", "fro"}
        The norm of the condition number. Other norms than 2 have formulas, but none
        for "symmetric", and "fro" none for "both".
    rtol : float
        The gap at which to stop, for p = 2.
    time_limit : float, optional
        Seconds after which the best so far is returned, with its gap.
    progress : callable, optional
        Called with a word on how far the work is.

    Returns
    -------
    OptimalScaling
        Its gap may exceed `rtol` where time or digits ran out. For "matrix-free", the
        method of large sparse matrices, the upper end is Lanczos' estimate of what the
        scaling reaches; the lower end is certain there too. Where A is certainly
        singular both ends of the bracket are inf.

    Raises
    ------
    SingularMatrixError
        If a formula needs the inverse and elimination meets a zero pivot.
    ValueError
        If A has not the shape or symmetry that is needed, is complex, empty or not
        finite, or an option is not of its list.

    Notes
    -----
    For p = 2 one side is a semidefinite programme, solved by an interior-point method
    in about ten steps. Two sides are convex in the logarithms of the multipliers, where
    Newton's method follows the path of two barriers; reducible matrices are scaled
    block by block, and their optimum is an infimum that no scaling attains. Where the
    best multipliers of a nearly reducible matrix differ by more than rounding can
    follow, the gap stays open. For symmetric A the best two
    scalings can be taken equal: κ(D A E) = κ(E A D), and by convexity the geometric
    mean of D and E is as good. So both sides of a symmetric positive definite matrix
    are scaled as one, a semidefinite programme again.

    The certificate is a pair of positive semidefinite matrices: with Z₁ and Z₂ such
    that (A Z₁ Aᵀ)_ii ≥ t (A Z₂ Aᵀ)_ii and (Z₁)_jj ≤ (Z₂)_jj for all i and j, every
    κ(D₁ A D₂)² is at least t.

    References
    ----------
    .. [1] R. Sezginer and M. Overton, "The largest singular value of e^X A e^-X is
       convex on convex sets of commuting matrices", IEEE Trans. Automat. Control
       35(2), 1990.
    .. [2] R. D. Braatz and M. Morari, "Minimizing the Euclidean condition number",
       SIAM J. Control Optim. 32(6), 1994.
    .. [3] F. L. Bauer, "Optimally scaled matrices", Numerische Mathematik 5, 1963.

    Examples
    --------
    >>> A = [[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [100.0, 0.0, 200.0]]
    >>> best = optimal_scaling(A)
    >>> best.optimum.lower <= best.optimum.upper <= 1.005 * best.optimum.lower
    True
    >>> round(best.optimum.upper, 1)
    3.6
    """
    _require_options(side, p, rtol, time_limit)
    clock = Clock(time_limit, progress)
    if sp.issparse(A) and _is_large(A):
        return _large(A, side, p, rtol, clock)
    A = _real_dense(A, side, p)
    if side == "symmetric":
        _require_symmetric(A)
    if _is_certainly_singular(A):
        nowhere = Bracket(math.inf, math.inf)
        return OptimalScaling(_ones(A, side), nowhere, math.nan, 0, "singular")
    if p != 2:
        found, method = _by_formula(A, side, p), "formula"
    elif side in ("left", "right"):
        method = "interior-point"
        found = _turned(lambda B: _one_side(B, rtol, clock), A, side)
    else:
        found, method = _two_sides(A, rtol, clock)
    return _judged(A, found, p, method)


def _require_options(side: str, p: Any, rtol: float, time_limit: float | None) -> None:
    if side not in SIDES:
        raise ValueError(f"side must be one of {', '.join(SIDES)}, got {side!r}")
    if p not in NORMS:
        raise ValueError(f'p must be 1, 2, "inf" or "fro", got {p!r}')
    if (side == "symmetric" and p != 2) or (side == "both" and p == "fro"):
        raise ValueError(f'for side="{side}" only other norms are known, got p={p!r}')
    if not (rtol > 0 and math.isfinite(rtol)):
        raise ValueError(f"rtol must be positive, such as 0.005, got {rtol!r}")
    if time_limit is not None and not time_limit >= 0:
        raise ValueError(f"time_limit is a number of seconds, got {time_limit!r}")


def _real_dense(A: Array, side: str, p: Any) -> np.ndarray:
    needs_square = side in ("symmetric", "both") or p in (1, "inf")
    A = _dense(A, square=f"the best scaling for {side}, {p}" * needs_square)
    if np.iscomplexobj(A):
        raise ValueError(
            "the best scaling is implemented for real matrices, got complex128; "
            "van_der_sluis brackets the optimum of complex ones"
        )
    m, n = A.shape if side != "right" else A.shape[::-1]
    if p == "fro" and m > n:
        raise ValueError(
            f"the Frobenius norm has a formula for independent lines only, got {m} "
            f"lines of {n} entries to scale; use p=2 or the other side"
        )
    return A


def _is_large(A: Any) -> bool:
    return A.shape[0] * A.shape[1] * 8 > DENSE_BYTES


def _large(A: Any, side: str, p: Any, rtol: float, clock: Clock) -> OptimalScaling:
    """Scale a sparse matrix that is too large to be dense."""
    if p != 2 or side == "both" or A.shape[0] != A.shape[1] or A.dtype.kind == "c":
        raise ValueError(
            "matrices too large to be dense are scaled on one side, or symmetrically, "
            f"for p = 2, square and real; got side={side!r}, p={p!r}, shape {A.shape}"
        )
    A = _arrays.as_float(A).astype(np.float64)
    if side == "symmetric":
        if abs(A - A.T).max() > 0:
            raise ValueError("symmetric scaling needs a symmetric matrix")
        jacobi_scaling(A)  # raises where the diagonal is not positive
    B = sp.csr_array(A.T) if side == "right" else A
    found, kappa = _matrix_free.left(B, rtol, clock, symmetric=side == "symmetric")
    scaling = Scaling(found.left, found.right)
    if side == "right":
        scaling = Scaling(None, found.left)
    optimum = Bracket(found.lower, max(kappa, found.lower))
    gap = optimum.upper / optimum.lower - 1
    return OptimalScaling(scaling, optimum, gap, found.iterations, "matrix-free")


def _require_symmetric(A: np.ndarray) -> None:
    if not (A == A.T).all():
        i, j = np.argwhere(A != A.T)[0]
        raise ValueError(
            f"symmetric scaling needs a symmetric matrix, got {A[i, j]} at ({i}, {j}) "
            f"and {A[j, i]} at ({j}, {i}); use (A + A.T) / 2 if that is rounding"
        )


def _is_certainly_singular(A: np.ndarray) -> bool:
    """Tell so, after a look at whether it may be, which takes less time."""
    if structural_rank(sp.csr_array(A != 0)) < min(A.shape):
        return True
    rows = row_scaling(A, rounding="power-of-two")
    scaled = column_scaling(rows.apply(A), rounding="power-of-two").compose(rows)
    return math.isinf(cond_2(scaled.apply(A)).upper) and is_singular(A)


def _ones(A: np.ndarray, side: str) -> Scaling:
    left = None if side == "right" else np.ones(A.shape[0])
    return Scaling(left, None if side == "left" else np.ones(A.shape[1]))


def _by_formula(A: np.ndarray, side: str, p: Any) -> Found:
    if side == "both":
        return _closed.both(A, p)
    if p == "fro":
        return _turned(_closed.rows_frobenius, A, side)
    dual: Any = p if side == "left" else {1: "inf", "inf": 1}[p]
    return _turned(lambda B: _closed.rows(B, dual), A, side)


def _turned(solve: Callable[[np.ndarray], Found], A: np.ndarray, side: str) -> Found:
    """Scale the columns as the rows of the transpose."""
    if side == "left":
        return solve(A)
    found = solve(A.T.copy())
    return Found(None, found.left, found.lower, found.iterations)


def _one_side(A: np.ndarray, rtol: float, clock: Clock) -> Found:
    """Scale the rows that are not zero; those that are leave κ alone."""
    filled = A.any(axis=1)
    found = _one_sided.left(A[filled], rtol, clock)
    left = np.ones(len(A))
    left[filled] = found.left
    return Found(left, None, found.lower, found.iterations)


def _two_sides(A: np.ndarray, rtol: float, clock: Clock) -> tuple[Found, str]:
    alike = bool((A == A.T).all())
    if alike and (np.diagonal(A) > 0).all():
        try:
            return _one_sided.symmetric(A, rtol, clock), "interior-point"
        except np.linalg.LinAlgError:  # not definite, or not certainly so
            pass
    found, count = best_blocks(A, rtol, clock)
    method = "barrier" if count == 1 else f"barrier in {count} blocks"
    if not alike:
        return found, method
    middle = np.sqrt(np.asarray(found.left)) * np.sqrt(np.asarray(found.right))
    return Found(middle, middle, found.lower, found.iterations), method


def _judged(A: np.ndarray, found: Found, p: Any, method: str) -> OptimalScaling:
    """Return the better of what was found and its powers of two, with its bracket."""
    scaling = Scaling(found.left, found.right)
    upper = bracket_of_scaled(scaling.apply(A), p, rounded=True)[1]
    if math.isinf(upper):  # the rounding of D A hides it
        parts = (scaling.left, scaling.right)
        exact = (d if d is None else _arrays.power_of_two(d) for d in parts)
        scaling = Scaling(*exact)
        upper = bracket_of_scaled(scaling.apply(A), p, rounded=False)[1]
    optimum, gap = Bracket(found.lower, upper), upper / found.lower - 1
    return OptimalScaling(scaling, optimum, gap, found.iterations, method)
