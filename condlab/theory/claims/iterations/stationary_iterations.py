"""The Jacobi iteration: where it converges, and how fast."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.claims.iterations.gradient_descent import (
    contraction,
    spd_not_scalar,
    with_error,
)
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.claims.spectra.spectral_inclusion import (
    is_dominant,
    off_diagonal_sums,
)
from condlab.theory.formula import claim
from condlab.theory.references.books import HORN_JOHNSON
from condlab.theory.references.iterations import SAAD, VARGA
from condlab.theory.strategies import is_spd


def _jacobi_radius(A: Balls) -> Ball:
    """Return the spectral radius of I - D^-1 A."""
    step = A / A.diagonal()[:, None]
    return balls.spectral_radius(balls.identity_matrix(len(A)) - step)


def _twice_diagonal_less(A: np.ndarray) -> np.ndarray:
    return 2 * np.diag(np.diag(A)) - A


def _jacobi_converges(A: np.ndarray) -> bool:
    return is_spd(_twice_diagonal_less(A))


@claim(
    "varga2000-jacobi-if",
    VARGA.at("chapter 3; Saad 2003, section 4.2"),
    lambda n: strategies.spd(n).filter(_jacobi_converges),
    latex=r"2D - A \succ 0 \Rightarrow \rho(I - D^{-1}A) \le 1",
    admits=lambda A: is_spd(A) and _jacobi_converges(A),
    note="The radius is strictly below 1, and tends to 1 as A or 2D - A tends to a "
    "singular matrix.",
)
def jacobi_if(A: Balls) -> Sides:
    """The Jacobi iteration converges for a symmetric positive definite A if 2D - A is
    positive definite, D the diagonal of A."""
    return _jacobi_radius(A), balls.arb(1)


def _contrast(n: int) -> SearchStrategy:
    """Draw SPD matrices of order 3 or more with 2D - A not positive definite."""
    if n < 3:
        return strategies.none()
    return strategies.spd(n).filter(lambda A: not _jacobi_converges(A))


@claim(
    "varga2000-jacobi-only-if",
    VARGA.at("chapter 3; Saad 2003, section 4.2"),
    _contrast,
    latex=r"2D - A \not\succ 0 \Rightarrow 1 \le \rho(I - D^{-1}A)",
    admits=lambda A: is_spd(A) and not _jacobi_converges(A),
    note="No matrix of order below 3: there 2D - A is A with the signs beside the "
    "diagonal changed, and definite with A.",
)
def jacobi_only_if(A: Balls) -> Sides:
    """The Jacobi iteration does not converge for a symmetric positive definite A if 2D
    - A is not positive definite, D the diagonal of A."""
    return balls.arb(1), _jacobi_radius(A)


@claim(
    "folklore-jacobi-converges",
    "folklore",
    strategies.spd,
    latex=r"\rho(I - D^{-1}A) \le 1",
    note="Of order 2 it does: 2D - A is A with the signs beside the diagonal changed, "
    "and definite with A.",
    false_from=3,
)
def jacobi_converges(A: Balls) -> Sides:
    """The Jacobi iteration converges for every symmetric positive definite matrix."""
    return _jacobi_radius(A), balls.arb(1)


def _eigenvalue_ratio(A: Balls) -> Ball:
    values = [value.real for value in balls.eigenvalues(A / A.diagonal()[:, None])]
    return balls.maximum(values) / balls.minimum(values)


@claim(
    "saad2003-jacobi-similarity",
    SAAD.at("section 9.2.1"),
    strategies.spd,
    latex=r"\frac{\lambda_{\max}(D^{-1}A)}{\lambda_{\min}(D^{-1}A)} = "
    r"\kappa_2(D^{-1/2}AD^{-1/2})",
)
def jacobi_similarity(A: Balls) -> Sides:
    """The eigenvalues of D^-1 A have the ratio kappa(D^-1/2 A D^-1/2), for A symmetric
    positive definite with the diagonal D."""
    return balls.equal(_eigenvalue_ratio(A), kappa_spd(balls.unit_diagonal(A)))


def _not_diagonal(n: int) -> SearchStrategy:
    return spd_not_scalar(n).filter(lambda A: np.any(A != np.diag(np.diag(A))))


@claim(
    "saad2003-jacobi-contraction",
    SAAD.at("section 9.2.1 with Example 4.1"),
    lambda n: with_error(_not_diagonal(n), n) if n > 1 else strategies.none(),
    latex=r"\|e_1\|_D \le \frac{\kappa-1}{\kappa+1}\,\|e_0\|_D,\ "
    r"\kappa = \kappa_2(D^{-1/2}AD^{-1/2})",
    admits=lambda A, e: (
        is_spd(A) and bool(np.any(A != np.diag(np.diag(A))) and e.any())
    ),
)
def jacobi_contraction(A: Balls, e: Balls) -> Sides:
    """The best fixed step along D^-1 times the gradient shrinks the error, in the norm
    of D, by a factor of at most (kappa - 1) / (kappa + 1) with the kappa of D^-1/2 A
    D^-1/2, for A symmetric positive definite and not diagonal."""
    # In the norm of D, for the best step along D^-1 A e
    values, D = spectrum(balls.unit_diagonal(A)), A.diagonal()
    moved = e - 2 / (values[0] + values[-1]) * (A @ e) / D
    lengths = [balls.sqrt(D @ (x * x)) for x in (moved, e)]
    return lengths[0], contraction(values[-1] / values[0]) * lengths[1]


@claim(
    "horn2013-jacobi-one-sided",
    HORN_JOHNSON.at("Theorem 5.6.9, for D^-1 A and its inverse"),
    strategies.spd,
    latex=r"\kappa_2(D^{-1/2}AD^{-1/2}) \le \kappa_2(D^{-1}A)",
    admits=is_spd,
)
def jacobi_one_sided(A: Balls) -> Sides:
    """For A symmetric positive definite with the diagonal D, D^-1 A has at least the
    condition number of D^-1/2 A D^-1/2."""
    return kappa_spd(balls.unit_diagonal(A)), balls.kappa(A / A.diagonal()[:, None])


@claim(
    "folklore-jacobi-one-sided",
    "folklore",
    strategies.spd,
    latex=r"\kappa_2(D^{-1}A) \le \kappa_2(D^{-1/2}AD^{-1/2})",
    note="D^-1 A is not normal: the ratio of its eigenvalues, not its kappa, is what "
    "the iteration sees. For 1 x 1 matrices both are 1.",
    false_from=2,
)
def folklore_jacobi_one_sided(A: Balls) -> Sides:
    """For A symmetric positive definite with the diagonal D, D^-1 A has at most the
    condition number of D^-1/2 A D^-1/2, the one its iteration converges by."""
    return balls.kappa(A / A.diagonal()[:, None]), kappa_spd(balls.unit_diagonal(A))


def dominant_bound(A: Balls) -> Ball:
    """Return the largest share of a row that stands off its diagonal."""
    return balls.maximum(off_diagonal_sums(A) / abs(A.diagonal()))


@claim(
    "varga2000-jacobi-dominant",
    VARGA.at("Theorem 3.4"),
    strategies.diagonally_dominant,
    latex=r"\rho(I - D^{-1}A) \le \max_i \sum_{j \ne i} \frac{|a_{ij}|}{|a_{ii}|} < 1",
    admits=is_dominant,
)
def jacobi_dominant(A: Balls) -> Sides:
    """The Jacobi iteration of a strictly row diagonally dominant matrix has a spectral
    radius of at most the largest row sum of |I - D^-1 A|, below 1."""
    return _jacobi_radius(A), dominant_bound(A)
