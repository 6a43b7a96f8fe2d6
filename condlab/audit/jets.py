"""Second derivatives in rationals: numbers with a gradient and a Hessian.

Whatever is made of sums, products, quotients, roots of squares, and of exp, tanh and
the like at zero, has an exact Hessian this way, and no library's derivatives are in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Jet:
    """Value, gradient and Hessian of a function of n variables at a point.

    Examples
    --------
    >>> x, y = variables([2, 3])
    >>> [[int(h) for h in row] for row in (x * x * y).hessian]
    [[6, 4], [4, 0]]
    """

    value: Fraction
    gradient: tuple[Fraction, ...]
    hessian: tuple[tuple[Fraction, ...], ...]

    def apply(self, value: Fraction, slope: Fraction, bend: Fraction) -> Jet:
        """Return f of this, from f, f' and f'' at its value."""
        return Jet(
            value,
            tuple(slope * g for g in self.gradient),
            tuple(
                tuple(
                    slope * h + bend * a * b
                    for h, b in zip(row, self.gradient, strict=True)
                )
                for row, a in zip(self.hessian, self.gradient, strict=True)
            ),
        )

    def __add__(self, other: Jet | Fraction | int) -> Jet:
        if not isinstance(other, Jet):
            return self.apply(self.value + other, Fraction(1), Fraction(0))
        return Jet(
            self.value + other.value,
            tuple(a + b for a, b in zip(self.gradient, other.gradient, strict=True)),
            tuple(
                tuple(a + b for a, b in zip(*rows, strict=True))
                for rows in zip(self.hessian, other.hessian, strict=True)
            ),
        )

    __radd__ = __add__

    def __mul__(self, other: Jet | Fraction | int) -> Jet:
        if not isinstance(other, Jet):
            return self.apply(self.value * other, Fraction(other), Fraction(0))
        # xy = ((x + y)^2 - x^2 - y^2) / 2
        both = self + other
        return (both.square() - self.square() - other.square()) * Fraction(1, 2)

    __rmul__ = __mul__

    def __neg__(self) -> Jet:
        return self * -1

    def __sub__(self, other: Jet | Fraction | int) -> Jet:
        return self + -other

    def __rsub__(self, other: Fraction | int) -> Jet:
        return -self + other

    def __truediv__(self, other: Jet | Fraction | int) -> Jet:
        if not isinstance(other, Jet):
            return self * (1 / Fraction(other))
        return self * other.reciprocal()

    def __rtruediv__(self, other: Fraction | int) -> Jet:
        return self.reciprocal() * other

    def square(self) -> Jet:
        """Return the square."""
        return self.apply(self.value**2, 2 * self.value, Fraction(2))

    def reciprocal(self) -> Jet:
        """Return 1 over this."""
        x = 1 / self.value
        return self.apply(x, -(x**2), 2 * x**3)

    def sqrt(self) -> Jet:
        """Return the root; ArithmeticError where it is irrational."""
        parts = (self.value.numerator, self.value.denominator)
        root = Fraction(*map(math.isqrt, parts))
        if root**2 != self.value:
            raise ArithmeticError(f"the root of {self.value} is irrational")
        return self.apply(root, 1 / (2 * root), -1 / (4 * root**3))

    def at_zero(self, value: int, slope: Fraction, bend: Fraction) -> Jet:
        """Return f of this from f(0), f'(0) and f''(0); the value must be zero."""
        if self.value:
            raise ArithmeticError(f"the value is {self.value}, and only zero is exact")
        return self.apply(Fraction(value), slope, bend)

    def exp(self) -> Jet:
        """Return exp, at zero."""
        return self.at_zero(1, Fraction(1), Fraction(1))

    def tanh(self) -> Jet:
        """Return tanh, at zero."""
        return self.at_zero(0, Fraction(1), Fraction(0))

    def relu(self) -> Jet:
        """Return max(0, x), off zero."""
        if not self.value:
            raise ArithmeticError("the derivative at zero is a convention")
        return self * int(self.value > 0)

    def matrix(self) -> np.ndarray:
        """Return the Hessian, each entry rounded once."""
        return np.array([[float(h) for h in row] for row in self.hessian])


def variables(point: Sequence[Fraction | int | float]) -> list[Jet]:
    """Return the coordinates at a point."""
    n = len(point)
    zero = (Fraction(0),) * n
    return [
        Jet(Fraction(x), tuple(Fraction(int(i == j)) for j in range(n)), (zero,) * n)
        for i, x in enumerate(point)
    ]


def log_sum_exp(jets: Sequence[Jet]) -> Jet:
    """Return log of the sum of exp, less log n, of jets whose values are zero."""
    total = sum((x.exp() for x in jets[1:]), jets[0].exp())
    ratio = total / len(jets) - 1  # log(1 + x) at zero
    return ratio.at_zero(0, Fraction(1), Fraction(-1))
