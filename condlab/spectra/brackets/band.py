"""Numbers with bounds that hold with a confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from condlab.display.tables import as_frame, record
from condlab.types import Record

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Numbers with bounds, one for each place that was asked for.

    Parameters
    ----------
    value, lower, upper : array, shape (x,)
        The estimate, and bounds that hold at each place with the confidence asked for.
    standard_error : array, shape (x,)
        Of the value, over probes; nan for one probe. The bands do not rest on it.
    """

    value: Floats
    lower: Floats
    upper: Floats
    standard_error: Floats

    def to_dict(self) -> Record:
        """Return the fields, arrays as lists."""
        return record(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row a place; needs pandas."""
        return as_frame(self.to_dict())
