"""Truth in rationals: inverses, characteristic polynomials and their extreme roots.

Floats are rationals, so nothing here rounds but the last step. A characteristic
polynomial of a symmetric matrix has real roots only, and then Descartes' rule of signs
is an equation: p(x + c) has as many changes of sign as p has roots above c.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

Rational = list[list[Fraction]]

BITS = 60  # of a root, before it is rounded to a float


def rational(A: ArrayLike) -> Rational:
    """Return the entries of a real matrix as fractions.

    Examples
    --------
    >>> rational([[0.5, 2]])
    [[Fraction(1, 2), Fraction(2, 1)]]
    """
    return [[Fraction(x) for x in row] for row in np.asarray(A).tolist()]


def inverse(A: Rational) -> Rational | None:
    """Return the inverse by Gauss and Jordan's elimination; None of a singular matrix.

    Examples
    --------
    >>> inverse(rational([[2, 0], [0, 4]]))[1][1]
    Fraction(1, 4)
    """
    n = len(A)
    rows = [row + [Fraction(int(i == j)) for j in range(n)] for i, row in enumerate(A)]
    for j in range(n):
        pivot = next((i for i in range(j, n) if rows[i][j]), None)
        if pivot is None:
            return None
        rows[j], rows[pivot] = rows[pivot], rows[j]
        head = rows[j][j]
        rows[j] = [x / head for x in rows[j]]
        for i in range(n):
            if i != j and (factor := rows[i][j]):
                rows[i] = [
                    x - factor * y for x, y in zip(rows[i], rows[j], strict=True)
                ]
    return [row[n:] for row in rows]


def product(A: Rational, B: Rational) -> Rational:
    """Return AB."""
    columns = transposed(B)
    return [[_dot(row, column) for column in columns] for row in A]


def transposed(A: Rational) -> Rational:
    """Return the transpose."""
    return [list(column) for column in zip(*A, strict=True)]


def norm_1(A: Rational) -> Fraction:
    """Return the largest column sum of absolute values."""
    return max(sum(map(abs, column), Fraction()) for column in zip(*A, strict=True))


def kappa_1(A: ArrayLike) -> float:
    """Return the 1-norm condition number, rounded once.

    Examples
    --------
    >>> kappa_1([[1, 2], [0, 1]]), kappa_1([[1, 2], [2, 4]])
    (9.0, inf)
    """
    entries = rational(A)
    X = inverse(entries)
    return math.inf if X is None else rounded(norm_1(entries) * norm_1(X))


def kappa_inf(A: ArrayLike) -> float:
    """Return the condition number in the largest row sum, rounded once.

    Examples
    --------
    >>> kappa_inf([[1, 0], [2, 1]])
    9.0
    """
    return kappa_1(np.asarray(A).T)


def kappa_2(A: ArrayLike) -> float:
    """Return the 2-norm condition number, right to a few units in the last place.

    Examples
    --------
    >>> kappa_2([[2, 1], [1, 2]]), kappa_2([[1, 2], [2, 4]])
    (3.0, inf)
    """
    entries = rational(A)
    if len(entries) < len(entries[0]):
        entries = transposed(entries)
    p = characteristic(product(transposed(entries), entries))
    if not p[0]:
        return math.inf
    return root(largest_root(p) * largest_root(p[::-1]))


def characteristic(A: Rational) -> list[Fraction]:
    """Return the coefficients of det(xI - A), the constant first.

    References
    ----------
    D. K. Faddeev and I. S. Sominsky, *Collection of Problems on Higher Algebra*, 1949,
    for the recurrence of Le Verrier.

    Examples
    --------
    >>> [int(c) for c in characteristic(rational([[2, 1], [1, 2]]))]
    [3, -4, 1]
    """
    n = len(A)
    coefficients, M = [Fraction(1)], [[Fraction()] * n for _ in range(n)]
    for k in range(1, n + 1):
        for i in range(n):
            M[i][i] += coefficients[-1]
        M = product(A, M)
        coefficients.append(-sum((M[i][i] for i in range(n)), Fraction()) / k)
    return coefficients[::-1]


def largest_root(p: Sequence[Fraction]) -> Fraction:
    """Return the largest root of a polynomial whose roots are real and one positive.

    Examples
    --------
    >>> float(largest_root([Fraction(3), Fraction(-4), Fraction(1)]))
    3.0
    """
    sign = 1 if p[-1] > 0 else -1
    p = [sign * c for c in p]

    def above(x: Fraction) -> bool:
        return _sign_changes(_shifted(p, x)) == 0

    exponent = _first(lambda k: above(_power(k)), -2200, 2200)
    low, high = _power(exponent - 1), _power(exponent)
    for _ in range(BITS):
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) else (middle, high)
    return high


def root(x: Fraction) -> float:
    """Return the square root, of any size that a float's can have.

    Examples
    --------
    >>> root(Fraction(10) ** 600) == 1e300
    True
    """
    shift = (x.numerator.bit_length() - x.denominator.bit_length() - 128) // 2
    digits = math.isqrt(math.floor(x / _power(2 * shift)))
    return rounded(digits * _power(shift))


def rounded(x: Fraction) -> float:
    """Return the nearest float, inf past the largest."""
    try:
        return float(x)
    except OverflowError:
        return math.inf


def _power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def _dot(x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True) if a and b), Fraction())


def _shifted(p: Sequence[Fraction], c: Fraction) -> list[Fraction]:
    """Return the coefficients of p(x + c) by Horner's scheme."""
    q = list(p)
    for i in range(len(q) - 1):
        for j in range(len(q) - 2, i - 1, -1):
            q[j] += c * q[j + 1]
    return q


def _sign_changes(p: Sequence[Fraction]) -> int:
    signs = [c > 0 for c in p if c]
    return sum(a != b for a, b in itertools.pairwise(signs))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the least integer in (low, high] from which on a condition holds."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
