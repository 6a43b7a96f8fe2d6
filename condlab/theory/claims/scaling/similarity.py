"""Diagonal similarity, D^-1 A D: it keeps eigenvalues, and is not equilibration."""

from __future__ import annotations

import itertools

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.claims.scaling.bauer import perron_vector, roots
from condlab.theory.claims.scaling.diagonal_scaling import full_rank_positive
from condlab.theory.claims.scaling.sweeps import positive
from condlab.theory.formula import claim
from condlab.theory.references.scaling import OSBORNE, STOER_WITZGALL
from condlab.theory.strategies import has_full_rank, st


def _positive_with_vector(size: int) -> st.SearchStrategy:
    return st.tuples(positive(size), strategies.positive_diagonals(size))


def _similar(A: Balls, d: Balls) -> Balls:
    """Return D^-1 A D."""
    return A * d / d[:, None]


@claim(
    "stoerwitzgall1962-perron",
    STOER_WITZGALL,
    _positive_with_vector,
    latex=r"\rho(A) \le \|D^{-1} A D\|_\infty = \max_i \frac{(Ad)_i}{d_i}",
    admits=lambda A, d: bool((A > 0).all() and (d > 0).all()),
    note="The upper quotient of Collatz and Wielandt, which the Perron vector attains.",
)
def perron(A: Balls, d: Balls) -> Sides:
    """The largest row sum of a positive matrix after a diagonal similarity is at least
    its spectral radius."""
    return balls.spectral_radius(A), balls.norm(_similar(A, d), "inf")


@claim(
    "stoerwitzgall1962-perron-2norm",
    STOER_WITZGALL,
    positive,
    latex=r"\min_D \|D^{-1} A D\|_2 = \rho(A), \quad d_i^2 = x_i / y_i",
)
def perron_2norm(A: Balls) -> Sides:
    """The least 2-norm of the diagonal similarities of a positive matrix is its
    spectral radius, attained by the roots of the ratios of the right to the left Perron
    vector."""
    # u = (x y)^1/2 > 0 is a singular vector of D^-1 A D, so its first
    rho = balls.spectral_radius(A)
    x, y = perron_vector(A, rho), perron_vector(A.T, rho)
    B, u = _similar(A, roots(x / y)), roots(x * y)
    return balls.equal(np.stack([B @ u, B.T @ u]), np.stack([rho * u, rho * u]))


def _circulants(size: int) -> st.SearchStrategy:
    """Draw integer circulants with any signs: rows and columns of equal norm."""
    index = (np.arange(size) - np.arange(size)[:, None]) % size
    sign = st.sampled_from([1.0, -1.0])
    entries = st.lists(st.integers(0, 3).map(float), min_size=size, max_size=size)
    signs = st.lists(sign, min_size=size**2, max_size=size**2)
    return st.builds(
        lambda c, s: np.array(c)[index] * np.reshape(s, (size, size)), entries, signs
    )


def _balanced(size: int) -> st.SearchStrategy:
    """Draw (A, d), where the norms of row i and of column i of A agree for all i."""
    matrices = st.one_of(_circulants(size), strategies.symmetric(size))
    return st.tuples(matrices, strategies.positive_diagonals(size, exponent=2))


@claim(
    "osborne1960-balanced-frobenius",
    OSBORNE,
    _balanced,
    latex=r"\|A\|_F \le \|D^{-1} A D\|_F",
    note="What balancing does: it keeps eigenvalues and lowers a norm. Circulants "
    "with any signs, and symmetric matrices, are balanced.",
)
def balanced_frobenius(A: Balls, d: Balls) -> Sides:
    """A matrix in which the 2-norms of row i and of column i agree for every i has the
    least Frobenius norm of its diagonal similarities."""
    return balls.norm_fro(A), balls.norm_fro(_similar(A, d))


def _with_rival(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair A with the best of some similarities near the identity."""
    grid = np.array(list(itertools.product(range(5, 9), repeat=min(len(A), 3))), float)
    d = np.pad(grid, ((0, 0), (0, len(A) - grid.shape[1])), constant_values=6.0)
    kappas = np.linalg.cond(A * d[:, None, :] / d[:, :, None])
    return A, d[np.argmin(kappas)]


def _kappa_of_balanced(A: Balls, d: Balls) -> Sides:
    return balls.kappa(A), balls.kappa(_similar(A, d))


@claim(
    "folklore-balancing-kappa",
    "folklore",
    lambda size: _circulants(size).filter(has_full_rank).map(_with_rival),
    latex=r"\kappa_2(A) \le \kappa_2(D^{-1} A D)",
    note="False: balancing is not equilibration. In order 2 the determinant, which a "
    "similarity keeps, and the Frobenius norm give kappa, so there it is true.",
    false_from=3,
)
def balancing_kappa(A: Balls, d: Balls) -> Sides:
    """A matrix in which the 2-norms of row i and of column i agree for every i has the
    least condition number of its diagonal similarities."""
    return _kappa_of_balanced(A, d)


@claim(
    "folklore-normal-similarity",
    "folklore",
    lambda n: st.tuples(
        strategies.symmetric(n), strategies.positive_diagonals(n)
    ).filter(lambda pair: full_rank_positive(*pair)),
    latex=r"\kappa_2(A) \le \kappa_2(D^{-1} A D), \quad A = A^T",
    admits=full_rank_positive,
    note="Both norms are spectral radii, which a similarity keeps.",
)
def normal_similarity(A: Balls, d: Balls) -> Sides:
    """No diagonal similarity lowers the condition number of a symmetric matrix."""
    return _kappa_of_balanced(A, d)
