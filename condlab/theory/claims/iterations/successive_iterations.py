"""Gauss-Seidel and successive over-relaxation."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.iterations.stationary_iterations import dominant_bound
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.claims.spectra.spectral_inclusion import (
    is_dominant,
)
from condlab.theory.formula import claim
from condlab.theory.references.iterations import OSTROWSKI_1954, REICH, VARGA, YOUNG
from condlab.theory.strategies import is_spd, st


def _sor_radius(A: Balls, omega: Ball) -> Ball:
    """Return the spectral radius of a sweep of successive over-relaxation."""
    D, L = np.diag(A.diagonal()), np.tril(A, -1)
    M = D + omega * L  # of integer zeros above, which is exact
    return balls.spectral_radius(balls.product(balls.inverse(M), M - omega * A))


@claim(
    "varga2000-gauss-seidel-dominant",
    VARGA.at("Theorem 3.4; Golub and Van Loan 2013, Theorem 11.2.2"),
    strategies.diagonally_dominant,
    latex=r"\rho(I - (D+L)^{-1}A) \le \max_i \sum_{j \ne i} "
    r"\frac{|a_{ij}|}{|a_{ii}|} < 1",
    admits=is_dominant,
)
def gauss_seidel_dominant(A: Balls) -> Sides:
    """The Gauss-Seidel iteration of a strictly row diagonally dominant matrix has a
    spectral radius of at most the largest row sum of |I - D^-1 A|, below 1."""
    return _sor_radius(A, balls.arb(1)), dominant_bound(A)


@claim(
    "reich1949-gauss-seidel-if",
    REICH.at("the theorem; Golub and Van Loan 2013, Theorem 11.2.3"),
    strategies.spd,
    latex=r"A \succ 0 \Rightarrow \rho(I - (D+L)^{-1}A) \le 1",
    admits=is_spd,
    note="The radius is strictly below 1.",
)
def gauss_seidel_if(A: Balls) -> Sides:
    """The Gauss-Seidel iteration converges for every symmetric positive definite
    matrix."""
    return _sor_radius(A, balls.arb(1)), balls.arb(1)


def _not_definite(n: int) -> SearchStrategy:
    if n == 1:
        return strategies.none()

    def build(A: np.ndarray, d: np.ndarray) -> np.ndarray:
        return A - np.diag(np.diag(A)) + np.diag(d)

    diagonals = strategies.positive_diagonals(n, exponent=2)
    kinds = strategies.small_integers(n, n).map(lambda A: np.tril(A) + np.tril(A, -1).T)
    return st.builds(build, kinds, diagonals).filter(lambda A: not is_spd(A))


@claim(
    "reich1949-gauss-seidel-only-if",
    REICH.at("the theorem"),
    _not_definite,
    latex=r"A \not\succ 0,\ D \succ 0 \Rightarrow 1 \le \rho(I - (D+L)^{-1}A)",
)
def gauss_seidel_only_if(A: Balls) -> Sides:
    """The Gauss-Seidel iteration does not converge for a symmetric matrix with a
    positive diagonal that is not positive definite."""
    return balls.arb(1), _sor_radius(A, balls.arb(1))


@claim(
    "ostrowski1954-sor",
    OSTROWSKI_1954.at("the theorem; Varga 2000, Theorem 3.6"),
    lambda n: st.tuples(
        strategies.spd(n),
        st.sampled_from([0.0625, 0.5, 1.25, 1.5, 1.75, 1.9375, 1.9990234375]),
    ),
    latex=r"0 < \omega < 2 \Rightarrow \rho(\mathcal{L}_\omega) \le 1",
    admits=lambda A, omega: is_spd(A) and 0 < omega < 2,
    note="The radius is strictly below 1.",
)
def sor(A: Balls, omega: Ball) -> Sides:
    """Successive over-relaxation converges for a symmetric positive definite matrix and
    every parameter between 0 and 2."""
    return _sor_radius(A, omega), balls.arb(1)


@claim(
    "kahan1958-sor-lower",
    VARGA.at("Theorem 3.5, due to Kahan 1958"),
    lambda n: st.tuples(
        strategies.spd(n), st.sampled_from([-0.5, 0.5, 1.5, 1.9375, 2.0, 3.0])
    ),
    latex=r"|\omega - 1| \le \rho(\mathcal{L}_\omega)",
    note="The source has every matrix without a zero on its diagonal. So it converges "
    "for no omega outside (0, 2).",
)
def sor_lower(A: Balls, omega: Ball) -> Sides:
    """Successive over-relaxation with the parameter omega has a spectral radius of at
    least |omega - 1|, here for a symmetric positive definite matrix."""
    return abs(omega - 1), _sor_radius(A, omega)


def _jacobi_radius_spd(A: Balls) -> Ball:
    """Return the same from the symmetric matrix that is similar to D^-1 A."""
    return balls.maximum(abs(1 - spectrum(balls.unit_diagonal(A))))


@claim(
    "young1954-gauss-seidel",
    YOUNG.at("section 2; Golub and Van Loan 2013, section 11.2.7"),
    strategies.property_a,
    latex=r"\rho(I - (D+L)^{-1}A) = \rho(I - D^{-1}A)^2",
)
def gauss_seidel(A: Balls) -> Sides:
    """A Gauss-Seidel sweep of a symmetric positive definite matrix with Property A,
    coloured and in the order of the colours, has the squared spectral radius of a
    Jacobi sweep."""
    radius = _jacobi_radius_spd(A)
    return balls.equal(_sor_radius(A, balls.arb(1)), radius * radius, balls.arb(1))


@claim(
    "young1954-optimal-sor",
    YOUNG.at("section 2"),
    strategies.property_a,
    latex=r"\rho(\mathcal{L}_\omega) = \omega - 1,\ "
    r"\omega = \frac{2}{1+\sqrt{1-\mu^2}}",
)
def optimal_sor(A: Balls) -> Sides:
    """With omega = 2 / (1 + sqrt(1 - mu^2)), mu the spectral radius of Jacobi,
    over-relaxation of a symmetric positive definite matrix with Property A in the order
    of the colours has the spectral radius omega - 1."""
    radius = _jacobi_radius_spd(A)
    omega = 2 / (1 + balls.sqrt(1 - radius * radius))
    return balls.equal(_sor_radius(A, omega), omega - 1, balls.arb(1))
