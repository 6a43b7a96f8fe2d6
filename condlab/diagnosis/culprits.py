"""Rows and columns that a condition number comes from, and what it is without them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp

from condlab.condition.affordable import kappa
from condlab.diagnosis._lines import kappas_rescaled, kappas_without, line_factors
from condlab.display.tables import record
from condlab.types import Array, Scaling

MATTERS = 10.0  # the factor of κ from which on a line is named
WEIGHT = 0.1  # the least dual weight of a line that is nearly dependent
CANDIDATES = 20  # lines of a large matrix that are tried, the oddest first
AXES: tuple[Literal["row", "column"], ...] = ("row", "column")


@dataclass(frozen=True, slots=True)
class Culprit:
    """A row or column that a condition number comes from.

    Parameters
    ----------
    axis : {"row", "column"}
        Which kind of line.
    index : int
        Which line, from 0.
    reason : {"size", "dependence"}
        Entries out of line with the others', or a line that others nearly combine to.
    factor : float
        How many times too large its entries are; below 1 they are too small.
    left_alone : float
        The condition number that the best scaling would leave if it left this line in
        its own units.
    without : float
        That of the scaled matrix without this line, which bounds κ* without it from
        above; nan where it was not computed.
    weight : float
        Its dual weight: the mean share of the line in the extreme singular vectors of
        the scaled matrix, 1 at most; nan where it was not computed.

    Notes
    -----
    The condition numbers are as good as a singular value decomposition, not brackets.
    """

    axis: Literal["row", "column"]
    index: int
    reason: Literal["size", "dependence"]
    factor: float
    left_alone: float
    without: float
    weight: float

    def to_dict(self) -> dict[str, object]:
        """Return the fields."""
        return record(self)


def find_culprits(
    A: Array, scaling: Scaling | None, before: float
) -> tuple[Culprit, ...]:
    """Return the lines that κ₂ of a dense or small matrix comes from, the worst first.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        Finite.
    scaling : Scaling or None
        The best that is known; None where none has a finite κ.
    before : float
        κ₂ of A, inf where it cannot be told from a singular matrix.

    Returns
    -------
    tuple of Culprit
        A line's size is to blame where κ of the scaled matrix would be ten times larger
        with this line in its own units, and scaling as a whole gains as much. A line
        is nearly dependent where κ falls to a tenth without it, and a tenth of its
        extreme singular vectors are its own. A singular matrix is judged by its
        singular values that are not zero.
    """
    factors = line_factors(sp.coo_array(A))
    scaling = Scaling(1 / factors[0], 1 / factors[1]) if scaling is None else scaling
    B = _dense(scaling.apply(A))
    peak = np.abs(B).max()
    U, sigma, Vt = np.linalg.svd(B / peak if peak > 0 else B, full_matrices=False)
    rank = int((sigma > sigma[0] * max(B.shape) * np.finfo(float).eps).sum())
    if rank == 0:
        return ()
    sigma, singular = sigma[:rank], rank < min(B.shape)
    now = float(sigma[0] / sigma[-1])
    gains = singular or before >= MATTERS * now
    found = []
    for axis, vectors, odd in zip(AXES, (U, Vt.T), factors, strict=True):
        shares = np.abs(vectors[:, :rank]) ** 2
        weights = (shares[:, 0] + shares[:, -1]) / 2
        alone = kappas_rescaled(sigma, shares, odd)
        without = np.full(len(odd), np.nan)
        if len(odd) == rank:
            without = kappas_without(sigma, shares)
        elif not singular:
            without = kappas_rescaled(sigma, shares, np.zeros(len(odd)))
        sizes = gains & (alone >= MATTERS * now)
        near = ~sizes & (without * MATTERS <= now) & (shares[:, -1] >= WEIGHT)
        for k in np.flatnonzero(sizes | near):
            reason: Literal["size", "dependence"] = "size" if sizes[k] else "dependence"
            numbers = (float(x[k]) for x in (odd, alone, without, weights))
            found.append(Culprit(axis, int(k), reason, *numbers))
    return tuple(sorted(found, key=_order))


def find_large_culprits(A: Array, scaling: Scaling, now: float) -> tuple[Culprit, ...]:
    """Return those of a large sparse matrix, from estimates for the oddest lines."""
    found = []
    factors = line_factors(sp.coo_array(A))
    oddest = sorted(
        (
            (abs(math.log(odd)), axis, k, float(odd))
            for axis, each in zip(AXES, factors, strict=True)
            for k, odd in enumerate(each)
        ),
        reverse=True,
    )
    for _, axis, k, odd in oddest[:CANDIDATES]:
        d = np.ones(A.shape[AXES.index(axis)])
        d[k] = odd
        own = Scaling(left=d) if axis == "row" else Scaling(right=d)
        alone = kappa(own.compose(scaling).apply(A), 2, True).value
        if alone >= MATTERS * now:
            found.append(Culprit(axis, k, "size", odd, alone, math.nan, math.nan))
    return tuple(sorted(found, key=_order))


def _order(culprit: Culprit) -> tuple[bool, float, float]:
    size = culprit.reason == "size"
    return (not size, -culprit.left_alone if size else -culprit.weight, culprit.index)


def _dense(B: Array) -> np.ndarray:
    return np.asarray(B.toarray() if sp.issparse(B) else B)
