"""Where eigenvalues lie: discs, dominance, element matrices, nonnegative matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.formula import claim
from condlab.theory.references.books import HORN_JOHNSON
from condlab.theory.references.spectra import (
    AHLBERG_NILSON,
    BRAUER,
    GERSHGORIN,
    JOHNSON,
    VARAH,
    WATHEN,
)
from condlab.theory.strategies import is_spd, st

# Mass matrices of linear elements up to their lengths / 6 and areas / 12.
SEGMENT = np.ones((2, 2)) + np.eye(2)
TRIANGLE = np.ones((3, 3)) + np.eye(3)


def off_diagonal_sums(A: Balls) -> Balls:
    """Return the sums of the moduli beside the diagonal, row by row."""
    return abs(A).sum(axis=1) - abs(A.diagonal())


@claim(
    "gershgorin1931-discs",
    GERSHGORIN.at("Horn and Johnson 2013, Theorem 6.1.1"),
    lambda n: strategies.matrices(n, n),
    latex=r"\min_i\left(|\lambda - a_{ii}| - \sum_{j \ne i}|a_{ij}|\right) \le 0",
    note="Both sides are shifted by |A|_F.",
)
def discs(A: Balls) -> Sides:
    """Every eigenvalue of a matrix lies within some diagonal entry's distance of the
    sum of the moduli beside it in its row."""
    radii, diagonal = off_diagonal_sums(A), A.diagonal()
    excess = [
        balls.minimum(abs(value - diagonal) - radii) for value in balls.eigenvalues(A)
    ]
    return balls.all_at_most(excess, 0 * diagonal, balls.norm_fro(A))


@claim(
    "gershgorin1931-after-jacobi",
    GERSHGORIN.at("Horn and Johnson 2013, Theorem 6.1.1"),
    strategies.spd,
    latex=r"|\lambda(D^{-1}A) - 1| \le \max_i \sum_{j \ne i} \frac{|a_{ij}|}{a_{ii}}",
    note="Both sides are shifted by 1.",
)
def after_jacobi(A: Balls) -> Sides:
    """Every eigenvalue of D^-1 A, D the positive diagonal of A, is within the largest
    row sum of |D^-1 A - I| of 1."""
    r = balls.maximum(off_diagonal_sums(A) / A.diagonal())
    moduli = [abs(value - 1) for value in balls.eigenvalues(A / A.diagonal()[:, None])]
    return 1 + balls.maximum(moduli), 1 + r


def is_dominant(A: np.ndarray) -> bool:
    """Tell whether every diagonal modulus exceeds the rest of its row."""
    moduli = abs(A)
    return bool(np.all(2 * np.diag(moduli) > moduli.sum(axis=1)))


def _dominant_spd(n: int) -> SearchStrategy:
    def build(A: np.ndarray, d: np.ndarray) -> np.ndarray:
        A = np.tril(A, -1) + np.tril(A, -1).T
        return A + np.diag(abs(A).sum(axis=1) + d)

    excess = strategies.positive_diagonals(n, exponent=4)
    return st.builds(build, strategies.small_integers(n, n), excess)


def _is_dominant_spd(A: np.ndarray) -> bool:
    return bool((A == A.T).all() and np.all(np.diag(A) > 0)) and is_dominant(A)


@claim(
    "gershgorin1931-dominant-kappa",
    GERSHGORIN.at("Horn and Johnson 2013, Theorem 6.1.1"),
    _dominant_spd,
    latex=r"\kappa_2(D^{-1/2}AD^{-1/2}) \le \frac{1+r}{1-r}",
    admits=_is_dominant_spd,
)
def dominant_kappa(A: Balls) -> Sides:
    """Where the rest of each row of a symmetric matrix is at most r < 1 times its
    positive diagonal entry, Jacobi scaling gives a condition number of at most (1 + r)
    / (1 - r)."""
    r = balls.maximum(off_diagonal_sums(A) / A.diagonal())
    return kappa_spd(balls.unit_diagonal(A)), (1 + r) / (1 - r)


@claim(
    "brauer1947-cassini",
    BRAUER.at("Horn and Johnson 2013, Theorem 6.4.7"),
    lambda n: strategies.matrices(n, n) if n > 1 else strategies.none(),
    latex=r"|\lambda - a_{ii}||\lambda - a_{jj}| \le R_iR_j\ \text{for some}\ i \ne j",
    note="Both sides are shifted by the square of |A|_F.",
)
def cassini(A: Balls) -> Sides:
    """Every eigenvalue of a matrix of order 2 or more lies in an oval of Cassini of two
    of its rows."""
    radii, diagonal = off_diagonal_sums(A), A.diagonal()
    pairs = [(i, j) for j in range(len(A)) for i in range(j)]
    excess = []
    for value in balls.eigenvalues(A):
        away = abs(value - diagonal)
        ovals = [away[i] * away[j] - radii[i] * radii[j] for i, j in pairs]
        excess.append(balls.minimum(ovals))
    scale = balls.norm_fro(A)
    return balls.all_at_most(excess, [balls.arb(0)] * len(A), scale * scale)


def _dominance(A: Balls) -> Ball:
    return balls.minimum(abs(A.diagonal()) - off_diagonal_sums(A))


@claim(
    "ahlberg1963-inverse",
    AHLBERG_NILSON.at("as Varah 1975, Theorem 1"),
    strategies.diagonally_dominant,
    latex=r"\|A^{-1}\|_\infty \le \frac{1}{\min_i (|a_{ii}| - \sum_{j \ne i}|a_{ij}|)}",
    admits=is_dominant,
    note="Attained by M-matrices with equal row sums.",
)
def inverse(A: Balls) -> Sides:
    """The inf-norm of the inverse of a strictly row diagonally dominant matrix is at
    most the reciprocal of its smallest dominance."""
    return balls.norm(balls.inverse(A), "inf"), 1 / _dominance(A)


def _both_dominant(n: int) -> SearchStrategy:
    def build(A: np.ndarray, d: np.ndarray, e: np.ndarray) -> np.ndarray:
        A = A - np.diag(np.diag(A))
        rest = np.maximum(abs(A).sum(axis=0), abs(A).sum(axis=1))
        return A + np.diag(np.where(e < 0, -1.0, 1.0) * (rest + d))

    excess = strategies.positive_diagonals(n, exponent=4)
    return st.builds(
        build, strategies.small_integers(n, n), excess, strategies.vectors(n)
    )


@claim(
    "varah1975-smallest-singular",
    VARAH.at("Corollary 2"),
    _both_dominant,
    latex=r"\sqrt{\alpha\beta} \le \sigma_{\min}(A)",
    admits=lambda A: is_dominant(A) and is_dominant(A.T),
)
def smallest_singular(A: Balls) -> Sides:
    """The smallest singular value of a matrix strictly diagonally dominant by rows and
    by columns is at least the geometric mean of its smallest dominances."""
    return balls.sqrt(_dominance(A) * _dominance(A.T)), balls.singular_values(A)[-1]


@claim(
    "johnson1989-smallest-singular",
    JOHNSON,
    _both_dominant,
    latex=r"\min_i\left(|a_{ii}| - \frac{R_i + C_i}{2}\right) \le \sigma_{\min}(A)",
    note="True of every square matrix, and says something where the bound is "
    "positive, as in the instances.",
)
def johnson1989_smallest_singular(A: Balls) -> Sides:
    """The smallest singular value of a square matrix is at least the smallest
    difference of a diagonal modulus and the mean of the rest of its row and of its
    column."""
    means = (off_diagonal_sums(A) + off_diagonal_sums(A.T)) / 2
    bound = balls.minimum(abs(A.diagonal()) - means)
    return bound, balls.singular_values(A)[-1]


def _jacobi_interval(M: Balls, low: Ball, high: Ball) -> Sides:
    values = spectrum(balls.unit_diagonal(M))
    return balls.all_at_most([low, values[-1]], [values[0], high], high)


def _two_elements(n: int) -> SearchStrategy:
    if n == 1:
        return strategies.none()
    return st.tuples(strategies.spd(n - 1), strategies.spd(n - 1))


@claim(
    "wathen1987-assembly",
    WATHEN.at("section 2"),
    _two_elements,
    latex=r"\min_e \lambda_{\min}(D_e^{-1}M_e) \le \lambda(D^{-1}M) \le "
    r"\max_e \lambda_{\max}(D_e^{-1}M_e)",
    admits=lambda K, L: is_spd(K) and is_spd(L),
)
def assembly(K: Balls, L: Balls) -> Sides:
    """The eigenvalues of D^-1 M, for M assembled from two overlapping symmetric
    positive definite element matrices, lie between the extreme eigenvalues of the
    elements after Jacobi scaling."""
    n = len(K) + 1
    M = balls.ball(np.zeros((n, n)))
    M[:-1, :-1] += K
    M[1:, 1:] += L
    ends = [spectrum(balls.unit_diagonal(element)) for element in (K, L)]
    low = balls.minimum([values[0] for values in ends])
    return _jacobi_interval(M, low, balls.maximum([values[-1] for values in ends]))


def _assembled(densities: Balls, element: np.ndarray) -> Balls:
    """Assemble a strip of elements on nodes (k, k + 1, ...), one density each."""
    width = len(element)
    n = len(densities) + width - 1
    M = balls.ball(np.zeros((n, n)))
    for k, density in enumerate(densities):
        M[k : k + width, k : k + width] += density * balls.ball(element)
    return M


def _strips(width: int) -> Callable[[int], SearchStrategy]:
    """Return sizes of the elements of a strip, each of a number of nodes."""
    return lambda n: (
        strategies.positive_diagonals(n - width + 1)
        if n >= width
        else strategies.none()
    )


def _strip_interval(h: Balls, element: np.ndarray, low: float, high: float) -> Sides:
    """Return Wathen's interval for a strip of elements."""
    M = _assembled(h, element)
    return _jacobi_interval(M, balls.arb(low), balls.arb(high))


