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

from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import theorem
from condlab.theory.model import Theorem
from condlab.theory.references.networks import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.vocabulary.standardization import (
    Channel,
    centred,
    channel,
    channels,
    same,
)


def square(x: Balls) -> Ball:
    """Return the squared 2-norm."""
    return x @ x


def equation_8(c: Channel, grad: Balls) -> tuple:
    """Return both sides."""
    return c.by_dot, (grad - (c.what @ grad) * c.what / c.size) / c.sigma


def _equation_9(c: Channel, grad: Balls) -> tuple:
    return c.by_w, centred(grad)


def _equation_10(c: Channel, grad: Balls) -> tuple:
    along = c.what @ grad / c.size
    bracket = square(grad) + along * along * (square(c.what) - 2 * c.size)
    return square(c.by_dot), bracket / (c.sigma * c.sigma)


def _equation_11(c: Channel, grad: Balls) -> tuple:
    along = c.what @ grad
    bracket = square(grad) - along * along / c.size
    return square(c.by_dot), bracket / (c.sigma * c.sigma)


def _equation_13(c: Channel, grad: Balls) -> tuple:
    return square(c.by_w), square(grad) - grad.sum() * grad.sum() / c.size


def _equation_14(c: Channel, grad: Balls) -> tuple:
    mean = c.by_dot.sum()
    inside = grad.sum() - (c.what @ grad) * c.what.sum() / c.size
    return mean * mean / c.size, inside * inside / (c.size * c.sigma * c.sigma)


def _equation_15(c: Channel, grad: Balls) -> tuple:
    mean = grad.sum() / c.sigma
    return square(c.by_w), square(c.by_dot) - mean * mean / c.size


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
