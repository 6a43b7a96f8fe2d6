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
from condlab.theory.balls import Ball, Balls, norm_fro
from condlab.theory.formula import theorem
from condlab.theory.references import WEIGHT_STANDARDIZATION as SOURCE
from condlab.theory.strategies import st
from condlab.theory.vocabulary.series import hessian
from condlab.theory.vocabulary.standardization import (
    centred,
    divided,
    root_mean_square,
    same,
    weights,
)


def _by_w(Hdot: Balls) -> Balls:
    """Return the Hessian by W of a loss with the Hessian Hdot by Wdot."""
    origin = balls.ball(np.zeros(len(Hdot)))
    return hessian(lambda w: centred(w) @ Hdot @ centred(w) / 2, origin)


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


def _square(H: Balls) -> Ball:
    return (H * H).sum()


def _total(H: Balls) -> Ball:
    """Return (sum of all entries)^2 / I^2."""
    return H.sum() * H.sum() / (len(H) * len(H))


def _lines(H: Balls) -> Ball:
    """Return (1/I) (sum of squared row sums + sum of squared column sums)."""
    rows, columns = H.sum(axis=1), H.sum(axis=0)
    return (rows @ rows + columns @ columns) / len(H)


def _points(size: int) -> st.SearchStrategy:
    """Draw (Hessian and gradient by What, weights); linear losses have no Hessian."""
    linear = st.just(np.zeros((size, size)))
    hessians = st.one_of(strategies.symmetric(size), linear)
    return st.tuples(hessians, strategies.vectors(size), weights(size))


def _sigma_kept(Hhat: Balls, g: Balls, w: Balls) -> tuple[Ball, Ball]:
    """State ||H|| <= ||Hhat||, with 1 added so that 0 <= 0 can be decided."""
    return 1 + norm_fro(_through_what(Hhat, g, w)), 1 + norm_fro(Hhat)


def _sigma_cancelled(Hhat: Balls, g: Balls, w: Balls) -> tuple[Ball, Ball]:
    sigma = root_mean_square(centred(w))[0]
    H = sigma * sigma * _through_what(Hhat, g, w)
    return 1 + norm_fro(H), 1 + norm_fro(Hhat)


def _is_symmetric(A: np.ndarray) -> bool:
    return bool((A == A.T).all())


LATEX_17 = (
    r"H_{i,j} = \dot H_{i,j} - \frac1I\sum_k(\dot H_{i,k} + \dot H_{k,j}) + "
    r"\frac{1}{I^2}\sum_{p,q}\dot H_{p,q}"
)
SUM = r"\left(\sum_{i,j}\dot H_{i,j}\right)^2"
LINES = (
    r"\frac1I\sum_i\left(\sum_j\dot H_{i,j}\right)^2 - "
    r"\frac1I\sum_j\left(\sum_i\dot H_{i,j}\right)^2"
)

CENTRED = (
    theorem(
        "ws-eq17",
        "H is Hdot without the means of its rows and columns, where Hdot is the "
        "Hessian by What and H that by W of the loss through equations 5 and 6.",
        SOURCE.at("Equations 16 and 17"),
        _points,
        lambda Hhat, g, w: same(_through_what(Hhat, g, w), _equation_17(Hhat)),
        latex=LATEX_17,
        note="As printed in the copy at hand. At I = 2, What is constant but for its "
        "sign, so H = 0. At I = 1, What is not defined.",
        false_from=2,
    ),
    theorem(
        "ws-eq17-dot",
        "H is Hdot without the means of its rows and columns, where Hdot is the "
        "Hessian by Wdot.",
        SOURCE.at("Equation 17, for equation 5 alone"),
        strategies.symmetric,
        lambda Hdot: same(_by_w(Hdot), _equation_17(Hdot)),
        latex=LATEX_17,
        note="That is H = P Hdot P.",
    ),
    theorem(
        "ws-eq18",
        "The entries of the Hessian by W sum to zero, through equations 5 and 6.",
        SOURCE.at("Equation 18"),
        _points,
        lambda Hhat, g, w: same(_through_what(Hhat, g, w).sum(), balls.arb(0)),
        latex=r"\sum_{i,j} H_{i,j} = 0",
    ),
    theorem(
        "ws-eq18-dot",
        "The entries of the Hessian by W sum to zero, through equation 5 alone.",
        SOURCE.at("Equation 18, for equation 5 alone"),
        strategies.symmetric,
        lambda Hdot: same(_by_w(Hdot).sum(), balls.arb(0)),
        latex=r"\sum_{i,j} H_{i,j} = 0",
    ),
    theorem(
        "ws-eq18-rows",
        "Every row of the Hessian by W sums to zero, through equations 5 and 6.",
        SOURCE.at("Equation 18, sharpened"),
        _points,
        lambda Hhat, g, w: same(
            _through_what(Hhat, g, w).sum(axis=1), balls.ball(np.zeros(len(w)))
        ),
        latex=r"H\mathbf{1} = 0",
        note="The loss does not change when a constant is added to W.",
    ),
)

