"""Claims about what a normalisation is modulated by, and about vectors of unit length.

One position has no deviation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.formula import theorem
from condlab.theory.references import ADAIN, ADALN, NGPT
from condlab.theory.strategies import st
from condlab.theory.vocabulary.layers import EPS, mean, standardise, variance


def _rows(size: int) -> strategies.Matrices:
    """Draw one channel of a batch, shape (1, size)."""
    return st.one_of(strategies.small_integers(1, size), strategies.graded(1, size))


def _varying(x: np.ndarray) -> bool:
    return bool((x != x[:, :1]).any())


def _styled(eps: float) -> Callable:
    def formula(content: balls.Balls, style: balls.Balls) -> tuple:
        deviation = balls.sqrt(variance(style)[0] + eps)
        y = deviation * standardise(content, eps) + mean(style)[0]
        found = np.concatenate([mean(y), variance(y)])
        return balls.equal(found, np.concatenate([mean(style), variance(style)]))

    return formula


def _contents(size: int) -> st.SearchStrategy:
    if size < 2:
        return strategies.none()
    content = _rows(size).filter(_varying)
    return st.tuples(content, strategies.small_integers(1, 2))


def _modulated(what: str) -> Callable:
    """Compare adaLN-Zero at its start with what it is said to be."""

    def formula(x: balls.Balls, C: balls.Balls, F: balls.Balls) -> tuple:
        code = np.concatenate([0 * C, 0 * C, 0 * C]) @ x[0]  # W c with W = 0
        shift, scale, gate = np.split(code, 3)
        y = (1 + scale) * standardise(x)[0] + shift
        if what == "block":
            return balls.equal(x[0] + gate * (F @ y), x[0])
        return balls.equal(y, x[0] if what == "layer" else standardise(x)[0])

    return formula


def _tokens(size: int) -> st.SearchStrategy:
    square = strategies.small_integers(size, size)
    return st.tuples(_rows(size), square, square)


def _projected(W: balls.Balls, step: balls.Balls) -> tuple:
    norms = balls.row_norms(balls.unit_rows(W + step))
    return balls.equal(norms, balls.ball(np.ones(len(norms))))


def _logit(q: balls.Balls, k: balls.Balls, s: balls.Balls) -> tuple:
    root = balls.arb(len(q)).sqrt()
    product = (s * balls.unit_rows(q[None])[0]) @ (s * balls.unit_rows(k[None])[0])
    return root * abs(product), root * balls.maximum(s * s)


def _step(h: balls.Balls, f: balls.Balls, alpha: balls.Ball) -> tuple:
    h, f = balls.unit_rows(h[None]), balls.unit_rows(f[None])
    moved = balls.unit_rows(h + abs(alpha) * (f - h))
    return balls.equal(balls.row_norms(moved), balls.ball(np.ones(1)))


def _nonzero(n: int) -> strategies.Matrices:
    return strategies.vectors(n).filter(lambda x: bool(x.any()))


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


THEOREMS = (
    theorem(
        "norm-adain",
        "Without eps the output of adaptive instance norm has the mean and the "
        "variance of the style, where the content is not constant.",
        ADAIN.at("eq. 8"),
        _contents,
        _styled(0.0),
        latex=r"\mu(y) = \mu(s), \ \sigma(y) = \sigma(s)",
    ),
    theorem(
        "norm-adain-eps",
        "With eps in both deviations the output of adaptive instance norm has the mean "
        "and the variance of the style.",
        ADAIN.at("eq. 8"),
        _contents,
        _styled(EPS),
        latex=r"\mu(y) = \mu(s), \ \sigma(y) = \sigma(s)",
        note="The variances differ in the order of eps, unless they are equal.",
        false_from=2,
    ),
    theorem(
        "norm-adaln-block",
        "A residual block with adaLN-Zero is the identity at its start.",
        ADALN.at("section 3.2"),
        _tokens,
        _modulated("block"),
        latex=r"x + \alpha f((1 + \gamma) \mathrm{LN}(x) + \beta) = x",
    ),
    theorem(
        "norm-adaln-modulation",
        "At its start the modulation of adaLN-Zero leaves the normalised input alone.",
        ADALN.at("section 3.2"),
        _tokens,
        _modulated("modulation"),
        latex=r"(1 + \gamma) \mathrm{LN}(x) + \beta = \mathrm{LN}(x)",
    ),
    theorem(
        "norm-adaln-layer",
        "The layer adaLN-Zero is the identity at its start.",
        ADALN.at("section 3.2"),
        _tokens,
        _modulated("layer"),
        latex=r"(1 + \gamma) \mathrm{LN}(x) + \beta = x",
        note="It is layer norm; the block around it is what starts as the identity.",
        false_from=1,
    ),
    theorem(
        "norm-ngpt-unit",
        "After the projection that follows an optimiser step every nonzero row of a "
        "matrix has unit norm.",
        NGPT.at("section 2.6"),
        lambda n: st.tuples(
            strategies.full_rank(n, n), strategies.small_integers(n, n)
        ).filter(lambda parts: bool((parts[0] + parts[1]).any(axis=1).all())),
        _projected,
        latex=r"\|w_i\|_2 = 1",
    ),
    theorem(
        "norm-ngpt-qk",
        "The query-key logits are at most sqrt(d) times the largest squared scale.",
        NGPT.at("eq. 15 and 16"),
        lambda n: st.tuples(_nonzero(n), _nonzero(n), _nonzero(n)),
        _logit,
        latex=r"\sqrt{d} \, |(s \hat q)^T (s \hat k)| \le \sqrt{d} \, \max_i s_i^2",
        admits=lambda q, k, s: bool(q.any() and k.any() and s.any()),
        note="With the scales at their start, 1, the bound is sqrt(d).",
    ),
    theorem(
        "norm-ngpt-hidden",
        "A step of the hidden state, with rates below 1/2, leaves it at unit norm.",
        NGPT.at("eqs 10 and 11"),
        _steps([0.0, 0.05, 0.25, -0.25]),
        _step,
        latex=r"\|\mathrm{norm}(h + |\alpha| (f - h))\|_2 = 1",
    ),
    theorem(
        "norm-ngpt-hidden-every-step",
        "A step of the hidden state, with any rate, leaves it at unit norm.",
        NGPT.at("eqs 10 and 11"),
        _steps([0.05, 0.5, 1.0]),
        _step,
        latex=r"\|\mathrm{norm}(h + |\alpha| (f - h))\|_2 = 1",
        note="Half way between opposite vectors there is no direction; a zero vector "
        "stays zero here.",
        false_from=1,
    ),
)