@claim(
    "wathen1987-linear-segments",
    WATHEN.at("the table of elements"),
    _strips(2),
    admits=lambda h: bool(np.all(h > 0)),
    latex=r"\lambda(D^{-1}M) \in [\frac{1}{2}, \frac{3}{2}]",
)
def linear_segments(h: Balls) -> Sides:
    """The eigenvalues of D^-1 M, for the linear mass matrix M of a mesh of segments of
    any lengths, lie in [1/2, 3/2], so kappa after Jacobi scaling is at most 3."""
    return _strip_interval(h, SEGMENT, 0.5, 1.5)


@claim(
    "wathen1987-linear-triangles",
    WATHEN.at("the table of elements"),
    _strips(3),
    admits=lambda h: bool(np.all(h > 0)),
    latex=r"\lambda(D^{-1}M) \in [\frac{1}{2}, 2]",
    note="A strip: triangle k has the nodes k, k + 1 and k + 2.",
)
def linear_triangles(h: Balls) -> Sides:
    """The eigenvalues of D^-1 M, for the linear mass matrix M of a strip of triangles
    of any areas, lie in [1/2, 2], so kappa after Jacobi scaling is at most 4."""
    return _strip_interval(h, TRIANGLE, 0.5, 2.0)


@claim(
    "collatz1942-quotients",
    HORN_JOHNSON.at("Theorem 8.1.26, due to Collatz 1942"),
    lambda n: st.tuples(
        strategies.small_integers(n, n).map(np.abs),
        strategies.positive_diagonals(n, exponent=3),
    ),
    latex=r"\min_i \frac{(Ax)_i}{x_i} \le \rho(A) \le \max_i \frac{(Ax)_i}{x_i}",
)
def collatz1942_quotients(A: Balls, x: Balls) -> Sides:
    """The spectral radius of a nonnegative matrix lies between the smallest and the
    largest quotient (Ax)_i / x_i, for every positive x."""
    quotients = (A @ x) / x
    radius = balls.spectral_radius(A)
    low, high = balls.minimum(quotients), balls.maximum(quotients)
    return balls.all_at_most([low, radius], [radius, high], high)
