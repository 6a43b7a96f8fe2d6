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

import numpy as np

from condlab.theory import balls
from condlab.theory.balls import Ball, Balls, Sides, norm_fro
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.standardization import (
    centred,
    is_not_constant,
    root_mean_square,
    same,
    weights,
)

FOUR = SOURCE.at("Equation 2, its code, and its Papers with Code page")
EPS = st.sampled_from([1.0, 2.0**-10, 1e-5])


def paper(w: np.ndarray, eps: Ball | int) -> np.ndarray:
    """Return equation 2: eps added to the biased sigma."""
    return centred(w) / (root_mean_square(centred(w)) + eps)


def code(w: np.ndarray, eps: Ball | int) -> np.ndarray:
    """Return what the official PyTorch code does: eps added to the unbiased sigma."""
    return centred(w) / (_unbiased(w) + eps)


def _unbiased(w: np.ndarray) -> np.ndarray:
    dot = centred(w)
    return np.sqrt((dot * dot).sum(keepdims=True) / (len(w) - 1))


def points(size: int) -> st.SearchStrategy:
    """Draw (w, eps): weights that are not constant, and a positive eps."""
    return st.tuples(weights(size), EPS)


@claim(
    "ws-eps-paper-code",
    FOUR,
    points,
    latex=r"\frac{W - \mu}{\sigma + \epsilon} = \frac{W - \mu}{s + \epsilon}",
    note="The sigmas differ by the factor sqrt(1 - 1/I).",
    false_from=2,
)
def eps_paper_code(w: Balls, eps: Ball) -> Sides:
    """With the same positive eps, the paper's equation 2 and its PyTorch code give the
    same weights."""
    return same(paper(w, eps), code(w, eps))


def page(w: np.ndarray, eps: Ball | int) -> np.ndarray:
    """Return the page's formula: the sigma of W + eps."""
    return centred(w) / root_mean_square(centred(w + eps))


@claim(
    "ws-eps-paper-page",
    FOUR,
    points,
    latex=r"\frac{W - \mu}{\sigma + \epsilon} = \frac{W - \mu}{\sigma_{W + \epsilon}}",
    note="The page's formula is the paper's with eps = 0.",
    false_from=2,
)
def eps_paper_page(w: Balls, eps: Ball) -> Sides:
    """With the same positive eps, the paper's equation 2 and the Papers with Code page
    give the same weights."""
    return same(paper(w, eps), page(w, eps))


@claim(
    "ws-eps-code-page",
    FOUR,
    points,
    latex=r"\frac{W - \mu}{s + \epsilon} = \frac{W - \mu}{\sigma_{W + \epsilon}}",
    note="They never agree, as s + eps > sigma.",
    false_from=2,
)
def eps_code_page(w: Balls, eps: Ball) -> Sides:
    """With the same positive eps, its PyTorch code and the Papers with Code page give
    the same weights."""
    return same(code(w, eps), page(w, eps))


def root(w: np.ndarray, eps: Ball | int) -> np.ndarray:
    """Return eps added to the biased variance."""
    square = root_mean_square(centred(w))
    return centred(w) / np.sqrt(square * square + eps)


@claim(
    "ws-eps-paper-root",
    FOUR,
    points,
    latex=r"\frac{W - \mu}{\sigma + \epsilon} = "
    r"\frac{W - \mu}{\sqrt{\sigma^2 + \epsilon}}",
    note="They agree only where 2 sigma + eps = 1.",
    false_from=2,
)
def eps_paper_root(w: Balls, eps: Ball) -> Sides:
    """With the same positive eps, the paper's equation 2 and eps under the root give
    the same weights."""
    return same(paper(w, eps), root(w, eps))


def _bessel(w: Balls) -> Ball:
    """Return sqrt(1 - 1/I), the quotient of the biased and the unbiased sigma."""
    return balls.sqrt(1 - balls.arb(1) / len(w))


