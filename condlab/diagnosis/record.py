"""The record of a diagnosis, as it is printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from condlab.comparison import OPTIMAL, ScalingComparison, ScalingRow
from condlab.diagnosis.advice import Advice
from condlab.diagnosis.culprits import MATTERS, Culprit
from condlab.display.digits import floor, number, shown
from condlab.display.tables import Cells, as_html, as_text, record
from condlab.types import Bracket

SHOWN = 10  # culprits on the page
SIDES = {"both": "D1 A D2", "left": "D A", "right": "A D"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a condition number comes from.

    Parameters
    ----------
    shape : tuple of int
        Of the matrix.
    scalings : ScalingComparison
        κ₂ under every scaling, the unscaled matrix first.
    culprits : tuple of Culprit
        Rows and columns to blame, the worst first; none where no line is.
    advice : tuple of Advice
        Which scaling to take, one for each purpose.
    undefined : mapping of str to str
        Why a purpose makes no sense for the matrix.

    Examples
    --------
    >>> from condlab import diagnose
    >>> A = [[3.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1e6, 1e6, 3e6]]
    >>> [(c.axis, c.index, c.reason) for c in diagnose(A, purpose=()).culprits]
    [('row', 2, 'size')]
    """

    shape: tuple[int, int]
    scalings: ScalingComparison
    culprits: tuple[Culprit, ...]
    advice: tuple[Advice, ...] = ()
    undefined: Mapping[str, str] = field(default_factory=dict)

    @property
    def best(self) -> ScalingRow:
        """The row of least κ₂."""
        rows: list[ScalingRow] = list(self.scalings)
        return min(rows, key=lambda row: row.kappa.value)

    @property
    def optimum(self) -> Bracket | None:
        """Of the least κ₂ that scaling reaches, where a certificate bounds it."""
        found = [row.best for row in self.scalings if row.name == OPTIMAL]
        return found[0] if found else None

    def to_dict(self) -> dict[str, object]:
        """Return everything but the multipliers as plain values."""
        return {
            **record(self),
            "undefined": dict(self.undefined),
            "best": self.best.name,
            "optimum": self.optimum.to_dict() if self.optimum else None,
        }

    def table(self) -> Cells:
        """Return the lines to blame, as words; the head alone where there are none."""
        head = ("to blame", "why", "kappa if left alone", "without it", "dual weight")
        return [
            head,
            *(
                (
                    f"{line.axis} {line.index}",
                    _reason(line),
                    number(line.left_alone) if line.reason == "size" else "",
                    number(line.without),
                    number(line.weight, 2),
                )
                for line in self.culprits[:SHOWN]
            ),
        ]

    def notes(self) -> list[str]:
        """Return what else is to be said, in sentences."""
        before, best = self.scalings[0].kappa, self.best
        notes = [
            f"kappa_2 is {shown(before)}; the best scaling found is {best.name}, with "
            f"{shown(best.kappa)}"
        ]
        if math.isinf(best.kappa.value):
            notes = [
                "singular to rounding, scaled or not: lines are judged by the singular "
                "values that are not zero"
            ]
        if self.optimum is not None and math.isfinite(self.optimum.lower):
            kind = SIDES[natural_side(self.shape)]
            notes.append(f"no {kind} has less than {floor(self.optimum.lower)}")
        more = len(self.culprits) - SHOWN
        if more > 0:
            notes.append(
                f"and {more} more: {len(self.culprits)} of {sum(self.shape)} lines, "
                "as much the grading of the whole matrix as any one of them"
            )
        if not self.culprits:
            notes.append(
                "no row or column is to blame: by its size or by dependence none makes "
                f"kappa_2 {MATTERS:.0f} times larger"
            )
        return notes

    def __str__(self) -> str:
        table = [as_text(self.table())] if self.culprits else []
        return "\n".join(
            [*table, *self.notes(), *(each.reason for each in self.advice)]
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        advice = (each._repr_html_() for each in self.advice)
        return "".join([as_html(self.table(), self.notes()), *advice])


def natural_side(shape: tuple[int, ...]) -> Literal["both", "left", "right"]:
    """Return the side on which lines are independent; both where A is square."""
    m, n = shape
    return "both" if m == n else "left" if m < n else "right"


def _reason(line: Culprit) -> str:
    if line.reason == "dependence":
        return "nearly dependent"
    if line.factor >= 1:
        return f"{number(line.factor, 3)} x too large"
    return f"{number(1 / line.factor, 3)} x too small"
