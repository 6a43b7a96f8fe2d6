"""What condlab returns: frozen records of numbers with their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from condlab._scaled import apply
from condlab._systems import ScaledSystem, scaled_system
from condlab._typing import Array, ConditionNorm, Json, MatrixNorm, Norm, Record, Sparse
from condlab.display.digits import down, interval, shown
from condlab.display.tables import as_frame, as_html, record, shortened

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Array",
    "Bracket",
    "ConditionEstimate",
    "ConditionEstimates",
    "ConditionNorm",
    "Json",
    "MatrixNorm",
    "Norm",
    "Record",
    "Scaling",
    "Sparse",
]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Diagonal scaling A -> diag(left) A diag(right).

    Parameters
    ----------
    left : array, shape (m,), or None
        Multipliers of the rows; None is the identity.
    right : array, shape (n,), or None
        Multipliers of the columns; None is the identity.

    Examples
    --------
    >>> import numpy as np
    >>> Scaling(left=np.array([2.0, 0.5])).apply(np.array([[1.0, 3.0], [4.0, 8.0]]))
    array([[2., 6.],
           [2., 4.]])
    """

    left: Array | None = None
    right: Array | None = None

    def apply(self, A: Array) -> Array:
        """Return diag(left) A diag(right) in the container of A, shape (m, n).

        Entries are right to rounding wherever the product of the three factors is in
        the range of floats, even where the product of two of them is not. Integers
        become float64, half precision float32; other entries keep their type.
        """
        return apply(A, self.left, self.right)

    def system(self, A: Array, b: Array) -> ScaledSystem:
        """Return A x = b scaled, and with it the way back to the units of x and b.

        Parameters
        ----------
        A : array, shape (m, n)
            As for `apply`.
        b : array, shape (m,) or (m, k)
            The right-hand side, or several.

        Returns
        -------
        ScaledSystem
            Its `A` and `b` are for any solver, and ``recover(y)`` gives x and b − A x.
            For least squares scale columns only, and for the shortest solution of a
            wide system rows only: the others change what is minimised.

        Examples
        --------
        >>> import numpy as np
        >>> system = Scaling(np.array([0.5])).system(np.array([[4.0]]), np.array([8.0]))
        >>> system.recover(system.b / system.A[0]).x
        array([2.])
        """
        return scaled_system(A, b, self.left, self.right)

    def compose(self, first: Scaling) -> Scaling:
        """Return the scaling that applies `first` and then this one.

        Parameters
        ----------
        first : Scaling
            Of the same shape; diagonal scalings commute, so the name only says how
            the two are read.

        Returns
        -------
        Scaling
            With the products of the multipliers.

        Examples
        --------
        >>> import numpy as np
        >>> twice = Scaling(left=np.array([2.0])).compose(Scaling(left=np.array([3.0])))
        >>> twice.left, twice.right
        (array([6.]), None)
        """
        return Scaling(
            left=_product(self.left, first.left),
            right=_product(self.right, first.right),
        )

    def to_dict(self) -> Record:
        """Return the multipliers as lists; None is the identity."""
        return record(self)


