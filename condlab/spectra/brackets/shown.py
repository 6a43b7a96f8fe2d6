"""What notebooks show of spectra: certain intervals, and bands that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from condlab.display.digits import interval
from condlab.display.tables import as_html, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from condlab.spectra.brackets.band import Band, Floats
    from condlab.spectra.brackets.intervals import Spectrum

PLACES = 7  # at which a density is shown


def spectrum_html(found: Spectrum) -> str:
    """Return a row a value, with the interval that holds an eigenvalue."""
    ends = (each.tolist() for each in (found.values, found.lower, found.upper))
    lines = [
        (str(i), f"{value:.6g}", interval(lower, upper))
        for i, (value, lower, upper) in enumerate(zip(*ends, strict=True))
    ]
    name = "eigenvalue" if found.complete else "Ritz value"
    head = ("number", name, "an eigenvalue is certainly in")
    return as_html(shortened([head, *lines]), _notes(found))


def _notes(found: Spectrum) -> list[str]:
    how = f"{found.method}, {found.products} products, noise {found.noise:.1e}"
    if found.complete:
        return [f"All {found.size} eigenvalues; {how}."]
    notes = [
        f"{len(found.values)} Ritz values of {found.size} eigenvalues; {how}.",
        "Not certain: how many eigenvalues an interval holds, and that none is "
        "elsewhere.",
    ]
    if found.probable is not None:
        most = found.probable
        inside = interval(most.lambda_min.lower, most.lambda_max.upper)
        notes.append(
            f"Not certain either: all eigenvalues are in {inside}, except with "
            f"probability {most.failure:g} over the random start."
        )
    return notes


def places(values: Sequence[float] | Floats) -> Floats:
    """Return where a density is shown: zero, and between its extremes."""
    x = np.asarray(values, dtype=np.float64)
    if not len(x):
        return np.zeros(1)
    return np.unique([0.0, *np.linspace(x.min(), x.max(), PLACES)])


def density_html(x: Floats, band: Band, *, certain: bool, notes: list[str]) -> str:
    """Return a row a place, with the share of eigenvalues up to it."""
    sure = "certainly in" if certain else "band, not certain"
    lines = [
        (f"{place:.4g}", f"{value:.4f}", interval(lower, upper, 4))
        for place, value, lower, upper in zip(
            x.tolist(),
            band.value.tolist(),
            band.lower.tolist(),
            band.upper.tolist(),
            strict=True,
        )
    ]
    return as_html([("x", "share of eigenvalues ≤ x", sure), *lines], notes)
