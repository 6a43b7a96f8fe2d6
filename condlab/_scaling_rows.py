"""What scalings made of a matrix: a row each, and the rows as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

from condlab.display.digits import interval, shown
from condlab.display.tables import as_frame, as_html, as_text
from condlab.types import Bracket, ConditionEstimate, Norm, Record, Scaling

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["left", "right", "symmetric", "both"]


@dataclass(frozen=True, slots=True)
class ScalingRow:
    """One scaling of a matrix, its condition number, and the best of its kind.

    Parameters
    ----------
    name : str
        A key of `SCALINGS`, "none" or "optimal".
    kappa : ConditionEstimate
        Of the scaled matrix.
    scaling : Scaling
        The multipliers.
    side : str
        Of `SCALINGS`; empty for "none".
    best : Bracket or None
        Of the best condition number that a scaling of the side reaches, where a theorem
        or a certificate bounds it.
    stopped : str
        Why the search for the optimal one ended.
    """

    name: str
    kappa: ConditionEstimate
    scaling: Scaling
    side: Side | Literal[""] = ""
    best: Bracket | None = None
    stopped: str = ""

    @property
    def within(self) -> float:
        """How far above the best of its kind it is at most; nan if unknown."""
        if self.best is None or not math.isfinite(self.best.lower):
            return math.nan
        return max(1.0, self.kappa.upper / self.best.lower)

    def to_dict(self) -> Record:
        """Return the row as numbers and words, without the multipliers."""
        return {
            "scaling": self.name,
            "value": self.kappa.value,
            "lower": self.kappa.lower,
            "upper": self.kappa.upper,
            "method": self.kappa.method,
            "best_lower": self.best.lower if self.best else None,
            "best_upper": self.best.upper if self.best else None,
            "factor": self.best.factor if self.best else None,
            "within": self.within,
            "stopped": self.stopped,
        }


@dataclass(frozen=True, slots=True)
class ScalingComparison(Sequence[ScalingRow]):
    """The rows of `compare_scalings`, the unscaled matrix first.

    Parameters
    ----------
    rows : tuple of ScalingRow
        What was compared.
    refused : mapping of str to str
        Why a scaling is not defined for the matrix.
    p : {1, 2, "inf"}
        The norm of the condition numbers.
    """

    rows: tuple[ScalingRow, ...]
    refused: Mapping[str, str]
    p: Norm

    @overload
    def __getitem__(self, index: int) -> ScalingRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ScalingRow, ...]: ...
    def __getitem__(self, index: int | slice) -> ScalingRow | tuple[ScalingRow, ...]:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row a scaling; needs pandas."""
        return as_frame((row.to_dict() for row in self.rows), "scaling")

    def to_dict(self) -> Record:
        """Return the rows, without multipliers, and what was refused."""
        rows = [row.to_dict() for row in self.rows]
        return {"p": self.p, "scalings": rows, "refused": dict(self.refused)}

    def _cells(self) -> list[tuple[str, ...]]:
        head = ("scaling", f"kappa_{self.p}", "certainly in", "best of its kind")
        cells: list[tuple[str, ...]] = [
            (
                row.name,
                shown(row.kappa),
                interval(row.kappa.lower, row.kappa.upper),
                str(row.best or ""),
            )
            for row in self.rows
        ]
        return [head, *cells]

    def __str__(self) -> str:
        return "\n".join([as_text(self._cells()), *self._notes()])

    def _notes(self) -> list[str]:
        return [f"no {name} scaling: {why}" for name, why in self.refused.items()]

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return as_html(self._cells(), self._notes())
