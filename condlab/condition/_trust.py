"""Whether an LU factorisation can tell its matrix from a singular one."""

from __future__ import annotations

import numpy as np

from condlab.condition._certain import Products
from condlab.condition._hager import inverse_norm_1
from condlab.condition._sparse_lu import Factorisation
from condlab.errors import SingularMatrixError

# Half of what is asked of a solve: beyond it, the matrix may as well be singular.
HOPELESS = 0.5


def is_trusted(F: Factorisation, rng: np.random.Generator) -> bool:
    """Tell whether the solve that grows most keeps a residual below what was asked.

    It is looked at in the units of the equilibrated matrix. In those of A a row of
    1e8 hides in its rounding what a row of 1e-8 says, though LU saw both alike; and a
    small but regular part would hide that the rest is singular.
    """
    F = F.equilibrated
    try:
        x, y = inverse_norm_1(F, len(F.left), 1, rng)
    except SingularMatrixError:
        return False
    return residual_norm_1(F.matrix, x, y) < HOPELESS * float(np.abs(x).sum())


def residual_norm_1(A: object, x: np.ndarray, y: np.ndarray) -> float:
    """Bound ‖x − Ay‖₁ from above."""
    return float(Products(A).residual(y, x).sum())
