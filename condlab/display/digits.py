"""Numbers in few digits that stay true: bounds are rounded outwards."""

from __future__ import annotations

import math
from typing import Protocol

DIGITS = 4
ROUND_CEILING, ROUND_FLOOR = "ROUND_CEILING", "ROUND_FLOOR"  # as of `decimal`


class Kappa(Protocol):
    """A number that may be no more than a lower bound."""

    @property
    def value(self) -> float:
        """The number."""

    @property
    def is_lower_bound(self) -> bool:
        """Whether nothing is known above it."""


def number(x: float, digits: int = DIGITS) -> str:
    """Return x to four digits, and a dash where it is not a number.

    Examples
    --------
    >>> number(1234.5), number(2e9), number(math.inf), number(math.nan)
    ('1234', '2.000e+09', 'inf', '-')
    """
    return "-" if math.isnan(x) else f"{x:#.{digits}g}".rstrip(".")


def bracket(lower: float, upper: float) -> str:
    """Return an interval to four digits, rounded outwards so that it stays certain.

    Examples
    --------
    >>> bracket(1.0, 2.0001), bracket(314159.9, math.inf)
    ('1.000 .. 2.001', '3.141e+05 .. inf')
    """
    return f"{_rounded(lower, ROUND_FLOOR)} .. {_rounded(upper, ROUND_CEILING)}"


def floor(x: float) -> str:
    """Return a lower bound to four digits, rounded down.

    Examples
    --------
    >>> floor(1.99999)
    '1.999'
    """
    return _rounded(x, ROUND_FLOOR)


def shown(kappa: Kappa) -> str:
    """Return the value to four digits; a lower bound is rounded down and called one.

    Examples
    --------
    >>> from condlab.types import ConditionEstimate
    >>> shown(ConditionEstimate(307.99, 307.99, math.inf, 2, "golub-kahan"))
    '>= 307.9'
    """
    if kappa.is_lower_bound:
        return f">= {floor(kappa.value)}"
    return number(kappa.value)


def interval(lower: float, upper: float, digits: int = 6) -> str:
    """Return an interval without more zeros than need be, rounded outwards.

    Examples
    --------
    >>> interval(1.9, 2.0000001), interval(308.0, math.inf)
    ('[1.9, 2.00001]', '[308, inf]')
    """
    return f"[{down(lower, digits)}, {up(upper, digits)}]"


def down(x: float, digits: int = 6) -> str:
    """Return the largest number of so many digits that is at most x.

    Examples
    --------
    >>> down(1.9), down(1.9999999), down(-math.inf)
    ('1.9', '1.99999', '-inf')
    """
    near = f"{x:.{digits}g}"
    if not math.isfinite(x) or float(near) <= x:
        return near
    return f"{_to_digits(x, digits, ROUND_FLOOR):.{digits}g}"


def up(x: float, digits: int = 6) -> str:
    """Return the smallest number of so many digits that is at least x.

    Examples
    --------
    >>> up(2.1), up(2.0000001), up(math.inf)
    ('2.1', '2.00001', 'inf')
    """
    if math.isnan(x):
        return f"{x}"
    near = down(-x, digits)
    return near.removeprefix("-") if near.startswith("-") else f"-{near}"


def _rounded(x: float, rounding: str) -> str:
    if not math.isfinite(x):
        return number(x)
    return number(_to_digits(x, DIGITS, rounding))


def _to_digits(x: float, digits: int, rounding: str) -> float:
    from decimal import Context  # a hundredth of `import condlab`, so it waits

    return float(Context(prec=digits, rounding=rounding).create_decimal(x))
