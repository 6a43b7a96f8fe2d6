"""Claims of "Weight conditioning ...", equation 11: that kappa governs the speed.

Equation 11 bounds the progress of gradient descent by 1 - sigma_min/sigma_max.

The number 1 - 1/kappa is the contraction of the step 1/lambda_max. The best fixed
step contracts by (kappa - 1)/(kappa + 1). Either is monotone in kappa, but a single
start may lie in a fast direction, and a shared step ignores lambda_max.
"""

from __future__ import annotations

from collections.abc import Callable

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls
from condlab.theory.claims.weight_conditioning.descent import (
    FRACTIONS,
    STEPS,
    contraction,
    descend,
    nonzero_vectors,
    power,
    shrunk,
)
from condlab.theory.formula import theorem
from condlab.theory.references import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import is_spd, st


def _parts(n: int) -> tuple[st.SearchStrategy, ...]:
    """Return strategies of A, the start's error and the number of steps."""
    return strategies.spd(n), nonzero_vectors(n), STEPS


def _runs(n: int) -> st.SearchStrategy:
    return st.tuples(*_parts(n))


def _pairs(n: int) -> st.SearchStrategy:
    return st.tuples(strategies.spd(n), strategies.spd(n))


def _ends(A: Balls) -> tuple[Ball, Ball]:
    values = balls.symmetric_eigenvalues(A)
    return values[0], values[-1]


def _run(A: Balls, error: Balls, eta: Ball, steps: int) -> tuple[Ball, Ball]:
    low, high = _ends(A)
    found = descend(A, 0 * error, error, eta, steps)
    return shrunk(found, error, power(1 - low / high, steps))


def _worst(A: Balls, eta: Ball) -> Ball:
    return contraction(_ends(A), eta)


def _best_step(A: Balls) -> Ball:
    low, high = _ends(A)
    return _worst(A, 2 / (low + high))


def _inverse_step(A: Balls) -> Ball:
    return _worst(A, 1 / _ends(A)[1])


def _same_order(A: Balls, B: Balls, first: Ball, second: Ball) -> tuple[Ball, Ball]:
    """State that of A and B the one with the smaller kappa has the smaller number."""
    low_a, high_a = _ends(A)
    low_b, high_b = _ends(B)
    # kappa(A) - kappa(B) has the sign of the second factor, which is at most 1.
    product = (first - second) * (low_b / high_b - low_a / high_a)
    return balls.arb(1), 1 + product


def _every_start(A: Balls, B: Balls, error: Balls, steps: int) -> tuple[Ball, Ball]:
    left, right = (
        balls.norm_fro(descend(M, 0 * error, error, 1 / _ends(M)[1], steps))
        for M in (A, B)
    )
    return _same_order(A, B, left, right)


def _same_step(A: Balls, B: Balls, theta: Ball) -> tuple[Ball, Ball]:
    eta = 2 * theta / balls.maximum([_ends(A)[1], _ends(B)[1]])
    return _same_order(A, B, _worst(A, eta), _worst(B, eta))


def _of_both(rate: Callable[[Balls], Ball]) -> Callable:
    return lambda A, B: _same_order(A, B, rate(A), rate(B))


def _claimed(A: Balls) -> Ball:
    low, high = _ends(A)
    return 1 - low / high


def _classical(A: Balls) -> Ball:
    low, high = _ends(A)
    return (high - low) / (high + low)


def _for_every_step(rate: Callable[[Balls], Ball]) -> Callable:
    """State that no step contracts by less than the rate, with 1 added to both."""
    return lambda A, theta: (
        1 + rate(A),
        1 + _worst(A, 2 * theta / _ends(A)[1]),
    )


def _equals_best(rate: Callable[[Balls], Ball]) -> Callable:
    return lambda A: balls.equal(_best_step(A), rate(A), scale=balls.arb(1))


def _near_best_fractions(n: int) -> st.SearchStrategy:
    fractions = st.one_of(FRACTIONS, st.integers(1, 511).map(lambda k: k / 512))
    return st.tuples(strategies.spd(n), fractions)


SPD = "of gradient descent on a symmetric positive definite matrix"
ALONE = "At size 1 every kappa is 1."