@claim(
    "ws-eps-paper-code-without-eps",
    SOURCE.at("Equation 4, and its code"),
    weights,
    latex=r"\frac{W - \mu}{\sigma} = \sqrt{\frac{I}{I - 1}}\,\frac{W - \mu}{s}",
)
def eps_paper_code_without_eps(w: Balls) -> Sides:
    """With eps = 0 the paper's weights are sqrt(I/(I - 1)) times its code's."""
    return same(_bessel(w) * paper(w, 0), code(w, 0))


def is_admitted(w: np.ndarray, eps: float) -> bool:
    """Tell whether the weights are not constant and eps is positive."""
    return is_not_constant(w) and eps > 0


@claim(
    "ws-eps-paper-code-difference",
    SOURCE.at("Equation 2, and its code"),
    points,
    latex=r"\|\hat W_{paper} - \hat W_{code}\| \le "
    r"(1 - \sqrt{1 - 1/I})\,\|\hat W_{paper}\|",
    admits=is_admitted,
    note="About 1/(2I): 0.2 per cent for a 3 x 3 convolution of 32 channels.",
)
def eps_paper_code_difference(w: Balls, eps: Ball) -> Sides:
    """The paper's weights and its code's differ by at most 1 - sqrt(1 - 1/I) of the
    paper's, whatever eps."""
    difference = norm_fro(paper(w, eps) - code(w, eps))
    return difference, (1 - _bessel(w)) * norm_fro(paper(w, eps))


@claim(
    "ws-eps-code-smaller",
    SOURCE.at("Its code, and its Papers with Code page"),
    points,
    latex=r"\|\hat W_{code}\| \le \sqrt{1 - 1/I}\,\|\hat W_{page}\|",
    admits=is_admitted,
)
def eps_code_smaller(w: Balls, eps: Ball) -> Sides:
    """The code's weights are at most sqrt(1 - 1/I) times the page's in norm."""
    return norm_fro(code(w, eps)), _bessel(w) * norm_fro(page(w, eps))


@claim(
    "ws-eps-page-no-eps",
    SOURCE.at("Its Papers with Code page"),
    points,
    latex=r"\sigma_{W + \epsilon} = \sigma_W",
)
def eps_page_no_eps(w: Balls, eps: Ball) -> Sides:
    """The page's eps changes nothing: sigma does not depend on a constant added to the
    weights."""
    return same(page(w, eps), paper(w, 0))


@claim(
    "ws-eps-page-paper-difference",
    SOURCE.at("Equation 2, and its Papers with Code page"),
    points,
    latex=r"\hat W_{page} = (1 + \epsilon/\sigma)\,\hat W_{paper}",
    note="Unbounded as sigma falls to zero.",
)
def eps_page_paper_difference(w: Balls, eps: Ball) -> Sides:
    """The page's weights are 1 + eps/sigma times the paper's."""
    factor = 1 + eps / root_mean_square(centred(w))
    return same(page(w, eps), factor * paper(w, eps))


@claim(
    "ws-eps-paper-root-squared",
    SOURCE.at("Equation 2, and other implementations"),
    points,
    latex=r"\sqrt{\sigma^2 + \epsilon^2} \le \sigma + \epsilon",
    admits=is_admitted,
)
def eps_paper_root_squared(w: Balls, eps: Ball) -> Sides:
    """eps added to sigma shrinks the weights at least as much as eps^2
    under the root."""
    return norm_fro(paper(w, eps)), norm_fro(root(w, eps * eps))


@claim(
    "ws-eps-paper-root-within",
    SOURCE.at("Equation 2, and other implementations"),
    points,
    latex=r"\sigma + \epsilon \le \sqrt{2}\,\sqrt{\sigma^2 + \epsilon^2}",
    admits=is_admitted,
    note="Attained at sigma = eps.",
)
def eps_paper_root_within(w: Balls, eps: Ball) -> Sides:
    """eps^2 under the root gives at most sqrt(2) times the weights that eps added to
    sigma gives."""
    return norm_fro(root(w, eps * eps)), balls.arb(2).sqrt() * norm_fro(paper(w, eps))
