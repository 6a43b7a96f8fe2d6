"""What must hold of a matrix and of options for there to be a best scaling."""

from __future__ import annotations

import math

import numpy as np

from condlab.condition.exact import _dense
from condlab.types import (
    Array,
    MatrixNorm,
)

SIDES = ("left", "right", "symmetric", "both")
NORMS = (1, 2, "inf", "fro")


def require_options(
    side: str, p: MatrixNorm, rtol: float, time_limit: float | None
) -> None:
    """Raise unless the options are of their lists."""
    if side not in SIDES:
        raise ValueError(f"side must be one of {', '.join(SIDES)}, got {side!r}")
    if p not in NORMS:
        raise ValueError(f'p must be 1, 2, "inf" or "fro", got {p!r}')
    if (side == "symmetric" and p != 2) or (side == "both" and p == "fro"):
        known = "p=2" if side == "symmetric" else 'p=1, 2 or "inf"'
        raise ValueError(f'side="{side}" needs {known}, got p={p!r}')
    if not (rtol > 0 and math.isfinite(rtol)):
        raise ValueError(f"rtol must be positive, such as 0.005, got {rtol!r}")
    if time_limit is not None and not time_limit >= 0:
        raise ValueError(f"time_limit is a number of seconds, got {time_limit!r}")


def require_objective(objective: str, p: MatrixNorm) -> None:
    """Raise unless the objective is one, and defined in that norm."""
    if objective not in ("kappa", "omega"):
        raise ValueError(f'objective must be "kappa" or "omega", got {objective!r}')
    if objective == "omega" and p != 2:
        raise ValueError(f"omega is of singular values and needs p=2, got p={p!r}")


def require_shape(A: Array, side: str, p: MatrixNorm) -> None:
    """Raise unless a matrix of that shape has a best scaling of the side."""
    shape = np.shape(A)
    if len(shape) != 2 or shape[0] == shape[1] or 0 in shape:
        return
    if side == "symmetric":
        raise ValueError(
            f'side="symmetric" needs a square matrix, got shape {shape}; scale a '
            'rectangular one by side="left", "right" or "both"'
        )
    if p in (1, "inf"):
        raise ValueError(
            f"the best scaling for p={p!r} needs a square matrix, got shape {shape}; "
            "use p=2 for a rectangular one"
        )


def required_dense(A: Array, side: str, p: MatrixNorm) -> np.ndarray:
    """Return A as a dense array, if it has a best scaling of the side."""
    A = _dense(A)
    if np.iscomplexobj(A) and p != 2:
        raise ValueError(
            f"the best scaling of complex matrices needs p=2, got p={p!r}; "
            "bauer brackets the optimum for p=1 and inf"
        )
    m, n = A.shape if side != "right" else A.shape[::-1]
    if p == "fro" and m > n:
        raise ValueError(
            f"the Frobenius norm has a formula for independent lines only, got {m} "
            f"lines of {n} entries to scale; use p=2 or the other side"
        )
    if side == "symmetric" and not (A == A.conj().T).all():
        i, j = np.argwhere(A != A.conj().T)[0]
        kind = "Hermitian" if np.iscomplexobj(A) else "symmetric"
        raise ValueError(
            f"symmetric scaling needs a {kind} matrix, got {A[i, j]} at ({i}, {j}) "
            f"and {A[j, i]} at ({j}, {i}); use (A + A.conj().T) / 2 if that is rounding"
        )
    return A
