"""An operator as a matrix in float64: whether there is room, and how far it is off."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from condlab.machine.precision import wide
from condlab.spectra._operator import Operator
from condlab.spectra._products import Products, gaussian
from condlab.spectra.assembly import assemble
from condlab.spectra.lanczos.krylov import ROUNDING
from condlab.spectra.storage.room import COPIES, device_of, room_of

EXACT = 4096  # rows that "auto" assembles: a minute on one core
SAFETY = 4  # times what one random product is off: the 2-norm of what all are off


def is_exact(H: Operator, method: str, num_matvecs: int | None) -> bool:
    """Return whether the matrix is to be assembled."""
    if method != "auto":
        return method == "exact"
    n = H.shape[0]
    afforded = num_matvecs is None or n <= num_matvecs
    room = COPIES * n * n * torch.float64.itemsize <= room_of(H, device_of(H))
    return n <= EXACT and afforded and room


def assembled(H: Products) -> tuple[Tensor, float]:
    """Return the scaled matrix in float64, and by how much it is off a product.

    An operator that knows a quicker way than by columns takes it.
    """
    if hasattr(H.H, "dense"):
        A = wide(H.H.dense()).div_(H.scale)
        H.count += len(A)
    else:
        A = wide(assemble(H))
    x = _fixed_vector(H)
    return A, float((A @ x - wide(H.probe)).norm() / x.norm())


def rounding(H: Products, peak: float) -> float:
    """Return how far an assembled matrix is off, LAPACK's rounding included."""
    n = H.shape[0]
    own = ROUNDING * math.sqrt(n) * torch.finfo(H.dtype).eps
    return (own + n * torch.finfo(torch.float64).eps) * peak + H.noise


def _fixed_vector(H: Products) -> Tensor:
    """Return the vector whose product is `Products.probe`."""
    generator = torch.Generator().manual_seed(0)
    return wide(gaussian(H, 1, generator)[:, 0])
