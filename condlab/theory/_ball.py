"""Balls, arrays of balls, and numbers as balls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from condlab.errors import missing_extra

try:
    from flint import acb, arb, arb_mat, ctx, fmpq, fmpq_mat
except ImportError as error:  # pragma: no cover
    raise missing_extra("python-flint", "theory", "ball arithmetic") from error

Ball = arb
Balls = np.ndarray  # of dtype object, entries arb
Entries = Ball | Balls | Sequence[Ball]
Sides = tuple[Ball, Ball]  # of a claim lhs <= rhs


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with `bits` bits inside the block."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def ball(x: object) -> Any:
    """Return a float, or an array or tuple of numbers, exactly as balls.

    Single integers stay integers: they count steps or name indices.

    Raises
    ------
    ValueError
        If a number is neither a float64 nor an integer, and would be rounded.
    """
    if isinstance(x, tuple):
        return tuple(ball(part) for part in x)
    if isinstance(x, np.ndarray):
        return array([_exactly(entry) for entry in x.ravel().tolist()], x.shape)
    return arb(x) if isinstance(x, float) else x


def _exactly(entry: Ball | Fraction | float) -> Ball:
    """Return a number as a ball of radius zero; balls are left alone."""
    if type(entry) is float:  # by far the most, and to ask for a Fraction is slow
        return arb(entry)
    if isinstance(entry, arb):
        return entry
    if isinstance(entry, Fraction):
        return arb(fmpq(entry.numerator, entry.denominator))
    if isinstance(entry, int):
        return arb(int(entry))  # of any size
    if float(entry) != entry and entry == entry:
        raise ValueError(f"{entry!r} is no float64; convert it first")
    return arb(float(entry))


def array(entries: Iterable[Ball | acb], shape: tuple[int, ...]) -> Balls:
    """Return balls as an array."""
    out = np.empty(shape, dtype=object)
    out.ravel()[:] = list(entries)
    return out


def as_mat(A: Balls) -> arb_mat:
    """Return an array of balls as python-flint's matrix."""
    return arb_mat(A.shape[0], A.shape[1], list(A.ravel()))


def from_mat(M: arb_mat) -> Balls:
    """Return python-flint's matrix as an array of balls."""
    return array(M.entries(), (M.nrows(), M.ncols()))


def is_singular(A: Balls) -> bool:
    """Tell whether A certainly has less than full rank; False decides nothing."""
    m, n = A.shape
    if all(x.is_exact() and x.is_finite() for x in A.ravel()):
        return fmpq_mat(m, n, [x.fmpq() for x in A.ravel()]).rank() < min(m, n)
    zero = A == 0
    return bool(
        (m <= n and zero.all(axis=1).any()) or (n <= m and zero.all(axis=0).any())
    )
