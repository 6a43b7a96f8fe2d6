"""Jacobi scaling of positive definite matrices: how good it is, and when optimal."""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.scaling.row_scaling import most_nonzeros
from condlab.theory.formula import claim
from condlab.theory.references.books import HIGHAM
from condlab.theory.references.scaling import (
    DEMMEL_2023,
    DENNIS_WOLKOWICZ,
    FORSYTHE_STRAUS,
    JAMBULAPATI,
    VAN_DER_SLUIS,
)
from condlab.theory.strategies import has_full_rank, is_spd, st

HIGHAM_76 = VAN_DER_SLUIS.at("in the form of Higham 2002, Corollary 7.6")


def spd_scaled(n: int) -> st.SearchStrategy:
    """Draw (A, d): a symmetric positive definite matrix and a scaling."""
    return st.tuples(strategies.spd(n), strategies.positive_diagonals(n))


def spd_positive(A: np.ndarray, *scalings: np.ndarray) -> bool:
    """Tell whether A is positive definite and every multiplier is positive."""
    return is_spd(A) and all(bool(np.all(d > 0)) for d in scalings)


def symmetric_kappa(A: Balls, p: int | str = 2) -> Ball:
    """Return kappa_p of a symmetric positive definite matrix."""
    if p != 2:
        return balls.kappa_p(A, p)
    values = balls.symmetric_eigenvalues(A)
    return values[-1] / values[0]


def both_sides(A: Balls, d: Balls) -> Balls:
    """Return D A D."""
    return d[:, None] * A * d


def _within(count: int, A: Balls, d: Balls, p: int | str) -> Sides:
    """State that Jacobi is within a factor of the best D A D."""
    best = symmetric_kappa(both_sides(A, d), p)
    return symmetric_kappa(balls.unit_diagonal(A), p), count * best


@claim(
    "vandersluis1969-jacobi",
    HIGHAM_76,
    spd_scaled,
    latex=r"\kappa_2(D_*^{-1/2} A D_*^{-1/2}) \le n \min_D \kappa_2(DAD),"
    r"\quad D_* = \operatorname{diag}(A)",
    admits=spd_positive,
)
def jacobi(A: Balls, d: Balls) -> Sides:
    """Jacobi scaling of a symmetric positive definite n x n matrix is within a factor n
    of the best symmetric diagonal scaling."""
    return _within(len(A), A, d, 2)


@claim(
    "vandersluis1969-jacobi-sparse",
    HIGHAM_76,
    spd_scaled,
    latex=r"\kappa_2(D_*^{-1/2} A D_*^{-1/2}) \le q \min_D \kappa_2(DAD)",
    admits=spd_positive,
)
def jacobi_sparse(A: Balls, d: Balls) -> Sides:
    """Jacobi scaling of a symmetric positive definite matrix with at most q nonzeros in
    a row is within a factor q of the best symmetric diagonal scaling."""
    return _within(most_nonzeros(A, axis=1), A, d, 2)


@claim(
    "vandersluis1969-jacobi-infnorm",
    VAN_DER_SLUIS,
    spd_scaled,
    latex=r"\kappa_\infty(D_*^{-1/2} A D_*^{-1/2}) \le q \min_D \kappa_\infty(DAD)",
    admits=spd_positive,
    note="Derived here by the same argument: with largest entry 1 in D the scaled "
    "matrix has an entry 1, its inverse grows entry by entry, and a positive definite "
    "matrix of unit diagonal has inf-norm at most q.",
)
def jacobi_infnorm(A: Balls, d: Balls) -> Sides:
    """Jacobi scaling of a symmetric positive definite matrix with at most q nonzeros in
    a row is within a factor q of the best symmetric diagonal scaling in the inf-norm
    too."""
    return _within(most_nonzeros(A, axis=1), A, d, "inf")


@claim(
    "jambulapati2023-jacobi-square",
    JAMBULAPATI,
    spd_scaled,
    latex=r"\kappa_2(D_*^{-1/2} A D_*^{-1/2}) \le (\min_D \kappa_2(DAD))^2",
    admits=spd_positive,
    note="The diagonal of D A D lies between its extreme eigenvalues, so taking it to "
    "1 costs at most their ratio.",
)
def jacobi_square(A: Balls, d: Balls) -> Sides:
    """Jacobi scaling of a symmetric positive definite matrix has at most the square of
    the best condition number of symmetric diagonal scaling."""
    return (
        symmetric_kappa(balls.unit_diagonal(A)),
        symmetric_kappa(both_sides(A, d)) * symmetric_kappa(both_sides(A, d)),
    )


def _blocks(n: int) -> list[slice]:
    """Return the blocks of two rows, the last of one where n is odd."""
    return [slice(i, min(i + 2, n)) for i in range(0, n, 2)]


def _block_diagonal(size: int) -> st.SearchStrategy:
    """Draw (A, M): positive definite, and nonsingular with blocks of order 2."""
    mask = np.zeros((size, size))
    for block in _blocks(size):
        mask[block, block] = 1.0
    kinds = strategies.small_integers(size, size), strategies.powers_of_two(size, size)
    M = st.one_of(kinds).map(lambda M: M * mask).filter(has_full_rank)
    return st.tuples(strategies.spd(size), M)


def _whitener(A: Balls) -> Balls:
    """Return the inverse Cholesky factor of a matrix of order 1 or 2."""
    root = balls.sqrt(A[0, 0])
    if len(A) == 1:
        return np.array([[1 / root]], dtype=object)
    below = A[1, 0] / root
    L = np.array(
        [[root, balls.arb(0)], [below, balls.sqrt(A[1, 1] - below * below)]],
        dtype=object,
    )
    return balls.inverse(L)


