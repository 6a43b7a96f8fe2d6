"""Estimates of the condition number of a large sparse matrix.

Nothing here is trusted because an iteration says so: what is called certain comes from
products with A itself, whose rounding is bounded entry by entry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from condlab import _arrays, lanczos, norms
from condlab._estimate.certain import Products, dominance, norm_bound, varah
from condlab._estimate.hager import inverse_norm_1
from condlab._estimate.sparse_lu import FillError, factorise, inverse_operator
from condlab.errors import SingularMatrixError
from condlab.types import ConditionEstimate

EPS = float(np.finfo(np.float64).eps)
FILL_LIMIT = 10**8  # entries of L and U together: about 1.6 GB
# Half of what is asked of a solve: beyond it, the matrix may as well be singular.
HOPELESS = 0.5
# A singular value lies within this of the answer, relatively. The error itself is a
# fifth of it where the values cluster, and its square over the gap where they do not.
RESIDUAL = 4e-3


def estimate_cond_1(
    A: Any, *, block_size: int = 2, rng: Any = None, fill_limit: float = FILL_LIMIT
) -> ConditionEstimate:
    """Estimate κ₁(A) = ‖A‖₁ ‖A⁻¹‖₁ from one sparse LU factorisation.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Real or complex, finite.
    block_size : int
        Number of vectors iterated together; more is slower and sharper.
    rng : Generator or int, optional
        Where the random signs come from.
    fill_limit : float
        Expected entries of L and U beyond which no factorisation is tried; then only
        ``lower`` says something, from the norms of the columns.

    Returns
    -------
    ConditionEstimate
        ``value`` is nearly always within a factor of 3, mostly exact. ``lower`` is
        certain, from the residual of the last solve. ``upper`` is inf, unless A is
        strictly diagonally dominant by columns (Varah's bound). Where the residual
        shows that A cannot be told from a singular matrix, ``value`` is inf.

    Raises
    ------
    ValueError
        If A is not square, is empty or holds nan or inf.

    References
    ----------
    N. J. Higham and F. Tisseur, "A block algorithm for matrix 1-norm estimation", SIAM
    J. Matrix Anal. Appl. 21(4), 2000, algorithm 2.4. J. M. Varah, "A lower bound for
    the smallest singular value of a matrix", Linear Algebra Appl. 11(1), 1975.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> estimate_cond_1(sp.diags_array([1.0, 4.0]), rng=0).value
    4.0
    """
    A = _sparse(A)
    m, n = A.shape
    if m != n:
        raise ValueError(
            f"κ₁ needs a square matrix, got shape ({m}, {n}). For a rectangular "
            "matrix use estimate_cond_2, which is defined by singular values."
        )
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, got {block_size}")
    sums = norms.column_norms(A, p=1)
    size, slack = float(sums.max()), (n + 4) * EPS
    least = max(1.0, _over(size, float(sums.min())) * (1 - slack))
    upper = _over(size, dominance(A.tocsc(), axis=0)) * (1 + slack)
    method = "splu+hager-higham"
    try:
        F = factorise(A, fill_limit)
        x, y = inverse_norm_1(F, n, block_size, np.random.default_rng(rng))
    except SingularMatrixError:
        return ConditionEstimate(math.inf, least, math.inf, 1, method)
    except FillError:
        return ConditionEstimate(least, least, upper, 1, "column norms, no LU")
    # A⁻¹x = y + A⁻¹(x − Ay), so ‖y‖ ≤ ‖A⁻¹‖ (‖x‖ + ‖x − Ay‖).
    error = float(Products(A).residual(y, x).sum())
    grown, asked = float(np.abs(y).sum()), float(np.abs(x).sum())
    lower = max(least, size * _over(grown, asked + error) * (1 - slack))
    value = size * _over(grown, asked)
    return _estimate(value, lower, upper, 1, method, error < HOPELESS * asked)


def estimate_cond_2(
    A: Any,
    *,
    num_matvecs: int = 100,
    rng: Any = None,
    fill_limit: float = FILL_LIMIT,
) -> ConditionEstimate:
    """Estimate κ₂(A) = σ_1/σ_min(m, n) of a large sparse matrix of full rank.

    The largest singular value comes from Golub-Kahan bidiagonalisation of A, the
    smallest from that of A⁻¹ (A⁺ if A is rectangular) through one sparse LU
    factorisation. Both stop when a recomputed residual says that a singular value lies
    within 0.4 per cent; the error of ``value`` is usually below 0.1 per cent.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (m, n)
        Real or complex. A LinearOperator, which must have `rmatvec`, is only
        multiplied with: the answer is then only a lower bound.
    num_matvecs : int
        The largest number of products with A and its adjoint, and of solves.
    rng : Generator or int, optional
        Where the start vectors come from.
    fill_limit : float
        Expected entries of L and U beyond which no factorisation is tried, and the
        answer is only a lower bound. ``method`` says so.

    Returns
    -------
    ConditionEstimate
        ``lower`` is certain: ‖Av‖/‖v‖ bounds σ_1 from below and σ_min from above, for
        any v, less the rounding of the product (10 √n eps σ_1 is assumed of a
        LinearOperator). ``upper`` is inf, unless A is strictly diagonally dominant by
        rows and columns (Varah's corollary 2). Where the residual of the smallest
        triplet shows that A cannot be told from a singular matrix, ``value`` is inf.

    Raises
    ------
    ValueError
        If A is empty or holds nan or inf, or `num_matvecs` is below 1.

    References
    ----------
    G. Golub and W. Kahan, SIAM J. Numer. Anal. B 2(2), 1965. Å. Björck, "Iterative
    refinement of linear least squares solutions I", BIT 7, 1967. J. M. Varah, Linear
    Algebra Appl. 11(1), 1975.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> round(estimate_cond_2(sp.diags_array([1.0, 4.0, 2.0]), rng=0).value, 9)
    4.0
    """
    rng = np.random.default_rng(rng)
    if not sp.issparse(A) and hasattr(A, "rmatvec"):
        return _lower_bound(A, num_matvecs, rng)
    A = _sparse(A)
    A = A if A.shape[0] >= A.shape[1] else A.conj().T.tocsr()
    m, n = A.shape
    P = Products(A)
    top = _largest(A, rng.standard_normal(n), num_matvecs)
    sigma_1 = P.size(top.right, sign=-1)
    column = _over(1.0, float(norms.column_norms(A).min()))
    least = max(1.0, sigma_1 * column * (1 - 4 * EPS))
    try:
        inverse = inverse_operator(A, fill_limit)
        bottom = _largest(inverse, rng.standard_normal(m), num_matvecs)
    except SingularMatrixError:
        return ConditionEstimate(math.inf, least, math.inf, 2, "splu")
    except FillError:
        return _lower_bound(A, num_matvecs, rng, least)
    # The inverse maps the left vector u, here on its right, to v/σ.
    u, v, sigma = bottom.right, bottom.left, _over(1.0, bottom.value)
    lower = max(least, _over(sigma_1, P.size(v, sign=1)) * (1 - 4 * EPS))
    error = lanczos.norm(P.residual(v, sigma * u))
    upper = _over(norm_bound(A), varah(A))
    steps = f"golub-kahan-{top.steps}+splu-golub-kahan-{bottom.steps}"
    converged = "" if top.converged and bottom.converged else " (not converged)"
    value = _over(top.value, sigma)
    decided = error < HOPELESS * sigma
    return _estimate(value, lower, upper, 2, steps + converged, decided)


def _estimate(
    value: float, lower: float, upper: float, p: Any, method: str, decided: bool
) -> ConditionEstimate:
    if not decided and math.isinf(upper):
        value = math.inf
    value = min(max(value, lower), upper)
    return ConditionEstimate(value, lower, upper, p, method)


@dataclass(frozen=True, slots=True, eq=False)
class _Extreme:
    value: float
    left: np.ndarray
    right: np.ndarray
    steps: int
    converged: bool


def _largest(A: Any, start: np.ndarray, num_matvecs: int) -> _Extreme:
    """Return the largest singular triplet once its recomputed residual is small."""
    multiply, adjoint = lanczos.products(A)
    for steps, G in enumerate(lanczos.golub_kahan_steps(A, start, num_matvecs), 1):
        if not len(G.alpha):  # A maps the start to zero
            return _Extreme(0.0, np.zeros(A.shape[0]), G.right[:, 0], steps, True)
        W, values, Zh = np.linalg.svd(G.matrix, full_matrices=False)
        claimed = G.coupling * abs(W[-1, 0])
        if claimed > RESIDUAL * values[0] and steps < num_matvecs:
            continue
        sigma, u, v = float(values[0]), G.left @ W[:, 0], G.right @ Zh[0]
        left, right = multiply(v) - sigma * u, adjoint(u) - sigma * v
        error = math.hypot(lanczos.norm(left), lanczos.norm(right)) / math.sqrt(2)
        converged = error <= RESIDUAL * sigma
        # Past this the products contradict each other: more of them are no help.
        if converged or G.invariant or claimed <= 1e-2 * RESIDUAL * sigma:
            break
    return _Extreme(sigma, u, v, steps, converged)


def _lower_bound(
    A: Any, num_matvecs: int, rng: np.random.Generator, least: float = 1.0
) -> ConditionEstimate:
    """Return what products alone can say of κ₂."""
    if A.shape[0] < A.shape[1]:
        A = A.adjoint()  # only a LinearOperator can still be wide
    n = A.shape[1]
    G = lanczos.golub_kahan(A, rng.standard_normal(n), num_matvecs)
    method = f"golub-kahan-{G.right.shape[1]}, no LU: lower bound only"
    Zh = np.linalg.svd(G.matrix)[2]
    first, last = G.right @ Zh[0], G.right @ Zh[-1]
    if sp.issparse(A):
        P = Products(A)
        high, low = P.size(first, sign=-1), P.size(last, sign=1)
    else:
        high, low = (lanczos.norm(A.matvec(v)) for v in (first, last))
        noise = 10 * math.sqrt(n) * EPS * high
        high, low = high - noise, low + noise
    lower = max(least, _over(high, low) * (1 - 4 * EPS))
    # One more right than left vector: A maps a combination of them to zero.
    singular = G.left.shape[1] < G.right.shape[1]
    return ConditionEstimate(
        math.inf if singular else lower, lower, math.inf, 2, method
    )


def _sparse(A: Any) -> Any:
    """Return A as double precision csr, divided by a power of two near its peak."""
    A = _arrays.as_float(A)
    m, n = A.shape
    if m == 0 or n == 0:
        raise ValueError(
            f"a condition number needs at least one row and one column, got shape "
            f"({m}, {n}); leave empty matrices out"
        )
    A = sp.csr_array(A if sp.issparse(A) else _arrays.to_numpy(A))
    dtype = np.complex128 if np.iscomplexobj(A.data) else np.float64
    parts = np.ascontiguousarray(A.data, dtype=dtype).view(np.float64)
    exponent = np.frexp(np.abs(parts).max(initial=0.0))[1]
    data = np.ldexp(parts, -exponent).view(dtype)
    return sp.csr_array((data, A.indices, A.indptr), shape=A.shape)


def _over(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.inf
