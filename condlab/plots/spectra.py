"""A spectrum: how many eigenvalues lie below, where they are, what kappa can be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots.style import (
    BLUE,
    INK,
    ORANGE,
    QUIET,
    SKY,
    VERMILLION,
    WIDTH,
    style,
)

_POINTS = 400
DECADES = 1e-7


def draw_spectrum(known: Any, seen: Any, found: Any, path: Path, *, title: str) -> None:
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
    with style():
        figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
        counts, values, bracket = figure.subplots(3, 1, height_ratios=[3, 2.2, 0.9])
        figure.suptitle(f"Hessian of {title}", x=0.01, ha="left", fontweight="bold")
        size = max(float(known.values.abs().max()), np.finfo(float).tiny)
        linear = _linear(size, found, known)
        band = "certain" if known.complete else "99.9 % band"
        _counts(counts, seen, size, linear, band)
        _intervals(values, known, size, linear)
        _kappa(bracket, found)
        figure.savefig(path)


def _linear(size: float, found: Any, known: Any) -> float:
    """Return what |eigenvalue| is drawn on a linear scale, within seven decades."""
    smallest = float(known.values.abs().min())
    return max(smallest, found.noise, DECADES * size, np.finfo(float).tiny)


def _axis(axes: Axes, size: float, linear: float) -> None:
    axes.set_xscale("symlog", linthresh=linear, linscale=0.6)
    axes.set_xlim(-2 * size, 2 * size)
    top = math.floor(math.log10(size))
    down = range(top, math.ceil(math.log10(linear)) - 1, -2)
    places = [10.0**k for k in down if 10.0**k > linear]
    axes.set_xticks([*(-x for x in places), 0.0, *places])
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(plain)


def plain(x: float, _position: float) -> str:
    """Return a tick's number in few letters."""
    mantissa, _, power = f"{x:.0e}".partition("e")
    return f"{mantissa}e{int(power)}" if x else "0"


def _counts(axes: Axes, seen: Any, size: float, linear: float, name: str) -> None:
    """Draw the cumulative density with its band."""
    far = np.geomspace(linear / 10, 2 * size, _POINTS)
    x = np.concatenate([-far[::-1], [0.0], far])
    band = seen.cumulative(x)
    axes.fill_between(x, band.lower, band.upper, color=SKY, alpha=0.4, lw=0, label=name)
    axes.plot(x, band.value, color=BLUE, lw=1.2, label="estimate")
    axes.set_ylim(0, 1)
    _axis(axes, size, linear)
    axes.set_ylabel("share of eigenvalues")
    axes.set_title("Share of eigenvalues at most x")
    axes.legend(loc="upper left")


def _intervals(axes: Axes, known: Any, size: float, linear: float) -> None:
    """Draw every value with the interval that holds an eigenvalue."""
    values, radii = known.values.numpy(), known.radii.numpy()
    height = np.arange(len(values))
    axes.hlines(height, values - radii, values + radii, color=ORANGE, lw=2)
    axes.plot(values, height, ".", ms=2.5, color=INK)
    _axis(axes, size, linear)
    whole = "every eigenvalue" if known.complete else f"{len(values)} Ritz values"
    axes.set_title(f"{whole[0].upper()}{whole[1:]}, each with its certain interval")
    axes.set_ylabel("number from the left")
    axes.set_xlabel("eigenvalue")


def _kappa(axes: Axes, found: Any) -> None:
    """Draw the brackets of the condition numbers; an arrow where nothing bounds."""
    rows = [("off nulls", found.kappa_nonnull), ("whole", found.kappa)]
    ends = [e for _, k in rows for e in (k.lower, k.upper) if 0 < e < math.inf]
    low, high = min(ends, default=1.0), 10 * max(ends, default=1.0)
    axes.set_xscale("log")
    axes.set_xlim(low / 3, 3 * high)
    for height, (_, kappa) in enumerate(rows):
        if math.isinf(kappa.lower):
            axes.text(high, height, "infinite", ha="right", va="center", color=QUIET)
            continue
        end = min(kappa.upper, high)
        axes.plot([kappa.lower, end], [height, height], color=VERMILLION, lw=4)
        if math.isinf(kappa.upper):
            axes.plot(end, height, ">", color=VERMILLION, ms=7)
        axes.plot(kappa.lower, height, "|", color=VERMILLION, ms=9, mew=2)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(plain)
    axes.set_title("Condition number, certainly within (an arrow: no upper bound)")
    axes.set_xlabel("kappa")
