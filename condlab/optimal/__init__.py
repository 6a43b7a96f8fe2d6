"""The best diagonal scaling there is, with a certificate that none is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp

from condlab._digits import up
from condlab._tables import as_html, record
from condlab.condition.exact import DENSE_BYTES, _dense
from condlab.optimal._complex import best_complex
from condlab.optimal._in_memory import best_dense
from condlab.optimal._large import best_large
from condlab.optimal._omega import best_omega
from condlab.optimal._one_sided import ROUNDING, SINGULAR, WITHIN, Found, reach
from condlab.optimal._progress import Clock
from condlab.types import (
    Array,
    Bracket,
    MatrixNorm,
    Record,
    Scaling,
    Sparse,
)

__all__ = ["OptimalScaling", "optimal_scaling"]

Side = Literal["left", "right", "symmetric", "both"]
SIDES = ("left", "right", "symmetric", "both")
NORMS = (1, 2, "inf", "fro")
DENSE_WORK = ("start", *("step",) * 12, "judge")  # the dense method in full


@dataclass(frozen=True, slots=True)
class OptimalScaling:
    """The best scaling that was found, and how good the best of all can be.

    Parameters
    ----------
    scaling : Scaling
        What was found.
    optimum : Bracket
        Of the best reachable condition number, or ω: no scaling of the side goes below
        `lower`, rounding included, and `scaling` attains `upper` or less.
    gap : float
        ``optimum.upper / optimum.lower - 1``; inf where nothing bounds it, nan where A
        is certainly singular.
    iterations : int
        Steps of the iteration; 0 for formulas.
    method : str
        "interior-point", "barrier" (with the number of blocks), "matrix-free",
        "formula" or "singular"; "... on the row space" or another one where A has
        less than full rank, "... of the real form" for complex matrices.
    stopped : str
        Why there is no smaller gap: "within rtol", "time limit", "rounding" (more
        steps would gain nothing in double precision), "steps" (of the matrix-free
        search), "no proof" (of what a large sparse matrix reaches: a factorisation
        would fill the memory, or rounding hides the smallest singular value) or
        "singular".
    rank : int, optional
        Of A, where it is certainly not full, and certainly this.
    on_range : Bracket, optional
        For such an A, whose κ is inf, of the best condition number on the space that
        `method` names, which is the largest singular value over the least but zeros:
        no scaling goes below `lower`, and `scaling` attains `upper` or less. For one
        side it is as close as `optimum` is for full rank. For two, `lower` is so only
        where every connected component has independent rows or columns.
    objective : {"kappa", "omega"}
        What was made least.

    Examples
    --------
    >>> optimal_scaling([[1.0, 0.0], [0.0, 1e-8]]).gap < 1e-9
    True
    """

    scaling: Scaling
    optimum: Bracket
    gap: float
    iterations: int
    method: str
    stopped: str
    rank: int | None = None
    on_range: Bracket | None = None
    objective: str = "kappa"

    def to_dict(self) -> Record:
        """Return the fields, multipliers as lists."""
        return record(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the certificate."""
        gap = up(self.gap, 3) if math.isfinite(self.gap) else "unknown"
        symbol = "κ" if self.objective == "kappa" else "ω"
        head = [f"best {symbol} certainly in", "gap", "method", "stopped"]
        line = [str(self.optimum), gap, self.method, self.stopped]
        if self.on_range is not None:
            head.append("best κ on that space certainly in")
            line.append(str(self.on_range))
        return as_html([head, line])


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
    _require_options(side, p, rtol, time_limit)
    _require_objective(objective, p)
    _require_shape(A, side, p)
    if objective == "omega":
        return _omega(A, side)
    clock = Clock(time_limit, progress)
    if sp.issparse(A) and A.ndim == 2 and _is_large(A, side, p, clock):
        draws = np.random.default_rng(rng)
        found, method = best_large(A, side, p, rtol, clock, draws, DENSE_BYTES)
    else:
        A = _required_dense(A, side, p)
        if np.iscomplexobj(A):
            found, method = best_complex(A, side, rtol, clock)
        else:
            found, method = best_dense(A, side, p, rtol, clock)
    return _recorded(found, method, rtol)


def _require_options(
    side: str, p: MatrixNorm, rtol: float, time_limit: float | None
) -> None:
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


def _require_objective(objective: str, p: MatrixNorm) -> None:
    if objective not in ("kappa", "omega"):
        raise ValueError(f'objective must be "kappa" or "omega", got {objective!r}')
    if objective == "omega" and p != 2:
        raise ValueError(f"omega is of singular values and needs p=2, got p={p!r}")


def _omega(A: Array, side: str) -> OptimalScaling:
    B = _required_dense(A, side, 2)
    m, n = B.shape if side != "right" else B.shape[::-1]
    if side in ("left", "right") and m > n:
        raise ValueError(
            f"omega has a formula for independent lines only, got {m} lines of {n} "
            "entries to scale; scale the other side"
        )
    found, method = best_omega(B, side)
    return _recorded(found, method, math.inf, "omega")


def _require_shape(A: Array, side: str, p: MatrixNorm) -> None:
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


def _required_dense(A: Array, side: str, p: MatrixNorm) -> np.ndarray:
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


def _is_large(A: Sparse, side: str, p: MatrixNorm, clock: Clock) -> bool:
    """Tell whether a sparse matrix is too large to be dense, or takes too long."""
    if A.shape[0] * A.shape[1] * 8 > DENSE_BYTES:
        return True
    if p != 2 or side == "both" or A.dtype.kind == "c" or A.shape[0] != A.shape[1]:
        return False
    clock.calibrate(A.shape)
    return not clock.affords(*DENSE_WORK)


def _recorded(
    found: Found, method: str, rtol: float, objective: str = "kappa"
) -> OptimalScaling:
    scaling = Scaling(found.left, found.right)
    lower, upper = float(found.lower), float(reach(found))
    singular = found.stopped == SINGULAR and math.isinf(lower)
    if lower > upper:
        raise ArithmeticError(
            f"no scaling should reach less than {lower}, and this one reaches "
            f"{upper}: one of the two is wrong; please report the matrix"
        )
    gap = math.nan if singular else upper / lower - 1
    stopped = WITHIN if gap <= rtol else found.stopped
    if stopped == WITHIN and gap > rtol:  # as far as the search could see
        stopped = ROUNDING
    optimum = Bracket(lower, upper)
    return OptimalScaling(
        scaling,
        optimum,
        gap,
        found.iterations,
        method,
        stopped,
        found.rank,
        found.on_range,
        objective,
    )
