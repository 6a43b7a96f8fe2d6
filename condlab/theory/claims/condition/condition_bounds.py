"""Condition numbers bounded by determinants, and what random matrices have."""

from __future__ import annotations

import math

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.formula import claim
from condlab.theory.references.condition import (
    CHEN_DONGARRA,
    EDELMAN,
    GUGGENHEIMER,
    HADAMARD,
    MERIKOSKI,
)
from condlab.theory.strategies import (
    has_full_rank,
    is_spd,
    st,
)

DRAWS = 1000  # matrices in each seeded sample
MARGIN = math.sqrt(math.log(2e12) / (2 * DRAWS))  # Hoeffding: chance below 1e-12


def _shape_term(A: Balls) -> Ball:
    """Return |det A| over its largest value for the Frobenius norm of A."""
    n = len(A)
    return abs(balls.determinant(A)) * (balls.arb(n).sqrt() / balls.norm_fro(A)) ** n


@claim(
    "guggenheimer1995-determinant",
    GUGGENHEIMER.at("the theorem"),
    strategies.nonsingular,
    latex=r"\kappa_2(A) \le \frac{2}{|\det A|}\left(\frac{\|A\|_F}{\sqrt{n}}\right)^n",
    admits=has_full_rank,
    note="Strict in the source; 2 is approached as kappa grows.",
)
def determinant(A: Balls) -> Sides:
    """The condition number of a nonsingular n x n matrix is at most 2 / |det A| times
    the n-th power of its Frobenius norm over sqrt(n)."""
    return balls.kappa(A), 2 / _shape_term(A)


@claim(
    "merikoski1997-best-bound",
    MERIKOSKI.at("the general case"),
    strategies.nonsingular,
    latex=r"\kappa_2(A) \le \sqrt{\frac{1+x}{1-x}},\ "
    r"x^2 = 1 - \left(\frac{n}{\|A\|_F^2}\right)^n |\det A|^2",
    admits=has_full_rank,
    note="The best bound from n, the Frobenius norm and the determinant, attained "
    "where the inner squared singular values are the mean of the extreme ones.",
)
def best_bound(A: Balls) -> Sides:
    """With x^2 = 1 - (n / |A|_F^2)^n det(A)^2, the condition number of a nonsingular n
    x n matrix is at most the root of (1 + x) / (1 - x)."""
    term = _shape_term(A)
    x = balls.sqrt(1 - term * term)
    return balls.kappa(A), (1 + x) / term  # = sqrt((1 + x) / (1 - x))


@claim(
    "merikoski1997-positive-definite",
    MERIKOSKI.at("the Hermitian positive definite case"),
    strategies.spd,
    latex=r"\kappa_2(A) \le \frac{1+x}{1-x},\ "
    r"x^2 = 1 - \left(\frac{n}{\mathrm{tr}A}\right)^n \det A",
    admits=is_spd,
)
def positive_definite(A: Balls) -> Sides:
    """With x^2 = 1 - (n / trace A)^n det A, the condition number of a symmetric
    positive definite n x n matrix is at most (1 + x) / (1 - x)."""
    n = len(A)
    term = balls.determinant(A) * (n / np.trace(A)) ** n
    x = balls.sqrt(1 - term)
    return kappa_spd(A), (1 + x) * (1 + x) / term  # = (1 + x) / (1 - x)


@claim(
    "hadamard1893-unit-rows",
    HADAMARD,
    strategies.nonsingular,
    latex=r"|\det(EA)| \le 1",
    admits=has_full_rank,
    note="Attained where the rows are orthogonal, that is where kappa(EA) = 1.",
)
def unit_rows(A: Balls) -> Sides:
    """The determinant of a square matrix with rows of unit 2-norm is at most 1 in
    modulus."""
    return abs(balls.determinant(balls.unit_rows(A))), balls.arb(1)


