"""Claims of "Weight standardization" on what eps does to floors, norms and gradients.

The formulas are those of `epsilon`.
"""

from __future__ import annotations

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.weight_standardization.epsilon import (
    EPS,
    code,
    is_admitted,
    page,
    paper,
    points,
)
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.series import gradient
from condlab.theory.vocabulary.standardization import (
    centred,
    root_mean_square,
    same,
    weights,
)


@claim(
    "ws-eps-page-floor",
    SOURCE.at("Its Papers with Code page"),
    lambda size: st.tuples(strategies.vectors(size), EPS),
    latex=r"\epsilon \le \sigma_{W + \epsilon}",
    note="For constant weights, as at size 1, the denominator is zero.",
    false_from=1,
)
def eps_page_floor(w: Balls, eps: Ball) -> Sides:
    """On the Papers with Code page eps keeps the denominator from falling below it."""
    return eps, root_mean_square(centred(w + eps))[0]


@claim(
    "ws-eps-paper-floor",
    SOURCE.at("Equation 2"),
    lambda size: st.tuples(strategies.vectors(size), EPS),
    latex=r"\epsilon \le \sigma + \epsilon",
)
def eps_paper_floor(w: Balls, eps: Ball) -> Sides:
    """In the paper's equation 2 eps keeps the denominator from falling below it."""
    return eps, root_mean_square(centred(w))[0] + eps


@claim(
    "ws-eps-norm",
    SOURCE.at("The sentence before equation 11, with eps > 0"),
    points,
    latex=r"\|\hat W\|^2 = I",
    note="The source sets eps = 0 for this.",
    false_from=2,
)
def eps_norm(w: Balls, eps: Ball) -> Sides:
    """With a positive eps a channel standardised by equation 2 has squared norm I."""
    return same(paper(w, eps) @ paper(w, eps), balls.arb(len(w)))


@claim(
    "ws-eps-norm-bound",
    SOURCE.at("The sentence before equation 11, corrected for eps > 0"),
    points,
    latex=r"\|\hat W\|^2 \le I",
    admits=is_admitted,
)
def eps_norm_bound(w: Balls, eps: Ball) -> Sides:
    """With a positive eps a channel standardised by equation 2 has squared norm at most
    I."""
    return paper(w, eps) @ paper(w, eps), balls.arb(len(w))


@claim(
    "ws-eps-norm-code",
    SOURCE.at("Its code"),
    points,
    latex=r"\|\hat W\|^2 \le I - 1",
    admits=is_admitted,
)
def eps_norm_code(w: Balls, eps: Ball) -> Sides:
    """A channel standardised by the code has squared norm at most I - 1."""
    return code(w, eps) @ code(w, eps), balls.arb(len(w) - 1)


@claim(
    "ws-eps-scale",
    SOURCE.at("Equation 2, with eps > 0"),
    points,
    latex=r"\mathrm{WS}(2W) = \mathrm{WS}(W)",
    note="True of the page's formula, and of equation 2 with eps = 0.",
    false_from=2,
)
def eps_scale(w: Balls, eps: Ball) -> Sides:
    """Doubling the weights does not change what equation 2 makes of them."""
    return same(paper(2 * w, eps), paper(w, eps))


@claim(
    "ws-eps-scale-page",
    SOURCE.at("Its Papers with Code page"),
    points,
    latex=r"\mathrm{WS}(2W) = \mathrm{WS}(W)",
)
def eps_scale_page(w: Balls, eps: Ball) -> Sides:
    """Doubling the weights does not change what the page's formula makes of them."""
    return same(page(2 * w, eps), page(w, eps))


def _equation_8(w: Balls, eps: Ball, g: Balls, *, corrected: bool) -> Sides:
    """Compare the gradient by Wdot of g'Wdot/(sigma + eps) with equation 8."""
    dot = centred(w)
    sigma, what = root_mean_square(dot)[0], paper(w, eps)
    found = gradient(lambda v: g @ (v / (root_mean_square(v) + eps)), dot)
    factor = 1 + eps / sigma if corrected else balls.arb(1)
    along = factor * (what @ g) / len(w)
    return same(found, (g - along * what) / (sigma + eps))


def _gradients(size: int) -> st.SearchStrategy:
    return st.tuples(weights(size), EPS, strategies.vectors(size))


@claim(
    "ws-eps-eq8",
    SOURCE.at("Equation 8, with eps > 0"),
    _gradients,
    latex=r"\nabla_{\dot W}L = \frac{1}{\sigma + \epsilon}\left(\nabla_{\hat W}L - "
    r"\frac1I\langle\hat W, \nabla_{\hat W}L\rangle\hat W\right)",
    note="The source sets eps = 0 for this.",
    false_from=2,
)
def eps_eq8(w: Balls, eps: Ball, g: Balls) -> Sides:
    """Equation 8, with the gradient by What, holds with sigma + eps for sigma."""
    return _equation_8(w, eps, g, corrected=False)


@claim(
    "ws-eps-eq8-corrected",
    SOURCE.at("Equation 8, corrected for eps > 0"),
    _gradients,
    latex=r"\nabla_{\dot W}L = \frac{1}{\sigma + \epsilon}\left(\nabla_{\hat W}L - "
    r"\frac{1 + \epsilon/\sigma}{I}"
    r"\langle\hat W, \nabla_{\hat W}L\rangle\hat W\right)",
)
def eps_eq8_corrected(w: Balls, eps: Ball, g: Balls) -> Sides:
    """Equation 8, with the gradient by What, holds with sigma + eps for sigma and its
    second term times 1 + eps/sigma."""
    return _equation_8(w, eps, g, corrected=True)
