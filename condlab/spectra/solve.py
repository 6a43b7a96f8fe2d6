"""Products with the inverse of a symmetric operator, damped, by CG or MINRES."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from condlab.display.tables import record
from condlab.spectra._operator import Operator
from condlab.spectra._products import Products, require_operator
from condlab.spectra.inverse.refinement import (
    METHODS,
    SPENT,
    STALLED,
    STUCK,
    Refinement,
    System,
)
from condlab.types import Record

NUM_MATVECS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What solves (H + damping I) X = B, and how nearly.

    Parameters
    ----------
    value : Tensor, shape (n,) or (n, k)
        X, shaped as B.
    residual : Tensor, shape () or (k,)
        ``|B - (H + damping I) X| / |B|`` of each column, from a product with X itself;
        float64, on the CPU. The error is at most ``residual |B|`` over the smallest
        |eigenvalue| of H + damping I, which for a semidefinite H is the damping.
    reached : bool
        Whether every residual is at most the `rtol` asked for.
    message : str
        Where it is not, why, and what to do instead.
    products : int
        Vectors multiplied.
    method : str
        "minres" or "cg".
    """

    value: Tensor
    residual: Tensor
    reached: bool
    message: str
    products: int
    method: str

    def to_dict(self) -> Record:
        """Return the fields, tensors as lists."""
        return record(self)


def solve(
    H: Operator,
    B: Tensor,
    *,
    damping: float = 0.0,
    method: Literal["minres", "cg"] = "minres",
    rtol: float = 1e-6,
    num_matvecs: int = NUM_MATVECS,
) -> Solution:
    """Return the product of the inverse of H + damping I with a vector or a matrix.

    Parameters
    ----------
    H : operator, shape (n, n)
        Anything symmetric with ``shape``, ``dtype`` and ``@`` on torch matrices.
    B : Tensor, shape (n,) or (n, k)
        Right-hand sides, of the operator's dtype and on its device. They share the
        products, and each stops for itself.
    damping : float
        Added to the diagonal; negative, it is a shift.
    method : {"minres", "cg"}
        MINRES takes any symmetric matrix and makes the residual smallest; CG needs a
        positive definite one, and makes the error smallest in its energy norm.
    rtol : float
        Stop when the recomputed residual of a column is at most this times its norm.
    num_matvecs : int
        Products at most for each column, one or more of them for its residual.

    Returns
    -------
    Solution
        With the residual that was reached. Where that is more than `rtol`, `message`
        says why: products spent, the limit of the dtype, a singular matrix, or, for
        CG, curvature that is not positive.

    Raises
    ------
    ValueError
        If H is not square, B does not fit it or is not finite, products are not finite,
        or an option makes no sense.

    Notes
    -----
    Where the recurrence believes to be done, the residual is computed anew, and if it
    is not small enough, the rest is solved for again: iterative refinement. MINRES
    holds seven vectors a column and CG four, in the dtype of H.

    References
    ----------
    .. [1] C. C. Paige and M. A. Saunders, "Solution of sparse indefinite systems of
       linear equations", SIAM J. Numer. Anal. 12(4), 1975.
    .. [2] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
       SIAM, 2002, Chapter 12 (refinement in fixed precision).

    Examples
    --------
    >>> H = torch.diag(torch.tensor([-1.0, 2.0, 4.0], dtype=torch.float64))
    >>> found = solve(H, torch.ones(3, dtype=torch.float64))
    >>> found.value.round(decimals=9), found.reached
    (tensor([-1.0000,  0.5000,  0.2500], dtype=torch.float64), True)
    >>> print(solve(H, torch.ones(3, dtype=torch.float64), method="cg").message)
    CG met the curvature -0.539, so that the matrix is not positive definite; use
    method="minres", or more damping than 0.539
    """
    require_operator(H)
    _require_options(damping, method, rtol, num_matvecs)
    _require_sides(H, B)
    products = Products(H)
    system = System.of(products, damping)
    columns = B if B.ndim == 2 else B[:, None]
    heights = columns.abs().amax(dim=0)  # squares must neither overflow nor vanish
    heights = heights.where(heights > 0, 1.0)
    lengths = (columns / heights).norm(dim=0)
    lengths = lengths.where(lengths > 0, 1.0)
    run = Refinement(system, columns / heights / lengths, method, rtol)
    run.finish(num_matvecs)
    X = run.X * lengths * heights / system.scale
    residual = run.residual.cpu().double()
    message = _message(run, residual, rtol, system, num_matvecs)
    if B.ndim == 1:
        X, residual = X[:, 0], residual[0]
    return Solution(X, residual, not message, message, products.count, method)


def _message(
    run: Refinement, residual: Tensor, rtol: float, system: System, most: int
) -> str:
    """Return a sentence for each way in which columns fell short, or nothing."""
    ended, count = run.ended.cpu(), len(residual)
    sentences = []
    for how in (STUCK, STALLED, SPENT):
        places = ended == how
        if bool(places.any()):
            off = float(residual[places].max())
            who = f"{int(places.sum())} of {count} columns: " if count > 1 else ""
            sentences.append(who + _sentence(how, off, run, rtol, system, most))
    return "; ".join(sentences)


def _sentence(
    how: int, off: float, run: Refinement, rtol: float, system: System, most: int
) -> str:
    if how == SPENT:
        return (
            f"{most} products reach the relative residual {off:.1e}, not {rtol:.1e}; "
            "allow more num_matvecs, or add damping, which lowers the condition number"
        )
    if how == STALLED:
        dtype = str(run.X.dtype).removeprefix("torch.")
        wider = "float64, " if run.X.dtype == torch.float32 else ""
        return (
            f"the relative residual stays at {off:.1e}, as rounding in {dtype} allows "
            f"no less; take {wider}damping, or an rtol above {rtol:.1e}"
        )
    if run.curvature == math.inf:
        return (
            f"the least relative residual is {off:.1e}, as the matrix is singular up "
            "to rounding and the right-hand side is not in its range; add damping, or "
            "take the value for a least-squares solution"
        )
    curvature = run.curvature * system.scale
    if curvature < 0:
        return (
            f"CG met the curvature {curvature:.3g}, so that the matrix is not positive "
            f'definite; use method="minres", or more damping than '
            f"{system.damping - curvature:.3g}"
        )
    return (
        "CG met a direction whose curvature is no more than rounding, so that the "
        'matrix is singular for it; use method="minres", or add damping'
    )


def _require_options(damping: float, method: str, rtol: float, most: int) -> None:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if not math.isfinite(damping):
        raise ValueError(f"damping must be finite, got {damping}")
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol must be at least 0 and below 1, got {rtol}")
    if most < 2:
        raise ValueError(f"num_matvecs must be at least 2, got {most}")


def _require_sides(H: Operator, B: object) -> None:
    n, device = H.shape[0], getattr(H, "device", torch.device("cpu"))
    if not isinstance(B, Tensor) or B.ndim not in (1, 2) or B.shape[0] != n:
        got = tuple(B.shape) if isinstance(B, Tensor) else type(B).__name__
        raise ValueError(f"B must be a tensor of shape ({n},) or ({n}, k), got {got}")
    if (B.dtype, B.device) != (H.dtype, device):
        raise ValueError(
            f"B must be {H.dtype} on {device}, got {B.dtype} on {B.device}; convert it"
        )
    if not bool(torch.isfinite(B).all()):
        raise ValueError("B must be finite, got nan or inf; solve for finite columns")