@claim(
    "demmel2023-block-jacobi",
    DEMMEL_2023,
    _block_diagonal,
    latex=r"\kappa_2(L^{-1} A L^{-T}) \le b \min_M \kappa_2(M A M^T)",
    admits=lambda A, M: is_spd(A) and has_full_rank(M),
    note="Blocks of order 2 here, the last of order 1 where n is odd; with one block "
    "the whitened matrix is the identity.",
)
def block_jacobi(A: Balls, M: Balls) -> Sides:
    """Whitening the b diagonal blocks of a symmetric positive definite matrix is within
    a factor b of the best congruence by block diagonal matrices."""
    B = A.copy()
    for block in _blocks(len(A)):
        W = _whitener(A[block, block])
        B[block] = W @ B[block]
        B[:, block] = B[:, block] @ W.T
    best = symmetric_kappa(M @ A @ M.T)
    return symmetric_kappa(B), len(_blocks(len(A))) * best


def _cut_factor(n: int) -> Ball:
    """Return n - 1 for even n and n^2 / (n + 1) for odd n; 1 for n = 1."""
    if n == 1:
        return balls.arb(1)
    return balls.arb(n - 1) if n % 2 == 0 else balls.arb(n * n) / (n + 1)


@claim(
    "derived-jacobi-cut",
    HIGHAM.at("Corollary 7.6, sharpened here"),
    spd_scaled,
    latex=r"\kappa_2(D_*^{-1/2} A D_*^{-1/2}) \le "
    r"\frac{n}{\gamma_n} \min_D \kappa_2(DAD), \quad "
    r"\gamma_{2k} = \frac{2k}{2k-1},\ \gamma_{2k+1} = \frac{2k+2}{2k+1}",
    admits=spd_positive,
    note="Derived here, from derived-jacobi-cut-eigenvalues and the largest "
    "eigenvalue being at most n: sharper than van der Sluis's n, and exact for n = 2.",
)
def jacobi_cut(A: Balls, d: Balls) -> Sides:
    """Jacobi scaling of a symmetric positive definite n x n matrix is within a factor n
    - 1 for even n, n^2/(n + 1) for odd n > 1, of the best symmetric diagonal scaling.
    """
    return (
        symmetric_kappa(balls.unit_diagonal(A)),
        _cut_factor(len(A)) * symmetric_kappa(both_sides(A, d)),
    )


@claim(
    "derived-jacobi-cut-eigenvalues",
    HIGHAM.at("Corollary 7.6, sharpened here"),
    spd_scaled,
    latex=r"\frac{1 + (1 - \lambda_{\min})/k}{\lambda_{\min}} \le "
    r"\kappa_2(DAD), \quad \operatorname{diag}(A) = I",
    admits=spd_positive,
    note="Derived here. With v the eigenvector of lambda_min and s a balanced vector "
    "of signs, some choice of s gives x = s v with x'Ax at least the average 1 + (1 - "
    "lambda_min)/k, and kappa(DAD) >= x'Ax / v'Av for |x| = |v|.",
)
def jacobi_cut_eigenvalues(A: Balls, d: Balls) -> Sides:
    """For a positive definite matrix of unit diagonal the best condition number of
    symmetric diagonal scaling is at least (1 + (1 - lambda_min)/k)/lambda_min, with k =
    n - 1 for even n and k = n for odd n."""
    n = len(A)
    least = balls.symmetric_eigenvalues(balls.unit_diagonal(A))[0]
    average = 1 + (1 - least) / (n - 1 if n % 2 == 0 else n)
    return average / least, symmetric_kappa(both_sides(A, d))


@claim(
    "forsythestraus1955-property-a",
    FORSYTHE_STRAUS,
    lambda n: st.tuples(
        strategies.property_a(n), strategies.positive_diagonals(n, exponent=3)
    ),
    latex=r"\kappa_2(D_*^{-1/2} A D_*^{-1/2}) \le \min_D \kappa_2(DAD)",
    note="Property A: the graph of A is two-colourable. After Jacobi scaling the "
    "spectrum is symmetric about 1, and swapping signs of one colour maps an "
    "eigenvector of one end to one of the other.",
)
def property_a(A: Balls, d: Balls) -> Sides:
    """Jacobi scaling is the best symmetric diagonal scaling of a symmetric positive
    definite matrix with Property A."""
    return symmetric_kappa(balls.unit_diagonal(A)), symmetric_kappa(both_sides(A, d))


def _omega(A: Balls) -> Ball:
    """Return the mean over the geometric mean of the eigenvalues."""
    n = len(A)
    return (A.diagonal().sum() / n) / balls.determinant(A).root(n)


@claim(
    "denniswolkowicz1993-omega-jacobi",
    DENNIS_WOLKOWICZ,
    spd_scaled,
    latex=r"\omega(D_*^{-1/2} A D_*^{-1/2}) \le \omega(DAD), \quad "
    r"\omega(A) = \frac{\operatorname{tr}(A)/n}{\det(A)^{1/n}}",
    admits=spd_positive,
    note="The inequality of the arithmetic and geometric means of the diagonal.",
)
def omega_jacobi(A: Balls, d: Balls) -> Sides:
    """Jacobi scaling of a symmetric positive definite matrix minimises the mean over
    the geometric mean of the eigenvalues, of all symmetric diagonal scalings."""
    return _omega(balls.unit_diagonal(A)), _omega(both_sides(A, d))
