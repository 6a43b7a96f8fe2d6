"""Claims about what a normalisation is modulated by, and about vectors of unit length.

One position has no deviation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim
from condlab.theory.references.networks import ADAIN, ADALN, NGPT
from condlab.theory.strategies import st
from condlab.theory.vocabulary.layers import EPS, mean, standardise, variance


def _rows(size: int) -> strategies.Matrices:
    """Draw one channel of a batch, shape (1, size)."""
    return st.one_of(strategies.small_integers(1, size), strategies.graded(1, size))


def _varying(x: np.ndarray) -> bool:
    return bool((x != x[:, :1]).any())


def _styled(content: Balls, style: Balls, eps: float) -> Sides:
    """Compare mean and variance of the output with those of the style."""
    deviation = balls.sqrt(variance(style)[0] + eps)
    y = deviation * standardise(content, eps) + mean(style)[0]
    found = np.concatenate([mean(y), variance(y)])
    return balls.equal(found, np.concatenate([mean(style), variance(style)]))


def _contents(size: int) -> st.SearchStrategy:
    if size < 2:
        return strategies.none()
    content = _rows(size).filter(_varying)
    return st.tuples(content, strategies.small_integers(1, 2))


@claim(
    "norm-adain",
    ADAIN.at("eq. 8"),
    _contents,
    latex=r"\mu(y) = \mu(s), \ \sigma(y) = \sigma(s)",
)
def adain(content: Balls, style: Balls) -> Sides:
    """Without eps the output of adaptive instance norm has the mean and the variance of
    the style, where the content is not constant."""
    return _styled(content, style, 0.0)


@claim(
    "norm-adain-eps",
    ADAIN.at("eq. 8"),
    _contents,
    latex=r"\mu(y) = \mu(s), \ \sigma(y) = \sigma(s)",
    note="The variances differ in the order of eps, unless they are equal.",
    false_from=2,
)
def adain_eps(content: Balls, style: Balls) -> Sides:
    """With eps in both deviations the output of adaptive instance norm has the mean and
    the variance of the style."""
    return _styled(content, style, EPS)


def _modulated(x: Balls, C: Balls, F: Balls) -> tuple[Balls, Balls]:
    """Return adaLN-Zero's modulated input, and what its block adds, at the start."""
    code = np.concatenate([0 * C, 0 * C, 0 * C]) @ x[0]  # W c with W = 0
    shift, scale, gate = np.split(code, 3)
    y = (1 + scale) * standardise(x)[0] + shift
    return y, gate * (F @ y)


def _tokens(size: int) -> st.SearchStrategy:
    square = strategies.small_integers(size, size)
    return st.tuples(_rows(size), square, square)


@claim(
    "norm-adaln-block",
    ADALN.at("section 3.2"),
    _tokens,
    latex=r"x + \alpha f((1 + \gamma) \mathrm{LN}(x) + \beta) = x",
)
def adaln_block(x: Balls, C: Balls, F: Balls) -> Sides:
    """A residual block with adaLN-Zero is the identity at its start."""
    return balls.equal(x[0] + _modulated(x, C, F)[1], x[0])


@claim(
    "norm-adaln-modulation",
    ADALN.at("section 3.2"),
    _tokens,
    latex=r"(1 + \gamma) \mathrm{LN}(x) + \beta = \mathrm{LN}(x)",
)
def adaln_modulation(x: Balls, C: Balls, F: Balls) -> Sides:
    """At its start the modulation of adaLN-Zero leaves the normalised input alone."""
    return balls.equal(_modulated(x, C, F)[0], standardise(x)[0])


@claim(
    "norm-adaln-layer",
    ADALN.at("section 3.2"),
    _tokens,
    latex=r"(1 + \gamma) \mathrm{LN}(x) + \beta = x",
    note="It is layer norm; the block around it is what starts as the identity.",
    false_from=1,
)
def adaln_layer(x: Balls, C: Balls, F: Balls) -> Sides:
    """The layer adaLN-Zero is the identity at its start."""
    return balls.equal(_modulated(x, C, F)[0], x[0])


