"""Spectra of symmetric operators of torch: assembly, Lanczos, densities, solves."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    from condlab.errors import missing_extra

    raise missing_extra("torch", "torch", "condlab.spectra") from error

from condlab.spectra.assembly import Progress, assemble
from condlab.spectra.brackets.extremes import ProbableExtremes
from condlab.spectra.brackets.intervals import Spectrum
from condlab.spectra.density import Band, SpectralDensity, density
from condlab.spectra.eigenpairs import Eigenpairs
from condlab.spectra.linear_map import LinearMap
from condlab.spectra.solve import Solution, solve
from condlab.spectra.spectrum import spectrum
from condlab.spectra.trace import (
    DiagonalEstimate,
    Estimate,
    diagonal,
    frobenius_norm,
    trace,
)

__all__ = [
    "Band",
    "DiagonalEstimate",
    "Eigenpairs",
    "Estimate",
    "LinearMap",
    "ProbableExtremes",
    "Progress",
    "Solution",
    "SpectralDensity",
    "Spectrum",
    "assemble",
    "density",
    "diagonal",
    "frobenius_norm",
    "solve",
    "spectrum",
    "trace",
]
