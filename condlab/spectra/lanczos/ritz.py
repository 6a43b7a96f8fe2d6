"""What a basis tells of the eigenvalues."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy import linalg
from torch import Tensor

from condlab.spectra._products import Products


@dataclass(frozen=True, slots=True, eq=False)
class Ritz:
    """Ritz pairs and the norms of their residuals, in the operator's own units.

    Parameters
    ----------
    values : Tensor, shape (k,)
        Ascending, float64.
    coefficients : Tensor, shape (k, k)
        Of the Ritz vectors in the basis, one a column.
    residuals : Tensor, shape (k,)
        ``|H y - theta y| / |y|``, from the images.
    asymmetry : float
        By how much V'W differs from its transpose, in the 2-norm.
    """

    values: Tensor
    coefficients: Tensor
    residuals: Tensor
    asymmetry: float

    def require_symmetric(self, H: Products) -> None:
        """Raise ValueError where V'W is not symmetric up to rounding."""
        largest = float(self.values.abs().max()) if len(self.values) else 0.0
        known = torch.finfo(H.dtype).eps ** 0.5 * largest + H.noise * H.scale
        if self.asymmetry > 10 * known:
            raise ValueError(
                f"the operator must be symmetric, but V'HV differs by "
                f"{self.asymmetry:.1e} from its transpose, of norm {largest:.1e}"
            )


def projected(T: Tensor) -> tuple[Tensor, Tensor, float]:
    """Return eigenvalues and vectors of (T + T')/2, and the 2-norm of T - T'.

    T is written to: torch's own way takes three times the memory.
    """
    gap = float(torch.linalg.matrix_norm(T - T.T, 2)) if len(T) else 0.0
    T.add_(T.T.clone()).div_(2)
    found = linalg.eigh(T.T.numpy(), overwrite_a=True, driver="evr")
    values, S = map(torch.from_numpy, found)
    return values, S, gap
