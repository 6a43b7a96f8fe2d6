"""Claims about spectral normalisation and the power iteration behind it.

A 1 x 1 matrix has one singular value.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.networks import SPECTRAL_NORM
from condlab.theory.strategies import st


@claim(
    "norm-scale-invariance-spectral",
    SPECTRAL_NORM.at("section 2.1"),
    lambda n: st.tuples(
        strategies.full_rank(n, n),
        strategies.small_integers(n, 1),
        st.sampled_from([2.0, 0.25, 3.0, 1.5]),
    ),
    latex=r"cW / \sigma(cW) = W / \sigma(W)",
)
def scale_invariance_spectral(W: Balls, X: Balls, c: Ball) -> Sides:
    """Weights over their spectral norm do not change when they are multiplied by a
    positive number, and have spectral norm 1."""

    def normalised(W: Balls) -> Balls:
        return W / balls.norm(W, 2)

    found = [*(normalised(c * W) @ X).ravel(), balls.norm(normalised(c * W), 2)]
    expected = [*(normalised(W) @ X).ravel(), balls.arb(1)]
    return balls.equal(np.array(found), np.array(expected))


@claim(
    "norm-scale-condition-spectral",
    SPECTRAL_NORM.at("section 2.1"),
    strategies.nonsingular,
    latex=r"\kappa_2(A / \|A\|_2) = \kappa_2(A)",
)
def scale_condition_spectral(A: Balls) -> Sides:
    """Spectral normalisation does not change the condition number."""
    return balls.equal(balls.kappa(A / balls.norm(A, 2)), balls.kappa(A))


def _estimates(W: Balls, u: Balls, steps: int) -> list[Ball]:
    """Return u'Wv after each iteration: v = W'u / |W'u|, then u = Wv / |Wv|."""
    found = []
    for _ in range(steps):
        v = W.T @ u
        v = v / balls.norm_fro(v)
        u = W @ v
        found.append(balls.norm_fro(u))
        u = u / found[-1]
    return found


def _starts(n: int) -> st.SearchStrategy:
    """Return W and u with W'u nonzero."""
    matrices = st.one_of(
        strategies.small_integers(n, n), strategies.positive_diagonals(n).map(np.diag)
    )
    pair = st.tuples(matrices, strategies.vectors(n))
    return pair.filter(lambda parts: bool((parts[0].T @ parts[1]).any()))


@claim(
    "norm-spectral-power",
    SPECTRAL_NORM.at("Algorithm 1"),
    _starts,
    latex=r"\hat\sigma_k \le \hat\sigma_{k+1} \le \sigma_1(W)",
)
def spectral_power(W: Balls, u: Balls) -> Sides:
    """The power iteration's estimates of the spectral norm of a fixed matrix do not
    fall, and stay below it."""
    # Each estimate is at most the next, and the last the norm
    found = [*_estimates(W, u, steps=4), balls.norm(W, 2)]
    return balls.maximum(low / high for low, high in pairwise(found)), balls.arb(1)


def _axes(n: int) -> st.SearchStrategy:
    """Return a start as by `_starts`, or a diagonal W with u along an axis."""
    diagonals = strategies.positive_diagonals(n).map(np.diag)
    axes = st.sampled_from(list(np.eye(n)))
    return st.one_of(st.tuples(diagonals, axes), _starts(n))


@claim(
    "norm-spectral-power-every-start",
    SPECTRAL_NORM.at("section 2.1"),
    _axes,
    latex=r"\hat\sigma_{40} \ge \sigma_1(W) / 2",
    note="A start orthogonal to the first singular vector never finds it, in exact "
    "arithmetic; a random start is orthogonal with probability zero.",
    false_from=2,
)
def spectral_power_every_start(W: Balls, u: Balls) -> Sides:
    """From every start with a nonzero first step 40 power iterations find at least half
    of the spectral norm of a fixed matrix."""
    return balls.norm(W, 2) / 2, _estimates(W, u, steps=40)[-1]


def _warm(W: Balls, step: Balls, u: Balls) -> tuple:
    before = _estimates(W, u, steps=1)[0]
    v = W.T @ u
    u = W @ (v / balls.norm_fro(v))
    return before, _estimates(W + step, u / balls.norm_fro(u), steps=1)[0]


def _training(n: int) -> st.SearchStrategy:
    square = strategies.small_integers(n, n)

    def alive(parts: tuple) -> bool:
        W, step, u = parts
        u = W @ (W.T @ u)
        return bool(u.any() and ((W + step).T @ u).any())

    return st.tuples(square, square, strategies.vectors(n)).filter(alive)


@claim(
    "norm-spectral-power-while-training",
    SPECTRAL_NORM.at("Algorithm 1"),
    _training,
    latex=r"\hat\sigma(W_k) \le \hat\sigma(W_{k+1})",
    note="The norm itself may fall.",
    false_from=1,
)
def spectral_power_while_training(W: Balls, step: Balls, u: Balls) -> Sides:
    """With a warm start the estimate does not fall while the matrix changes."""
    return _warm(W, step, u)


@claim(
    "norm-spectral-power-from-below",
    SPECTRAL_NORM.at("Algorithm 1"),
    _training,
    latex=r"\hat\sigma(W_k) \le \sigma_1(W_k)",
)
def spectral_power_from_below(W: Balls, step: Balls, u: Balls) -> Sides:
    """With a warm start the estimate stays below the norm while the matrix changes."""
    return _warm(W, step, u)[1], balls.norm(W + step, 2)
