"""Products with a symmetric operator, of which only the matrix product is asked."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse.linalg as spla
import torch
from torch import Tensor

from condlab.machine.ranks import ranks_of
from condlab.spectra._operator import Operator, PlacedOperator

METHODS = ("auto", "exact", "lanczos")


class Products:
    """Products with a symmetric operator: counted, finite, and scaled to mid-range.

    Attributes
    ----------
    count : int
        Vectors multiplied so far.
    scale : float
        The power of two by which products are divided, so that squares of their
        entries neither overflow nor vanish.
    probe : Tensor, shape (n,)
        The scaled product with a fixed vector: it tells operators apart.
    noise : float
        By how much an operator says that its products are off, scaled.
    ranks : Ranks
        The processes that multiply together.
    """

    def __init__(self, H: Operator) -> None:
        require_operator(H)
        self.H, self.shape, self.dtype = H, tuple(H.shape), H.dtype
        self.device = getattr(H, "device", torch.device("cpu"))
        self.ranks = ranks_of(H)
        self.count, self.scale = 0, 1.0
        fixed = torch.Generator().manual_seed(0)
        image = self @ gaussian(self, 1, fixed)
        peak = float(image.abs().max())
        if peak > 0:
            self.scale = 2.0 ** math.floor(math.log2(peak))
        self.probe = image[:, 0] / self.scale
        self.noise = float(getattr(H, "noise", 0.0)) / self.scale

    def __matmul__(self, X: Tensor) -> Tensor:
        """Return H X / scale, shape (n, k)."""
        Y = self.H @ X
        self.count += X.shape[1]
        # a finite sum has finite terms, and takes a fraction of a look at each
        if not math.isfinite(float(Y.sum())) and not bool(torch.isfinite(Y).all()):
            raise ValueError(
                "the product with a finite vector must be finite, got nan or inf; "
                "take the operator at a point where the loss is finite"
            )
        return Y / self.scale


def require_operator(H: Operator) -> None:
    """Raise unless H has a square shape and a real floating dtype of torch."""
    shape = tuple(getattr(H, "shape", ()))
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(f"a square operator is needed, got shape {shape}")
    if H.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"float32 or float64 is needed, got {H.dtype}; convert it")


def require_arguments(
    H: Operator,
    method: str,
    num_matvecs: int | None,
    methods: tuple[str, ...] = METHODS,
) -> None:
    """Raise unless H is an operator, and the method is here with enough products."""
    require_operator(H)
    if method not in methods:
        raise ValueError(f"method must be one of {', '.join(methods)}, got {method!r}")
    if num_matvecs is not None and num_matvecs < 3:
        raise ValueError(f"num_matvecs must be at least 3, got {num_matvecs}")


def gaussian(H: PlacedOperator, k: int, generator: torch.Generator) -> Tensor:
    """Return k standard normal vectors, shape (n, k), on the operator's device.

    They are drawn in float64 where the generator lives: a seed means the same
    vectors for every dtype and device.
    """
    X = torch.randn(
        (k, H.shape[0]),
        generator=generator,
        dtype=torch.float64,
        device=generator.device,
    )
    return X.to(H.dtype).to(H.device).T


def to_scipy(H: PlacedOperator) -> spla.LinearOperator:
    """Return a symmetric operator for NumPy arrays, copied from and to its device."""

    def product(V: np.ndarray) -> np.ndarray:
        moved = torch.as_tensor(np.array(V), dtype=H.dtype, device=H.device)
        return (H @ moved).cpu().numpy()

    def vector(v: np.ndarray) -> np.ndarray:
        return product(v.reshape(-1))

    return spla.LinearOperator(
        H.shape,
        matvec=vector,
        rmatvec=vector,
        matmat=product,
        rmatmat=product,
        dtype=np.dtype(str(H.dtype).removeprefix("torch.")),
    )