def _product(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return a if b is None else b
    return a * b


@dataclass(frozen=True, slots=True)
class Bracket:
    """Interval that certainly holds a number, up to what its maker says of rounding.

    Parameters
    ----------
    lower, upper : float
        The ends; `upper` is inf where nothing bounds the number from above.
    factor : float or None
        The ratio that the theorem behind the bracket promises before any rounding.

    Notes
    -----
    ``str(bracket)`` rounds outwards, to six digits, and stays certain;
    ``format(bracket, ".3g")`` formats both ends as floats are. There is no
    ``float(bracket)``: no one number between the ends is better than the others.

    Examples
    --------
    >>> 2.0 in Bracket(1.0, 3.0)
    True
    >>> f"{Bracket(1.0, 3.0):.2f}"
    '[1.00, 3.00]'
    """

    lower: float
    upper: float
    factor: float | None = None

    def __contains__(self, number: float) -> bool:
        return self.lower <= number <= self.upper

    def to_dict(self) -> dict[str, float | None]:
        """Return the ends and the factor."""
        return record(self)

    def __str__(self) -> str:
        return interval(self.lower, self.upper)

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        return f"[{', '.join(format(end, spec) for end in (self.lower, self.upper))}]"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return f"<span>{self}</span>"


@dataclass(frozen=True, slots=True)
class ConditionEstimate:
    """Condition number with what is certain about it.

    Parameters
    ----------
    value : float
        The best single number; inf where the matrix cannot be told from a singular one.
        Where nothing better than the certain lower bound is known, it is that bound,
        and `is_lower_bound` says so.
    lower : float
        Certain lower bound, rounding included.
    upper : float
        Certain upper bound, rounding included; inf where nothing is known.
    p : {1, 2, "inf", "fro", "skeel"}
        The norm.
    method : str
        How the number was found, such as "svd" or "splu+hager-higham".

    Notes
    -----
    ``float(kappa)`` is `value`; ``format(kappa, ".3g")`` formats it, and writes
    ">= 308" where it is only a lower bound.

    Examples
    --------
    >>> kappa = ConditionEstimate(2.0, 1.9, 2.1, p=2, method="svd")
    >>> kappa.upper, float(kappa), f"{kappa:.1f}"
    (2.1, 2.0, '2.0')
    >>> print(ConditionEstimate(308.0, 308.0, float("inf"), p=2, method="golub-kahan"))
    >= 308, certainly in [308, inf] (golub-kahan)
    """

    value: float
    lower: float
    upper: float
    p: ConditionNorm
    method: str

    @property
    def is_lower_bound(self) -> bool:
        """Whether `value` is no more than the certain lower bound of the number."""
        return self.value == self.lower and self.upper == math.inf > self.lower

    def to_dict(self) -> Record:
        """Return the fields, and whether the value is no more than a lower bound."""
        return {**record(self), "is_lower_bound": self.is_lower_bound}

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return f"{self._shown()}, certainly in {_certain(self)} ({self.method})"

    def _shown(self) -> str:
        return f">= {down(self.value)}" if self.is_lower_bound else f"{self:.6g}"

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        number = format(self.value, spec)
        return f">= {number.strip()}" if self.is_lower_bound else number

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a table of one row."""
        head = (f"κ, p = {self.p}", "certainly in", "method")
        return as_html([head, (self._shown(), str(_certain(self)), self.method)])


def _certain(kappa: ConditionEstimate) -> Bracket:
    return Bracket(kappa.lower, kappa.upper)


@dataclass(frozen=True, slots=True, eq=False)
class ConditionEstimates:
    """Condition numbers of a stack of matrices, each with what is certain about it.

    Parameters
    ----------
    value, lower, upper : array, shape (...)
        As in `ConditionEstimate`, one for each matrix of a stack (..., m, n).
    p : {1, 2, "inf", "fro", "skeel"}
        The norm.

    Examples
    --------
    >>> import numpy as np
    >>> kappa = ConditionEstimates(np.ones(3), np.ones(3), np.full(3, 1.1), p=2)
    >>> len(kappa), float(kappa.upper.max())
    (3, 1.1)
    """

    value: Array
    lower: Array
    upper: Array
    p: ConditionNorm

    def __len__(self) -> int:
        return len(self.value)

    def to_dict(self) -> Record:
        """Return the fields, arrays as lists."""
        return record(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row a matrix; needs pandas.

        The column "matrix" is its place in the stack, a tuple where that has several
        axes.
        """
        rows = [
            {"matrix": place, "value": value, "lower": lower, "upper": upper}
            for place, value, lower, upper in self._rows()
        ]
        return as_frame(rows)

    def _rows(self) -> list[tuple[int | tuple[int, ...], float, float, float]]:
        """Return each matrix's place in the stack and its numbers."""
        arrays = [np.asarray(each) for each in (self.value, self.lower, self.upper)]
        places = [i[0] if len(i) == 1 else i for i in np.ndindex(arrays[0].shape)]
        numbers = (array.ravel().tolist() for array in arrays)
        return list(zip(places, *numbers, strict=True))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a row a matrix."""
        lines = [
            (
                str(place),
                shown(ConditionEstimate(value, lower, upper, self.p, "")),
                interval(lower, upper),
            )
            for place, value, lower, upper in self._rows()
        ]
        head = ("matrix", f"κ, p = {self.p}", "certainly in")
        return as_html(shortened([head, *lines]))
