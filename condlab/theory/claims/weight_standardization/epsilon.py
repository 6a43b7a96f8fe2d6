"""Claims of "Weight standardization" on eps: where it stands, and which sigma.

Four formulas for a channel W of I weights with mean mu, sigma^2 = (1/I) sum (W - mu)^2
and s^2 = (1/(I - 1)) sum (W - mu)^2:

- the paper's equation 2, (W - mu) / (sigma + eps);
- its PyTorch code, (W - mu) / (s + eps);
- the Papers with Code page, (W - mu) / sigma_(W + eps), eps in the subscript;
- eps under the root, (W - mu) / sqrt(sigma^2 + eps), in other implementations.

No two agree. The page's eps does nothing at all. Paper and code differ by a factor of
at most sqrt(I / (I - 1)), which a following normalisation cancels but for eps.

Where W is constant only the formulas with eps in the denominator are defined, and at
size 1 the code's s is 0/0; so claims that compare them start at size 2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, norm_fro
from condlab.theory.formula import theorem
from condlab.theory.model import Theorem
from condlab.theory.references import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.series import gradient
from condlab.theory.vocabulary.standardization import (
    centred,
    is_not_constant,
    root_mean_square,
    same,
    weights,
)

EPS = st.sampled_from([1.0, 2.0**-10, 1e-5])


def paper(w: np.ndarray, eps: Ball) -> np.ndarray:
    """Return equation 2: eps added to the biased sigma."""
    return centred(w) / (root_mean_square(centred(w)) + eps)


def code(w: np.ndarray, eps: Ball) -> np.ndarray:
    """Return what the official PyTorch code does: eps added to the unbiased sigma."""
    return centred(w) / (_unbiased(w) + eps)


def page(w: np.ndarray, eps: Ball) -> np.ndarray:
    """Return the page's formula: the sigma of W + eps."""
    return centred(w) / root_mean_square(centred(w + eps))


def root(w: np.ndarray, eps: Ball) -> np.ndarray:
    """Return eps added to the biased variance."""
    square = root_mean_square(centred(w))
    return centred(w) / np.sqrt(square * square + eps)


def _unbiased(w: np.ndarray) -> np.ndarray:
    dot = centred(w)
    return np.sqrt((dot * dot).sum(keepdims=True) / (len(w) - 1))


def _points(size: int) -> st.SearchStrategy:
    return st.tuples(weights(size), EPS)


def _admits(w: np.ndarray, eps: float) -> bool:
    return is_not_constant(w) and eps > 0


def _bessel(w: Balls) -> Ball:
    """Return sqrt(1 - 1/I), the quotient of the biased and the unbiased sigma."""
    return balls.sqrt(1 - balls.arb(1) / len(w))


def _agree(first: Callable, second: Callable, note: str) -> Theorem:
    names = first.__name__, second.__name__
    words = {
        "paper": "the paper's equation 2",
        "code": "its PyTorch code",
        "page": "the Papers with Code page",
        "root": "eps under the root",
    }
    symbols = {
        "paper": r"\frac{W - \mu}{\sigma + \epsilon}",
        "code": r"\frac{W - \mu}{s + \epsilon}",
        "page": r"\frac{W - \mu}{\sigma_{W + \epsilon}}",
        "root": r"\frac{W - \mu}{\sqrt{\sigma^2 + \epsilon}}",
    }
    return theorem(
        f"ws-eps-{names[0]}-{names[1]}",
        f"With the same positive eps, {words[names[0]]} and {words[names[1]]} give the "
        "same weights.",
        SOURCE.at("Equation 2, its code, and its Papers with Code page"),
        _points,
        lambda w, eps: same(first(w, eps), second(w, eps)),
        latex=f"{symbols[names[0]]} = {symbols[names[1]]}",
        note=note,
        false_from=2,
    )


def _paper_code_difference(w: Balls, eps: Ball) -> tuple[Ball, Ball]:
    difference = norm_fro(paper(w, eps) - code(w, eps))
    return difference, (1 - _bessel(w)) * norm_fro(paper(w, eps))


def _page_paper_difference(w: Balls, eps: Ball) -> tuple[Ball, Ball]:
    factor = 1 + eps / root_mean_square(centred(w))
    return same(page(w, eps), factor * paper(w, eps))


