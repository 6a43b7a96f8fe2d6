"""Claims of "Weight conditioning ...", equation 11: that kappa governs the speed.

Equation 11 bounds the progress of gradient descent by 1 - sigma_min/sigma_max.

The number 1 - 1/kappa is the contraction of the step 1/lambda_max. The best fixed
step contracts by (kappa - 1)/(kappa + 1). Either is monotone in kappa, but a single
start may lie in a fast direction, and a shared step ignores lambda_max.
"""

from __future__ import annotations

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.weight_conditioning.descent import (
    FRACTIONS,
    STEPS,
    contraction,
    descend,
    nonzero_vectors,
    power,
    shrunk,
)
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import is_spd, st


def _parts(n: int) -> tuple[st.SearchStrategy, ...]:
    """Return strategies of A, the start's error and the number of steps."""
    return strategies.spd(n), nonzero_vectors(n), STEPS


def _runs(n: int) -> st.SearchStrategy:
    return st.tuples(*_parts(n))


def _ends(A: Balls) -> tuple[Ball, Ball]:
    values = balls.symmetric_eigenvalues(A)
    return values[0], values[-1]


def _run(A: Balls, error: Balls, eta: Ball, steps: int) -> Sides:
    low, high = _ends(A)
    found = descend(A, 0 * error, error, eta, steps)
    return shrunk(found, error, power(1 - low / high, steps))


@claim(
    "wc-gd-rate-inverse-step",
    SOURCE.at("Equation 11, with eta = 1/sigma_max"),
    _runs,
    latex=r"\|x_k - x_*\| \le (1 - \sigma_{\min}/\sigma_{\max})^k\,\|x_0 - x_*\|",
    admits=lambda A, error, _: is_spd(A) and bool(error.any()),
    note="Attained in the slowest direction.",
)
def gd_rate_inverse_step(A: Balls, error: Balls, steps: int) -> Sides:
    """With the step 1/sigma_max the error of gradient descent on a symmetric positive
    definite matrix shrinks in every step by the factor 1 - sigma_min/sigma_max."""
    return _run(A, error, 1 / _ends(A)[1], steps)


@claim(
    "wc-gd-rate-every-step",
    SOURCE.at("Equation 11, with every eta that equation 10 allows"),
    lambda n: st.tuples(*_parts(n), FRACTIONS),
    latex=r"\|x_k - x_*\| \le (1 - \sigma_{\min}/\sigma_{\max})^k\,\|x_0 - x_*\|",
    note="False already for A = [1], where the claim is convergence in one step.",
    false_from=1,
)
def gd_rate_every_step(A: Balls, error: Balls, steps: int, theta: Ball) -> Sides:
    """With any step below 2/sigma_max the error of gradient descent on a symmetric
    positive definite matrix shrinks in every step by the factor 1 -
    sigma_min/sigma_max."""
    return _run(A, error, 2 * theta / _ends(A)[1], steps)


def _worst(A: Balls, eta: Ball) -> Ball:
    return contraction(_ends(A), eta)


def _claimed(A: Balls) -> Ball:
    low, high = _ends(A)
    return 1 - low / high


def _for_every_step(A: Balls, theta: Ball, rate: Ball) -> Sides:
    """State that no step contracts by less than the rate, with 1 added to both."""
    return 1 + rate, 1 + _worst(A, 2 * theta / _ends(A)[1])


def _near_best_fractions(n: int) -> st.SearchStrategy:
    fractions = st.one_of(FRACTIONS, st.integers(1, 511).map(lambda k: k / 512))
    return st.tuples(strategies.spd(n), fractions)


ALONE = "At size 1 every kappa is 1."


@claim(
    "wc-gd-rate-no-faster",
    SOURCE.at("Equation 11, as a limit on the progress"),
    _near_best_fractions,
    latex=r"1 - \sigma_{\min}/\sigma_{\max} \le \|I - \eta A\|_2",
    note="The best step does better wherever kappa > 1. " + ALONE,
    false_from=2,
)
def gd_rate_no_faster(A: Balls, theta: Ball) -> Sides:
    """No fixed step makes the worst error of gradient descent on a symmetric positive
    definite matrix shrink by less than the factor 1 - sigma_min/sigma_max."""
    return _for_every_step(A, theta, _claimed(A))


def _best_step(A: Balls) -> Ball:
    low, high = _ends(A)
    return _worst(A, 2 / (low + high))


@claim(
    "wc-gd-rate-best-step",
    SOURCE.at("Equation 11, as the rate of the best fixed step"),
    strategies.spd,
    latex=r"\min_\eta \|I - \eta A\|_2 = 1 - 1/\kappa",
    note="Too large by the factor 1 + 1/kappa. " + ALONE,
    false_from=2,
)
def gd_rate_best_step(A: Balls) -> Sides:
    """The best fixed step makes the worst error of gradient descent on a symmetric
    positive definite matrix shrink by the factor 1 - sigma_min/sigma_max."""
    return balls.equal(_best_step(A), _claimed(A), scale=balls.arb(1))


def _classical(A: Balls) -> Ball:
    low, high = _ends(A)
    return (high - low) / (high + low)