THEOREMS = (
    theorem(
        "wc-gd-rate-inverse-step",
        f"With the step 1/sigma_max the error {SPD} shrinks in every step by the "
        "factor 1 - sigma_min/sigma_max.",
        SOURCE.at("Equation 11, with eta = 1/sigma_max"),
        _runs,
        lambda A, error, steps: _run(A, error, 1 / _ends(A)[1], steps),
        latex=r"\|x_k - x_*\| \le (1 - \sigma_{\min}/\sigma_{\max})^k\,\|x_0 - x_*\|",
        admits=lambda A, error, _: is_spd(A) and bool(error.any()),
        note="Attained in the slowest direction.",
    ),
    theorem(
        "wc-gd-rate-every-step",
        f"With any step below 2/sigma_max the error {SPD} shrinks in every step by the "
        "factor 1 - sigma_min/sigma_max.",
        SOURCE.at("Equation 11, with every eta that equation 10 allows"),
        lambda n: st.tuples(*_parts(n), FRACTIONS),
        lambda A, error, steps, theta: _run(A, error, 2 * theta / _ends(A)[1], steps),
        latex=r"\|x_k - x_*\| \le (1 - \sigma_{\min}/\sigma_{\max})^k\,\|x_0 - x_*\|",
        note="False already for A = [1], where the claim is convergence in one step.",
        false_from=1,
    ),
    theorem(
        "wc-gd-rate-no-faster",
        f"No fixed step makes the worst error {SPD} shrink by less than the factor "
        "1 - sigma_min/sigma_max.",
        SOURCE.at("Equation 11, as a limit on the progress"),
        _near_best_fractions,
        _for_every_step(_claimed),
        latex=r"1 - \sigma_{\min}/\sigma_{\max} \le \|I - \eta A\|_2",
        note="The best step does better wherever kappa > 1. " + ALONE,
        false_from=2,
    ),
    theorem(
        "wc-gd-rate-best-step",
        f"The best fixed step makes the worst error {SPD} shrink by the factor "
        "1 - sigma_min/sigma_max.",
        SOURCE.at("Equation 11, as the rate of the best fixed step"),
        strategies.spd,
        _equals_best(_claimed),
        latex=r"\min_\eta \|I - \eta A\|_2 = 1 - 1/\kappa",
        note="Too large by the factor 1 + 1/kappa. " + ALONE,
        false_from=2,
    ),
    theorem(
        "wc-gd-rate-best-step-corrected",
        f"The step 2/(sigma_min + sigma_max) makes the worst error {SPD} shrink by "
        "the factor (kappa - 1)/(kappa + 1).",
        SOURCE.at("Equation 11, corrected"),
        strategies.spd,
        _equals_best(_classical),
        latex=r"\|I - \tfrac{2}{\sigma_{\min} + \sigma_{\max}} A\|_2 = "
        r"\frac{\kappa - 1}{\kappa + 1}",
    ),
    theorem(
        "wc-gd-rate-best-step-optimal",
        f"No fixed step makes the worst error {SPD} shrink by less than the factor "
        "(kappa - 1)/(kappa + 1).",
        SOURCE.at("Equation 11, corrected"),
        _near_best_fractions,
        _for_every_step(_classical),
        latex=r"\frac{\kappa - 1}{\kappa + 1} \le \|I - \eta A\|_2",
        admits=lambda A, theta: is_spd(A) and theta > 0,
        note="Both sides have 1 added.",
    ),
    theorem(
        "wc-gd-rate-smaller-kappa-every-start",
        "Of two symmetric positive definite matrices, gradient descent from the same "
        "error, with the step 1/sigma_max of each, is nowhere behind for the one with "
        "the smaller condition number.",
        SOURCE.at("Section 4, after equation 11"),
        lambda n: st.tuples(*[strategies.spd(n)] * 2, nonzero_vectors(n), STEPS),
        _every_start,
        latex=r"\kappa(A) < \kappa(B) \Rightarrow \|e_k(A)\| \le \|e_k(B)\|",
        note="A start in the fast direction of B converges in one step. " + ALONE,
        false_from=2,
    ),
    theorem(
        "wc-gd-rate-smaller-kappa-same-step",
        "Of two symmetric positive definite matrices, gradient descent with a shared "
        "step below 2/sigma_max of both has the smaller worst factor for the one with "
        "the smaller condition number.",
        SOURCE.at("Section 4, after equation 11, at one learning rate"),
        lambda n: st.tuples(*[strategies.spd(n)] * 2, FRACTIONS),
        _same_step,
        latex=r"\kappa(A) < \kappa(B) \Rightarrow "
        r"\|I - \eta A\|_2 \le \|I - \eta B\|_2",
        note="The source's experiments share one learning rate. " + ALONE,
        false_from=2,
    ),
    theorem(
        "wc-gd-rate-smaller-kappa-worst-case",
        "Of two symmetric positive definite matrices, gradient descent with the step "
        "1/sigma_max of each has the smaller worst factor for the one with the smaller "
        "condition number.",
        SOURCE.at("Section 4, after equation 11, in the worst case"),
        _pairs,
        _of_both(_inverse_step),
        latex=r"\kappa(A) < \kappa(B) \Rightarrow "
        r"\|I - A/\|A\|\|_2 \le \|I - B/\|B\|\|_2",
    ),
    theorem(
        "wc-gd-rate-smaller-kappa-worst-case-best-step",
        "Of two symmetric positive definite matrices, gradient descent with the best "
        "step of each has the smaller worst factor for the one with the smaller "
        "condition number.",
        SOURCE.at("Section 4, after equation 11, in the worst case"),
        _pairs,
        _of_both(_best_step),
        latex=r"\kappa(A) < \kappa(B) \Rightarrow "
        r"\min_\eta \|I - \eta A\|_2 \le \min_\eta \|I - \eta B\|_2",
    ),
)