AGREEMENT = (
    _agree(paper, code, "The sigmas differ by the factor sqrt(1 - 1/I)."),
    _agree(paper, page, "The page's formula is the paper's with eps = 0."),
    _agree(code, page, "They never agree, as s + eps > sigma."),
    _agree(paper, root, "They agree only where 2 sigma + eps = 1."),
    theorem(
        "ws-eps-paper-code-without-eps",
        "With eps = 0 the paper's weights are sqrt(I/(I - 1)) times its code's.",
        SOURCE.at("Equation 4, and its code"),
        weights,
        lambda w: same(_bessel(w) * paper(w, 0), code(w, 0)),
        latex=r"\frac{W - \mu}{\sigma} = \sqrt{\frac{I}{I - 1}}\,\frac{W - \mu}{s}",
    ),
    theorem(
        "ws-eps-paper-code-difference",
        "The paper's weights and its code's differ by at most 1 - sqrt(1 - 1/I) of the "
        "paper's, whatever eps.",
        SOURCE.at("Equation 2, and its code"),
        _points,
        _paper_code_difference,
        latex=r"\|\hat W_{paper} - \hat W_{code}\| \le "
        r"(1 - \sqrt{1 - 1/I})\,\|\hat W_{paper}\|",
        admits=_admits,
        note="About 1/(2I): 0.2 per cent for a 3 x 3 convolution of 32 channels.",
    ),
    theorem(
        "ws-eps-code-smaller",
        "The code's weights are at most sqrt(1 - 1/I) times the page's in norm.",
        SOURCE.at("Its code, and its Papers with Code page"),
        _points,
        lambda w, eps: (
            norm_fro(code(w, eps)),
            _bessel(w) * norm_fro(page(w, eps)),
        ),
        latex=r"\|\hat W_{code}\| \le \sqrt{1 - 1/I}\,\|\hat W_{page}\|",
        admits=_admits,
    ),
    theorem(
        "ws-eps-page-no-eps",
        "The page's eps changes nothing: sigma does not depend on a constant added to "
        "the weights.",
        SOURCE.at("Its Papers with Code page"),
        _points,
        lambda w, eps: same(page(w, eps), paper(w, 0)),
        latex=r"\sigma_{W + \epsilon} = \sigma_W",
    ),
    theorem(
        "ws-eps-page-paper-difference",
        "The page's weights are 1 + eps/sigma times the paper's.",
        SOURCE.at("Equation 2, and its Papers with Code page"),
        _points,
        _page_paper_difference,
        latex=r"\hat W_{page} = (1 + \epsilon/\sigma)\,\hat W_{paper}",
        note="Unbounded as sigma falls to zero.",
    ),
    theorem(
        "ws-eps-paper-root-squared",
        "eps added to sigma shrinks the weights at least as much as eps^2 under the "
        "root.",
        SOURCE.at("Equation 2, and other implementations"),
        _points,
        lambda w, eps: (norm_fro(paper(w, eps)), norm_fro(root(w, eps * eps))),
        latex=r"\sqrt{\sigma^2 + \epsilon^2} \le \sigma + \epsilon",
        admits=_admits,
    ),
    theorem(
        "ws-eps-paper-root-within",
        "eps^2 under the root gives at most sqrt(2) times the weights that eps added "
        "to sigma gives.",
        SOURCE.at("Equation 2, and other implementations"),
        _points,
        lambda w, eps: (
            norm_fro(root(w, eps * eps)),
            balls.arb(2).sqrt() * norm_fro(paper(w, eps)),
        ),
        latex=r"\sigma + \epsilon \le \sqrt{2}\,\sqrt{\sigma^2 + \epsilon^2}",
        admits=_admits,
        note="Attained at sigma = eps.",
    ),
)


def _equation_8(w: Balls, eps: Ball, g: Balls, *, corrected: bool) -> tuple[Ball, Ball]:
    """Compare the gradient by Wdot of g'Wdot/(sigma + eps) with equation 8."""
    dot = centred(w)
    sigma, what = root_mean_square(dot)[0], paper(w, eps)
    found = gradient(lambda v: g @ (v / (root_mean_square(v) + eps)), dot)
    factor = 1 + eps / sigma if corrected else balls.arb(1)
    along = factor * (what @ g) / len(w)
    return same(found, (g - along * what) / (sigma + eps))


