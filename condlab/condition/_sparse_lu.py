"""One sparse LU factorisation that behaves as the inverse of a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from condlab import _arrays, norms
from condlab.condition._fill import dense_from, fits
from condlab.errors import SingularMatrixError
from condlab.types import Sparse

if TYPE_CHECKING:  # a tenth of `import condlab`, so it waits until it is needed
    from scipy.sparse.linalg import LinearOperator, SuperLU

    from condlab.lanczos.recurrence import Product

# A diagonal pivot this large beside its column keeps the symmetric ordering.
DIAGONAL_PIVOT = 0.01
AUGMENTATION = 2.0**-26  # about √eps


@dataclass(frozen=True, slots=True)
class Factorisation:
    """A = left⁻¹ (LU) right⁻¹ with diagonal `left` and `right`, powers of two.

    `matrix` is the equilibrated one that LU is of. A solve that overflows raises
    SingularMatrixError.
    """

    lu: SuperLU
    matrix: sp.csc_array
    left: np.ndarray
    right: np.ndarray

    @property
    def equilibrated(self) -> Factorisation:
        """The factorisation of `matrix` itself."""
        one = np.ones_like(self.left)
        return Factorisation(self.lu, self.matrix, one, one)

    @property
    def is_equilibrated(self) -> bool:
        """Whether A and `matrix` differ by one number only."""
        return bool(np.ptp(self.left) == 0 and np.ptp(self.right) == 0)

    @property
    def is_symmetric(self) -> bool:
        """Whether all pivots are diagonal ones, so that the fill is Cholesky's."""
        return bool((self.lu.perm_r == self.lu.perm_c).all())

    def solve(self, B: np.ndarray) -> np.ndarray:
        """Return A⁻¹ B for a vector or a matrix of columns."""
        return _finite(self.right, self.lu.solve(_times(self.left, B)))

    def solve_adjoint(self, B: np.ndarray) -> np.ndarray:
        """Return A'⁻¹ B for a vector or a matrix of columns."""
        return _finite(self.left, self.lu.solve(_times(self.right, B), "H"))


class FillError(Exception):
    """The factors would have more entries than the caller allows."""


def factorise(A: Sparse, fill_limit: float) -> Factorisation:
    """Return the LU factorisation of the equilibrated A; raise if it is singular.

    SuperLU compares pivots with the units as they are, so badly scaled rows destroy
    its ordering: on a 2-D Laplacian with random row units, in memory as in time.
    """
    from scipy.sparse.linalg import splu

    A = A.tocsc()
    left = _reciprocal(norms.row_norms(A, p="inf"))
    right = _reciprocal(norms.column_norms(_arrays.scale(A, left, None), p="inf"))
    B = _arrays.scale(A, left, right)
    diagonal = _suits_diagonal_pivots(B)
    if not fits(B, fill_limit, row_exchanges=not diagonal):
        raise FillError
    options: dict[str, object] = {"permc_spec": "COLAMD"}
    if diagonal:  # COLAMD would double the fill of a 2-D mesh
        options = {
            "permc_spec": "MMD_AT_PLUS_A",
            "diag_pivot_thresh": DIAGONAL_PIVOT,
            "options": {"SymmetricMode": True},
            "panel_size": 4,
        }
    try:
        return Factorisation(splu(B, **options), B, left, right)
    except RuntimeError as error:  # "Factor is exactly singular"
        raise SingularMatrixError(
            f"a nonsingular matrix is needed; SuperLU says: {error}"
        ) from error


def inverse_operator(
    A: Sparse, fill_limit: float
) -> tuple[LinearOperator, Factorisation]:
    """Return A⁺, shape (n, m), of a full-rank A with m >= n, and the factorisation.

    A rectangular A goes through K = [[αI, A], [A', 0]]: K [r; x] = [b; 0] gives
    x = A⁺b and K [r; x] = [0; c] gives r = A'⁺c. The condition number of K is least
    for α near σ_min, which is unknown, and κ² for α near σ_1; α = √eps σ_1 loses no
    more than half the digits while κ is below 10^8 (Björck 1967).
    """
    m, n = A.shape
    if m == n:
        F = factorise(A, fill_limit)
        return _operator(A, F.solve, F.solve_adjoint), F
    peak = float(np.abs(A.data).max(initial=0.0)) or 1.0
    alpha = AUGMENTATION * peak
    K = sp.block_array(
        [[alpha * sp.eye_array(m), A], [A.conj().T, sp.csr_array((n, n))]]
    )
    F = factorise(K, fill_limit)

    def solve(b: np.ndarray) -> np.ndarray:
        return F.solve(np.concatenate([b, np.zeros(n, b.dtype)]))[m:]

    def solve_adjoint(c: np.ndarray) -> np.ndarray:
        return F.solve(np.concatenate([np.zeros(m, c.dtype), c]))[:m]

    return _operator(A, solve, solve_adjoint), F


def _operator(A: Sparse, solve: Product, solve_adjoint: Product) -> LinearOperator:
    from scipy.sparse.linalg import LinearOperator

    shape = A.shape[::-1]
    return LinearOperator(shape, matvec=solve, rmatvec=solve_adjoint, dtype=A.dtype)


def _suits_diagonal_pivots(A: Sparse) -> bool:
    """Tell whether A has a nearly symmetric pattern and a diagonal fit for pivots."""
    n = A.shape[0]
    pattern = sp.csc_array((np.ones(A.nnz, np.int8), A.indices, A.indptr), A.shape)
    if pattern.multiply(pattern.T).nnz < 0.9 * A.nnz:
        return False
    if np.diff(A.indptr).max() > dense_from(n):  # minimum degree crawls
        return False
    diagonal = np.abs(A.diagonal())
    return bool((diagonal >= DIAGONAL_PIVOT * norms.column_norms(A, p="inf")).all())


def _reciprocal(peaks: np.ndarray) -> np.ndarray:
    """Return powers of two that bring peaks near 1; a zero line is left alone."""
    exponents = np.where(peaks > 0, np.frexp(peaks)[1], 0)
    return np.ldexp(1.0, -np.clip(exponents, -1000, 1000))


def _times(d: np.ndarray, B: np.ndarray) -> np.ndarray:
    return d * B if B.ndim == 1 else d[:, None] * B


def _finite(d: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return diag(d) B, or raise where the solution left the range of floats."""
    with np.errstate(over="ignore", invalid="ignore"):
        X = _times(d, B)
    if not np.isfinite(X).all():
        raise SingularMatrixError(
            "a nonsingular matrix is needed; its solve overflowed"
        )
    return X
