"""Optima with formulas: Bauer's in the 1- and inf-norm, Smith's in Frobenius's."""

from __future__ import annotations

from typing import Literal

import numpy as np

from condlab.bounds import bauer
from condlab.condition._inverse import EPS, UNIT_ROUNDOFF
from condlab.norms import row_norms
from condlab.optimal._units import middle_units
from condlab.optimal.one_sided.dense import Found
from condlab.scaling import row_column_scaling, row_scaling
from condlab.types import Scaling

DAMPING = 1e-30  # makes a reducible matrix irreducible, for a vector near the infimum
SQUARINGS = 60
SMALLEST = 2.0**-900  # of the sums that are multipliers
MOST = 2.0**500  # of an inverse, whose Gram matrix is formed


def rows(A: np.ndarray, p: Literal[1, "inf"]) -> Found:
    """Scale the rows for the best κ_p, by Bauer's formulas."""
    lower = bauer(A, side="left", p=p).lower
    if p == "inf":
        return Found(row_scaling(A, p=1).left, None, lower, 0)
    units = middle_units(A, "both")
    inverse = _inverse(units.apply(A))
    if inverse is None:
        return Found(row_scaling(A, p="inf").left, None, lower, 0)
    sizes = np.abs(inverse)  # of A⁻¹ in units of its rows
    shifts = units.columns - units.columns.max()
    sums = np.maximum(np.ldexp(sizes, shifts[:, None]).sum(axis=0), SMALLEST)
    return Found(np.ldexp(sums, units.rows), None, lower, 0)


def both(A: np.ndarray, p: Literal[1, "inf"]) -> Found:
    """Scale rows and columns for the best κ_p, by Perron vectors of |A⁻¹| |A|."""
    lower = bauer(A, side="both", p=p).lower
    # In units of its own the inverse may have no digits.
    start = row_column_scaling(A, rounding="power-of-two")
    A = start.apply(A)
    B = A if p == "inf" else A.T
    inverse = _inverse(B)
    if inverse is None:
        return Found(start.left, start.right, lower, 0)
    T = np.abs(inverse) @ np.abs(B)
    T = T / T.max() + DAMPING / len(T)
    for _ in range(SQUARINGS):
        T = T @ T
        T /= T.max()
    x = T.sum(axis=1)
    left, right = 1 / (np.abs(B) @ x), x
    if p == 1:
        left, right = right, left
    found = Scaling(left, right).compose(start)
    return Found(found.left, found.right, lower, 0)


def rows_frobenius(A: np.ndarray) -> Found:
    """Scale independent rows for the best κ_F: d_i² = ‖A⁺ e_i‖ / ‖a_i‖.

    ‖A⁺ e_i‖ ≥ 1 / ‖Aᵀ c‖ for every c with c_i = 1, with equality for column i of
    (A Aᵀ)⁻¹; computed columns, and the rounding of Aᵀ c, give the certain bound.
    """
    units = np.asarray(row_scaling(A, rounding="power-of-two").left)
    B = units[:, None] * A  # exact
    inverse = _inverse(np.linalg.qr(B.T)[1])
    if inverse is None or np.abs(inverse).max() > MOST:
        return Found(units, None, float(len(B)), 0)
    C = inverse @ inverse.T
    C = C / np.diagonal(C)
    np.fill_diagonal(C, 1.0)
    gamma = (len(B) + 8) * UNIT_ROUNDOFF
    distances = row_norms(
        (np.abs(B.T @ C) + gamma * (np.abs(B).T @ np.abs(C))).T, p=2
    ) * (1 + 4 * len(B.T) * EPS)
    norms = row_norms(B)
    lower = float((norms / distances).sum()) * (1 - 4 * sum(B.shape) * EPS)
    best = np.sqrt(np.linalg.norm(inverse, axis=1) / norms)
    return Found(units * best, None, max(lower, float(len(B))), 0)


def _inverse(A: np.ndarray) -> np.ndarray | None:
    """Return the inverse, None where elimination has no digits for it.

    Whoever calls has seen that A is not certainly singular.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            inverse = np.linalg.inv(A)
        except np.linalg.LinAlgError:
            return None
    return inverse if np.isfinite(inverse).all() else None
