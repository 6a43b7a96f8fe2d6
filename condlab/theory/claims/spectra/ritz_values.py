"""What vectors and Krylov spaces tell about the eigenvalues of a symmetric matrix."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.formula import claim
from condlab.theory.references.books import GOLUB_VAN_LOAN
from condlab.theory.references.spectra import PARLETT, SAAD_1980
from condlab.theory.strategies import is_spd, st
from condlab.theory.vocabulary.orthogonal import krylov_basis, krylov_dimension


@claim(
    "parlett1998-residual-interval",
    PARLETT.at("Theorem 4.5.1"),
    lambda n: st.tuples(
        strategies.symmetric(n),
        strategies.vectors(n).filter(np.any),
        st.integers(-9, 9).map(float),
    ),
    latex=r"\min_k |\lambda_k - \theta| \le \frac{\|Ay - \theta y\|_2}{\|y\|_2}",
    note="Both sides are shifted by |A|_F + |theta|.",
)
def residual_interval(A: Balls, y: Balls, theta: Ball) -> Sides:
    """For every number theta and nonzero vector y, a symmetric matrix has an eigenvalue
    within |Ay - theta y| / |y| of theta."""
    residual = balls.norm_fro(A @ y - theta * y) / balls.norm_fro(y)
    distance = balls.minimum(abs(spectrum(A) - theta))
    return balls.all_at_most(distance, residual, balls.norm_fro(A) + abs(theta))


def _krylov(kind: SearchStrategy, n: int) -> SearchStrategy:
    """Draw a matrix, a vector and a number of steps before its Krylov space ends."""
    vectors = strategies.vectors(n).filter(np.any)
    return st.tuples(kind, vectors, st.integers(1, n)).filter(
        lambda part: krylov_dimension(*part[:2]) >= part[2]
    )


@claim(
    "parlett1998-lanczos-intervals",
    PARLETT.at("section 13.2 with Theorem 4.5.1"),
    lambda n: _krylov(strategies.symmetric(n), n),
    latex=r"\min_i |\lambda_i - \theta_j| \le \beta_k |s_{kj}|",
    note="In exact arithmetic. Both sides are shifted by |A|_F.",
)
def lanczos_intervals(A: Balls, b: Balls, k: int) -> Sides:
    """Around every Ritz value of k Lanczos steps the interval of radius beta_k |s_kj|,
    the residual's norm, holds an eigenvalue of the symmetric matrix."""
    # The last entry of a Ritz vector comes from Parlett, Theorem 7.9.2: its square is
    # the product of theta_j - mu_i over that of theta_j - theta_i, with mu the Ritz
    # values a step earlier.
    Q = krylov_basis(A, b, k)
    T, last = Q.T @ A @ Q, A @ Q[:, -1]
    beta = balls.norm_fro(last - Q @ (Q.T @ last))
    values, ritz = spectrum(A), spectrum(T)
    earlier = spectrum(T[:-1, :-1]) if k > 1 else ritz[:0]
    radii, distances = [], []
    for j, theta in enumerate(ritz):
        gaps = np.delete(theta - ritz, j)
        square = np.prod(theta - earlier) / np.prod(gaps) if k > 1 else balls.arb(1)
        radii.append(beta * balls.sqrt(square))
        distances.append(balls.minimum(abs(values - theta)))
    return balls.all_at_most(distances, radii, balls.norm_fro(A))


@claim(
    "parlett1998-ritz-kappa",
    PARLETT.at("Theorem 10.1.1, Cauchy's interlacing"),
    lambda n: _krylov(strategies.spd(n), n),
    latex=r"\kappa_2(T_k) \le \kappa_2(A)",
    admits=lambda A, b, k: is_spd(A) and krylov_dimension(A, b) >= k,
    note="A lower bound, never an estimate from above.",
)
def ritz_kappa(A: Balls, b: Balls, k: int) -> Sides:
    """The condition number of the Lanczos matrix of any number of steps is at most that
    of the symmetric positive definite matrix."""
    Q = krylov_basis(A, b, k)
    return kappa_spd(Q.T @ A @ Q), kappa_spd(A)


def _rayleigh(A: Balls, y: Balls) -> tuple[Ball, Ball]:
    """Return the Rayleigh quotient and the norm of its residual over that of y."""
    theta = (y @ A @ y) / (y @ y)
    return theta, balls.norm_fro(A @ y - theta * y) / balls.norm_fro(y)


@claim(
    "kato1949-temple",
    PARLETT.at("Theorem 11.7.1, due to Kato and Temple"),
    lambda n: (
        st.tuples(strategies.symmetric(n), strategies.vectors(n).filter(np.any))
        if n > 1
        else strategies.none()
    ),
    latex=r"|\lambda - \theta| \cdot \mathrm{gap} \le \|Ay - \theta y\|_2^2",
    note="Both sides are shifted by the square of |A|_F.",
)
def temple(A: Balls, y: Balls) -> Sides:
    """The distance of a Rayleigh quotient from the nearest eigenvalue of a symmetric
    matrix, times that from the next nearest, is at most the squared norm of the
    residual of the unit vector."""
    theta, residual = _rayleigh(A, y)
    distances = sorted(abs(spectrum(A) - theta), key=lambda x: x.mid())
    scale = balls.norm_fro(A)
    return balls.all_at_most(
        distances[0] * distances[1], residual * residual, scale * scale
    )


