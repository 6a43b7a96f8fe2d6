"""Claims of "Weight standardization", equations 16 to 19: the Hessian.

H is the Hessian by W, Hdot that by Wdot = PW (equation 5), P = I - 11'/I; the copy at
hand prints What in equation 16, which has equation 6 in it too. Both are tried: as
printed, and with Wdot ("-dot"). A Hessian depends on the loss through its first two
derivatives only, so a quadratic loss is every loss.

- True: ws-eq17-dot, ws-eq18, ws-eq18-dot, ws-eq18-rows, ws-eq19-squared,
  ws-eq19-squared-equality, ws-eq19-decrease.
"""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides, norm_fro
from condlab.theory.formula import claim
from condlab.theory.references.networks import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.series import hessian
from condlab.theory.vocabulary.standardization import (
    centred,
    divided,
    root_mean_square,
    same,
    weights,
)


def _through_what(Hhat: Balls, g: Balls, w: Balls) -> Balls:
    """Return the Hessian by W of a loss with gradient g and Hessian Hhat by What."""
    what = divided(centred(w))

    def loss(w: np.ndarray) -> Ball:
        step = divided(centred(w)) - what
        return g @ step + step @ Hhat @ step / 2

    return hessian(loss, w)


def _equation_17(Hdot: Balls) -> Balls:
    """Return the right-hand side."""
    n = len(Hdot)
    rows, columns = Hdot.sum(axis=1), Hdot.sum(axis=0)
    mixed = (rows[:, None] + columns[None, :]) / n
    return Hdot - mixed + Hdot.sum() / (n * n)


def _points(size: int) -> st.SearchStrategy:
    """Draw (Hessian and gradient by What, weights); linear losses have no Hessian."""
    linear = st.just(np.zeros((size, size)))
    hessians = st.one_of(strategies.symmetric(size), linear)
    return st.tuples(hessians, strategies.vectors(size), weights(size))


LATEX_17 = (
    r"H_{i,j} = \dot H_{i,j} - \frac1I\sum_k(\dot H_{i,k} + \dot H_{k,j}) + "
    r"\frac{1}{I^2}\sum_{p,q}\dot H_{p,q}"
)


@claim(
    "ws-eq17",
    SOURCE.at("Equations 16 and 17"),
    _points,
    latex=LATEX_17,
    note="As printed in the copy at hand. At I = 2, What is constant but for its "
    "sign, so H = 0. At I = 1, What is not defined.",
    false_from=2,
)
def eq17(Hhat: Balls, g: Balls, w: Balls) -> Sides:
    """H is Hdot without the means of its rows and columns, where Hdot is the Hessian by
    What and H that by W of the loss through equations 5 and 6."""
    return same(_through_what(Hhat, g, w), _equation_17(Hhat))


def _by_w(Hdot: Balls) -> Balls:
    """Return the Hessian by W of a loss with the Hessian Hdot by Wdot."""
    origin = balls.ball(np.zeros(len(Hdot)))
    return hessian(lambda w: centred(w) @ Hdot @ centred(w) / 2, origin)


@claim(
    "ws-eq17-dot",
    SOURCE.at("Equation 17, for equation 5 alone"),
    strategies.symmetric,
    latex=LATEX_17,
    note="That is H = P Hdot P.",
)
def eq17_dot(Hdot: Balls) -> Sides:
    """H is Hdot without the means of its rows and columns, where Hdot is the Hessian by
    Wdot."""
    return same(_by_w(Hdot), _equation_17(Hdot))


@claim("ws-eq18", SOURCE.at("Equation 18"), _points, latex=r"\sum_{i,j} H_{i,j} = 0")
def eq18(Hhat: Balls, g: Balls, w: Balls) -> Sides:
    """The entries of the Hessian by W sum to zero, through equations 5 and 6."""
    return same(_through_what(Hhat, g, w).sum(), balls.arb(0))


@claim(
    "ws-eq18-dot",
    SOURCE.at("Equation 18, for equation 5 alone"),
    strategies.symmetric,
    latex=r"\sum_{i,j} H_{i,j} = 0",
)
def eq18_dot(Hdot: Balls) -> Sides:
    """The entries of the Hessian by W sum to zero, through equation 5 alone."""
    return same(_by_w(Hdot).sum(), balls.arb(0))


@claim(
    "ws-eq18-rows",
    SOURCE.at("Equation 18, sharpened"),
    _points,
    latex=r"H\mathbf{1} = 0",
    note="The loss does not change when a constant is added to W.",
)
def eq18_rows(Hhat: Balls, g: Balls, w: Balls) -> Sides:
    """Every row of the Hessian by W sums to zero, through equations 5 and 6."""
    return same(_through_what(Hhat, g, w).sum(axis=1), balls.ball(np.zeros(len(w))))


def _total(H: Balls) -> Ball:
    """Return (sum of all entries)^2 / I^2."""
    return H.sum() * H.sum() / (len(H) * len(H))


SUM = r"\left(\sum_{i,j}\dot H_{i,j}\right)^2"


@claim(
    "ws-eq19",
    SOURCE.at("Equation 19, last line"),
    strategies.symmetric,
    latex=rf"\|H\|_F \le \|\dot H\|_F - \frac{{1}}{{I^2}}{SUM}",
    note="As printed. At I = 1 it says 0 <= |h| - h^2.",
    false_from=1,
)
def eq19(Hdot: Balls) -> Sides:
    """Centring lowers the Frobenius norm of the Hessian by at least the squared sum of
    its entries over I^2."""
    return norm_fro(_by_w(Hdot)) + _total(Hdot), norm_fro(Hdot)


