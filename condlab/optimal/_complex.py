"""The best scaling of complex matrices, from that of their real forms.

[[Re A, −Im A], [Im A, Re A]] has the singular values of A, each twice, and a bound of
all its scalings bounds those that scale both halves alike. These are as good: the form
commutes with the rotation that swaps the halves, and κ is quasi-convex, in the
logarithms of the multipliers of a square matrix and, of one with more rows than
columns, in the squares of the left ones and of the reciprocals of the right ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from condlab import _arrays
from condlab._scaled import apply
from condlab.optimal._in_memory import best_dense
from condlab.optimal._progress import Clock
from condlab.optimal.certificates.signs import turning_bound
from condlab.optimal.one_sided.deficient import judged_on_range
from condlab.optimal.one_sided.dense import SINGULAR, Found, judged, reach
from condlab.types import Array, Bracket


def real_form(A: np.ndarray) -> np.ndarray:
    """Return [[Re A, −Im A], [Im A, Re A]], shape (2m, 2n)."""
    return np.block([[A.real, -A.imag], [A.imag, A.real]])


def best_complex(
    A: np.ndarray, side: str, rtol: float, clock: Clock
) -> tuple[Found, str]:
    """Return the best scaling of a complex A for p = 2, and the method."""
    E = real_form(A)
    found, method = best_dense(E, side, 2, rtol, clock)
    if found.stopped == SINGULAR:
        words = method if method == SINGULAR else f"{method} of the real form"
        return _on_range(E, found, side), words
    excess = A.shape[0] - A.shape[1]
    left, right = _alike(found.left, excess), _alike(found.right, -excess)
    found = replace(found, left=left, right=right)
    twice = judged(E, replace(_doubled(found), upper=None))
    found = replace(twice, left=_first_half(twice.left), right=_first_half(twice.right))
    if side == "both" and excess == 0 and reach(found) > found.lower * (1 + rtol):
        found = replace(found, lower=max(found.lower, _by_phases(A, found)))
    return found, f"{method} of the real form"


def _on_range(E: np.ndarray, found: Found, side: str) -> Found:
    """Return what the real form's best scaling of its range says of the complex one."""
    convex_in_squares = int(side != "both")
    left, right = (_alike(d, convex_in_squares) for d in (found.left, found.right))
    found = replace(found, left=left, right=right)
    if found.rank is None or found.on_range is None:
        return found
    twice = replace(_doubled(found), lower=found.on_range.lower)
    upper = reach(judged_on_range(E, twice, found.rank))
    on_range = Bracket(found.on_range.lower, upper)
    return replace(found, rank=found.rank // 2, on_range=on_range)


def _alike(d: Array | None, excess: int) -> Array | None:
    """Return the mean of the two halves that is as good as either.

    There are so many more lines on the side of d than on the other.
    """
    if d is None:
        return None
    first, second = np.split(np.asarray(d), 2)
    if excess == 0:
        return np.sqrt(first) * np.sqrt(second)
    power = 2.0 if excess > 0 else -2.0
    top = np.maximum(first, second)
    mean = ((first / top) ** power + (second / top) ** power) / 2
    return top * mean ** (1 / power)


def _doubled(found: Found) -> Found:
    """Return the scaling of both halves alike."""
    left, right = (
        d if d is None else np.concatenate([d, d]) for d in (found.left, found.right)
    )
    return replace(found, left=left, right=right)


def _first_half(d: Array | None) -> Array | None:
    return d if d is None else d[: len(d) // 2]


def _by_phases(A: np.ndarray, found: Found) -> float:
    """Bound κ of all scalings by the phases of the singular vectors at this one."""
    M = apply(A, found.left, found.right)
    if not (np.isfinite(M).all() and M.any()):
        return 1.0
    U, _, Vh = np.linalg.svd(M)
    V = Vh.conj().T
    exact = [_arrays.power_of_two(np.asarray(d)) for d in (found.left, found.right)]
    B = apply(A, *exact)
    images, sources = (U[:, [0]], U[:, [-1]]), (V[:, [0]], V[:, [-1]])
    units = np.asarray(found.right) / exact[1]
    return turning_bound(_of_middle_size(B), images, sources, units)


def _of_middle_size(B: np.ndarray) -> np.ndarray:
    return np.ldexp(1.0, -np.frexp(np.abs(B).max())[1]) * B
