"""What condlab returns: frozen records of numbers with their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from condlab import _arrays

Norm = Literal[1, 2, "inf"]
Array = Any  # a NumPy array, a SciPy sparse array or a torch tensor


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

        Integers become float64, half precision float32; other entries keep their type.
        """
        return _arrays.apply(A, self.left, self.right)

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

    Examples
    --------
    >>> 2.0 in Bracket(1.0, 3.0)
    True
    """

    lower: float
    upper: float
    factor: float | None = None

    def __contains__(self, number: float) -> bool:
        return self.lower <= number <= self.upper


@dataclass(frozen=True, slots=True)
class ConditionEstimate:
    """Condition number with what is certain about it.

    Parameters
    ----------
    value : float
        The best single number; inf where the matrix cannot be told from a singular one.
    lower : float
        Certain lower bound, rounding included.
    upper : float
        Certain upper bound, rounding included; inf where nothing is known.
    p : {1, 2, "inf", "fro", "skeel"}
        The norm.
    method : str
        How the number was found, such as "svd" or "splu+hager-higham".

    Examples
    --------
    >>> ConditionEstimate(2.0, 1.9, 2.1, p=2, method="svd").upper
    2.1
    """

    value: float
    lower: float
    upper: float
    p: Literal[1, 2, "inf", "fro", "skeel"]
    method: str
