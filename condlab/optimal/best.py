"""The best diagonal scaling there is, with a certificate that none is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import scipy.sparse as sp

from condlab.condition.exact import DENSE_BYTES
from condlab.optimal._complex import best_complex
from condlab.optimal._in_memory import best_dense
from condlab.optimal._large import best_large
from condlab.optimal._omega import best_omega
from condlab.optimal._progress import Clock
from condlab.optimal._required import (
    require_objective,
    require_options,
    require_shape,
    required_dense,
)
from condlab.optimal.answer import OptimalScaling, recorded
from condlab.types import (
    Array,
    MatrixNorm,
    Sparse,
)

Side = Literal["left", "right", "symmetric", "both"]
DENSE_WORK = ("start", *("step",) * 12, "judge")  # the dense method in full


def optimal_scaling(
    A: Array,
    *,
    side: Side = "left",
    p: MatrixNorm = 2,
    objective: Literal["kappa", "omega"] = "kappa",
    rtol: float = 0.005,
    time_limit: float | None = None,
    rng: np.random.Generator | int = 0,
    progress: Callable[[str], object] | None = None,
) -> OptimalScaling:
    """Find the diagonal scaling of least condition number, with a certificate.

    Parameters
    ----------
    A : array, sparse array or tensor, shape (m, n)
        Real or, for p = 2, complex; square, but for "fro", for p other than 2;
        symmetric or Hermitian for ``side="symmetric"``. It
        is made dense, unless it is sparse and that would take more than 256 MiB, or
        longer than `time_limit`: then it is real, p is 2, one side or "symmetric" is
        scaled, for which A is positive definite, and the connected components that are
        too large to be dense are square.
    side : {"left", "right", "symmetric", "both"}
        Which matrices compete: D A, A D, D A D or D₁ A D₂, with D positive diagonal.
    p : {1, 2, "inf", "fro"}
        The norm of the condition number. Other norms than 2 have formulas, but none
        for "symmetric", and "fro" none for "both".
    objective : {"kappa", "omega"}
        The condition number, or ω: the mean over the geometric mean of the squared
        singular values, for "symmetric" of the eigenvalues. It has formulas for
        independent lines: unit rows, unit columns, Jacobi's scaling.
    rtol : float
        The gap at which to stop, for p = 2.
    time_limit : float, optional
        Seconds after which the best so far is returned, with its gap, kept within 20
        per cent. Dense methods look at the clock before each step of Newton's method,
        which is not begun if it is expected to end too late, proofs included; that of
        sparse matrices before each product. What is begun ends: a decomposition, or a
        sparse factorisation.
    rng : Generator or int, optional
        Where the start vectors of Lanczos' method come from, for large sparse matrices.
    progress : callable, optional
        Called with a word on how far the work is.

    Returns
    -------
    OptimalScaling
        Its gap may exceed `rtol` where time or digits ran out; `stopped` says so. Both
        ends of the bracket are certain, those of "matrix-free", the method of large
        sparse matrices, too. Where A has certainly less than full rank both are inf,
        and the scaling, with `on_range`, is the best on its row or column space.

    Raises
    ------
    SingularMatrixError
        If A is large, sparse and singular.
    ValueError
        If A has not the shape or symmetry that is needed, is complex for another p
        than 2, empty or not finite, or an option is not of its list.

    Notes
    -----
    For p = 2 one side is a semidefinite programme, solved by an interior-point method
    in about ten steps. Two sides are convex in the logarithms of the multipliers, where
    Newton's method follows the path of two barriers; reducible matrices are scaled
    block by block, and their optimum is an infimum that no scaling attains. Where the
    best multipliers of a nearly reducible matrix differ by more than rounding can
    follow, the gap stays open. For symmetric A the best two
    scalings can be taken equal: κ(D A E) = κ(E A D), and by convexity the geometric
    mean of D and E is as good. So both sides of a symmetric positive definite matrix
    are scaled as one, a semidefinite programme again.

    κ looks at two eigenvalues and ω at all. Steps of conjugate gradients depend on all:
    there are sparse positive definite matrices that no scaling brings to a smaller κ,
    which Jacobi's scaling, best for ω, makes 3 times larger, and which it solves in a
    25th of the steps [5]_. `condlab.diagnose` runs both.

    The certificate is a pair of positive semidefinite matrices: with Z₁ and Z₂ such
    that (A Z₁ Aᵀ)_ii ≥ t (A Z₂ Aᵀ)_ii and (Z₁)_jj ≤ (Z₂)_jj for all i and j, every
    κ(D₁ A D₂)² is at least t. For two sides it is held against ρ(A⁻¹ S₁ A S₂), a bound
    for all signature matrices S₁ and S₂, with the signs or phases of singular vectors;
    where singular values meet unitary blocks take their place. Of a rectangular matrix
    two sides are not convex in logarithms; with more rows than columns, κ² is at most s
    for D₁² = W and D₂⁻² = E if E ≤ Aᵀ W A ≤ s E, which is quasi-convex in W and E.

    References
    ----------
    .. [1] R. Sezginer and M. Overton, "The largest singular value of e^X A e^-X is
       convex on convex sets of commuting matrices", IEEE Trans. Automat. Control
       35(2), 1990.
    .. [2] R. D. Braatz and M. Morari, "Minimizing the Euclidean condition number",
       SIAM J. Control Optim. 32(6), 1994.
    .. [3] C. McCarthy and G. Strang, "Optimal conditioning of matrices", SIAM J.
       Numer. Anal. 10(2), 1973.
    .. [4] F. L. Bauer, "Optimally scaled matrices", Numerische Mathematik 5, 1963.
    .. [5] S. Ghadimi et al., "Optimal diagonal preconditioning", arXiv:2509.23439,
       2025, tables 9 and 10.

    Examples
    --------
    >>> A = [[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [100.0, 0.0, 200.0]]
    >>> best = optimal_scaling(A)
    >>> best.optimum.lower <= best.optimum.upper <= 1.005 * best.optimum.lower
    True
    >>> round(best.optimum.upper, 1)
    3.6
    """
    require_options(side, p, rtol, time_limit)
    require_objective(objective, p)
    require_shape(A, side, p)
    if objective == "omega":
        return _omega(A, side, rtol)
    clock = Clock(time_limit, progress)
    if sp.issparse(A) and A.ndim == 2 and _is_large(A, side, p, clock):
        draws = np.random.default_rng(rng)
        found, method = best_large(A, side, p, rtol, clock, draws, DENSE_BYTES)
    else:
        A = required_dense(A, side, p)
        if np.iscomplexobj(A):
            found, method = best_complex(A, side, rtol, clock)
        else:
            found, method = best_dense(A, side, p, rtol, clock)
    return recorded(found, method, rtol)


def _omega(A: Array, side: str, rtol: float) -> OptimalScaling:
    B = required_dense(A, side, 2)
    m, n = B.shape if side != "right" else B.shape[::-1]
    if side == "both" and m != n:
        raise ValueError(
            f"omega of both sides needs a square matrix, got shape {B.shape}; "
            'use side="left" or "right"'
        )
    if side in ("left", "right") and m > n:
        raise ValueError(
            f"omega has a formula for independent lines only, got {m} lines of {n} "
            "entries to scale; scale the other side"
        )
    found, method = best_omega(B, side)
    return recorded(found, method, rtol, "omega")


def _is_large(A: Sparse, side: str, p: MatrixNorm, clock: Clock) -> bool:
    """Tell whether a sparse matrix is too large to be dense, or takes too long."""
    if A.shape[0] * A.shape[1] * 8 > DENSE_BYTES:
        return True
    if p != 2 or side == "both" or A.dtype.kind == "c" or A.shape[0] != A.shape[1]:
        return False
    clock.calibrate(A.shape)
    return not clock.affords(*DENSE_WORK)
