"""Gradient descent: fixed steps, momentum, line searches, and what kappa does."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.formula import claim
from condlab.theory.references.iterations import (
    AKAIKE,
    KANTOROVICH,
    POLYAK,
    POLYAK_1964,
    SAAD,
)
from condlab.theory.strategies import has_full_rank, is_spd, st
from condlab.theory.vocabulary.orthogonal import reflection


def _step_radius(A: Balls, t: Ball) -> Ball:
    """Return the spectral radius of I - eta A for eta = 2 t / lambda_max."""
    values = spectrum(A)
    step = 2 * t / values[-1]
    return balls.maximum(abs(spectrum(balls.identity_matrix(len(A)) - step * A)))


def _steps(n: int, *, convergent: bool) -> SearchStrategy:
    inside = st.integers(1, 20).map(lambda k: 2.0**-k)
    inside = st.one_of(inside, inside.map(lambda t: 1 - t))
    outside = st.one_of(inside.map(lambda t: 1 + t), st.sampled_from([1.0, 0.0, -0.5]))
    return st.tuples(strategies.spd(n), inside if convergent else outside)


@claim(
    "polyak1987-converges-if",
    POLYAK.at("section 1.4"),
    lambda n: _steps(n, convergent=True),
    latex=r"0 < \eta < \frac{2}{\lambda_{\max}} \Rightarrow \rho(I - \eta A) \le 1",
    admits=lambda A, t: is_spd(A) and 0 < t < 1,
    note="The radius is strictly below 1, as finitely many eigenvalues are; it tends "
    "to 1 at both ends. t = eta lambda_max / 2.",
)
def converges_if(A: Balls, t: Ball) -> Sides:
    """Gradient descent on x'Ax / 2 - b'x, A symmetric positive definite, converges from
    everywhere if the step is between 0 and 2 / lambda_max."""
    return _step_radius(A, t), balls.arb(1)


@claim(
    "polyak1987-converges-only-if",
    POLYAK.at("section 1.4"),
    lambda n: _steps(n, convergent=False),
    latex=r"\eta \notin \left(0, \frac{2}{\lambda_{\max}}\right) \Rightarrow "
    r"1 \le \rho(I - \eta A)",
)
def converges_only_if(A: Balls, t: Ball) -> Sides:
    """Gradient descent on x'Ax / 2 - b'x, A symmetric positive definite, does not
    converge from everywhere if the step is at most 0 or at least 2 / lambda_max."""
    return balls.arb(1), _step_radius(A, t)


def not_scalar(A: np.ndarray) -> bool:
    """Tell whether a matrix is no multiple of the identity."""
    return bool(np.any(A != A[0, 0] * np.eye(len(A))))


def spd_not_scalar(n: int) -> SearchStrategy:
    """Draw SPD matrices with two different eigenvalues: kappa is certainly above 1."""
    return strategies.spd(n).filter(not_scalar) if n > 1 else strategies.none()


def is_spd_not_scalar(A: np.ndarray, *_: object) -> bool:
    """Tell whether an instance starts with an SPD matrix of kappa above 1."""
    return is_spd(A) and not_scalar(A)


def with_error(matrices: SearchStrategy, n: int) -> SearchStrategy:
    """Draw a matrix and a nonzero vector, the error to start from."""
    if matrices.is_empty:
        return matrices
    return st.tuples(matrices, strategies.vectors(n).filter(np.any))


def contraction(kappa: Ball) -> Ball:
    """Return (kappa - 1) / (kappa + 1)."""
    return (kappa - 1) / (kappa + 1)


@claim(
    "polyak1987-best-step",
    POLYAK.at("section 1.4"),
    lambda n: with_error(spd_not_scalar(n), n),
    latex=r"\|e_1\|_2 \le \frac{\kappa-1}{\kappa+1}\,\|e_0\|_2",
    admits=lambda A, e: is_spd_not_scalar(A) and bool(e.any()),
    note="Attained by the extreme eigenvectors. kappa = 1 ends in one step.",
)
def best_step(A: Balls, e: Balls) -> Sides:
    """A gradient step of 2 / (lambda_min + lambda_max) shrinks the error by a factor of
    at most (kappa - 1) / (kappa + 1), for A symmetric positive definite and no multiple
    of the identity."""
    values = spectrum(A)
    moved = e - 2 / (values[0] + values[-1]) * (A @ e)
    return balls.norm_fro(moved), contraction(values[-1] / values[0]) * balls.norm_fro(
        e
    )


@claim(
    "polyak1987-no-better-step",
    POLYAK.at("section 1.4"),
    lambda n: (
        strategies.none()
        if n == 1
        else st.tuples(spd_not_scalar(n), st.integers(-16, 8).map(lambda k: 2.0**k))
    ),
    latex=r"\frac{\kappa-1}{\kappa+1} \le \rho(I - \eta A)",
    admits=is_spd_not_scalar,
)
def no_better_step(A: Balls, eta: Ball) -> Sides:
    """No fixed step of gradient descent has a spectral radius below (kappa - 1) /
    (kappa + 1), for A symmetric positive definite and no multiple of the identity."""
    values = spectrum(A)
    return contraction(values[-1] / values[0]), balls.maximum(abs(1 - eta * values))


@claim(
    "polyak1964-heavy-ball",
    POLYAK_1964.at("Theorem 9; Polyak 1987, section 3.2.1"),
    spd_not_scalar,
    latex=r"|1 + \beta - \alpha\lambda_k| \le 2\sqrt{\beta},\ "
    r"\sqrt{\beta} = \frac{\sqrt{\kappa}-1}{\sqrt{\kappa}+1}",
    admits=is_spd_not_scalar,
    note="The roots' product is b, so their moduli are equal where the discriminant "
    "is not positive, which is the inequality checked.",
)
def heavy_ball(A: Balls) -> Sides:
    """With the best step and momentum b = ((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^2
    both roots of the heavy-ball recurrence have modulus sqrt(b) in every eigenvector,
    for A symmetric positive definite and no multiple of the identity."""
    values = spectrum(A)
    low, high = balls.sqrt(values[0]), balls.sqrt(values[-1])
    alpha, root = 4 / ((low + high) * (low + high)), contraction(high / low)
    return balls.maximum(abs(1 + root * root - alpha * values)), 2 * root


def tall_with_error(size: int) -> SearchStrategy:
    """Draw a matrix of full column rank and a nonzero vector to start from."""
    return st.one_of(
        [with_error(strategies.full_rank(size, n), n) for n in range(1, size + 1)]
    )


def has_error(A: np.ndarray, e: np.ndarray) -> bool:
    """Tell whether A has full rank and e is not zero."""
    return has_full_rank(A) and bool(e.any())


@claim(
    "saad2003-least-squares",
    SAAD.at("Example 4.1, for the normal equations"),
    tall_with_error,
    latex=r"\|e_1\|_2 \le \frac{\kappa(A)^2-1}{\kappa(A)^2+1}\,\|e_0\|_2",
    admits=has_error,
    note="Both sides are shifted by |e_0|.",
)
def least_squares(A: Balls, e: Balls) -> Sides:
    """The best fixed gradient step for least squares shrinks the error by a factor of
    at most (kappa^2 - 1) / (kappa^2 + 1), for A of full column rank."""
    values, length = balls.singular_values(A), balls.norm_fro(e)
    step = 2 / (values[0] * values[0] + values[-1] * values[-1])
    moved = e - step * (A.T @ (A @ e))
    kappa = values[0] / values[-1]
    return length + balls.norm_fro(moved), length * (1 + contraction(kappa * kappa))


def _kantorovich(A: Balls, x: Balls) -> Sides:
    kappa = kappa_spd(A)
    lhs = (x @ A @ x) * (x @ balls.inverse(A) @ x)
    square = x @ x
    return lhs, (kappa + 1) * (kappa + 1) / (4 * kappa) * square * square


@claim(
    "kantorovich1948-inequality",
    KANTOROVICH.at("Horn and Johnson 2013, section 7.4"),
    lambda n: with_error(strategies.spd(n), n),
    latex=r"x^TAx\;x^TA^{-1}x \le \frac{(\kappa+1)^2}{4\kappa}\,\|x\|_2^4",
    admits=lambda A, x: is_spd(A) and bool(x.any()),
)
def inequality(A: Balls, x: Balls) -> Sides:
    """For symmetric positive definite A, x'Ax times x'A^-1 x is at most (kappa + 1)^2 /
    (4 kappa) times |x|^4."""
    return _kantorovich(A, x)


def _ends(s: Balls) -> tuple[int, int]:
    """Return the places of the smallest and of the largest of some exact balls."""
    values = list(s)
    return values.index(min(values)), values.index(max(values))


@claim(
    "kantorovich1948-attained",
    KANTOROVICH.at("Horn and Johnson 2013, section 7.4"),
    lambda n: st.tuples(strategies.vectors(n), strategies.positive_diagonals(n)),
    latex=r"x^TAx\;x^TA^{-1}x = \frac{(\kappa+1)^2}{4\kappa}\,\|x\|_2^4,\ "
    r"x = u_1 + u_n",
    note="A = H diag(s) H with a Householder reflection H.",
)
def attained(x: Balls, s: Balls) -> Sides:
    """Kantorovich's inequality is an equality for the sum of two unit eigenvectors, of
    the smallest and of the largest eigenvalue."""
    H, (low, high) = reflection(x), _ends(s)
    return balls.equal(*_kantorovich(H @ np.diag(s) @ H, H[:, low] + H[:, high]))


def energy(A: Balls, e: Balls) -> Ball:
    """Return the norm of e in the inner product of A."""
    return balls.sqrt(e @ A @ e)


def _line_search(A: Balls, e: Balls) -> Balls:
    r = A @ e
    return e - (r @ r) / (r @ A @ r) * r


@claim(
    "kantorovich1948-steepest-descent",
    KANTOROVICH.at("Saad 2003, Theorem 5.9"),
    lambda n: with_error(spd_not_scalar(n), n),
    latex=r"\|e_1\|_A \le \frac{\kappa-1}{\kappa+1}\,\|e_0\|_A",
    admits=lambda A, e: is_spd_not_scalar(A) and bool(e.any()),
)
def steepest_descent(A: Balls, e: Balls) -> Sides:
    """A gradient step with exact line search shrinks the error in the norm of A by a
    factor of at most (kappa - 1) / (kappa + 1), for A symmetric positive definite and
    no multiple of the identity."""
    return energy(A, _line_search(A, e)), contraction(kappa_spd(A)) * energy(A, e)


@claim(
    "akaike1959-zigzag",
    AKAIKE.at("section 4"),
    lambda n: (
        st.tuples(
            strategies.vectors(n),
            strategies.positive_diagonals(n).filter(lambda s: len(set(s)) > 1),
            st.integers(1, 4),
        )
        if n > 1
        else strategies.none()
    ),
    latex=r"\|e_{k+1}\|_A = \frac{\kappa-1}{\kappa+1}\,\|e_k\|_A",
    note="A = H diag(s) H with a Householder reflection H.",
)
def zigzag(x: Balls, s: Balls, k: int) -> Sides:
    """From a gradient that is the sum of two unit eigenvectors, of the smallest and the
    largest eigenvalue, every step with exact line search shrinks the error in the norm
    of A by exactly (kappa - 1) / (kappa + 1)."""
    # The A-norms of k steps from u_1 / lambda_1 + u_n / lambda_n
    H, (low, high) = reflection(x), _ends(s)
    A = H @ np.diag(s) @ H
    e = H[:, low] / s[low] + H[:, high] / s[high]
    ratios = []
    for _ in range(k):
        before, e = e, _line_search(A, e)
        ratios.append(energy(A, e) / energy(A, before))
    return balls.equal(ratios, [contraction(kappa_spd(A))] * k)
