"""Formulas whose second derivatives are exact: at zeros, ties and removable poles.

A formula is written once for any library: it takes the library's functions by name
(`ops`, see `condlab.audit.subjects`) and the point. Its truth is a jet in rationals of
what the formula means, or a closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TypeAlias

import numpy as np

from condlab.audit.jets import Jet, log_sum_exp, variables
from condlab.audit.model import Problem
from condlab.types import Array

Law: TypeAlias = Callable[[SimpleNamespace, Array], Array]

JETS = "second derivatives in rationals, by jets"
CLOSED = "closed form"


@dataclass(frozen=True)
class Formula:
    """Function of a vector, and where to differentiate it.

    Parameters
    ----------
    point : tuple of float
        Where.
    of : callable
        ``of(ops, t)`` gives the value at t, in a library's functions `ops`.
    """

    point: tuple[float, ...]
    of: Law


def _sorted_sum_squared(ops: SimpleNamespace, t: Array) -> Array:
    low, middle, high = ops.sort(t)
    return (low + 2 * middle + 3 * high) ** 2


def _root(x: Jet, y: Jet) -> Jet:
    return (x * x + y * y).sqrt()


def total(jets: Sequence[Jet]) -> Jet:
    """Return the sum."""
    return sum(jets[1:], jets[0])


def _prefixes(t: Sequence[Jet]) -> list[Jet]:
    out = [t[0]]
    for x in t[1:]:
        out.append(out[-1] * x)
    return out


def _variance(t: Sequence[Jet]) -> Jet:
    mean = total(t) / len(t)
    return total([(x - mean).square() for x in t]) / (len(t) - 1)


def exact(
    name: str,
    point: tuple[float, ...],
    of: Law,
    jet: Callable[[list[Jet]], Jet],
    source: str,
) -> Problem:
    """Return a formula whose truth is that of a jet."""
    return Problem(
        "hessian",
        name,
        lambda: Formula(point, of),
        lambda: jet(variables(point)).matrix(),
        JETS,
        source,
    )


def closed(
    name: str,
    point: tuple[float, ...],
    of: Law,
    truth: Sequence[Sequence[float]] | np.ndarray,
    source: str,
) -> Problem:
    """Return a formula whose truth is known in closed form."""
    return Problem(
        "hessian",
        name,
        lambda: Formula(point, of),
        lambda: np.array(truth, float),
        CLOSED,
        source,
    )


LOG2 = math.log(2)

PROBLEMS: tuple[Problem, ...] = (
    exact(
        "rosenbrock",
        (-1.0, 2.0),
        lambda _, t: (1 - t[0]) ** 2 + 100 * (t[1] - t[0] ** 2) ** 2,
        lambda t: (1 - t[0]).square() + 100 * (t[1] - t[0] * t[0]).square(),
        "Rosenbrock 1960",
    ),
    exact(
        "a quotient",
        (1.0, 2.0),
        lambda _, t: t[0] / (1 + t[1] ** 2),
        lambda t: t[0] / (1 + t[1] * t[1]),
        "plain arithmetic",
    ),
    exact(
        "norm",
        (3.0, 4.0),
        lambda ops, t: ops.norm(t),
        lambda t: _root(*t),
        "a norm off zero",
    ),
    exact(
        "product with a zero",
        (0.0, 2.0, 3.0),
        lambda ops, t: ops.prod(t),
        lambda t: t[0] * t[1] * t[2],
        "the product over an entry is no way to its derivative",
    ),
    exact(
        "product with two zeros",
        (0.0, 0.0, 3.0),
        lambda ops, t: ops.prod(t),
        lambda t: t[0] * t[1] * t[2],
        "the gradient is zero, the Hessian is not",
    ),
    exact(
        "cumulative products with zeros",
        (0.0, 0.0, 3.0),
        lambda ops, t: ops.sum(ops.cumprod(t)),
        lambda t: total(_prefixes(t)),
        "the gradient is a sum of products without an entry",
    ),
    exact(
        "logsumexp of equals",
        (0.0, 0.0, 0.0),
        lambda ops, t: ops.logsumexp(t),
        log_sum_exp,
        "softmax of equal scores",
    ),
    exact(
        "logcumsumexp of equals",
        (0.0, 0.0, 0.0),
        lambda ops, t: ops.sum(ops.logcumsumexp(t)),
        lambda t: total([log_sum_exp(t[: k + 1]) for k in range(3)]),
        "running softmax of equal scores",
    ),
    closed(
        "sinc at zero",
        (0.0,),
        lambda ops, t: ops.sinc(t[0]),
        [[-(math.pi**2) / 3]],
        "1 - (pi x)^2 / 6 + ...: a removable pole",
    ),
    closed(
        "gelu at zero",
        (0.0,),
        lambda ops, t: ops.gelu(t[0]),
        [[2 / math.sqrt(2 * math.pi)]],
        "twice the normal density",
    ),
    closed(
        "silu at zero",
        (0.0,),
        lambda ops, t: ops.silu(t[0]),
        [[0.5]],
        "x times the logistic function",
    ),
    closed(
        "log of the logistic function",
        (0.0,),
        lambda ops, t: ops.logsigmoid(t[0]),
        [[-0.25]],
        "-s (1 - s)",
    ),
    closed(
        "x^1 + x^2 at zero",
        (0.0,),
        lambda ops, t: ops.power(t[0], 1.0) + ops.power(t[0], 2.0),
        [[2.0]],
        "the second power's; zero to the power of -1 is not in it",
    ),
    closed(
        "|x|^3 + x^2 at zero",
        (0.0,),
        lambda ops, t: ops.abs(t[0]) ** 3 + t[0] ** 2,
        [[2.0]],
        "twice differentiable",
    ),
    closed(
        "x^y",
        (2.0, 3.0),
        lambda ops, t: ops.power(t[0], t[1]),
        [[12.0, 4 + 12 * LOG2], [4 + 12 * LOG2, 8 * LOG2**2]],
        "both are variables",
    ),
    closed(
        "x log y at x = 0",
        (0.0, 2.0),
        lambda ops, t: ops.xlogy(t[0], t[1]),
        [[0.0, 0.5], [0.5, 0.0]],
        "the limit that entropies take",
    ),
    exact(
        "the square of the largest",
        (1.0, 2.0, 3.0),
        lambda ops, t: ops.max(t) ** 2,
        lambda t: t[2] * t[2],
        "no tie",
    ),
    exact(
        "a sorted sum, squared",
        (3.0, 1.0, 2.0),
        _sorted_sum_squared,
        lambda t: (t[1] + 2 * t[2] + 3 * t[0]).square(),
        "no tie",
    ),
    closed(
        "an angle",
        (3.0, 4.0),
        lambda ops, t: ops.atan2(t[1], t[0]),
        [[24 / 625, 7 / 625], [7 / 625, -24 / 625]],
        "atan2 off the axes",
    ),
    exact(
        "cosine of an angle",
        (3.0, 4.0),
        lambda ops, t: t[0] / ops.norm(t),
        lambda t: t[0] / _root(*t),
        "the direction of a vector",
    ),
    exact(
        "a distance",
        (0.0, 0.0, 3.0, 4.0),
        lambda ops, t: ops.distance(t[:2], t[2:]),
        lambda t: _root(t[2] - t[0], t[3] - t[1]),
        "pairwise distances",
    ),
    exact(
        "variance",
        (0.0, 1.0, 2.0),
        lambda ops, t: ops.var(t),
        _variance,
        "n - 1 below",
    ),
    exact(
        "standard deviation",
        (0.0, 1.0, 2.0),
        lambda ops, t: ops.std(t),
        lambda t: _variance(t).sqrt(),
        "n - 1 below",
    ),
    closed(
        "Bessel's I_0 at zero",
        (0.0,),
        lambda ops, t: ops.i0(t[0]),
        [[0.5]],
        "1 + x^2 / 4 + ...",
    ),
    closed(
        "log of the gamma function at 1",
        (1.0,),
        lambda ops, t: ops.gammaln(t[0]),
        [[math.pi**2 / 6]],
        "the trigamma function",
    ),
)
