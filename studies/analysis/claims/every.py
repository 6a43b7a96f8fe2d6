"""All claims, in the order of the tables."""

from __future__ import annotations

from studies.analysis.claims import (
    association,
    equilibration,
    micro_batches,
    standardization,
    survey,
    updates,
)
from studies.analysis.contrasts import Contrast
from studies.analysis.entries import Claim

# That one arm trains faster than another.
CLAIMS: tuple[Claim, ...] = (
    *equilibration.CLAIMS,
    *standardization.CLAIMS,
    *survey.CLAIMS,
    *updates.CLAIMS,
    *equilibration.OTHERS,
)
# That a number of each seed is above 0.
CONTRASTS: tuple[Contrast, ...] = (
    *standardization.CONTRASTS,
    *association.CONTRASTS,
    *micro_batches.CONTRASTS,
    *survey.CONTRASTS,
    *updates.CONTRASTS,
)
