"""Traces, and fractions of eigenvalues below zero, of matrices with known spectra."""

from __future__ import annotations

import math

import numpy as np

from condlab.audit.catalogue.eigenvalues import ROTATED, rotated
from condlab.audit.model import Problem

TRACES: dict[str, tuple[list[float], str]] = {
    "flat": ([1 + k / 64 for k in range(64)], "what deflation cannot help"),
    "decaying": ([2.0 ** -(k // 2) for k in range(64)], "what deflation is for"),
    "rank one": ([64.0] + [0.0] * 63, "products of all vectors are parallel"),
    "rank three": ([0.0, 4.0, 2.0, 1.0] + [0.0] * 60, "less than the vectors drawn"),
    "no trace": ([1.0, -1.0] * 32, "it cancels"),
    "negative": ([-1 - k / 64 for k in range(64)], "negative definite"),
    "shifted": (
        [2.0**20 + k / 64 for k in range(64)],
        "a multiple of the identity, nearly",
    ),
    "tiny": ([2.0**-70 * (1 + k / 64) for k in range(64)], "all below 1e-20"),
    "zero": ([0.0] * 64, "nothing at all"),
    "order 16": ([1 + k / 16 for k in range(16)], "fewer than the vectors drawn"),
}
DENSITIES: dict[str, tuple[list[float], str]] = {
    "a quarter": ([-1.0] * 16 + [1.0] * 48, "two eigenvalues: Lanczos ends at once"),
    "half, spread": (
        [s * (1 + k / 32) for k in range(32) for s in (1, -1)],
        "symmetric about zero",
    ),
    "none": ([1 + k / 64 for k in range(64)], "positive definite"),
    "all": ([-1 - k / 64 for k in range(64)], "negative definite"),
    "behind an outlier": (
        [0.5, 2.0**20, *[-1.0] * 32, *[1.0] * 30],
        "half is negative, and 2^20 is 99.99 % of the trace",
    ),
    "tiny": ([-(2.0**-70)] * 32 + [2.0**-70] * 32, "all below 1e-20"),
    "below a ladder": (
        [2.0**k for k in range(4, 20)] + [-1 - k / 64 for k in range(48)],
        "Lanczos finds the large ones again and again where it loses orthogonality",
    ),
    "small negative": ([-(2.0**-10)] * 32 + [1.0] * 32, "half near zero, and below it"),
}


def _trace(name: str, spectrum: list[float], source: str) -> Problem:
    return Problem(
        "trace",
        name,
        lambda: rotated(spectrum),
        lambda: math.fsum(spectrum),
        ROTATED,
        source,
        scale=math.fsum(map(abs, spectrum)),
        deviation=math.sqrt(2) * math.hypot(*spectrum),  # normal vectors; signs less
    )


def _density(name: str, spectrum: list[float], source: str) -> Problem:
    negative = sum(x < 0 for x in spectrum)
    return Problem(
        "density",
        name,
        lambda: rotated(spectrum),
        lambda: negative / len(spectrum),
        ROTATED,
        source,
        deviation=math.sqrt(2 * min(negative, len(spectrum) - negative))
        / len(spectrum),
    )


def _diagonal() -> Problem:
    return Problem(
        "trace",
        "diagonal",
        lambda: np.diag(np.arange(1.0, 65.0)),
        lambda: 2080.0,
        "64 * 65 / 2",
        "random signs make no error",
        scale=2080.0,
        deviation=math.sqrt(2) * math.hypot(*range(1, 65)),
    )


PROBLEMS: tuple[Problem, ...] = (
    *(_trace(name, *found) for name, found in TRACES.items()),
    _diagonal(),
    *(_density(name, *found) for name, found in DENSITIES.items()),
)