FROBENIUS = (
    theorem(
        "ws-eq19",
        "Centring lowers the Frobenius norm of the Hessian by at least the squared sum "
        "of its entries over I^2.",
        SOURCE.at("Equation 19, last line"),
        strategies.symmetric,
        lambda Hdot: (norm_fro(_by_w(Hdot)) + _total(Hdot), norm_fro(Hdot)),
        latex=rf"\|H\|_F \le \|\dot H\|_F - \frac{{1}}{{I^2}}{SUM}",
        note="As printed. At I = 1 it says 0 <= |h| - h^2.",
        false_from=1,
    ),
    theorem(
        "ws-eq19-first-line",
        "The Frobenius norm of the Hessian by W is the sum of its squared entries.",
        SOURCE.at("Equation 19, first line"),
        strategies.symmetric,
        lambda Hdot: same(norm_fro(_by_w(Hdot)), _square(_by_w(Hdot))),
        latex=r"\|H\|_F = \sum_{i,j} H_{i,j}^2",
        note="As printed; the root is missing. At I = 1, H = 0.",
        false_from=2,
    ),
    theorem(
        "ws-eq19-second-line",
        "The Frobenius norms of H and Hdot differ by the squared sum of entries over "
        "I^2 less the squared sums of rows and columns over I.",
        SOURCE.at("Equation 19, second line"),
        strategies.symmetric,
        lambda Hdot: same(
            norm_fro(_by_w(Hdot)), norm_fro(Hdot) + _total(Hdot) - _lines(Hdot)
        ),
        latex=rf"\|H\|_F = \|\dot H\|_F + \frac{{1}}{{I^2}}{SUM} - {LINES}",
        note="As printed. At I = 1 it says 0 = |h| - h^2.",
        false_from=1,
    ),
    theorem(
        "ws-eq19-prose",
        "The Frobenius norm of the Hessian by the centred weights is at most that by "
        "the weights.",
        SOURCE.at("The sentence before equation 16"),
        strategies.symmetric,
        lambda Hdot: (norm_fro(Hdot), norm_fro(_by_w(Hdot))),
        latex=r"\|\dot H\|_F \le \|H\|_F",
        note="As printed, with the two sides exchanged. At I = 1, H = 0.",
        false_from=1,
    ),
    theorem(
        "ws-eq19-decrease",
        "The Frobenius norm of the Hessian by the weights is at most that by the "
        "centred weights.",
        SOURCE.at("The sentence before equation 16, corrected"),
        strategies.symmetric,
        lambda Hdot: (norm_fro(_by_w(Hdot)), norm_fro(Hdot)),
        latex=r"\|H\|_F \le \|\dot H\|_F",
        admits=_is_symmetric,
    ),
    theorem(
        "ws-eq19-squared-equality",
        "The squared Frobenius norms of H and Hdot differ by the squared sum of "
        "entries over I^2 less the squared sums of rows and columns over I.",
        SOURCE.at("Equation 19, second line, with the squares it needs"),
        strategies.symmetric,
        lambda Hdot: same(
            _square(_by_w(Hdot)), _square(Hdot) + _total(Hdot) - _lines(Hdot)
        ),
        latex=rf"\|H\|_F^2 = \|\dot H\|_F^2 + \frac{{1}}{{I^2}}{SUM} - {LINES}",
    ),
    theorem(
        "ws-eq19-squared",
        "Centring lowers the squared Frobenius norm of the Hessian by at least the "
        "squared sum of its entries over I^2.",
        SOURCE.at("Equation 19, last line, with the squares it needs"),
        strategies.symmetric,
        lambda Hdot: (_square(_by_w(Hdot)) + _total(Hdot), _square(Hdot)),
        latex=rf"\|H\|_F^2 \le \|\dot H\|_F^2 - \frac{{1}}{{I^2}}{SUM}",
        admits=_is_symmetric,
        note="By Cauchy and Schwarz; attained where all row sums are equal.",
    ),
    theorem(
        "ws-eq19-hat",
        "The Frobenius norm of the Hessian by W, through equations 5 and 6, is at most "
        "that by What.",
        SOURCE.at("The sentence before equation 16, with equation 6"),
        _points,
        _sigma_kept,
        latex=r"\|\nabla_W^2 L\|_F \le \|\nabla_{\hat W}^2 L\|_F",
        note="Sigma and the gradient come in. At I = 2, H = 0.",
        false_from=3,
    ),
    theorem(
        "ws-eq19-hat-sigma-cancelled",
        "The Frobenius norm of the Hessian by W, through equations 5 and 6 and times "
        "sigma^2, is at most that by What.",
        SOURCE.at("The sentence before equation 16, with equation 6"),
        _points,
        _sigma_cancelled,
        latex=r"\sigma_W^2\|\nabla_W^2 L\|_F \le \|\nabla_{\hat W}^2 L\|_F",
        note="A linear loss has no Hessian by What, and one by W. At I = 2, H = 0.",
        false_from=3,
    ),
)

THEOREMS = (*CENTRED, *FROBENIUS)
