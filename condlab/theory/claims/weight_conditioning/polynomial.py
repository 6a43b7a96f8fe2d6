"""Whether polynomials in a weight, or in its update, ever raise kappa.

Those of the PC layer cannot: on (0, 1] p(x) / x falls and x p(x) rises, so that no
ratio of two singular values, the one over the other, moves away from one. This needs
the norm; an estimate of it from below leaves that interval. Those of Muon are iterated
beyond where they converge, and can. A 1 x 1 matrix has one singular value.
"""

from __future__ import annotations

import numpy as np

from condlab._levels import LEVELS
from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.networks import MUON, PC_LAYER
from condlab.theory.strategies import has_full_rank, st
from condlab.theory.vocabulary.rivals import any_shape

QUINTIC = ((34445, 10**4), (-4775, 10**3), (20315, 10**4))  # Muon's, as published
ITERATIONS = 5


def _exact(numerator: int, denominator: int) -> Ball:
    return balls.arb(numerator) / denominator


def _p(x: Ball, level: int) -> Ball:
    """Return the polynomial of a level by Horner's rule."""
    value = balls.arb(0)
    for c in reversed(LEVELS[level]):
        value = value * x * x + _exact(c.numerator, c.denominator)
    return value * x


def _values(W: Balls, level: int) -> list[Ball]:
    """Return the singular values of p(W / sigma_1)."""
    found = balls.singular_values(W)
    return [_p(value / found[0], level) for value in found]


def _spread(values: list[Ball]) -> Ball:
    if len(values) == 1:
        return balls.arb(1)
    sizes = [abs(value) for value in values]
    return balls.maximum(sizes) / balls.minimum(sizes)


def _full_rank(size: int) -> strategies.Matrices:
    return st.one_of([strategies.full_rank(m, n) for m, n in any_shape(size)])


def _with_level(size: int) -> st.SearchStrategy:
    return st.tuples(_full_rank(size), st.sampled_from(sorted(LEVELS)))


def _admits(W: np.ndarray, level: int) -> bool:
    return has_full_rank(W) and level in LEVELS


CODE = PC_LAYER.at("coefficients of the published code")


@claim(
    "wang2026-polynomial-kappa",
    CODE,
    _with_level,
    latex=r"\kappa_2(p(W / \sigma_1)) \le \kappa_2(W)",
    admits=_admits,
)
def polynomial_kappa(W: Balls, level: int) -> Sides:
    """The PC layer's polynomial of any level does not raise the condition number of a
    full-rank weight over its 2-norm."""
    return _spread(_values(W, level)), balls.kappa(W)


def _with_start(size: int) -> st.SearchStrategy:
    return st.one_of([
        st.tuples(
            strategies.full_rank(m, n),
            strategies.vectors(m),
            st.sampled_from(sorted(LEVELS)),
        )
        for m, n in any_shape(size)
    ])  # fmt: skip


@claim(
    "wang2026-polynomial-kappa-estimated",
    CODE,
    _with_start,
    latex=r"\kappa_2(p(W / \|Wv\|)) \le \kappa_2(W),\quad v = W'u / \|W'u\|",
    admits=lambda W, u, level: _admits(W, level) and bool((W.T @ u).any()),
    note="From a start that is nearly orthogonal to the first singular vector the "
    "estimate is far too small, and p grows without bound beyond one.",
    false_from=2,
)
def polynomial_kappa_estimated(W: Balls, u: Balls, level: int) -> Sides:
    """The same with the 2-norm estimated by one power iteration."""
    # The norm is that of one power iteration
    v = W.T @ u
    estimate = balls.norm_fro(W @ (v / balls.norm_fro(v)))
    after = [_p(value / estimate, level) for value in balls.singular_values(W)]
    return _spread(after), balls.kappa(W)


def _p_slope(level: int) -> Ball:
    return _exact(LEVELS[level][0].numerator, LEVELS[level][0].denominator)


@claim(
    "wang2026-polynomial-limit",
    CODE,
    _with_level,
    latex=r"\kappa_2(W) \le p'(0)\,\kappa_2(p(W / \sigma_1))",
    admits=_admits,
    note="So it cannot do much for a large kappa, where equilibration may.",
)
def polynomial_limit(W: Balls, level: int) -> Sides:
    """The PC layer's polynomial lowers the condition number of a full-rank weight at
    most by the factor p'(0), which is 3.625 at level 4."""
    return balls.kappa(W), _p_slope(level) * _spread(_values(W, level))


@claim(
    "wang2026-polynomial-norm",
    CODE,
    _with_level,
    latex=r"\|p(W / \sigma_1)\|_2 \le 1",
    admits=_admits,
    note="p(1) = 1, but p has a maximum before: 1.0205 at level 4.",
    false_from=2,
)
def polynomial_norm(W: Balls, level: int) -> Sides:
    """The PC layer's polynomial leaves the 2-norm of a weight over its
    2-norm at one."""
    return balls.maximum(_values(W, level)), balls.arb(1)


@claim(
    "wang2026-polynomial-levels",
    CODE,
    lambda size: st.tuples(_full_rank(size), st.sampled_from([1, 2, 3])),
    latex=r"\kappa_2(p_{k+1}(W / \sigma_1)) \le \kappa_2(p_k(W / \sigma_1))",
    admits=lambda W, level: _admits(W, level) and _admits(W, level + 1),
    note="Where kappa is small already, the maxima of p before one cost more than "
    "lifting brings.",
    false_from=2,
)
def polynomial_levels(W: Balls, level: int) -> Sides:
    """A higher level of the PC layer's polynomial has no higher condition number."""
    return _spread(_values(W, level + 1)), _spread(_values(W, level))


def _orthogonalised(G: Balls) -> list[Ball]:
    """Return the singular values of Muon's update, but for bfloat16."""
    a, b, c = (_exact(*fraction) for fraction in QUINTIC)
    norm = balls.norm_fro(G.ravel())
    values = [value / norm for value in balls.singular_values(G)]
    for _ in range(ITERATIONS):
        values = [x * (a + x * x * (b + x * x * c)) for x in values]
    return values


@claim(
    "jordan2024-newton-schulz-kappa",
    MUON.at("coefficients (3.4445, -4.7750, 2.0315)"),
    _full_rank,
    latex=r"\kappa_2(p^5(G / \|G\|_F)) \le \kappa_2(G)",
    admits=has_full_rank,
    note="They do not settle at one, so that near singular values come apart.",
    false_from=2,
)
def newton_schulz_kappa(G: Balls) -> Sides:
    """Five of Muon's Newton-Schulz iterations do not raise the condition number of a
    full-rank update."""
    return _spread(_orthogonalised(G)), balls.kappa(G)


@claim(
    "jordan2024-newton-schulz-range",
    MUON.at("coefficients (3.4445, -4.7750, 2.0315)"),
    _full_rank,
    latex=r"|\sigma_i(p^5(G / \|G\|_F)) - 1| \le 1/2",
    admits=has_full_rank,
    note="What is below a thousandth of the Frobenius norm is lifted 3.4445 times an "
    "iteration, and no further.",
    false_from=2,
)
def newton_schulz_range(G: Balls) -> Sides:
    """Five of Muon's Newton-Schulz iterations bring every singular value of a full-rank
    update to within a half of one."""
    return balls.maximum(abs(value - 1) for value in _orthogonalised(G)), _exact(1, 2)
