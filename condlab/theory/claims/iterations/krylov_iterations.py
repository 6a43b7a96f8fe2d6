"""Chebyshev and Krylov iterations: what the square root of kappa buys."""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.claims.iterations.gradient_descent import (
    contraction,
    energy,
    is_spd_not_scalar,
    not_scalar,
    spd_not_scalar,
)
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.formula import theorem
from condlab.theory.references import GREENBAUM, HESTENES_STIEFEL, SAAD, VARGA
from condlab.theory.strategies import SearchStrategy, has_full_rank, st
from condlab.theory.vocabulary.orthogonal import (
    conjugate_gradients,
    krylov_basis,
    krylov_dimension,
    reflection,
)

Sides = tuple[Ball, Ball]


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


def _cg_bound(A: Balls, b: Balls, k: int) -> Sides:
    errors = _errors(A, b, k)
    return energy(A, errors[k]), _minimax(kappa_spd(A), k) * energy(A, errors[0])


def _cg_simple_bound(A: Balls, b: Balls, k: int) -> Sides:
    errors = _errors(A, b, k)
    rate = contraction(balls.sqrt(kappa_spd(A)))
    return energy(A, errors[k]), 2 * rate**k * energy(A, errors[0])


def _cg_lengths(A: Balls, b: Balls, k: int) -> Sides:
    errors = _errors(A, b, k)
    scale = balls.norm_fro(errors[0])
    return balls.all_at_most(
        balls.norm_fro(errors[k]), balls.norm_fro(errors[k - 1]), scale
    )


def _cg_residuals(A: Balls, b: Balls, k: int) -> Sides:
    errors = _errors(A, b, k)
    return balls.norm_fro(A @ errors[k]), balls.norm_fro(A @ errors[k - 1])


def _cg_against_descent(A: Balls, b: Balls, k: int) -> Sides:
    errors = _errors(A, b, k)
    r = A @ errors[k - 1]
    descended = errors[k - 1] - (r @ r) / (r @ A @ r) * r
    scale = energy(A, errors[0])
    return balls.all_at_most(energy(A, errors[k]), energy(A, descended), scale)


def _few_values(n: int) -> SearchStrategy:
    """Draw repeated eigenvalues and a start with a part in every eigenvector."""
    values = strategies.positive_diagonals(n, exponent=2)
    starts = strategies.vectors(n).filter(np.all)
    return st.tuples(strategies.vectors(n), values, starts)


def _termination(x: Balls, s: Balls, start: Balls) -> Sides:
    H = reflection(x)
    A, b = H @ np.diag(s) @ H, H @ start
    steps = len(set(s.tolist()))
    return balls.equal(conjugate_gradients(A, b, steps)[-1], H @ (start / s))


def _chebyshev_steps(A: Balls, e: Balls, k: int) -> Sides:
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