@claim(
    "norm-ngpt-unit",
    NGPT.at("section 2.6"),
    lambda n: st.tuples(
        strategies.full_rank(n, n), strategies.small_integers(n, n)
    ).filter(lambda parts: bool((parts[0] + parts[1]).any(axis=1).all())),
    latex=r"\|w_i\|_2 = 1",
)
def ngpt_unit(W: Balls, step: Balls) -> Sides:
    """After the projection that follows an optimiser step every nonzero row of a matrix
    has unit norm."""
    norms = balls.row_norms(balls.unit_rows(W + step))
    return balls.equal(norms, balls.ball(np.ones(len(norms))))


def _nonzero(n: int) -> strategies.Matrices:
    return strategies.vectors(n).filter(lambda x: bool(x.any()))


@claim(
    "norm-ngpt-qk",
    NGPT.at("eq. 15 and 16"),
    lambda n: st.tuples(_nonzero(n), _nonzero(n), _nonzero(n)),
    latex=r"\sqrt{d} \, |(s \hat q)^T (s \hat k)| \le \sqrt{d} \, \max_i s_i^2",
    admits=lambda q, k, s: bool(q.any() and k.any() and s.any()),
    note="With the scales at their start, 1, the bound is sqrt(d).",
)
def ngpt_qk(q: Balls, k: Balls, s: Balls) -> Sides:
    """The query-key logits are at most sqrt(d) times the largest squared scale."""
    root = balls.arb(len(q)).sqrt()
    product = (s * balls.unit_rows(q[None])[0]) @ (s * balls.unit_rows(k[None])[0])
    return root * abs(product), root * balls.maximum(s * s)


def _step(h: Balls, f: Balls, alpha: Ball) -> tuple:
    h, f = balls.unit_rows(h[None]), balls.unit_rows(f[None])
    moved = balls.unit_rows(h + abs(alpha) * (f - h))
    return balls.equal(balls.row_norms(moved), balls.ball(np.ones(1)))


def _opposite(h: np.ndarray, f: np.ndarray) -> bool:
    return bool((np.outer(h, f) == np.outer(f, h)).all() and h @ f < 0)


def _steps(alphas: list[float]) -> Callable[[int], st.SearchStrategy]:
    def instances(n: int) -> st.SearchStrategy:
        # Opposite vectors meet in zero exactly where their lengths are rational.
        other = st.tuples(_nonzero(n), _nonzero(n)).filter(lambda p: not _opposite(*p))
        axes = st.integers(0, n - 1).map(lambda i: np.eye(n)[i])
        pairs = st.one_of(other, axes.map(lambda h: (h, -h)))
        return st.builds(lambda p, a: (*p, a), pairs, st.sampled_from(alphas))

    return instances


@claim(
    "norm-ngpt-hidden",
    NGPT.at("eqs 10 and 11"),
    _steps([0.0, 0.05, 0.25, -0.25]),
    latex=r"\|\mathrm{norm}(h + |\alpha| (f - h))\|_2 = 1",
)
def ngpt_hidden(h: Balls, f: Balls, alpha: Ball) -> Sides:
    """A step of the hidden state, with rates below 1/2, leaves it at unit norm."""
    return _step(h, f, alpha)


@claim(
    "norm-ngpt-hidden-every-step",
    NGPT.at("eqs 10 and 11"),
    _steps([0.05, 0.5, 1.0]),
    latex=r"\|\mathrm{norm}(h + |\alpha| (f - h))\|_2 = 1",
    note="Half way between opposite vectors there is no direction; a zero vector "
    "stays zero here.",
    false_from=1,
)
def ngpt_hidden_every_step(h: Balls, f: Balls, alpha: Ball) -> Sides:
    """A step of the hidden state, with any rate, leaves it at unit norm."""
    return _step(h, f, alpha)
