"""Eigenvalues of a perturbed, congruent or rescaled matrix."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.formula import claim
from condlab.theory.references.spectra import (
    BAUER_FIKE,
    DEMMEL_VESELIC,
    HOFFMAN_WIELANDT,
    OSTROWSKI_1959,
    WEYL,
)
from condlab.theory.strategies import has_full_rank, is_spd, st


def _symmetric_pairs(n: int) -> SearchStrategy:
    return st.tuples(strategies.symmetric(n), strategies.symmetric(n).filter(np.any))


@claim(
    "weyl1912-perturbation",
    WEYL.at("Horn and Johnson 2013, Corollary 4.3.15"),
    _symmetric_pairs,
    latex=r"|\lambda_k(A+E) - \lambda_k(A)| \le \|E\|_2",
    admits=lambda _, E: bool(E.any()),
)
def perturbation(A: Balls, E: Balls) -> Sides:
    """No eigenvalue of a symmetric matrix, in order, moves by more than the 2-norm of a
    symmetric perturbation."""
    return balls.maximum(abs(spectrum(A + E) - spectrum(A))), balls.norm(E, 2)


def _perturbed_any_shape(size: int) -> SearchStrategy:
    shapes = [(m, size) for m in range(1, size + 1)]
    return st.one_of(
        [
            st.tuples(
                strategies.matrices(m, n),
                strategies.small_integers(m, n).filter(np.any),
            )
            for m, n in shapes
        ]
    )


@claim(
    "weyl1912-singular-values",
    WEYL.at("Golub and Van Loan 2013, Corollary 8.6.2"),
    _perturbed_any_shape,
    latex=r"|\sigma_k(A+E) - \sigma_k(A)| \le \|E\|_2",
    admits=lambda _, E: bool(E.any()),
)
def singular_values(A: Balls, E: Balls) -> Sides:
    """No singular value of a matrix, in order, moves by more than the 2-norm of a
    perturbation."""
    pairs = zip(balls.singular_values(A + E), balls.singular_values(A), strict=True)
    return balls.maximum(abs(a - b) for a, b in pairs), balls.norm(E, 2)


@claim(
    "hoffman1953-frobenius",
    HOFFMAN_WIELANDT.at("Theorem 1"),
    _symmetric_pairs,
    latex=r"\sum_k (\lambda_k(A+E) - \lambda_k(A))^2 \le \|E\|_F^2",
    admits=lambda _, E: bool(E.any()),
)
def frobenius(A: Balls, E: Balls) -> Sides:
    """The eigenvalues of a symmetric matrix, in order, move by no more in the 2-norm of
    their vector than the Frobenius norm of a symmetric perturbation."""
    return balls.norm_fro(spectrum(A + E) - spectrum(A)), balls.norm_fro(E)


def _diagonalisable(n: int) -> SearchStrategy:
    perturbations = strategies.small_integers(n, n).filter(np.any)
    return st.tuples(
        strategies.small_integers(n, n).filter(has_full_rank),
        strategies.vectors(n),
        st.builds(lambda E, k: E * 2.0**-k, perturbations, st.integers(0, 12)),
    )


@claim(
    "bauer1960-fike",
    BAUER_FIKE.at("Theorem IIIa"),
    _diagonalisable,
    latex=r"\min_k |\mu - d_k| \le \kappa_2(X)\,\|E\|_2",
    admits=lambda X, _, E: has_full_rank(X) and bool(E.any()),
)
def fike(X: Balls, d: Balls, E: Balls) -> Sides:
    """For A = X diag(d) X^-1 every eigenvalue of A + E lies within kappa(X) times the
    2-norm of E of an eigenvalue of A."""
    A = X @ np.diag(d) @ balls.inverse(X)
    distances = [
        balls.minimum(abs(value - x) for x in d) for value in balls.eigenvalues(A + E)
    ]
    return balls.maximum(distances), balls.kappa(X) * balls.norm(E, 2)


@claim(
    "ostrowski1959-congruence",
    OSTROWSKI_1959.at("Horn and Johnson 2013, Theorem 4.5.9"),
    lambda n: st.tuples(strategies.symmetric(n), strategies.nonsingular(n)),
    latex=r"\lambda_k(SAS^T) = \theta_k\lambda_k(A),\ "
    r"\sigma_n(S)^2 \le \theta_k \le \sigma_1(S)^2",
    admits=lambda _, S: has_full_rank(S),
    note="As the distance from the middle factor; both sides are shifted.",
)
def congruence(A: Balls, S: Balls) -> Sides:
    """A congruence SAS' multiplies each eigenvalue of a symmetric A, in order, by a
    factor between the squared extreme singular values of a nonsingular S."""
    before, after = spectrum(A), spectrum(S @ A @ S.T)
    values = balls.singular_values(S)
    low, high = values[-1] * values[-1], values[0] * values[0]
    middle, radius = (high + low) / 2, (high - low) / 2
    scale = high * balls.norm_fro(A)
    allowed = [radius * abs(value) for value in before]
    return balls.all_at_most(abs(after - before * middle), allowed, scale)


@claim(
    "demmel1992-relative-perturbation",
    DEMMEL_VESELIC.at("Theorem 2.3"),
    lambda n: st.tuples(
        strategies.spd(n),
        strategies.symmetric(n).filter(np.any),
        st.integers(1, 8).map(lambda k: 2.0**-k),
    ),
    latex=r"\frac{|\lambda_k(H+DED)-\lambda_k(H)|}{\lambda_k(H)} \le "
    r"\frac{\|E\|_2}{\lambda_{\min}(S)},\ H = DSD",
    admits=lambda H, G, t: is_spd(H) and bool(G.any()) and 0 < t < 1,
    note="So kappa(S), not kappa(H), decides the relative accuracy.",
)
def relative_perturbation(H: Balls, G: Balls, t: Ball) -> Sides:
    """With S = D^-1 H D^-1 of unit diagonal, each eigenvalue of a symmetric positive
    definite H, in order, moves relative to itself by at most |E| / lambda_min(S) under
    a symmetric perturbation D E D with |E| < lambda_min(S)."""
    # E has norm t lambda_min and the direction of G
    root = np.array([balls.sqrt(x) for x in H.diagonal()])
    smallest = spectrum(balls.unit_diagonal(H))[0]
    E = t * smallest / balls.norm(G, 2) * G
    values = spectrum(H)
    moved = abs(spectrum(H + root[:, None] * E * root) - values) / values
    return balls.maximum(moved), t  # = |E| / lambda_min


@claim(
    "demmel1992-sorted-diagonal",
    DEMMEL_VESELIC.at("section 2"),
    strategies.spd,
    latex=r"\lambda_{\min}(S) \le \lambda_k(H)/h_{(k)} \le \lambda_{\max}(S)",
    admits=is_spd,
)
def sorted_diagonal(H: Balls) -> Sides:
    """The quotients of the eigenvalues of a symmetric positive definite H and its
    diagonal entries, both sorted, lie between the extreme eigenvalues of its Jacobi
    scaling."""
    diagonal = np.array(sorted(H.diagonal(), key=lambda x: x.mid()))
    ratios, scaled = spectrum(H) / diagonal, spectrum(balls.unit_diagonal(H))
    n = len(H)
    small = [*([scaled[0]] * n), *ratios]
    large = [*ratios, *([scaled[-1]] * n)]
    return balls.all_at_most(small, large, scaled[-1])
