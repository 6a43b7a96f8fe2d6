"""Extreme eigenvalues and singular values of matrices with a spectrum in closed form.

Sylvester's matrix H of order n = 2^k, all signs, has H H = n I: with dyadic eigenvalues
H diag(lambda) H / n is exact in floats, and its spectrum is what was put in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import scipy.linalg as la

from condlab.audit.model import Problem

ROTATED = "H diag H / n by Sylvester's H, exact in floats: the spectrum is put in"


def rotated(spectrum: Sequence[float]) -> np.ndarray:
    """Return the symmetric matrix with these eigenvalues, exactly.

    Parameters
    ----------
    spectrum : sequence of float, a power of two of them
        So that the sums of each n of them, with any signs, are exact over n.

    Raises
    ------
    ValueError
        If an entry would be rounded.

    Examples
    --------
    >>> rotated([3.0, 1.0])
    array([[2., 1.],
           [1., 2.]])
    """
    n = len(spectrum)
    signs = la.hadamard(n).astype(int)
    values = [Fraction(x) for x in spectrum]
    first = [
        sum((int(s) * x for s, x in zip(row, values, strict=True)), Fraction()) / n
        for row in signs
    ]  # entry (i, j) belongs to the row i xor j of H
    if any(Fraction(float(x)) != x for x in first):
        raise ValueError("these eigenvalues need entries that are no floats")
    index = np.arange(n)
    return np.array([float(x) for x in first])[index[:, None] ^ index]


def _with_top(n: int, *top: float) -> list[float]:
    """Return a spectrum with these values; the vector of ones has the first, 2^-10."""
    rest = [(k + 1) / 2**10 for k in range(n - len(top))]
    return [rest[0], *top, *rest[1:]]


def spectra() -> dict[str, tuple[list[float], str]]:
    """Return spectra by name, each with what is hard about it."""
    return {
        "a pair of opposite signs": (
            _with_top(16, 2.0, -2.0 + 2**-9),
            "2 and -1.998: a power iteration stops between them",
        ),
        "a cluster": (
            _with_top(32, 1.0, 1 - 2**-20, 1 - 2**-19, 1 - 2**-18),
            "top four agree to 1e-6",
        ),
        "shifted": (
            [2.0**20 + k for k in range(16)],
            "a shift of 1e6 hides the gaps",
        ),
        "the start is invariant": (
            _with_top(32, 8.0),
            "the vector of ones is an eigenvector of a small eigenvalue",
        ),
        "negative": ([-3.0, *(-1 - k / 2**6 for k in range(15))], "negative definite"),
        "tiny": ([x * 2.0**-70 for x in _with_top(16, 3.0)], "all below 1e-20"),
        "huge": ([x * 2.0**900 for x in _with_top(16, 3.0)], "squares overflow"),
        "one of 64": ([64.0] + [0.0] * 63, "rank one: the ones"),
        "all equal": ([2.0] * 16, "a multiple of the identity"),
        "double": (_with_top(16, 5.0, 5.0), "the largest twice"),
        "near the top": (
            _with_top(64, 1.0, *(1 - k * 2.0**-8 for k in range(1, 30))),
            "thirty values within 12 %",
        ),
        "a needle": (
            [1.0] * 63 + [1 + 2.0**-12],
            "all else equal, one larger by 2e-4",
        ),
    }


def _definite() -> dict[str, tuple[list[float], str]]:
    return {
        "well conditioned": (_with_top(16, 2.0), "kappa 2048"),
        "nearly singular": ([2.0**-40, *range(1, 32)], "smallest 9e-13, largest 31"),
        "a small cluster": (
            [2.0**-10, 2.0**-10 * (1 + 2**-12), *range(1, 31)],
            "the smallest two agree to 2e-4",
        ),
        "tiny": ([x * 2.0**-70 for x in _with_top(16, 3.0)], "all below 1e-20"),
        "shifted": ([2.0**20 + k for k in range(16)], "a shift of 1e6 hides the gaps"),
        "geometric": ([2.0**-k for k in range(32)], "from 1 to 5e-10"),
        "all equal": ([2.0] * 16, "a multiple of the identity"),
        "the ones are the smallest's": (
            [2.0**-6, *(1 + k / 32 for k in range(31))],
            "the vector of ones is its eigenvector",
        ),
    }


def _problem(
    kind: str, name: str, spectrum: list[float], source: str, truth: float
) -> Problem:
    size = max(map(abs, spectrum))
    make: Callable[[], np.ndarray] = lambda: rotated(spectrum)  # noqa: E731
    return Problem(kind, name, make, lambda: truth, ROTATED, source, scale=size)


def _laplacian(kind: str, n: int) -> Problem:
    """Return the second difference, with eigenvalues 4 sin^2(k pi / (2n + 2))."""
    angle = math.pi / (2 * n + 2)
    values = {
        "lambda_max": 4 * math.cos(angle) ** 2,
        "lambda_min": 4 * math.sin(angle) ** 2,
    }
    values |= {"lambda_abs": values["lambda_max"]}
    values |= {"sigma_max": values["lambda_max"], "sigma_min": values["lambda_min"]}
    return Problem(
        kind,
        f"second difference {n}",
        lambda: la.toeplitz([2.0, -1.0] + [0.0] * (n - 2)),
        lambda: values[kind],
        "closed form",
        "Todd 1977: eigenvalues crowd at both ends",
        scale=4.0,
    )


PROBLEMS: tuple[Problem, ...] = (
    *(
        _problem("lambda_max", name, values, source, max(values))
        for name, (values, source) in spectra().items()
    ),
    *(
        _problem("lambda_abs", name, values, source, max(values, key=abs))
        for name, (values, source) in spectra().items()
    ),
    *(
        _problem("lambda_min", name, values, source, min(values))
        for name, (values, source) in _definite().items()
    ),
    *(
        _problem("sigma_max", name, values, source, max(map(abs, values)))
        for name, (values, source) in spectra().items()
    ),
    *(
        _problem("sigma_min", name, values, source, min(map(abs, values)))
        for name, (values, source) in _definite().items()
    ),
    *(
        _laplacian(kind, 100)
        for kind in ("lambda_max", "lambda_abs", "lambda_min", "sigma_max", "sigma_min")
    ),
)
