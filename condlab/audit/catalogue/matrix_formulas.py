"""Formulas of matrices whose second derivatives are exact, singular ones among them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from types import SimpleNamespace

import numpy as np

from condlab.audit.catalogue.formulas import closed, exact, total
from condlab.audit.jets import Jet
from condlab.audit.model import Problem
from condlab.types import Array


def _matrix(ops: SimpleNamespace, t: Array) -> Array:
    return ops.reshape(t, (2, 2))


def _symmetric(ops: SimpleNamespace, t: Array) -> Array:
    return ops.reshape(ops.stack([t[0], t[1], t[1], t[2]]), (2, 2))


def _inverse_sum(t: Sequence[Jet]) -> Jet:
    a, b, c, d = t
    return (a - b - c + d) / (a * d - b * c)


def _log_determinant() -> np.ndarray:
    """Return -X[j, k] X[l, i] for the entries (i, j) and (k, l), X inverse of A."""
    X = [[Fraction(2, 3), Fraction(-1, 3)], [Fraction(-1, 3), Fraction(2, 3)]]
    places = [(i, j) for i in range(2) for j in range(2)]
    return np.array([[float(-X[j][k] * X[m][i]) for k, m in places] for i, j in places])


PROBLEMS: tuple[Problem, ...] = (
    exact(
        "determinant of a singular matrix",
        (1.0, 2.0, 2.0, 4.0),
        lambda ops, t: ops.det(_matrix(ops, t)),
        lambda t: t[0] * t[3] - t[1] * t[2],
        "bilinear in the entries, whatever the inverse",
    ),
    exact(
        "determinant of zero",
        (0.0, 0.0, 0.0, 0.0),
        lambda ops, t: ops.det(_matrix(ops, t)),
        lambda t: t[0] * t[3] - t[1] * t[2],
        "bilinear in the entries",
    ),
    closed(
        "log of a determinant",
        (2.0, 1.0, 1.0, 2.0),
        lambda ops, t: ops.slogdet(_matrix(ops, t))[1],
        _log_determinant(),
        "Magnus and Neudecker 1988",
    ),
    exact(
        "sum of an inverse",
        (2.0, 1.0, 1.0, 1.0),
        lambda ops, t: ops.sum(ops.inv(_matrix(ops, t))),
        _inverse_sum,
        "an inverse in closed form",
    ),
    exact(
        "trace of the exponential at zero",
        (0.0, 0.0, 0.0, 0.0),
        lambda ops, t: ops.trace(ops.expm(_matrix(ops, t))),
        lambda t: t[0] + t[3] + (t[0] * t[0] + 2 * t[1] * t[2] + t[3] * t[3]) / 2,
        "the series to second order",
    ),
    exact(
        "squares of a double eigenvalue",
        (1.0, 0.0, 1.0),
        lambda ops, t: ops.sum(ops.eigvalsh(_symmetric(ops, t)) ** 2),
        lambda t: t[0] * t[0] + 2 * t[1] * t[1] + t[2] * t[2],
        "the squared Frobenius norm, where eigenvalues meet",
    ),
    exact(
        "squares of a double singular value",
        (1.0, 0.0, 0.0, 1.0),
        lambda ops, t: ops.sum(ops.svdvals(_matrix(ops, t)) ** 2),
        lambda t: total([x * x for x in t]),
        "the squared Frobenius norm, where singular values meet",
    ),
)
