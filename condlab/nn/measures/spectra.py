"""What is measured of one weight matrix, a block of columns at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from condlab.bounds import bracket_of_scaled, van_der_sluis
from condlab.comparison import SCALINGS
from condlab.condition._brackets import by_singular_values
from condlab.condition._gram import BLOCK, FLOOR, Spectral, Squares, by_gram, squares
from condlab.condition._inverse import EPS, divided_by_peak
from condlab.types import Bracket, ConditionEstimate, Scaling

MID = (1e-60, 1e60)  # peaks whose squares and their sums are well inside the range
SCALED = ("row", "column", "row-column")


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Singular values, κ₂ before and after scaling, and the norms of the lines."""

    sigma: np.ndarray
    kappa: ConditionEstimate
    rows: np.ndarray
    columns: np.ndarray
    scaled: Mapping[str, ConditionEstimate]
    best_rows: Bracket | None


def measured(A: Tensor, *, scalings: bool = True) -> Measured:
    """Measure a real matrix; raise ValueError where an entry is not finite.

    Half precision and float32 are exact in float64, to which only a block of columns
    is converted where the Gram matrix will do.
    """
    low, high = (float(end) for end in torch.aminmax(A))
    if not (math.isfinite(low) and math.isfinite(high)):
        i, j = torch.isfinite(A).logical_not().nonzero()[0].tolist()
        raise ValueError(f"holds {float(A[i, j])} at ({i}, {j})")
    peak = max(-low, high)
    if not MID[0] < peak < MID[1]:
        return _densely(A, scalings)
    return _Wide(A).measured(scalings)


class _Wide:
    """The matrix or its transpose, whichever has no more rows than columns."""

    def __init__(self, A: Tensor) -> None:
        self.A = A
        self.tall = A.shape[0] > A.shape[1]
        self.wide = A.T if self.tall else A

    def blocks(self) -> Iterator[np.ndarray]:
        for start in range(0, self.wide.shape[1], BLOCK):
            yield self.wide[:, start : start + BLOCK].double().numpy()

    def gram(self, change: Callable[[np.ndarray], np.ndarray]) -> Squares:
        return squares(map(change, self.blocks()), *self.wide.shape)

    def measured(self, scalings: bool) -> Measured:
        lengths: list[np.ndarray] = []

        def noted(B: np.ndarray) -> np.ndarray:
            lengths.append(_column_norms(B))
            return B

        plain = self.gram(noted)
        across = np.concatenate(lengths)
        rows, columns = plain.norms, across
        if rows.min() < FLOOR:
            rows = line_norms(self.wide, 1)
        if self.tall:
            rows, columns = columns, rows
        found = by_gram(plain) or self._by_svd()
        scaled, best = self._scaled(plain) if scalings else ({}, None)
        return Measured(found.sigma, found.kappa, rows, columns, scaled, best)

    def _by_svd(self) -> Spectral:
        return _by_svd(self.A.double().numpy())

    def _scaled(
        self, plain: Squares
    ) -> tuple[dict[str, ConditionEstimate], Bracket | None]:
        along = plain.equilibrated()
        across = self.gram(_unit_columns)
        if self.tall:
            both = across.equilibrated()
        else:
            norms = plain.norms[:, None]
            norms = np.where(norms > 0, norms, 1.0)
            both = self.gram(lambda B: _unit_columns(B / norms))
        grams = {"row": along, "column": across, "row-column": both}
        if self.tall:
            grams |= {"row": across, "column": along}
        found = {name: by_gram(gram) for name, gram in grams.items()}
        scaled = {
            name: one.kappa if one else _after(self.A, name)
            for name, one in found.items()
        }
        equilibrated = found["row"]
        if equilibrated is None:
            return scaled, van_der_sluis(self.A.double().numpy())
        return scaled, self._best_rows(equilibrated)

    def _best_rows(self, found: Spectral) -> Bracket:
        """Bracket the best κ of D A as `van_der_sluis` does, from the same spectrum.

        With the largest entry of D at 1, |D B| is at least the shortest row of B, and
        |(D B)⁺| at least |B⁺|. Rows are as long as 1 up to the rounding of their norms.
        """
        slack = 1 - (max(self.A.shape) + 16) * EPS
        lower = max(1.0, slack / found.least.upper)
        if not self.tall:
            lower = max(lower, math.sqrt(found.kappa.lower) * slack)
        factor = math.sqrt(self.A.shape[0])
        return Bracket(
            lower, found.kappa.upper, max(1.0, min(factor, float(found.sigma[0])))
        )


def _unit_columns(B: np.ndarray) -> np.ndarray:
    norms = _column_norms(B)
    return B / np.where(norms > 0, norms, 1.0)


def _column_norms(B: np.ndarray) -> np.ndarray:
    norms = np.sqrt(np.einsum("ij,ij->j", B, B))
    small = norms < FLOOR
    if small.any():  # their squares may be below the range of floats
        peaks = np.abs(B[:, small]).max(axis=0)
        units = np.where(peaks > 0, peaks, 1.0)
        norms[small] = np.linalg.norm(B[:, small] / units, axis=0) * peaks
    return norms


def _by_svd(A: np.ndarray) -> Spectral:
    A = np.ascontiguousarray(A)
    peak = float(np.abs(A).max())
    B = divided_by_peak(A)
    sigma = np.linalg.svd(B, compute_uv=False)
    unit = peak / float(np.abs(B).max()) if peak else 1.0
    return Spectral(
        sigma * unit, by_singular_values(B, 2, sigma), Bracket(0.0, math.inf)
    )


def _after(A: Tensor, name: str) -> ConditionEstimate:
    """Return κ₂ of the exactly scaled matrix; the rounding of its entries is in it."""
    dense = A.double().numpy()
    scaling: Scaling = SCALINGS[name].function(dense)
    B = np.ascontiguousarray(scaling.apply(dense))
    found = by_singular_values(divided_by_peak(B), 2)
    lower, upper = bracket_of_scaled(B, 2, True)
    lower = max(1.0, lower)
    value = math.inf if math.isinf(upper) else min(max(found.value, lower), upper)
    return ConditionEstimate(value, lower, upper, 2, found.method)


def _densely(A: Tensor, scalings: bool) -> Measured:
    """Measure a matrix whose squares may leave the range of floats, or of zeros."""
    dense = A.double().numpy()
    found = _by_svd(dense)
    scaled = {name: _after(A, name) for name in SCALED} if scalings else {}
    best = van_der_sluis(dense) if scalings else None
    rows, columns = line_norms(A, 1), line_norms(A, 0)
    return Measured(found.sigma, found.kappa, rows, columns, scaled, best)


def line_norms(A: Tensor, axis: int) -> np.ndarray:
    """Return the norms of the rows (axis 1) or columns of A, whatever its range."""
    dense = A.double().numpy()
    return _column_norms(dense.T if axis == 1 else dense)
