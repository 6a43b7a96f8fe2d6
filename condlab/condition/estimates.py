"""Estimates of the condition number of a large sparse matrix.

Nothing here is trusted because an iteration says so: what is called certain comes from
products with A itself, whose rounding is bounded entry by entry.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from condlab import _arrays, lanczos, norms
from condlab.condition._certain import (
    EPS,
    Products,
    at_least,
    dominance,
    norm_bound,
    over,
    sums_above,
    varah,
)
from condlab.condition._extreme import largest
from condlab.condition._hager import inverse_norm_1
from condlab.condition._products_only import of_operator, of_sparse
from condlab.condition._sparse_lu import (
    Factorisation,
    FillError,
    factorise,
    inverse_operator,
)
from condlab.condition._trust import HOPELESS, is_trusted, residual_norm_1
from condlab.errors import SingularMatrixError
from condlab.types import Array, ConditionEstimate, Norm

if TYPE_CHECKING:  # a tenth of `import condlab`, so it waits
    from scipy.sparse.linalg import LinearOperator

FILL_LIMIT = 10**8  # entries of L and U together: about 1.6 GB
SEED = 0
# With a residual above this, the adjoint solve may give the better bound.
BLURRED = 1e-6


def estimate_cond_1(
    A: Array,
    *,
    block_size: int = 2,
    rng: np.random.Generator | int | None = SEED,
    fill_limit: float = FILL_LIMIT,
) -> ConditionEstimate:
    """Estimate κ₁(A) = ‖A‖₁ ‖A⁻¹‖₁ from one sparse LU factorisation.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Real or complex, finite.
    block_size : int
        Number of vectors iterated together; more is slower and sharper.
    rng : Generator, int or None
        Where the random signs come from: by default from one fixed seed, so that every
        call gives the same; None draws new ones.
    fill_limit : float
        Expected entries of L and U beyond which no factorisation is tried; then only
        ``lower`` says something, from the norms of the columns.

    Returns
    -------
    ConditionEstimate
        ``value`` is nearly always within a factor of 3, mostly exact. ``lower`` is
        certain, from the residuals of the last solve and of its adjoint; for rows and
        columns both in very different units it may be far below. ``upper`` is inf,
        unless A is strictly diagonally dominant by columns (Varah's bound). Where a
        residual shows that A, with its rows and columns equilibrated, cannot be told
        from a singular matrix, ``value`` is inf.

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
    rng = np.random.default_rng(rng)
    size, slack = float(norms.column_norms(A, p=1).max()), (n + 8) * EPS
    # A⁻¹A = I = AA⁻¹ bound ‖A⁻¹‖₁ by any column's 1-norm and any row's largest entry.
    lines = sums_above(A, axis=0).min(), sums_above(A, axis=1, p="inf").min()
    shortest = float(min(lines))
    least = max(1.0, at_least(size * (1 - slack), shortest))
    upper = over(size, dominance(A.tocsc(), axis=0)) * (1 + slack)
    method = "splu+hager-higham"
    try:
        F = factorise(A, fill_limit)
        x, y = inverse_norm_1(F, n, block_size, rng)
        error, asked = residual_norm_1(A, x, y), float(np.abs(x).sum())
        decided = error < HOPELESS * asked if F.is_equilibrated else is_trusted(F, rng)
    except SingularMatrixError:
        return ConditionEstimate(math.inf, least, math.inf, 1, method)
    except FillError:
        return ConditionEstimate(least, least, upper, 1, "column norms, no LU")
    grown = float(np.abs(y).sum())
    # A⁻¹x = y + A⁻¹(x − Ay), so ‖y‖ ≤ ‖A⁻¹‖ (‖x‖ + ‖x − Ay‖).
    inverse = at_least(grown, asked + error)
    if error > BLURRED * asked:
        inverse = max(inverse, _from_adjoint(A, F, y))
    lower = max(least, min(size * inverse, sys.float_info.max) * (1 - slack))
    value = size * over(grown, asked)
    return _estimate(value, lower, upper, 1, method, decided)


def _from_adjoint(A: sp.csr_array, F: Factorisation, y: np.ndarray) -> float:
    """Bound ‖A⁻¹‖₁ from below by z = A'⁻¹w, w the signs of y: ‖z‖∞/‖A'z‖∞.

    For rows in different units its residual is the smaller one: D in D A meets z only
    as D z, which is of one size.
    """
    sizes = np.abs(y)
    w = np.where(sizes > 0, y / np.where(sizes > 0, sizes, 1.0), 1.0)
    try:
        z = F.solve_adjoint(w)
    except SingularMatrixError:
        return 0.0
    error = float(Products(A.conj().T).residual(z, w).max())
    return at_least(float(np.abs(z).max()), 1 + error)


def estimate_cond_2(
    A: Array | LinearOperator,
    *,
    num_matvecs: int = 100,
    rng: np.random.Generator | int | None = SEED,
    fill_limit: float = FILL_LIMIT,
) -> ConditionEstimate:
    """Estimate κ₂(A) = σ_1/σ_min(m, n) of a large sparse matrix of full rank.

    The largest singular value comes from Golub-Kahan bidiagonalisation of A, the
    smallest from that of A⁻¹ (A⁺ if A is rectangular) through one sparse LU
    factorisation. Both stop when a recomputed residual says that a singular value lies
    within 0.4 per cent and the chance that one was missed by more than 0.5 per cent is
    below 10⁻⁶; the error of ``value`` is usually below 0.1 per cent. Where
    `num_matvecs` did not suffice, ``method`` ends with "(not converged)".

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (m, n)
        Real or complex. A LinearOperator, which must have `rmatvec`, is only
        multiplied with: ``value`` is then no more than the lower bound, and
        ``is_lower_bound`` is True.
    num_matvecs : int
        The largest number of products with A and its adjoint, and of solves.
    rng : Generator, int or None
        Where the start vectors come from: by default from one fixed seed, so that
        every call gives the same; None draws new ones.
    fill_limit : float
        Expected entries of L and U beyond which no factorisation is tried, and
        ``value`` is only a lower bound, as for a LinearOperator.

    Returns
    -------
    ConditionEstimate
        ``lower`` is certain: ‖Av‖/‖v‖ bounds σ_1 from below and σ_min from above, for
        any v, less the rounding of the product. Of a LinearOperator's products an
        error of 10 √n eps σ_1 is assumed, with the eps of the least precise dtype
        among the operator, what it is made of and what it returns, or ten times the
        error seen in a check of linearity, if that is more: ``method`` names it.
        ``upper`` is inf, unless A is strictly diagonally dominant by rows and columns
        (Varah's corollary 2). Where a residual shows that A, with its rows and columns
        equilibrated, cannot be told from a singular matrix, ``value`` is inf.

    Raises
    ------
    ValueError
        If A is empty or holds nan or inf, is a LinearOperator without `rmatvec` or
        with one that is not the adjoint, or `num_matvecs` is below 1.

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
        return of_operator(A, num_matvecs, rng)
    A = _sparse(A)
    A = A if A.shape[0] >= A.shape[1] else A.conj().T.tocsr()
    P, bound = Products(A), norm_bound(A)
    top = largest(A, num_matvecs, rng, bound)
    sigma_1 = P.size(top.right, sign=-1)
    least, upper = _from_lines(A, sigma_1), over(bound, varah(A))
    try:
        inverse, F = inverse_operator(A, fill_limit)
        bottom = largest(inverse, num_matvecs, rng)
        sigma = over(1.0, bottom.value)
        above, sees_all = _above_sigma_min(A, P, inverse, bottom.right)
        if A.shape[0] == A.shape[1] and not F.is_equilibrated:
            sees_all = is_trusted(F, rng)
    except SingularMatrixError:
        return ConditionEstimate(math.inf, least, math.inf, 2, "splu")
    except FillError:
        return of_sparse(A, num_matvecs, rng, least, upper)
    lower = max(least, at_least(sigma_1, above) * (1 - 4 * EPS))
    steps = f"golub-kahan-{top.steps}+splu-golub-kahan-{bottom.steps}"
    converged = "" if top.converged and bottom.converged else " (not converged)"
    value = over(top.value, sigma)
    return _estimate(value, lower, upper, 2, steps + converged, sees_all)


def _from_lines(A: sp.csr_array, sigma_1: float) -> float:
    """Bound κ₂ of a tall A from below by its shortest column, or row if square."""
    shortest = [float(sums_above(A, axis=0, p=2).min())]
    if A.shape[0] == A.shape[1]:
        shortest.append(float(sums_above(A, axis=1, p=2).min()))
    return max(1.0, at_least(sigma_1, min(shortest)) * (1 - 4 * EPS))


def _above_sigma_min(
    A: sp.csr_array, P: Products, inverse: LinearOperator, u: np.ndarray
) -> tuple[float, bool]:
    """Bound σ_min from above by ‖Av‖/‖v‖, v = A⁺u, and if A is square by its adjoint.

    Also tell whether either residual is so small that A differs from singular ones.
    With rows in different units that of the adjoint is the smaller one.
    """
    v = inverse.matvec(u)
    error = lanczos.norm(P.residual(v, u))
    above, good = P.size(v, sign=1), error < HOPELESS * lanczos.norm(u)
    if error <= BLURRED * lanczos.norm(u) or A.shape[0] > A.shape[1]:
        return above, good
    v = v / lanczos.norm(v)
    w = inverse.rmatvec(v)
    adjoint = Products(A.conj().T)
    good = good or lanczos.norm(adjoint.residual(w, v)) < HOPELESS
    return min(above, adjoint.size(w, sign=1)), good


def _estimate(
    value: float, lower: float, upper: float, p: Norm, method: str, decided: bool
) -> ConditionEstimate:
    if not decided and math.isinf(upper):
        value = math.inf
    value = min(max(value, lower), upper)
    return ConditionEstimate(value, lower, upper, p, method)


def _sparse(A: Array) -> sp.csr_array:
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
