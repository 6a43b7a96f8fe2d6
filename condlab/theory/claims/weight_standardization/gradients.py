"""Claims of "Weight standardization", equations 8 to 15: the gradients.

One output channel W of I weights: Wdot = W - mean (equation 5), What = Wdot / sigma
(equation 6), and the loss a function of What. On the right of equations 8, 10 to 12,
14 and 15 the copy at hand prints gradients by W; each equation is tried as printed and
with the gradient by Wdot ("-dot") and by What ("-hat").

- True: with What, equations 8, 10, 11, 14 and 15; as printed, that is with Wdot, 9
  and 13; ws-eq12, ws-eq12-vanishes and ws-chain.

At size 1 every weight is its own mean, sigma = 0, and nothing is defined, so no claim
has an instance there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import claim, theorem
from condlab.theory.model import Theorem
from condlab.theory.references import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.series import gradient
from condlab.theory.vocabulary.standardization import (
    Channel,
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


def _square(x: Balls) -> Ball:
    return x @ x


def equation_8(c: Channel, grad: Balls) -> tuple:
    """Return both sides."""
    return c.by_dot, (grad - (c.what @ grad) * c.what / c.size) / c.sigma


def _equation_9(c: Channel, grad: Balls) -> tuple:
    return c.by_w, centred(grad)


def _equation_10(c: Channel, grad: Balls) -> tuple:
    along = c.what @ grad / c.size
    bracket = _square(grad) + along * along * (_square(c.what) - 2 * c.size)
    return _square(c.by_dot), bracket / (c.sigma * c.sigma)


def _equation_11(c: Channel, grad: Balls) -> tuple:
    along = c.what @ grad
    bracket = _square(grad) - along * along / c.size
    return _square(c.by_dot), bracket / (c.sigma * c.sigma)


def _equation_13(c: Channel, grad: Balls) -> tuple:
    return _square(c.by_w), _square(grad) - grad.sum() * grad.sum() / c.size


def _equation_14(c: Channel, grad: Balls) -> tuple:
    mean = c.by_dot.sum()
    inside = grad.sum() - (c.what @ grad) * c.what.sum() / c.size
    return mean * mean / c.size, inside * inside / (c.size * c.sigma * c.sigma)


def _equation_15(c: Channel, grad: Balls) -> tuple:
    mean = grad.sum() / c.sigma
    return _square(c.by_w), _square(c.by_dot) - mean * mean / c.size


READINGS: dict[str, tuple[Callable[[Channel], Balls], str]] = {
    "W": (lambda c: c.by_w, "W"),
    "Wdot": (lambda c: c.by_dot, r"\dot W"),
    "What": (lambda c: c.by_hat, r"\hat W"),
}


def _identity(
    key: str,
    variable: str,
    equation: Callable,
    latex: str,
    note: str,
    false_from: int | None = None,
) -> Theorem:
    gradient_by, symbol = READINGS[variable]

    def formula(w: Balls, g: Balls) -> Sides:
        c = channel(w, g)
        return same(*equation(c, gradient_by(c)))

    number = key.removeprefix("ws-eq").split("-")[0]
    return theorem(
        key,
        f"Equation {number} holds for every channel that is not constant, with the "
        f"gradient on its right taken by {variable}.",
        SOURCE.at(f"Equation {number}"),
        channels,
        formula,
        latex=latex.replace("GRAD", rf"\nabla_{{{symbol}}}L"),
        note=note,
        false_from=false_from,
    )


LATEX = {
    8: r"\nabla_{\dot W}L = \frac{1}{\sigma_W}\left(GRAD - "
    r"\frac1I\langle \hat W, GRAD\rangle\hat W\right)",
    9: r"\nabla_W L = GRAD - \frac1I \mathbf{1}\langle\mathbf{1}, GRAD\rangle",
    10: r"\|\nabla_{\dot W}L\|^2 = \frac{1}{\sigma_W^2}\left(\|GRAD\|^2 + \frac{1}{I^2}"
    r"\langle\hat W, GRAD\rangle^2(\langle\hat W, \hat W\rangle - 2I)\right)",
    11: r"\|\nabla_{\dot W}L\|^2 = \frac{1}{\sigma_W^2}\left(\|GRAD\|^2 - \frac1I"
    r"\langle\hat W, GRAD\rangle^2\right)",
    13: r"\|\nabla_W L\|^2 = \|GRAD\|^2 - \frac1I\langle\mathbf{1}, GRAD\rangle^2",
    14: r"\frac1I\langle\mathbf{1}, \nabla_{\dot W}L\rangle^2 = \frac{1}{I\sigma_W^2}"
    r"\left(\langle\mathbf{1}, GRAD\rangle - \frac1I\langle\hat W, GRAD\rangle"
    r"\langle\mathbf{1}, \hat W\rangle\right)^2",
    15: r"\|\nabla_W L\|^2 = \|\nabla_{\dot W}L\|^2 - \frac{1}{I\sigma_W^2}"
    r"\langle\mathbf{1}, GRAD\rangle^2",
}


EQUATIONS = {
    8: equation_8,
    9: _equation_9,
    10: _equation_10,
    11: _equation_11,
    13: _equation_13,
    14: _equation_14,
    15: _equation_15,
}


AS_PRINTED = "As printed in the copy at hand. "


AT_SIZE_2 = "At I = 2 the gradient by W is 0 and that by Wdot a multiple of (1, 1)."


def _printed_by_w(number: int) -> tuple[Theorem, ...]:
    """Return an equation as printed, by Wdot, and by What, which is right."""
    key, equation, latex = f"ws-eq{number}", EQUATIONS[number], LATEX[number]
    return (
        _identity(key, "W", equation, latex, AS_PRINTED + AT_SIZE_2, 2),
        _identity(
            f"{key}-dot", "Wdot", equation, latex, "Right only where sigma = 1.", 2
        ),
        _identity(f"{key}-hat", "What", equation, latex, "The reading that is right."),
    )


def _printed_by_dot(number: int) -> tuple[Theorem, ...]:
    key, equation, latex = f"ws-eq{number}", EQUATIONS[number], LATEX[number]
    return (
        _identity(key, "Wdot", equation, latex, "As printed, and right."),
        _identity(
            f"{key}-hat", "What", equation, latex, "It leaves out equation 6.", 2
        ),
    )


IDENTITIES = (
    *_printed_by_w(8),
    *_printed_by_dot(9),
    *_printed_by_w(10),
    *_printed_by_w(11),
    *_printed_by_dot(13),
    *_printed_by_w(14),
    *_printed_by_w(15),
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
    return same(_square(divided(centred(w))), balls.arb(len(w)))


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