@claim(
    "guggenheimer1995-unit-rows",
    GUGGENHEIMER.at("the theorem, for rows of unit norm"),
    strategies.nonsingular,
    latex=r"\kappa_2(EA) \le \frac{2}{|\det(EA)|}",
    admits=has_full_rank,
)
def guggenheimer1995_unit_rows(A: Balls) -> Sides:
    """After row equilibration the condition number of a nonsingular matrix is at most 2
    over the modulus of its determinant."""
    return (
        balls.kappa(balls.unit_rows(A)),
        2 / abs(balls.determinant(balls.unit_rows(A))),
    )


def _kappas(seed: int, n: int) -> np.ndarray:
    """Return condition numbers in floats: within n eps kappa, so good for counting."""
    sample = np.random.default_rng(seed).standard_normal((DRAWS, n, n))
    values = np.linalg.svd(sample, compute_uv=False)
    return values[:, 0] / values[:, -1]


def _samples(*parts: SearchStrategy) -> SearchStrategy:
    return st.tuples(st.integers(0, 2**32 - 1), *parts)


@claim(
    "edelman1988-order-two",
    EDELMAN.at("the exact law of order 2"),
    lambda size: (
        _samples(st.sampled_from([1.5, 2.0, 4.0, 10.0, 30.0]))
        if size == 2
        else strategies.none()
    ),
    latex=r"P(\kappa_2 > x) = \frac{2x}{1+x^2}",
    note="A statement about a sample: by Hoeffding's inequality a seed breaks it with "
    "probability below 1e-12.",
)
def order_two(seed: int, x: Ball) -> Sides:
    """Of 1000 seeded 2 x 2 matrices of independent standard normal entries, the share
    with condition number above x differs from 2x / (1 + x^2) by at most 0.12."""
    share = np.mean(_kappas(seed, 2) > float(x))
    return abs(balls.arb(float(share)) - 2 * x / (1 + x * x)), balls.arb(MARGIN)


@claim(
    "edelman1988-complex-smallest",
    EDELMAN.at("the exact law of the smallest complex Wishart eigenvalue"),
    lambda n: _samples(st.just(n), st.sampled_from([0.25, 1.0, 2.0, 4.0])),
    latex=r"P(n\,\sigma_{\min}^2 > x) = e^{-x/2}",
    note="A statement about a sample: by Hoeffding's inequality a seed breaks it with "
    "probability below 1e-12.",
)
def complex_smallest(seed: int, n: int, x: Ball) -> Sides:
    """Of 1000 seeded n x n matrices whose real and imaginary parts are independent
    standard normal, the share with n times the squared smallest singular value above x
    differs from exp(-x / 2) by at most 0.12."""
    parts = np.random.default_rng(seed).standard_normal((2, DRAWS, n, n))
    values = np.linalg.svd(parts[0] + 1j * parts[1], compute_uv=False)[:, -1]
    share = np.mean(n * values**2 > float(x))
    return abs(balls.arb(float(share)) - (-x / 2).exp()), balls.arb(MARGIN)


@claim(
    "chen2005-gaussian-tail",
    CHEN_DONGARRA.at("abstract; Edelman 1988 has the limit law of kappa / n"),
    lambda n: (
        _samples(st.just(n), st.sampled_from([2.0, 4.0, 8.0, 16.0, 64.0]))
        if n > 1
        else strategies.none()
    ),
    latex=r"P(\kappa_2 > nx) < \frac{6.414}{\sqrt{2\pi}\,x}",
    note="A statement about a sample: by Hoeffding's inequality a seed breaks it with "
    "probability below 1e-12.",
)
def gaussian_tail(seed: int, n: int, x: Ball) -> Sides:
    """Of 1000 seeded n x n matrices of independent standard normal entries, n at least
    2, the share with condition number above n x is at most 2.56 / x plus 0.12, for x at
    least 1."""
    share = np.mean(_kappas(seed, n) > n * float(x))
    bound = balls.arb("6.414") / (2 * balls.arb.pi()).sqrt() / x
    return balls.arb(float(share)), bound + MARGIN