def _gradients(size: int) -> st.SearchStrategy:
    return st.tuples(weights(size), EPS, strategies.vectors(size))


SCALES = (
    theorem(
        "ws-eps-page-floor",
        "On the Papers with Code page eps keeps the denominator from falling below it.",
        SOURCE.at("Its Papers with Code page"),
        lambda size: st.tuples(strategies.vectors(size), EPS),
        lambda w, eps: (eps, root_mean_square(centred(w + eps))[0]),
        latex=r"\epsilon \le \sigma_{W + \epsilon}",
        note="For constant weights, as at size 1, the denominator is zero.",
        false_from=1,
    ),
    theorem(
        "ws-eps-paper-floor",
        "In the paper's equation 2 eps keeps the denominator from falling below it.",
        SOURCE.at("Equation 2"),
        lambda size: st.tuples(strategies.vectors(size), EPS),
        lambda w, eps: (eps, root_mean_square(centred(w))[0] + eps),
        latex=r"\epsilon \le \sigma + \epsilon",
    ),
    theorem(
        "ws-eps-norm",
        "With a positive eps a channel standardised by equation 2 has squared norm I.",
        SOURCE.at("The sentence before equation 11, with eps > 0"),
        _points,
        lambda w, eps: same(paper(w, eps) @ paper(w, eps), balls.arb(len(w))),
        latex=r"\|\hat W\|^2 = I",
        note="The source sets eps = 0 for this.",
        false_from=2,
    ),
    theorem(
        "ws-eps-norm-bound",
        "With a positive eps a channel standardised by equation 2 has squared norm at "
        "most I.",
        SOURCE.at("The sentence before equation 11, corrected for eps > 0"),
        _points,
        lambda w, eps: (paper(w, eps) @ paper(w, eps), balls.arb(len(w))),
        latex=r"\|\hat W\|^2 \le I",
        admits=_admits,
    ),
    theorem(
        "ws-eps-norm-code",
        "A channel standardised by the code has squared norm at most I - 1.",
        SOURCE.at("Its code"),
        _points,
        lambda w, eps: (code(w, eps) @ code(w, eps), balls.arb(len(w) - 1)),
        latex=r"\|\hat W\|^2 \le I - 1",
        admits=_admits,
    ),
    theorem(
        "ws-eps-scale",
        "Doubling the weights does not change what equation 2 makes of them.",
        SOURCE.at("Equation 2, with eps > 0"),
        _points,
        lambda w, eps: same(paper(2 * w, eps), paper(w, eps)),
        latex=r"\mathrm{WS}(2W) = \mathrm{WS}(W)",
        note="True of the page's formula, and of equation 2 with eps = 0.",
        false_from=2,
    ),
    theorem(
        "ws-eps-scale-page",
        "Doubling the weights does not change what the page's formula makes of them.",
        SOURCE.at("Its Papers with Code page"),
        _points,
        lambda w, eps: same(page(2 * w, eps), page(w, eps)),
        latex=r"\mathrm{WS}(2W) = \mathrm{WS}(W)",
    ),
    theorem(
        "ws-eps-eq8",
        "Equation 8, with the gradient by What, holds with sigma + eps for sigma.",
        SOURCE.at("Equation 8, with eps > 0"),
        _gradients,
        lambda w, eps, g: _equation_8(w, eps, g, corrected=False),
        latex=r"\nabla_{\dot W}L = \frac{1}{\sigma + \epsilon}\left(\nabla_{\hat W}L - "
        r"\frac1I\langle\hat W, \nabla_{\hat W}L\rangle\hat W\right)",
        note="The source sets eps = 0 for this.",
        false_from=2,
    ),
    theorem(
        "ws-eps-eq8-corrected",
        "Equation 8, with the gradient by What, holds with sigma + eps for sigma and "
        "its second term times 1 + eps/sigma.",
        SOURCE.at("Equation 8, corrected for eps > 0"),
        _gradients,
        lambda w, eps, g: _equation_8(w, eps, g, corrected=True),
        latex=r"\nabla_{\dot W}L = \frac{1}{\sigma + \epsilon}\left(\nabla_{\hat W}L - "
        r"\frac{1 + \epsilon/\sigma}{I}"
        r"\langle\hat W, \nabla_{\hat W}L\rangle\hat W\right)",
    ),
)

THEOREMS = (*AGREEMENT, *SCALES)
