"""Theorems from one formula: its two sides in ball arithmetic.

The same formula is the check, the confirmation and the certificate. A comparison is
tried with 128 bits and, where the balls overlap, with 512; two sides that still
overlap and agree to 30 digits count as equal.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Callable

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls
from condlab.theory.model import Margin, Reference, Theorem

Formula = Callable[..., balls.Sides]

PRECISIONS = (128, 512)  # bits
EQUAL = 1e-30  # relative width below which overlapping sides count as equal


def theorem(
    key: str,
    statement: str,
    reference: Reference | str,
    instances: Callable[[int], SearchStrategy],
    formula: Formula,
    *,
    latex: str,
    admits: Callable[..., bool] | None = None,
    note: str = "",
    false_from: int | None = None,
) -> Theorem:
    r"""Return the theorem that lhs <= rhs for the two sides that a formula gives.

    Parameters
    ----------
    key, statement, reference, instances, latex, note, false_from
        As for `Theorem`.
    formula : callable
        ``formula(*parts)`` returns (lhs, rhs) as balls, where the instance is one
        part or a tuple of parts: float arrays come as arrays of balls, floats as
        balls, integers as they are.
    admits : callable, optional
        ``admits(*parts)`` on the instance as it is, in floats.

    Returns
    -------
    Theorem
        With `check`, `confirm` and `enclose` by ball arithmetic, and `parts` named
        as the arguments of `formula`.

    Examples
    --------
    >>> from hypothesis import strategies as st
    >>> source = Reference("anonymous", 2000, "Folklore", "")
    >>> squares = theorem("squares", "x is at most its square", source,
    ...     lambda size: st.floats(0.0, 2.0), lambda x: (x, x * x), latex=r"x \le x^2")
    >>> squares.confirm(0.5)
    True
    >>> squares.enclose(0.5)
    'lhs = 0.500000000000000 > rhs = 0.250000000000000, in 128-bit ball arithmetic'
    """
    return Theorem(
        key=key,
        statement=statement,
        reference=reference,
        instances=instances,
        check=lambda instance: check(formula, instance),
        confirm=lambda instance: _compare(formula, instance)[0] == "violated",
        admits=None if admits is None else lambda instance: admits(*parts_of(instance)),
        enclose=lambda instance: enclose(formula, instance),
        latex=latex,
        note=note,
        parts=_names(formula),
        false_from=false_from,
        formula=formula,
    )


def claim(
    key: str,
    reference: Reference | str,
    instances: Callable[[int], SearchStrategy],
    *,
    latex: str = "",
    admits: Callable[..., bool] | None = None,
    note: str = "",
    false_from: int | None = None,
) -> Callable[[Formula], Theorem]:
    r"""Make a theorem of the formula below, whose docstring is the statement.

    Parameters
    ----------
    key, reference, instances, latex, admits, note, false_from
        As for `theorem`.

    Returns
    -------
    callable
        A decorator that gives the `Theorem` that lhs <= rhs for the sides that a
        formula returns, stated in the first paragraph of the formula's docstring.

    Raises
    ------
    ValueError
        If the formula has no docstring.

    Examples
    --------
    >>> from hypothesis import strategies as st
    >>> @claim("squares", "folklore", lambda size: st.floats(0.0, 2.0), false_from=1)
    ... def squares(x):
    ...     'A number is at most its square.'
    ...     return x, x * x
    >>> squares.statement, squares.confirm(0.5)
    ('A number is at most its square.', True)
    """

    def decorate(formula: Formula) -> Theorem:
        return theorem(
            key,
            _statement(key, formula) or latex,
            reference,
            instances,
            formula,
            latex=latex,
            admits=admits,
            note=note,
            false_from=false_from,
        )

    return decorate


def _statement(key: str, formula: Formula) -> str:
    """Return the first paragraph of a docstring; nothing where -OO strips them all."""
    own = formula.__doc__ is not type(formula).__doc__  # a partial has its class's
    words = inspect.cleandoc(formula.__doc__ or "" if own else "")
    if not words and sys.flags.optimize < 2:
        raise ValueError(
            f"the docstring of a claim is its statement, and the formula of {key!r} "
            "has none; put the claim in words below its def"
        )
    return " ".join(re.split(r"\n\s*\n", words)[0].split())


def _names(formula: Formula) -> tuple[str, ...]:
    """Return the names of the arguments, without those that stand for many."""
    arguments = inspect.signature(formula).parameters.values()
    return tuple(x.name for x in arguments if x.kind is not x.VAR_POSITIONAL)


def check(formula: Formula, instance: object) -> Margin:
    """Return the margin of a formula at an instance, decided in ball arithmetic."""
    answer, lhs, rhs, _ = _compare(formula, instance)
    left, right = float(lhs.mid()), float(rhs.mid())
    if answer == "violated":  # also where both sides round to the same float
        return Margin(max(left, math.nextafter(right, math.inf)), right, 0.0)
    if answer == "holds":
        return Margin(min(left, right), right, 0.0)
    if answer == "equal":
        return Margin(right, right, 0.0)
    return Margin(left, right, _relative_width(lhs, rhs))


def enclose(formula: Formula, instance: object) -> str:
    """Return both sides of a violation as intervals."""
    answer, lhs, rhs, bits = _compare(formula, instance)
    sign = ">" if answer == "violated" else "not certainly >"
    left, right = _shown(lhs), _shown(rhs)
    return f"lhs = {left} {sign} rhs = {right}, in {bits}-bit ball arithmetic"


def _shown(x: balls.Ball) -> str:
    """Return an interval; python-flint prints infinity as a ball of all numbers."""
    middle = float(x.mid())
    return str(middle) if math.isinf(middle) else x.str(15, more=True)


def _compare(
    formula: Formula, instance: object
) -> tuple[str, balls.Ball, balls.Ball, int]:
    parts = parts_of(instance)
    for bits in PRECISIONS:
        with balls.precision(bits):
            lhs, rhs = formula(*(balls.ball(part) for part in parts))
            lhs, rhs = lhs + balls.arb(0), rhs + balls.arb(0)
            if lhs > rhs:
                return "violated", lhs, rhs, bits
            if lhs <= rhs:
                return "holds", lhs, rhs, bits
    answer = "equal" if _relative_width(lhs, rhs) < EQUAL else "undecided"
    return answer, lhs, rhs, bits


def _relative_width(lhs: balls.Ball, rhs: balls.Ball) -> float:
    width = float(lhs.rad()) + float(rhs.rad())
    scale = max(abs(float(lhs.mid())), abs(float(rhs.mid())))
    return width / scale if scale > 0 and math.isfinite(width) else math.inf


def parts_of(instance: object) -> tuple[object, ...]:
    """Return the parts of an instance, which may be the only one."""
    return instance if isinstance(instance, tuple) else (instance,)


def floats(instance: object) -> list[np.ndarray]:
    """Return the float arrays of an instance, the scalars as arrays of one entry."""
    arrays = (np.asarray(part) for part in parts_of(instance))
    return [array for array in arrays if array.dtype.kind == "f"]