@claim(
    "wc-gd-rate-best-step-corrected",
    SOURCE.at("Equation 11, corrected"),
    strategies.spd,
    latex=r"\|I - \tfrac{2}{\sigma_{\min} + \sigma_{\max}} A\|_2 = "
    r"\frac{\kappa - 1}{\kappa + 1}",
)
def gd_rate_best_step_corrected(A: Balls) -> Sides:
    """The step 2/(sigma_min + sigma_max) makes the worst error of gradient descent on a
    symmetric positive definite matrix shrink by the factor (kappa - 1)/(kappa + 1)."""
    return balls.equal(_best_step(A), _classical(A), scale=balls.arb(1))


@claim(
    "wc-gd-rate-best-step-optimal",
    SOURCE.at("Equation 11, corrected"),
    _near_best_fractions,
    latex=r"\frac{\kappa - 1}{\kappa + 1} \le \|I - \eta A\|_2",
    admits=lambda A, theta: is_spd(A) and theta > 0,
    note="Both sides have 1 added.",
)
def gd_rate_best_step_optimal(A: Balls, theta: Ball) -> Sides:
    """No fixed step makes the worst error of gradient descent on a symmetric positive
    definite matrix shrink by less than the factor (kappa - 1)/(kappa + 1)."""
    return _for_every_step(A, theta, _classical(A))


def _same_order(A: Balls, B: Balls, first: Ball, second: Ball) -> Sides:
    """State that of A and B the one with the smaller kappa has the smaller number."""
    low_a, high_a = _ends(A)
    low_b, high_b = _ends(B)
    # kappa(A) - kappa(B) has the sign of the second factor, which is at most 1.
    product = (first - second) * (low_b / high_b - low_a / high_a)
    return balls.arb(1), 1 + product


@claim(
    "wc-gd-rate-smaller-kappa-every-start",
    SOURCE.at("Section 4, after equation 11"),
    lambda n: st.tuples(*[strategies.spd(n)] * 2, nonzero_vectors(n), STEPS),
    latex=r"\kappa(A) < \kappa(B) \Rightarrow \|e_k(A)\| \le \|e_k(B)\|",
    note="A start in the fast direction of B converges in one step. " + ALONE,
    false_from=2,
)
def gd_rate_smaller_kappa_every_start(
    A: Balls, B: Balls, error: Balls, steps: int
) -> Sides:
    """Of two symmetric positive definite matrices, gradient descent from the same
    error, with the step 1/sigma_max of each, is nowhere behind for the one with the
    smaller condition number."""
    left, right = (
        balls.norm_fro(descend(M, 0 * error, error, 1 / _ends(M)[1], steps))
        for M in (A, B)
    )
    return _same_order(A, B, left, right)


@claim(
    "wc-gd-rate-smaller-kappa-same-step",
    SOURCE.at("Section 4, after equation 11, at one learning rate"),
    lambda n: st.tuples(*[strategies.spd(n)] * 2, FRACTIONS),
    latex=r"\kappa(A) < \kappa(B) \Rightarrow \|I - \eta A\|_2 \le \|I - \eta B\|_2",
    note="The source's experiments share one learning rate. " + ALONE,
    false_from=2,
)
def gd_rate_smaller_kappa_same_step(A: Balls, B: Balls, theta: Ball) -> Sides:
    """Of two symmetric positive definite matrices, gradient descent with a shared step
    below 2/sigma_max of both has the smaller worst factor for the one with the smaller
    condition number."""
    eta = 2 * theta / balls.maximum([_ends(A)[1], _ends(B)[1]])
    return _same_order(A, B, _worst(A, eta), _worst(B, eta))


def _pairs(n: int) -> st.SearchStrategy:
    return st.tuples(strategies.spd(n), strategies.spd(n))


def _inverse_step(A: Balls) -> Ball:
    return _worst(A, 1 / _ends(A)[1])


@claim(
    "wc-gd-rate-smaller-kappa-worst-case",
    SOURCE.at("Section 4, after equation 11, in the worst case"),
    _pairs,
    latex=r"\kappa(A) < \kappa(B) \Rightarrow \|I - A/\|A\|\|_2 \le \|I - B/\|B\|\|_2",
)
def gd_rate_smaller_kappa_worst_case(A: Balls, B: Balls) -> Sides:
    """Of two symmetric positive definite matrices, gradient descent with the step
    1/sigma_max of each has the smaller worst factor for the one with the smaller
    condition number."""
    return _same_order(A, B, _inverse_step(A), _inverse_step(B))


@claim(
    "wc-gd-rate-smaller-kappa-worst-case-best-step",
    SOURCE.at("Section 4, after equation 11, in the worst case"),
    _pairs,
    latex=r"\kappa(A) < \kappa(B) \Rightarrow "
    r"\min_\eta \|I - \eta A\|_2 \le \min_\eta \|I - \eta B\|_2",
)
def gd_rate_smaller_kappa_worst_case_best_step(A: Balls, B: Balls) -> Sides:
    """Of two symmetric positive definite matrices, gradient descent with the best step
    of each has the smaller worst factor for the one with the smaller condition number.
    """
    return _same_order(A, B, _best_step(A), _best_step(B))