def _minres(A: Balls, b: Balls, k: int) -> Sides:
    Q = krylov_basis(A, b, k)
    M = A @ Q
    residual = b - M @ (balls.inverse(M.T @ M) @ (M.T @ b))
    moduli = abs(spectrum(A))
    kappa = balls.maximum(moduli) / balls.minimum(moduli)
    return balls.norm_fro(residual), _minimax(kappa * kappa, k // 2) * balls.norm_fro(b)


CONJUGATE_GRADIENTS = (
    theorem(
        "greenbaum1997-cg-chebyshev",
        "After k steps of conjugate gradients the error in the norm of A is at most 1 "
        "/ T_k((kappa + 1) / (kappa - 1)) of the first, for A symmetric positive "
        "definite and no multiple of the identity.",
        GREENBAUM.at("Theorem 3.1.1; Saad 2003, Theorem 6.29"),
        lambda n: _runs(spd_not_scalar(n), n),
        _cg_bound,
        latex=r"\frac{\|e_k\|_A}{\|e_0\|_A} \le "
        r"\frac{1}{T_k\left(\frac{\kappa+1}{\kappa-1}\right)}",
        admits=_admits,
        note="Attained for each k by some matrix and start; kappa = 1 ends in a step.",
    ),
    theorem(
        "saad2003-cg-bound",
        "After k steps of conjugate gradients the error in the norm of A is at most 2 "
        "((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^k of the first, for A symmetric "
        "positive definite and no multiple of the identity.",
        SAAD.at("equation (6.128)"),
        lambda n: _runs(spd_not_scalar(n), n),
        _cg_simple_bound,
        latex=r"\frac{\|e_k\|_A}{\|e_0\|_A} \le "
        r"2\left(\frac{\sqrt{\kappa}-1}{\sqrt{\kappa}+1}\right)^k",
        admits=_admits,
    ),
    theorem(
        "hestenes1952-termination",
        "Conjugate gradients end with the solution after as many steps as the "
        "symmetric positive definite matrix has different eigenvalues.",
        HESTENES_STIEFEL.at("section 4; Golub and Van Loan 2013, section 11.3"),
        _few_values,
        _termination,
        latex=r"x_k = A^{-1}b,\ k = |\{\lambda_1, \dots, \lambda_n\}|",
        note="In exact arithmetic. A = H diag(s) H with a Householder reflection H.",
    ),
    theorem(
        "hestenes1952-error-length",
        "Each step of conjugate gradients does not raise the 2-norm of the error.",
        HESTENES_STIEFEL.at("Theorem 6:3"),
        lambda n: _runs(strategies.spd(n), n),
        _cg_lengths,
        latex=r"\|e_k\|_2 \le \|e_{k-1}\|_2",
        note="Both sides are shifted by |e_0|.",
    ),
    theorem(
        "folklore-cg-residual",
        "Each step of conjugate gradients does not raise the 2-norm of the residual.",
        "folklore",
        lambda n: _runs(spd_not_scalar(n), n),
        _cg_residuals,
        latex=r"\|r_k\|_2 \le \|r_{k-1}\|_2",
        note="That is MINRES. By Kantorovich's inequality one step may raise it to "
        "(kappa - 1) / (2 sqrt(kappa)) of itself, above 1 for kappa > 3 + 2 sqrt(2). "
        "Of order 1 the first step ends.",
        false_from=2,
    ),
    theorem(
        "hestenes1952-beats-descent",
        "From each iterate of conjugate gradients its next step leaves no more error "
        "in the norm of A than a gradient step with exact line search.",
        HESTENES_STIEFEL.at("section 4, the minimum over the Krylov space"),
        lambda n: _runs(strategies.spd(n), n),
        _cg_against_descent,
        latex=r"\|e_k\|_A \le \|e_{k-1} - \alpha r_{k-1}\|_A",
        note="Both sides are shifted by the first error.",
    ),
)

POLYNOMIALS = (
    theorem(
        "varga2000-chebyshev-steps",
        "Richardson's iteration with the reciprocals of k Chebyshev nodes of the "
        "spectrum's interval as steps shrinks the error to at most 1 / T_k((kappa + 1) "
        "/ (kappa - 1)), for A symmetric positive definite and no multiple of the "
        "identity.",
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
        _chebyshev_steps,
        latex=r"\frac{\|e_k\|_2}{\|e_0\|_2} \le "
        r"\frac{1}{T_k\left(\frac{\kappa+1}{\kappa-1}\right)}",
        admits=lambda A, e, k: is_spd_not_scalar(A) and bool(e.any()) and k > 0,
        note="The extreme eigenvectors attain it for every k.",
    ),
    theorem(
        "greenbaum1997-minres",
        "After k steps of MINRES on a symmetric nonsingular system the residual is at "
        "most 1 / T_h((kappa^2 + 1) / (kappa^2 - 1)) of the first, h the integer part "
        "of k / 2.",
        GREENBAUM.at("section 3.1"),
        lambda n: _runs(_indefinite(n), n),
        _minres,
        latex=r"\frac{\|r_k\|_2}{\|r_0\|_2} \le "
        r"\frac{1}{T_{\lfloor k/2\rfloor}\left(\frac{\kappa^2+1}{\kappa^2-1}\right)}",
        note="Not the square root of kappa: an interval on both sides of zero.",
    ),
)

THEOREMS = (*CONJUGATE_GRADIENTS, *POLYNOMIALS)
