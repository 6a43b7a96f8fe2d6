"""Linear algebra in ball arithmetic: every result is an interval that holds the truth.

Matrices are NumPy object arrays of python-flint's `arb`, so ``A @ B``, ``A * d``,
``abs(A)`` and ``A.sum(axis=0)`` are the usual ones; what follows is what NumPy lacks.
Comparisons of balls are true only where they are certain.

References
----------
F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic",
IEEE Trans. Computers 66, 2017.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import combinations

import numpy as np
from flint import acb, acb_mat, arb, arb_poly, ctx

from condlab.theory._ball import (
    Ball,
    Balls,
    Entries,
    Sides,
    array,
    as_mat,
    ball,
    from_mat,
    is_singular,
    precision,  # noqa: F401  - part of this module
)

INFINITY = float("inf")


def identity_matrix(n: int) -> Balls:
    """Return the identity of order n."""
    return ball(np.eye(n))


def product(A: Balls, B: Balls) -> Balls:
    """Return the matrix product; the same as ``A @ B``, and faster."""
    return from_mat(as_mat(A) * as_mat(B))


def inverse(A: Balls) -> Balls:
    """Return the inverse; entries are unbounded where A may be singular."""
    try:
        return from_mat(as_mat(A).inv())
    except ZeroDivisionError:
        return array([arb(0, INFINITY)] * A.size, A.shape)


def pseudoinverse(A: Balls) -> Balls:
    """Return the Moore-Penrose inverse of a matrix of full rank."""
    if A.shape[0] >= A.shape[1]:
        return product(inverse(product(A.T, A)), A.T)
    return product(A.T, inverse(product(A, A.T)))


def determinant(A: Balls) -> Ball:
    """Return the determinant."""
    return as_mat(A).det()


def eigenvalues(A: Balls) -> list[acb]:
    """Return the eigenvalues as complex balls, with multiplicity, in no order."""
    if (A == A.T).all():
        return [acb(value) for value in symmetric_eigenvalues(A)]
    try:
        return acb_mat(as_mat(A)).eig()
    except ValueError:  # equal or nearly equal ones
        return _clustered_roots(as_mat(A).charpoly())


def _clustered_roots(p: arb_poly) -> list[acb]:
    """Enclose the roots of a monic polynomial, multiple ones included.

    Smith's theorem (J. ACM 17, 1970): they lie in the discs around any distinct z_i
    whose radius is n times Weierstrass's correction, k of them in k discs that touch.
    """
    n = p.degree()
    start = np.roots([float(c.mid()) for c in reversed(p.coeffs())])
    z = array([acb(x.real, x.imag) for x in start.astype(complex)], (n,))
    # Distinct, and none exactly a root, on which the others would then fall.
    z = z + array([acb(k + 1, n - k) * 2.0**-40 for k in range(n)], (n,))
    # For a k-fold root the corrections fall by 1 - 1/k a step down to 2^(-bits/k).
    for _ in range(ctx.prec * 9 // 20):
        z = array([x.mid() for x in z - _corrections(p, z)], (n,))
    radii = [(n * abs(w)).upper() for w in _corrections(p, z)]
    discs = [x + acb(arb(0, r), arb(0, r)) for x, r in zip(z, radii, strict=True)]
    for _ in range(n):  # until every disc has grown over those it touches
        discs = [reduce(acb.union, filter(x.overlaps, discs)) for x in discs]
    return discs


def _corrections(p: arb_poly, z: np.ndarray) -> np.ndarray:
    differences = z[:, None] - z[None, :]
    np.fill_diagonal(differences, acb(1))
    return array([p(x) for x in z], z.shape) / differences.prod(axis=1)


def symmetric_eigenvalues(A: Balls) -> list[Ball]:
    """Return the eigenvalues of a symmetric matrix, ascending."""
    if len(A) == 1:
        return [A[0, 0]]
    try:
        values = [value.real for value in acb_mat(as_mat(A)).eig()]
    except ValueError:  # equal or nearly equal ones, which Jacobi's method takes
        return _jacobi_eigenvalues(A)
    return sorted(values, key=lambda x: x.mid())  # isolated, so the order is certain


def _jacobi_eigenvalues(A: Balls) -> list[Ball]:
    """Enclose by Weyl's and Ostrowski's theorems after Jacobi rotations.

    With X the product of the computed rotations and B = X'AX, the k-th eigenvalue of
    A is that of B over an eigenvalue of X'X, and that of B is its k-th diagonal entry
    up to the Frobenius norm of the rest.
    """
    n = len(A)
    X = _rotations(A)
    B = product(product(X.T, A), X)
    rest = norm_fro(B - np.diag(B.diagonal()))
    drift = norm_fro(product(X.T, X) - identity_matrix(n))
    error = arb(0, rest.upper()), arb(1, drift.upper())
    diagonal = sorted(B.diagonal(), key=lambda x: x.mid())
    # Sorting by midpoints moves each diagonal entry by no more than the largest radius.
    radius = arb(0, max(x.rad() for x in diagonal))
    return [(x + radius + error[0]) / error[1] for x in diagonal]


def _rotations(A: Balls, sweeps: int = 12) -> Balls:
    """Return an almost orthogonal X that almost diagonalises A, without enclosures."""
    B, X = _midpoints(A), identity_matrix(len(A))
    small = arb(2) ** (-2 * ctx.prec)  # squared, where rounding hides the rest
    for _ in range(sweeps):
        rotated = False
        for i, j in combinations(range(len(A)), 2):
            if B[i, j] * B[i, j] > small * abs(B[i, i] * B[j, j]):
                (B, X), rotated = _rotate(B, X, i, j), True
        if not rotated:
            break
    return X


def _rotate(B: Balls, X: Balls, i: int, j: int) -> tuple[Balls, Balls]:
    tau = (B[j, j] - B[i, i]) / (2 * B[i, j])
    root = (1 + tau * tau).sqrt()
    t = 1 / (tau + root) if tau >= 0 else 1 / (tau - root)
    c = 1 / (1 + t * t).sqrt()
    J = array([c, c * t, -c * t, c], (2, 2))
    pair = [i, j]
    B, X = B.copy(), X.copy()
    B[pair] = J.T @ B[pair]
    B[:, pair] = B[:, pair] @ J
    X[:, pair] = X[:, pair] @ J
    B[i, j] = B[j, i] = arb(0)
    return _midpoints(B), _midpoints(X)


def _midpoints(A: Balls) -> Balls:
    return array([x.mid() for x in A.ravel()], A.shape)


def spectral_radius(A: Balls) -> Ball:
    """Return the largest modulus of an eigenvalue."""
    return maximum(abs(value) for value in eigenvalues(A))


def singular_values(A: Balls) -> list[Ball]:
    """Return the min(m, n) singular values, descending."""
    if 1 in A.shape:
        return [norm_fro(A)]
    gram = product(A, A.T) if A.shape[0] <= A.shape[1] else product(A.T, A)
    return [sqrt(value) for value in reversed(symmetric_eigenvalues(gram))]


def kappa(A: Balls) -> Ball:
    """Return the 2-norm condition number sigma_1 / sigma_min(m, n), inf if singular."""
    values = singular_values(A)
    if not values[-1] > 0 and is_singular(A):
        return arb(INFINITY)
    return values[0] / values[-1]


def kappa_p(A: Balls, p: int | str) -> Ball:
    """Return the condition number of a square matrix in the 1-, 2- or inf-norm."""
    if p == 2:
        return kappa(A)
    found = norm(A, p) * norm(inverse(A), p)
    return arb(INFINITY) if not found.is_finite() and is_singular(A) else found


def norm(A: Balls, p: int | str) -> Ball:
    """Return the operator norm of a matrix for p = 1, 2 or "inf"."""
    if p == 2:
        return singular_values(A)[0]
    return maximum(abs(A).sum(axis=0 if p == 1 else 1))


def norm_fro(A: Balls) -> Ball:
    """Return the Frobenius norm, or the 2-norm of a vector."""
    entries = A.ravel()
    return sqrt((entries * entries).sum())  # arb's ** 2 fails on balls around zero


def row_norms(A: Balls, p: int | str = 2) -> Balls:
    """Return the p-norm of every row, shape (m,)."""
    if p == 2:
        return array([norm_fro(row) for row in A], A.shape[:1])
    if p == 1:
        return abs(A).sum(axis=1)
    return array([maximum(abs(row)) for row in A], A.shape[:1])


def unit_rows(A: Balls, p: int | str = 2) -> Balls:
    """Return A with every nonzero row divided by its p-norm."""
    return A / _nonzero(row_norms(A, p))[:, None]


def unit_columns(A: Balls, p: int | str = 2) -> Balls:
    """Return A with every nonzero column divided by its p-norm."""
    return unit_rows(A.T, p).T


def unit_diagonal(A: Balls) -> Balls:
    """Return D^-1/2 A D^-1/2 for the positive diagonal D of A."""
    root = array([sqrt(x) for x in A.diagonal()], A.shape[:1])
    return A / root[:, None] / root[None, :]


def _nonzero(norms: Balls) -> Balls:
    return array([arb(1) if x == 0 else x for x in norms], norms.shape)


def sqrt(x: Ball) -> Ball:
    """Return the root of a number known to be nonnegative, whatever its ball says."""
    if x.lower() > 0 or x == 0:
        return x.sqrt()
    upper = x.upper()
    if not upper >= 0:  # nan
        return arb(0, INFINITY)
    return arb(0).union(upper.sqrt())


def maximum(values: Iterable[Ball]) -> Ball:
    """Return the largest of some balls."""
    return reduce(arb.max, values)


def minimum(values: Iterable[Ball]) -> Ball:
    """Return the smallest of some balls."""
    return reduce(arb.min, values)


def equal(found: Entries, expected: Entries, scale: Ball | None = None) -> Sides:
    """Return the two sides of a claim that holds if and only if two things are equal.

    Parameters
    ----------
    found, expected : ball or array of balls
        Of the same shape.
    scale : ball, optional
        Positive; what a difference is measured by. By default the largest modulus of
        both, or 1 where both vanish.

    Returns
    -------
    tuple of ball
        1 + max |found - expected| / scale, and 1.
    """
    a, b = _entries(found), _entries(expected)
    if scale is None:
        scale = maximum([*abs(a), *abs(b)])
        scale = arb(1) if scale == 0 else scale
    return 1 + maximum(abs(a - b)) / scale, arb(1)


def all_at_most(small: Entries, large: Entries, scale: Ball) -> Sides:
    """Return the two sides of a claim that holds iff small <= large entry by entry.

    They are scale + max (small - large) and scale, for a nonnegative `scale`.
    """
    scale = arb(1) if scale == 0 else scale
    return scale + maximum(_entries(small) - _entries(large)), scale


def _entries(x: Entries) -> Balls:
    return np.asarray(x, dtype=object).ravel()