@claim(
    "davis1970-residual-angle",
    PARLETT.at("Theorem 11.7.1, due to Davis and Kahan"),
    lambda n: (
        st.tuples(strategies.vectors(n), strategies.vectors(n)).filter(
            lambda pair: pair[1].any()
        )
        if n > 1
        else strategies.none()
    ),
    latex=r"\sin\angle(y, u_1) \cdot \min_{k>1}|\lambda_k - \theta| \le "
    r"\|Ay - \theta y\|_2/\|y\|_2",
    note="In an eigenbasis: A = diag(lambda), u_1 = e_1. Both sides are shifted by "
    "|A|_F.",
)
def residual_angle(values: Balls, y: Balls) -> Sides:
    """The sine of the angle between a vector and an eigenvector of a symmetric matrix
    is at most the residual over the distance of the Rayleigh quotient from the other
    eigenvalues."""
    # A = diag(values), so that the eigenvector is e_1
    theta, residual = _rayleigh(np.diag(values), y)
    gap = balls.minimum(abs(values[1:] - theta))
    sine = balls.norm_fro(y[1:]) / balls.norm_fro(y)
    return balls.all_at_most(sine * gap, residual, balls.norm_fro(values))


def _gapped(n: int) -> SearchStrategy:
    """Draw a descending spectrum, b with b_1 not 0, and k steps that do not end."""
    values = st.lists(st.integers(-9, 9), min_size=n, max_size=n, unique=True)
    return st.tuples(
        values.map(lambda v: np.array(sorted(v, reverse=True), dtype=float)),
        strategies.vectors(n),
        st.integers(1, n),
    ).filter(lambda part: part[1][0] != 0 and np.count_nonzero(part[1]) >= part[2])


def chebyshev(k: int, x: Ball) -> Ball:
    """Return the Chebyshev polynomial T_k at x."""
    before, now = balls.arb(1), x
    if k == 0:
        return before
    for _ in range(k - 1):
        before, now = now, 2 * x * now - before
    return now


def _tangent_squared(b: Balls) -> Ball:
    return b[1:] @ b[1:] / (b[0] * b[0])


@claim(
    "saad1980-krylov-extreme",
    SAAD_1980.at("Theorem 2; Golub and Van Loan 2013, Theorem 10.1.2"),
    lambda n: _gapped(n) if n > 2 else strategies.none(),
    latex=r"\lambda_1 - \theta_1 \le (\lambda_1 - \lambda_n)"
    r"\left(\frac{\tan\phi_1}{T_{k-1}(1+2\gamma)}\right)^2,\ "
    r"\gamma = \frac{\lambda_1-\lambda_2}{\lambda_2-\lambda_n}",
    note="In an eigenbasis: A = diag(lambda). Both sides are shifted by the spread. "
    "Sizes below 3 have no gamma.",
)
def krylov_extreme(values: Balls, b: Balls, k: int) -> Sides:
    """After k Lanczos steps the largest Ritz value of a symmetric matrix is below its
    largest eigenvalue by at most the spread of its eigenvalues times (tan phi_1 /
    T_(k-1)(1 + 2 gamma))^2, gamma the relative gap."""
    Q = krylov_basis(np.diag(values), b, k)
    theta = spectrum(Q.T @ (values[:, None] * Q))[-1]
    spread = values[0] - values[-1]
    gap = (values[0] - values[1]) / (values[1] - values[-1])
    growth = chebyshev(k - 1, 1 + 2 * gap)
    bound = spread * _tangent_squared(b) / (growth * growth)
    return balls.all_at_most(values[0] - theta, bound, spread)


def _power_values(n: int) -> SearchStrategy:
    values = st.lists(st.integers(0, 9), min_size=n, max_size=n).map(
        lambda v: np.array(sorted(v, reverse=True), dtype=float)
    )
    return st.tuples(values, strategies.vectors(n), st.integers(0, 4)).filter(
        lambda part: part[0][0] > part[0][1] and part[1][0] != 0
    )


@claim(
    "golub2013-power-method",
    GOLUB_VAN_LOAN.at("Theorem 8.2.1"),
    lambda n: _power_values(n) if n > 1 else strategies.none(),
    latex=r"\lambda_1 - \theta_k \le (\lambda_1 - \lambda_n)\tan^2\phi_0"
    r"\left(\frac{\lambda_2}{\lambda_1}\right)^{2k}",
    note="In an eigenbasis: A = diag(lambda). Both sides are shifted by the spread.",
)
def power_method(values: Balls, b: Balls, k: int) -> Sides:
    """After k steps of the power method the Rayleigh quotient of a positive
    semidefinite matrix with a simple largest eigenvalue is below it by at most the
    spread times tan(phi)^2 (lambda_2 / lambda_1)^2k."""
    y = values**k * b if k else b
    theta, _ = _rayleigh(np.diag(values), y)
    ratio = (values[1] / values[0]) ** (2 * k) if k else balls.arb(1)
    spread = values[0] - values[-1]
    return balls.all_at_most(
        values[0] - theta, spread * _tangent_squared(b) * ratio, spread
    )
