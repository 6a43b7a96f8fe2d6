"""What a few normal vectors tell of how many dimensions a subspace has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

Floats = NDArray[np.float64]


def most(part: Floats, n: int, probes: int, alpha: float) -> Floats:
    """Return the most eigenvalues that a part of the probes this small allows.

    Parameters
    ----------
    part : array, shape (x,)
        At most so much of the squared length of all probes is in the subspace.
    n, probes : int
        The dimension and the number of normal vectors.
    alpha : float
        A larger dimension k would give so little with a probability below this: the
        part is distributed as Beta(k probes / 2, (n - k) probes / 2).

    Examples
    --------
    >>> most(np.array([0.0, 0.5, 1.0]), 100, 10, 1e-3)
    array([  0.,  56., 100.])
    """
    low, high = np.zeros(len(part)), np.full(len(part), float(n))
    while bool((high - low > 1).any()):  # low is allowed; find the last one that is
        k = np.clip(np.floor((low + high) / 2), 1, n - 1)
        allowed = betainc(k * probes / 2, (n - k) * probes / 2, part) >= alpha
        low = np.where(allowed & (high - low > 1), k, low)
        high = np.where(~allowed & (high - low > 1), k, high)
    return np.where(part >= 1, n, low)


def enough_probes(n: int, most_probes: int, atol: float, alpha: float) -> int:
    """Return how many probes leave at most `atol` to chance, where half is in view.

    Examples
    --------
    >>> [enough_probes(n, 50, 0.01, 5e-4) for n in (1_000, 10_000, 100_000)]
    [50, 6, 1]
    """
    half = np.array([0.5])
    for probes in range(1, most_probes):
        if float(most(half, n, probes, alpha)[0]) / n - 0.5 <= atol:
            return probes
    return most_probes
