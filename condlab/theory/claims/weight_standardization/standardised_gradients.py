"""Claims of "Weight standardization", equations 4, 6 and 12, on channels and gradients.

Wdot is a channel without its mean, What standardised: see the equations in `gradients`.
"""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.claims.weight_standardization.gradients import square
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.series import gradient
from condlab.theory.vocabulary.standardization import (
    centred,
    channel,
    channels,
    divided,
    is_not_constant,
    mean,
    root_mean_square,
    same,
    weights,
)


def _printable(size: int) -> strategies.Matrices:
    if size == 1:
        return strategies.none()

    def is_defined(W: np.ndarray) -> bool:
        return bool((size * W - W.sum(axis=1)[:, None]).any(axis=0).all())

    return strategies.small_integers(size, size).filter(is_defined)


@claim(
    "ws-eq4-index",
    SOURCE.at("Equation 4"),
    _printable,
    latex=r"\sigma = \sqrt{\tfrac1I\sum_{i=1}^I (W_{i,j} - \mu_i)^2} "
    r"\Rightarrow \|\hat W_{1,\cdot}\|^2 = I",
    note="The index is a slip: the sum must be over j, as ws-eq6-norm has it.",
    false_from=2,
)
def eq4_index(W: Balls) -> Sides:
    """With sigma as printed, a sum over output channels i instead of weights j, a
    standardised channel of a square layer has mean square 1."""
    n = len(W)
    deviation = W - (W.sum(axis=1) / n)[:, None]
    sigma = np.concatenate([root_mean_square(column) for column in deviation.T])
    row = deviation[0] / sigma
    return same(row @ row, balls.arb(n))


@claim(
    "ws-eq6-norm",
    SOURCE.at("Equation 6, as used before equation 11"),
    weights,
    latex=r"\|\hat W\|^2 = I",
)
def eq6_norm(w: Balls) -> Sides:
    """A standardised channel has squared norm I."""
    return same(square(divided(centred(w))), balls.arb(len(w)))


@claim(
    "ws-eq6-sigma",
    SOURCE.at("Equations 4 and 6"),
    weights,
    latex=r"\sigma_W = \sqrt{\tfrac1I\langle\mathbf{1}, \dot W^{\circ 2}\rangle}",
    note="So sigma_W of equation 8 needs no reading of its own.",
)
def eq6_sigma(w: Balls) -> Sides:
    """The standard deviation of W is the root mean square of Wdot."""
    return same(
        np.sqrt(mean(w * w) - mean(w) * mean(w)),
        root_mean_square(centred(w)),
    )


@claim(
    "ws-eq12",
    SOURCE.at("Equation 12 and the sentence after it"),
    channels,
    latex=r"\sigma_W\|\nabla_{\dot W}L\| \le \|\nabla_{\hat W}L\|",
    admits=lambda w, g: is_not_constant(w) and bool(g.size),
)
def eq12(w: Balls, g: Balls) -> Sides:
    """With the factor 1/sigma cancelled, equation 8 does not raise the norm of the
    gradient."""
    c = channel(w, g)
    return c.sigma * balls.norm_fro(c.by_dot), balls.norm_fro(g)


@claim(
    "ws-eq12-sigma-kept",
    SOURCE.at("Section 2.3"),
    channels,
    latex=r"\|\nabla_{\dot W}L\| \le \|\nabla_{\hat W}L\|",
    note="Small weights have small sigma.",
    false_from=2,
)
def eq12_sigma_kept(w: Balls, g: Balls) -> Sides:
    """With the factor 1/sigma kept, equation 8 does not raise the norm of
    the gradient."""
    return balls.norm_fro(channel(w, g).by_dot), balls.norm_fro(g)


def _reduction(X: Balls, w: Balls, r: Balls) -> Sides:
    """Take the loss r'BN(X What), where BN standardises over the batch."""
    what = divided(centred(w))
    g = gradient(lambda v: r @ divided(centred(X @ v)), what)
    return same(what @ g, 0 * balls.arb(1))


def _batches(size: int) -> st.SearchStrategy:
    """Draw (inputs, weights, gradient by the output) with outputs that differ."""
    if size == 1:
        return strategies.none()
    X = strategies.small_integers(size, size)
    w = strategies.vectors(size).filter(is_not_constant)
    drawn = st.tuples(X, w, strategies.vectors(size))
    # These are integers, I times the outputs, so the test is exact.
    return drawn.filter(lambda t: is_not_constant(t[0] @ (size * t[1] - t[1].sum())))


@claim(
    "ws-eq12-vanishes",
    SOURCE.at("The sentence after equation 12"),
    _batches,
    latex=r"\langle\hat W, \nabla_{\hat W}L\rangle = 0",
    note="The loss then does not depend on the scale of What; so under the source's "
    "own assumption equation 6 reduces nothing.",
)
def eq12_vanishes(X: Balls, w: Balls, r: Balls) -> Sides:
    """Where batch normalisation follows, which is what cancels 1/sigma, the reduction
    (1/I)<What, gradient by What>^2 of equation 12 is zero."""
    return _reduction(X, w, r)


@claim(
    "ws-chain",
    SOURCE.at("Equations 8 and 9 together, with the gradient by What"),
    channels,
    latex=r"\nabla_W L = \frac{1}{\sigma_W}\left(P\nabla_{\hat W}L - "
    r"\frac1I\langle\hat W, \nabla_{\hat W}L\rangle\hat W\right)",
)
def chain(w: Balls, g: Balls) -> Sides:
    """The gradient by W is that by What, without its mean and its part along What,
    divided by sigma."""
    c = channel(w, g)
    expected = centred(g) - (c.what @ g) * c.what / c.size
    return same(c.by_w, expected / c.sigma)
