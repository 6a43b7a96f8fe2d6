"""A spectrum: how many eigenvalues lie below, where they are, what kappa can be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from condlab.plots.style import (
    BLUE,
    FAR,
    INK,
    ORANGE,
    QUIET,
    SKY,
    VERMILLION,
    WIDTH,
    current,
    style,
)

if TYPE_CHECKING:
    from condlab.curvature import HessianCondition
    from condlab.spectra import SpectralDensity, Spectrum
    from condlab.spectra.brackets.staircase import Staircase
    from condlab.types import Bracket, ConditionEstimate

_POINTS = 400
DECADES = 1e-7


def spectrum(
    known: Spectrum,
    axes: Axes | None = None,
    *,
    scale: tuple[float, float] | None = None,
) -> Axes:
    """Draw every value of a spectrum with the interval that holds an eigenvalue.

    Parameters
    ----------
    known : condlab.spectra.Spectrum
        Such as `condlab.spectra.spectrum` returns.
    axes : Axes, optional
        Where; those of the current figure of pyplot by default.
    scale : tuple of float, optional
        The largest |eigenvalue| drawn, and what is drawn on a linear scale.

    Returns
    -------
    Axes
        Symmetric-logarithmic, one height a value.
    """
    axes = current() if axes is None else axes
    values, radii = known.values.numpy(), known.radii.numpy()
    height = np.arange(len(values))
    axes.hlines(height, values - radii, values + radii, color=ORANGE, lw=2)
    axes.plot(values, height, ".", ms=2.5, color=INK)
    _axis(axes, *(scale or scale_of(values, known.noise)))
    whole = "every eigenvalue" if known.complete else f"{len(values)} Ritz values"
    axes.set_title(f"{whole[0].upper()}{whole[1:]}, each with its certain interval")
    axes.set_ylabel("number from the left")
    axes.set_xlabel("eigenvalue")
    return axes


def density(
    seen: SpectralDensity | Staircase,
    axes: Axes | None = None,
    *,
    scale: tuple[float, float] | None = None,
) -> Axes:
    """Draw the cumulative density of a spectrum with its band.

    Parameters
    ----------
    seen : condlab.spectra.SpectralDensity
        Or what `Examination.density` returns.
    axes : Axes, optional
        Where; those of the current figure of pyplot by default.
    scale : tuple of float, optional
        The largest |eigenvalue| drawn, and what is drawn on a linear scale.

    Returns
    -------
    Axes
        The share of eigenvalues that are at most x.
    """
    axes = current() if axes is None else axes
    size, linear = scale or _scale_of_density(seen)
    far = np.geomspace(linear / 10, 2 * size, _POINTS)
    x = np.concatenate([-far[::-1], [0.0], far])
    band = seen.cumulative(x)
    name = "99.9 % band" if hasattr(seen, "nodes") else "certain"
    axes.fill_between(x, band.lower, band.upper, color=SKY, alpha=0.4, lw=0, label=name)
    axes.plot(x, band.value, color=BLUE, lw=1.2, label="estimate")
    axes.set_ylim(0, 1)
    _axis(axes, size, linear)
    axes.set_ylabel("share of eigenvalues")
    axes.set_title("Share of eigenvalues at most x")
    axes.legend(loc="upper left")
    return axes


def _scale_of_density(seen: SpectralDensity | Staircase) -> tuple[float, float]:
    if hasattr(seen, "known"):  # the whole spectrum
        return scale_of(seen.known.values.numpy(), seen.known.noise)
    return scale_of(np.concatenate(seen.nodes), seen.noise)


def scale_of(values: NDArray[np.float64], noise: float) -> tuple[float, float]:
    """Return the largest |value|, and what is drawn linearly, within seven decades."""
    sizes, tiny = np.abs(values), float(np.finfo(float).tiny)
    size = min(float(sizes.max(initial=0.0)), FAR)
    size = size if size >= tiny else 1.0  # of zeros any scale will do
    smallest = float(sizes.min()) if len(sizes) else 0.0
    return size, max(smallest, noise, DECADES * size, tiny)


def _axis(axes: Axes, size: float, linear: float) -> None:
    axes.set_xscale("symlog", linthresh=linear, linscale=0.6)
    axes.set_xlim(-2 * size, 2 * size)
    top = math.floor(math.log10(size))
    down = range(top, math.ceil(math.log10(linear)) - 1, -2)
    places = [10.0**k for k in down if 10.0**k > linear]
    axes.set_xticks([*(-x for x in places), 0.0, *places])
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(plain)


def brackets(
    kappas: Mapping[str, ConditionEstimate | Bracket], axes: Axes | None = None
) -> Axes:
    """Draw the brackets of condition numbers; an arrow where nothing bounds one.

    Parameters
    ----------
    kappas : mapping of str to ConditionEstimate or Bracket
        By name, from the bottom.
    axes : Axes, optional
        Where; those of the current figure of pyplot by default.

    Returns
    -------
    Axes
        Logarithmic.
    """
    axes = current() if axes is None else axes
    ends = [e for k in kappas.values() for e in (k.lower, k.upper) if 0 < e < math.inf]
    low = min(ends, default=1.0)
    high = min(10 * max(ends, default=1.0), FAR)
    axes.set_xscale("log")
    axes.set_xlim(low / 3, 3 * high)
    for height, kappa in enumerate(kappas.values()):
        if not math.isfinite(kappa.lower):
            words = "infinite" if math.isinf(kappa.lower) else "none"
            axes.text(high, height, words, ha="right", va="center", color=QUIET)
            continue
        end = min(kappa.upper, high)
        start = min(kappa.lower, high)
        axes.plot([start, end], [height, height], color=VERMILLION, lw=4)
        if math.isinf(kappa.upper):
            axes.plot(end, height, ">", color=VERMILLION, ms=7)
        axes.plot(start, height, "|", color=VERMILLION, ms=9, mew=2)
    axes.set_yticks(range(len(kappas)), list(kappas))
    axes.set_ylim(-0.6, len(kappas) - 0.4)
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(plain)
    axes.set_title("Condition number, certainly within (an arrow: no upper bound)")
    axes.set_xlabel("kappa")
    return axes


def draw_spectrum(
    known: Spectrum,
    seen: SpectralDensity | Staircase,
    found: HessianCondition,
    path: Path,
    *,
    title: str,
) -> None:
    """Write a figure of a spectrum.

    Parameters
    ----------
    known : condlab.spectra.Spectrum
        Values with intervals.
    seen : condlab.spectra.SpectralDensity
        Of the same operator, or whatever has its ``cumulative``.
    found : condlab.curvature.HessianCondition
        Of the same operator.
    path : Path
        Its suffix says the format.
    title : str
        What the spectrum is of.
    """
    scale = scale_of(known.values.numpy(), found.noise)
    kappas = {"off nulls": found.kappa_nonnull, "whole": found.kappa}
    with style():
        figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
        counts, values, bracket = figure.subplots(3, 1, height_ratios=[3, 2.2, 0.9])
        figure.suptitle(f"Hessian of {title}", x=0.01, ha="left", fontweight="bold")
        density(seen, counts, scale=scale)
        spectrum(known, values, scale=scale)
        brackets(kappas, bracket)
        figure.savefig(path)


def plain(x: float, _position: float) -> str:
    """Return a tick's number in few letters."""
    mantissa, _, power = f"{x:.0e}".partition("e")
    return f"{mantissa}e{int(power)}" if x else "0"
