"""How many eigenvalues lie below, where all are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from condlab.display.tables import record
from condlab.spectra.brackets.band import Band
from condlab.spectra.brackets.intervals import Spectrum
from condlab.spectra.brackets.shown import density_html, places
from condlab.types import Record


@dataclass(frozen=True, slots=True)
class Staircase:
    """The cumulative density of a whole spectrum, which takes no probes."""

    known: Spectrum

    def to_dict(self) -> Record:
        """Return the spectrum as a dict."""
        return record(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: shares of the eigenvalues, all known."""
        x, size = places(self.known.values.numpy()), self.known.size
        notes = [f"All {size} eigenvalues are known, and nothing is left to chance."]
        return density_html(x, self.cumulative(x), certain=True, notes=notes)

    def cumulative(self, x: ArrayLike) -> Band:
        """Return the fraction of eigenvalues that are at most x, shape (x,)."""
        x = np.atleast_1d(np.asarray(x, dtype=np.float64))
        value, lower, upper = (
            np.searchsorted(np.sort(ends.numpy()), x, side="right") / self.known.size
            for ends in (self.known.values, self.known.upper, self.known.lower)
        )
        return Band(value, lower, upper, np.zeros(len(x)))
