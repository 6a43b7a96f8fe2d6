"""What is known of the weight matrices of a network: a row each, and the table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, overload

import numpy as np

from condlab._typing import Record
from condlab.display.digits import interval, shown
from condlab.display.tables import as_frame, as_html, as_text, shortened
from condlab.types import Bracket, ConditionEstimate

if TYPE_CHECKING:
    import pandas as pd

_HEAD = (
    "layer",
    "shape",
    "dtype",
    "kappa_2",
    "certainly in",
    "rank",
    "sigma_max",
    "row",
    "column",
    "row-column",
)


@dataclass(frozen=True, slots=True, eq=False)
class LayerRow:
    """One weight matrix of a network and how well it is conditioned.

    Parameters
    ----------
    name : str
        Of the tensor, with ``[part]`` where it holds several matrices.
    kind : str
        "linear", "convolution", "depthwise" (a row a channel), "operator",
        "attention", "head", "recurrent", "embedding", "stack" or "matrix".
    shape : tuple of int
        Of the matrix; of an operator, of each frequency's block times their number.
    dtype : str
        As stored. All of them are exact in float64.
    kappa : ConditionEstimate
        In the 2-norm.
    rank : int
        Singular values above max(m, n) ε σ_1, with ε of float64.
    sigma : array, shape (min(m, n),)
        Singular values, descending.
    row_spread, column_spread : float
        The longest row over the shortest, and so for columns; inf with a row of zeros.
    scaled : mapping of str to ConditionEstimate
        After "row", "column" and "row-column" scaling, where asked for.
    best_rows : Bracket or None
        Van der Sluis's, of the best κ₂ that row scaling reaches.
    best : Bracket or None
        The certified one of `condlab.optimal_scaling`, on request.
    """

    name: str
    kind: str
    shape: tuple[int, int]
    dtype: str
    kappa: ConditionEstimate
    rank: int
    sigma: np.ndarray = field(repr=False)
    row_spread: float
    column_spread: float
    scaled: Mapping[str, ConditionEstimate]
    best_rows: Bracket | None = None
    best: Bracket | None = None

    @property
    def sigma_max(self) -> float:
        """Return the largest singular value."""
        return float(self.sigma[0])

    @property
    def effective_kappa(self) -> float:
        """Return σ_1/σ_r with r the rank; nan of zeros."""
        return (
            self.sigma_max / float(self.sigma[self.rank - 1]) if self.rank else math.nan
        )

    @property
    def stable_rank(self) -> float:
        """Return ‖A‖_F²/‖A‖₂²; 0 of zeros."""
        top = self.sigma_max
        return float(np.sum((self.sigma / top) ** 2)) if top > 0 else 0.0

    @property
    def gmcn(self) -> float:
        """Return σ_1 over the mean of the smallest tenth, rounded up to one."""
        least = self.sigma[-math.ceil(len(self.sigma) / 10) :]
        low = float(np.mean(least))
        return self.sigma_max / low if low > 0 else math.inf

    def to_dict(self) -> Record:
        """Return the row as numbers and words, without the singular values."""
        row: Record = {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "dtype": self.dtype,
            **_ends("kappa", self.kappa),
            "method": self.kappa.method,
            "rank": self.rank,
            "effective_kappa": self.effective_kappa,
            "sigma_max": self.sigma_max,
            "stable_rank": self.stable_rank,
            "gmcn": self.gmcn,
            "row_spread": self.row_spread,
            "column_spread": self.column_spread,
        }
        for name, kappa in self.scaled.items():
            row |= _ends(f"kappa_{name.replace('-', '_')}", kappa)
        for name, end in (("van_der_sluis", self.best_rows), ("best", self.best)):
            row |= (
                {f"{name}_lower": end.lower, f"{name}_upper": end.upper} if end else {}
            )
        return row


def _ends(name: str, kappa: ConditionEstimate) -> dict[str, float]:
    return {
        name: kappa.value,
        f"{name}_lower": kappa.lower,
        f"{name}_upper": kappa.upper,
    }


@dataclass(frozen=True, slots=True, eq=False)
class LayerTable(Sequence[LayerRow]):
    """What `layer_table` found, in the order of the network.

    Parameters
    ----------
    rows : tuple of LayerRow
        One a matrix.
    left_out : mapping of str to str
        Tensors of two axes and more that are not in it, and why.
    entries : int
        Of the tensors that the rows are of.
    """

    rows: tuple[LayerRow, ...]
    left_out: Mapping[str, str]
    entries: int

    @overload
    def __getitem__(self, index: int) -> LayerRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LayerRow, ...]: ...
    def __getitem__(self, index: int | slice) -> LayerRow | tuple[LayerRow, ...]:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def helped(self, scaling: str) -> tuple[int, int, int, float]:
        """Return in how many full-rank layers κ certainly fell, rose, of how many.

        The fourth number is the median of κ after over κ before.
        """
        rows = [
            r for r in self.rows if scaling in r.scaled and math.isfinite(r.kappa.upper)
        ]
        fell = sum(r.scaled[scaling].upper < r.kappa.lower for r in rows)
        rose = sum(r.scaled[scaling].lower > r.kappa.upper for r in rows)
        ratios = [r.scaled[scaling].value / r.kappa.value for r in rows]
        return fell, rose, len(rows), median(ratios) if ratios else math.nan

    def summary(self) -> str:
        """Return in a sentence for how many layers equilibration helps."""
        full = sum(math.isfinite(row.kappa.upper) for row in self.rows)
        said = [f"{len(self.rows)} matrices, {full} of certain full rank"]
        for name in ("row", "column", "row-column"):
            fell, rose, of, ratio = self.helped(name)
            if of:
                said.append(
                    f"{name} scaling lowers kappa in {fell} of {of} and raises it in "
                    f"{rose} (median x {ratio:.3g})"
                )
        return "; ".join(said)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row a matrix; needs pandas."""
        return as_frame((row.to_dict() for row in self.rows), "name")

    def to_dict(self) -> Record:
        """Return the rows, without singular values, and what was left out."""
        layers = [row.to_dict() for row in self.rows]
        left_out, entries = dict(self.left_out), self.entries
        return {"layers": layers, "left_out": left_out, "entries": entries}

    def cells(self) -> list[tuple[str, ...]]:
        """Return what is printed: a head, and a line for each row."""
        return [_HEAD, *(_line(row) for row in self.rows)]

    def __str__(self) -> str:
        notes = [f"left out: {name} {why}" for name, why in self.left_out.items()]
        return "\n".join([as_text(self.cells()), "", self.summary(), *notes])

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return as_html(shortened(self.cells()), [self.summary()])


def _line(row: LayerRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.shape[0]} x {row.shape[1]}",
        row.dtype,
        shown(row.kappa),
        interval(row.kappa.lower, row.kappa.upper),
        str(row.rank),
        f"{row.sigma_max:.4g}",
        *(
            shown(row.scaled[name]) if name in row.scaled else ""
            for name in ("row", "column", "row-column")
        ),
    )
