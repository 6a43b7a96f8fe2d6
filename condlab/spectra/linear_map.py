"""Matrices that are known by their products from either side, of any shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse.linalg as spla
import torch
from torch import Tensor

from condlab.machine.ranks import ALONE, Ranks
from condlab.spectra.assembly import assemble, require_room

CHUNK = 64  # columns multiplied together when all are wanted
Multiply = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class LinearMap:
    """Matrix of any shape, known by its products and those of its transpose.

    Made by `submatrix`, `jacobian` and `tangent_kernel`. A symmetric one is an operator
    for `spectrum`, `condition`, `density` and `solve`.

    Parameters
    ----------
    shape : tuple of int
        (m, n).
    dtype, device
        Of the vectors it takes and gives.
    forward, adjoint : callable
        Of matrices of shape (n, k) and (m, k).
    symmetric : bool
        Whether both are the same; then `dense` is exactly symmetric.
    noise : float
        How far its products are known to be off, in the Frobenius norm.
    whole : callable or None
        A quicker way to the whole matrix than by columns.
    ranks : Ranks
        The processes that multiply together.

    Examples
    --------
    >>> from condlab.curvature import submatrix
    >>> A = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> M = submatrix(A, [0, 2], slice(1, 2))
    >>> M.shape, M @ torch.ones(1), M.T @ torch.ones(2)
    ((2, 1), tensor([2., 6.]), tensor([8.]))
    """

    shape: tuple[int, int]
    dtype: torch.dtype
    device: torch.device
    forward: Multiply
    adjoint: Multiply
    symmetric: bool = False
    noise: float = 0.0
    whole: Callable[[], Tensor] | None = None
    ranks: Ranks = ALONE

    @property
    def T(self) -> LinearMap:
        """Return the transpose."""
        if self.symmetric:
            return self
        whole = self.whole
        return LinearMap(
            self.shape[::-1],
            self.dtype,
            self.device,
            self.adjoint,
            self.forward,
            noise=self.noise,
            whole=None if whole is None else lambda: whole().T,
            ranks=self.ranks,
        )

    def __matmul__(self, V: Tensor) -> Tensor:
        """Return the product with a vector, shape (n,), or a matrix, shape (n, k)."""
        n = self.shape[1]
        if not isinstance(V, Tensor) or V.ndim not in (1, 2) or V.shape[0] != n:
            got = tuple(V.shape) if isinstance(V, Tensor) else type(V).__name__
            raise ValueError(f"shape ({n},) or ({n}, k) is needed, got {got}")
        if (V.dtype, V.device) != (self.dtype, self.device):
            raise ValueError(
                f"{self.dtype} on {self.device} is needed, got {V.dtype} on "
                f"{V.device}; convert it"
            )
        if V.ndim == 1:
            return self.forward(V[:, None])[:, 0]
        if V.shape[1] == 0:
            return V.new_zeros((self.shape[0], 0))
        return self.forward(V)

    def dense(self) -> Tensor:
        """Return the matrix, shape (m, n), from products with the shorter side."""
        if self.whole is not None:
            return self.whole()
        if self.symmetric:
            return assemble(self)
        require_room(self)
        m, n = self.shape
        if m < n:
            return self.T.dense().T
        A = torch.empty((m, n), dtype=self.dtype, device=self.device)
        for start in range(0, n, CHUNK):
            E = A.new_zeros((n, min(CHUNK, n - start)))
            E[start : start + CHUNK].fill_diagonal_(1)
            A[:, start : start + CHUNK] = self.forward(E)
        return A

    def to_scipy(self) -> spla.LinearOperator:
        """Return the operator for NumPy arrays, copied from and to the device."""

        def by(multiply: Multiply) -> Callable[[np.ndarray], np.ndarray]:
            def product(V: np.ndarray) -> np.ndarray:
                X = torch.as_tensor(np.array(V), dtype=self.dtype, device=self.device)
                return multiply(X.reshape(len(X), -1)).cpu().numpy()

            return product

        def vector(multiply: Multiply) -> Callable[[np.ndarray], np.ndarray]:
            product = by(multiply)
            return lambda v: product(v).reshape(-1)

        return spla.LinearOperator(
            self.shape,
            matvec=vector(self.forward),
            rmatvec=vector(self.adjoint),
            matmat=by(self.forward),
            rmatmat=by(self.adjoint),
            dtype=np.dtype(str(self.dtype).removeprefix("torch.")),
        )
