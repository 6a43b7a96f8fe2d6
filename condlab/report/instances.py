"""Instances as they are printed: named parts, each a grid of short exact numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from condlab.types import Json

DIGITS = 6
FEWER = 4  # of numbers that six digits do not print exactly either
LARGEST = 9999  # numerators and denominators beyond are printed as decimals
MOST = 64  # entries; larger arrays are not printed


@dataclass(frozen=True, slots=True)
class Part:
    """One printed part of an instance.

    Parameters
    ----------
    name : str
        Such as "A"; empty where nothing names it.
    rows : tuple of tuples of str
        The entries of a matrix; one row for a vector, one entry for a scalar.
    kind : {"matrix", "vector", "scalar", "text"}
        How to typeset them.
    rounded : bool
        Whether an entry was too long to print.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    kind: str
    rounded: bool = False


def parts(encoded: Json, names: list[str]) -> list[Part]:
    """Return the parts of an instance as `condlab.report._json.encode` wrote it.

    Parameters
    ----------
    encoded : JSON
        The instance.
    names : list of str
        Of its parts; those without one get the next free letter from d on.

    Returns
    -------
    list of Part
        In order.

    Examples
    --------
    >>> parts({"array": [[1.0, -0.5]]}, ["A"])
    [Part(name='A', rows=(('1', '−0.5'),), kind='matrix', rounded=False)]
    """
    items = [encoded]
    if isinstance(encoded, dict) and "tuple" in encoded:
        items = encoded["tuple"]
    free = [letter for letter in "defghpqrstuvw" if letter not in names]
    found = []
    for name, item in zip([*names, *free], items, strict=False):
        found += list(_flat(name, item))
    return found


def _flat(name: str, item: Json) -> Iterator[Part]:
    if isinstance(item, dict) and ("tuple" in item or "list" in item):
        ((_, content),) = item.items()
        for i, part in enumerate(content, start=1):
            yield from _flat(f"{name}{i}", part)
        return
    if isinstance(item, dict) and "array" in item:
        yield from _array(name, np.array(item["array"]))
        return
    if isinstance(item, dict):
        ((_, content),) = item.items()
        yield Part(name, ((str(content),),), "text")
        return
    if isinstance(item, bool) or not isinstance(item, int | float):
        yield Part(name, ((str(item),),), "text")
        return
    yield Part(name, ((short(item),),), "scalar", not is_exact(item))


def _array(name: str, A: np.ndarray) -> Iterator[Part]:
    if A.size > MOST:
        shape = " × ".join(str(n) for n in A.shape)
        yield Part(name, ((f"{shape} array, see data/verdicts.json",),), "text")
        return
    if A.ndim > 2:
        for i, page in enumerate(A, start=1):
            yield from _array(f"{name}[{i}]", page)
        return
    rows = tuple(tuple(short(x) for x in row) for row in np.atleast_2d(A).tolist())
    kind = ("scalar", "vector", "matrix")[A.ndim]
    yield Part(name, rows, kind, not all(is_exact(x) for x in A.ravel().tolist()))


def short(x: float) -> str:
    """Return a number in few characters, as a fraction where that is exact.

    Examples
    --------
    >>> short(0.25), short(2.0**-10), short(-3.0), short(1e-20), short(1 / 3)
    ('0.25', '1/1024', '−3', '1e−20', '0.3333')
    """
    text = f"{x:.{DIGITS if is_exact(x) else FEWER}g}"
    ratio = _fraction(x)
    if ratio is not None and (len(text) > 5 or float(text) != x):
        text = f"{ratio.numerator}/{ratio.denominator}"
    return text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e").replace(
        "-", "−"
    )  # fmt: skip


def is_exact(x: float) -> bool:
    """Tell whether `short` prints the number to the last bit.

    Examples
    --------
    >>> is_exact(2.0**-10), is_exact(1 / 3)
    (True, False)
    """
    return float(f"{x:.{DIGITS}g}") == x or _fraction(x) is not None


def _fraction(x: float) -> Fraction | None:
    if not math.isfinite(x):
        return None
    ratio = Fraction(x)
    small = abs(ratio.numerator) <= LARGEST and ratio.denominator <= LARGEST
    return ratio if small and ratio.denominator > 1 else None