def _square(H: Balls) -> Ball:
    return (H * H).sum()


@claim(
    "ws-eq19-first-line",
    SOURCE.at("Equation 19, first line"),
    strategies.symmetric,
    latex=r"\|H\|_F = \sum_{i,j} H_{i,j}^2",
    note="As printed; the root is missing. At I = 1, H = 0.",
    false_from=2,
)
def eq19_first_line(Hdot: Balls) -> Sides:
    """The Frobenius norm of the Hessian by W is the sum of its squared entries."""
    return same(norm_fro(_by_w(Hdot)), _square(_by_w(Hdot)))


def _lines(H: Balls) -> Ball:
    """Return (1/I) (sum of squared row sums + sum of squared column sums)."""
    rows, columns = H.sum(axis=1), H.sum(axis=0)
    return (rows @ rows + columns @ columns) / len(H)


LINES = (
    r"\frac1I\sum_i\left(\sum_j\dot H_{i,j}\right)^2 - "
    r"\frac1I\sum_j\left(\sum_i\dot H_{i,j}\right)^2"
)


@claim(
    "ws-eq19-second-line",
    SOURCE.at("Equation 19, second line"),
    strategies.symmetric,
    latex=rf"\|H\|_F = \|\dot H\|_F + \frac{{1}}{{I^2}}{SUM} - {LINES}",
    note="As printed. At I = 1 it says 0 = |h| - h^2.",
    false_from=1,
)
def eq19_second_line(Hdot: Balls) -> Sides:
    """The Frobenius norms of H and Hdot differ by the squared sum of entries over I^2
    less the squared sums of rows and columns over I."""
    return same(norm_fro(_by_w(Hdot)), norm_fro(Hdot) + _total(Hdot) - _lines(Hdot))


@claim(
    "ws-eq19-prose",
    SOURCE.at("The sentence before equation 16"),
    strategies.symmetric,
    latex=r"\|\dot H\|_F \le \|H\|_F",
    note="As printed, with the two sides exchanged. At I = 1, H = 0.",
    false_from=1,
)
def eq19_prose(Hdot: Balls) -> Sides:
    """The Frobenius norm of the Hessian by the centred weights is at most that by the
    weights."""
    return norm_fro(Hdot), norm_fro(_by_w(Hdot))


def _is_symmetric(A: np.ndarray) -> bool:
    return bool((A == A.T).all())


@claim(
    "ws-eq19-decrease",
    SOURCE.at("The sentence before equation 16, corrected"),
    strategies.symmetric,
    latex=r"\|H\|_F \le \|\dot H\|_F",
    admits=_is_symmetric,
)
def eq19_decrease(Hdot: Balls) -> Sides:
    """The Frobenius norm of the Hessian by the weights is at most that by the centred
    weights."""
    return norm_fro(_by_w(Hdot)), norm_fro(Hdot)


@claim(
    "ws-eq19-squared-equality",
    SOURCE.at("Equation 19, second line, with the squares it needs"),
    strategies.symmetric,
    latex=rf"\|H\|_F^2 = \|\dot H\|_F^2 + \frac{{1}}{{I^2}}{SUM} - {LINES}",
)
def eq19_squared_equality(Hdot: Balls) -> Sides:
    """The squared Frobenius norms of H and Hdot differ by the squared sum of entries
    over I^2 less the squared sums of rows and columns over I."""
    return same(_square(_by_w(Hdot)), _square(Hdot) + _total(Hdot) - _lines(Hdot))


@claim(
    "ws-eq19-squared",
    SOURCE.at("Equation 19, last line, with the squares it needs"),
    strategies.symmetric,
    latex=rf"\|H\|_F^2 \le \|\dot H\|_F^2 - \frac{{1}}{{I^2}}{SUM}",
    admits=_is_symmetric,
    note="By Cauchy and Schwarz; attained where all row sums are equal.",
)
def eq19_squared(Hdot: Balls) -> Sides:
    """Centring lowers the squared Frobenius norm of the Hessian by at least the squared
    sum of its entries over I^2."""
    return _square(_by_w(Hdot)) + _total(Hdot), _square(Hdot)


@claim(
    "ws-eq19-hat",
    SOURCE.at("The sentence before equation 16, with equation 6"),
    _points,
    latex=r"\|\nabla_W^2 L\|_F \le \|\nabla_{\hat W}^2 L\|_F",
    note="Sigma and the gradient come in. At I = 2, H = 0.",
    false_from=3,
)
def eq19_hat(Hhat: Balls, g: Balls, w: Balls) -> Sides:
    """The Frobenius norm of the Hessian by W, through equations 5 and 6, is at most
    that by What."""
    # With 1 added, so that 0 <= 0 can be decided
    return 1 + norm_fro(_through_what(Hhat, g, w)), 1 + norm_fro(Hhat)


@claim(
    "ws-eq19-hat-sigma-cancelled",
    SOURCE.at("The sentence before equation 16, with equation 6"),
    _points,
    latex=r"\sigma_W^2\|\nabla_W^2 L\|_F \le \|\nabla_{\hat W}^2 L\|_F",
    note="A linear loss has no Hessian by What, and one by W. At I = 2, H = 0.",
    false_from=3,
)
def eq19_hat_sigma_cancelled(Hhat: Balls, g: Balls, w: Balls) -> Sides:
    """The Frobenius norm of the Hessian by W, through equations 5 and 6 and times
    sigma^2, is at most that by What."""
    sigma = root_mean_square(centred(w))[0]
    H = sigma * sigma * _through_what(Hhat, g, w)
    return 1 + norm_fro(H), 1 + norm_fro(Hhat)
