"""How many eigenvalues lie below, where all are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from condlab.spectra.density import Band
from condlab.spectra.spectrum import Spectrum


@dataclass(frozen=True, slots=True)
class Staircase:
    """The cumulative density of a whole spectrum, which takes no probes."""

    known: Spectrum

    def cumulative(self, x: ArrayLike) -> Band:
        """Return the fraction of eigenvalues that are at most x, shape (x,)."""
        x = np.atleast_1d(np.asarray(x, dtype=np.float64))
        value, lower, upper = (
            np.searchsorted(np.sort(ends.numpy()), x, side="right") / self.known.size
            for ends in (self.known.values, self.known.upper, self.known.lower)
        )
        return Band(value, lower, upper, np.zeros(len(x)))
