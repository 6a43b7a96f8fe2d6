"""Chebyshev and Krylov iterations: what the square root of kappa buys."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.claims.iterations.gradient_descent import (
    contraction,
    energy,
    is_spd_not_scalar,
    not_scalar,
    spd_not_scalar,
)
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.formula import claim
from condlab.theory.references.iterations import (
    GREENBAUM,
    HESTENES_STIEFEL,
    SAAD,
    VARGA,
)
from condlab.theory.strategies import has_full_rank, st
from condlab.theory.vocabulary.orthogonal import (
    conjugate_gradients,
    krylov_basis,
    krylov_dimension,
    reflection,
)


def _runs(kind: SearchStrategy, n: int) -> SearchStrategy:
    """Draw a system and a number of steps that its Krylov space has room for."""
    if kind.is_empty:
        return kind
    return st.tuples(
        kind, strategies.vectors(n).filter(np.any), st.integers(1, n)
    ).filter(lambda part: _has_room(*part))


def _has_room(A: np.ndarray, b: np.ndarray, k: int) -> bool:
    return krylov_dimension(A, b) >= k


def _admits(A: np.ndarray, b: np.ndarray, k: int) -> bool:
    return is_spd_not_scalar(A) and _has_room(A, b, k)


def _errors(A: Balls, b: Balls, k: int) -> list[Balls]:
    """Return the errors of conjugate gradients after 0 to k steps."""
    solution = balls.inverse(A) @ b
    return [solution - x for x in conjugate_gradients(A, b, k)]


def _minimax(kappa: Ball, k: int) -> Ball:
    """Return 1 / T_k((kappa + 1) / (kappa - 1))."""
    power = contraction(balls.sqrt(kappa)) ** k
    return 2 * power / (1 + power * power)


@claim(
    "greenbaum1997-cg-chebyshev",
    GREENBAUM.at("Theorem 3.1.1; Saad 2003, Theorem 6.29"),
    lambda n: _runs(spd_not_scalar(n), n),
    latex=r"\frac{\|e_k\|_A}{\|e_0\|_A} \le "
    r"\frac{1}{T_k\left(\frac{\kappa+1}{\kappa-1}\right)}",
    admits=_admits,
    note="Attained for each k by some matrix and start; kappa = 1 ends in a step.",
)
def cg_chebyshev(A: Balls, b: Balls, k: int) -> Sides:
    """After k steps of conjugate gradients the error in the norm of A is at most 1 /
    T_k((kappa + 1) / (kappa - 1)) of the first, for A symmetric positive definite and
    no multiple of the identity."""
    errors = _errors(A, b, k)
    return energy(A, errors[k]), _minimax(kappa_spd(A), k) * energy(A, errors[0])


@claim(
    "saad2003-cg-bound",
    SAAD.at("equation (6.128)"),
    lambda n: _runs(spd_not_scalar(n), n),
    latex=r"\frac{\|e_k\|_A}{\|e_0\|_A} \le "
    r"2\left(\frac{\sqrt{\kappa}-1}{\sqrt{\kappa}+1}\right)^k",
    admits=_admits,
)
def cg_bound(A: Balls, b: Balls, k: int) -> Sides:
    """After k steps of conjugate gradients the error in the norm of A is at most 2
    ((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^k of the first, for A symmetric positive
    definite and no multiple of the identity."""
    errors = _errors(A, b, k)
    rate = contraction(balls.sqrt(kappa_spd(A)))
    return energy(A, errors[k]), 2 * rate**k * energy(A, errors[0])


def _few_values(n: int) -> SearchStrategy:
    """Draw repeated eigenvalues and a start with a part in every eigenvector."""
    values = strategies.positive_diagonals(n, exponent=2)
    starts = strategies.vectors(n).filter(np.all)
    return st.tuples(strategies.vectors(n), values, starts)


@claim(
    "hestenes1952-termination",
    HESTENES_STIEFEL.at("section 4; Golub and Van Loan 2013, section 11.3"),
    _few_values,
    latex=r"x_k = A^{-1}b,\ k = |\{\lambda_1, \dots, \lambda_n\}|",
    note="In exact arithmetic. A = H diag(s) H with a Householder reflection H.",
)
def termination(x: Balls, s: Balls, start: Balls) -> Sides:
    """Conjugate gradients end with the solution after as many steps as the symmetric
    positive definite matrix has different eigenvalues."""
    H = reflection(x)
    A, b = H @ np.diag(s) @ H, H @ start
    steps = len(set(s.tolist()))
    return balls.equal(conjugate_gradients(A, b, steps)[-1], H @ (start / s))


@claim(
    "hestenes1952-error-length",
    HESTENES_STIEFEL.at("Theorem 6:3"),
    lambda n: _runs(strategies.spd(n), n),
    latex=r"\|e_k\|_2 \le \|e_{k-1}\|_2",
    note="Both sides are shifted by |e_0|.",
)
def error_length(A: Balls, b: Balls, k: int) -> Sides:
    """Each step of conjugate gradients does not raise the 2-norm of the error."""
    errors = _errors(A, b, k)
    scale = balls.norm_fro(errors[0])
    return balls.all_at_most(
        balls.norm_fro(errors[k]), balls.norm_fro(errors[k - 1]), scale
    )


@claim(
    "folklore-cg-residual",
    "folklore",
    lambda n: _runs(spd_not_scalar(n), n),
    latex=r"\|r_k\|_2 \le \|r_{k-1}\|_2",
    note="That is MINRES. By Kantorovich's inequality one step may raise it to (kappa "
    "- 1) / (2 sqrt(kappa)) of itself, above 1 for kappa > 3 + 2 sqrt(2). Of order 1 "
    "the first step ends.",
    false_from=2,
)
def cg_residual(A: Balls, b: Balls, k: int) -> Sides:
    """Each step of conjugate gradients does not raise the 2-norm of the residual."""
    errors = _errors(A, b, k)
    return balls.norm_fro(A @ errors[k]), balls.norm_fro(A @ errors[k - 1])


@claim(
    "hestenes1952-beats-descent",
    HESTENES_STIEFEL.at("section 4, the minimum over the Krylov space"),
    lambda n: _runs(strategies.spd(n), n),
    latex=r"\|e_k\|_A \le \|e_{k-1} - \alpha r_{k-1}\|_A",
    note="Both sides are shifted by the first error.",
)
def beats_descent(A: Balls, b: Balls, k: int) -> Sides:
    """From each iterate of conjugate gradients its next step leaves no more error in
    the norm of A than a gradient step with exact line search."""
    errors = _errors(A, b, k)
    r = A @ errors[k - 1]
    descended = errors[k - 1] - (r @ r) / (r @ A @ r) * r
    scale = energy(A, errors[0])
    return balls.all_at_most(energy(A, errors[k]), energy(A, descended), scale)


@claim(
    "varga2000-chebyshev-steps",
    VARGA.at("section 5.1"),
    lambda n: (
        st.tuples(
            spd_not_scalar(n),
            strategies.vectors(n).filter(np.any),
            st.integers(1, 6),
        )
        if n > 1
        else strategies.none()
    ),
    latex=r"\frac{\|e_k\|_2}{\|e_0\|_2} \le "
    r"\frac{1}{T_k\left(\frac{\kappa+1}{\kappa-1}\right)}",
    admits=lambda A, e, k: is_spd_not_scalar(A) and bool(e.any()) and k > 0,
    note="The extreme eigenvectors attain it for every k.",
)
def chebyshev_steps(A: Balls, e: Balls, k: int) -> Sides:
    """Richardson's iteration with the reciprocals of k Chebyshev nodes of the
    spectrum's interval as steps shrinks the error to at most 1 / T_k((kappa + 1) /
    (kappa - 1)), for A symmetric positive definite and no multiple of the identity."""
    values, moved = spectrum(A), e
    middle, radius = (values[-1] + values[0]) / 2, (values[-1] - values[0]) / 2
    for j in range(k):
        node = (balls.arb(2 * j + 1) / (2 * k)).cos_pi()
        moved = moved - A @ moved / (middle - radius * node)
    bound = _minimax(values[-1] / values[0], k)
    return balls.norm_fro(moved), bound * balls.norm_fro(e)


def _indefinite(n: int) -> SearchStrategy:
    return strategies.symmetric(n).filter(_usable) if n > 1 else strategies.none()


def _usable(A: np.ndarray) -> bool:
    """Tell whether A is nonsingular and A^2, which decides kappa, not scalar."""
    return has_full_rank(A) and not_scalar(A @ A)


@claim(
    "greenbaum1997-minres",
    GREENBAUM.at("section 3.1"),
    lambda n: _runs(_indefinite(n), n),
    latex=r"\frac{\|r_k\|_2}{\|r_0\|_2} \le "
    r"\frac{1}{T_{\lfloor k/2\rfloor}\left(\frac{\kappa^2+1}{\kappa^2-1}\right)}",
    note="Not the square root of kappa: an interval on both sides of zero.",
)
def minres(A: Balls, b: Balls, k: int) -> Sides:
    """After k steps of MINRES on a symmetric nonsingular system the residual is at most
    1 / T_h((kappa^2 + 1) / (kappa^2 - 1)) of the first, h the integer part of k / 2."""
    Q = krylov_basis(A, b, k)
    M = A @ Q
    residual = b - M @ (balls.inverse(M.T @ M) @ (M.T @ b))
    moduli = abs(spectrum(A))
    kappa = balls.maximum(moduli) / balls.minimum(moduli)
    return balls.norm_fro(residual), _minimax(kappa * kappa, k // 2) * balls.norm_fro(b)
