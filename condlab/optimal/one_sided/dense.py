"""The best scaling of the rows, or of a symmetric positive definite matrix.

Equilibration comes first: van der Sluis's bracket is a certificate, too. The interior
goes on from it until the certificate, repairs and rounding included, is small enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from condlab import _arrays, bounds
from condlab.bounds import bracket_of_scaled
from condlab.condition._inverse import EPS
from condlab.norms import row_norms
from condlab.optimal._progress import Clock
from condlab.optimal._units import applied
from condlab.optimal.certificates.duality import scaled_bound, symmetric_bound
from condlab.optimal.one_sided._point import Point
from condlab.optimal.one_sided._search import best_rows
from condlab.optimal.one_sided._square import SquarePoint
from condlab.scaling import jacobi_scaling, row_scaling
from condlab.types import Array, Bracket, MatrixNorm, Scaling

MARGIN = 0.45  # of the gap asked for, at which to stop
NEGLIGIBLE = 1e-14  # relative weight of a singular vector that is left out

WITHIN = "within rtol"
TIME = "time limit"
ROUNDING = "rounding"
SINGULAR = "singular"


@dataclass(frozen=True, slots=True)
class Found:
    """Multipliers, the certified bounds, how many steps it took, and why it ended.

    `upper` is None where nobody has looked yet. Of a singular matrix both bounds are
    inf; `rank` and `on_range` may tell its rank, and what is certain on the range.
    `sigma` are singular values up to a factor, seen in a search, not yet proved.
    """

    left: Array | None
    right: Array | None
    lower: float
    iterations: int
    stopped: str = ROUNDING
    upper: float | None = None
    rank: int | None = None
    on_range: Bracket | None = None
    sigma: np.ndarray | None = None


def reach(found: Found) -> float:
    """Return what the scaling certainly reaches, inf where nobody has looked."""
    return math.inf if found.upper is None else found.upper


def judged(A: np.ndarray, found: Found, p: MatrixNorm = 2) -> Found:
    """Return what was found, or its powers of two, with what κ_p certainly is below."""
    if found.upper is not None:
        return found
    scaling = Scaling(found.left, found.right)
    B, sigma = applied(A, scaling), found.sigma
    if sigma is not None:
        sigma = sigma * float(np.linalg.norm(B) / np.linalg.norm(sigma))
    upper = bracket_of_scaled(B, p, rounded=True, sigma=sigma)[1]
    if math.isinf(upper):  # the rounding of D A hides it
        parts = (scaling.left, scaling.right)
        exact = [d if d is None else _arrays.power_of_two(d) for d in parts]
        upper = bracket_of_scaled(applied(A, Scaling(*exact)), p, rounded=False)[1]
        found = replace(found, left=exact[0], right=exact[1])
    return replace(found, upper=upper, sigma=None)


def left(A: np.ndarray, rtol: float, clock: Clock) -> Found:
    """Scale the rows of A, whose rows and columns are of middle size."""
    filled, d = A.any(axis=1), np.ones(len(A))
    if filled.sum() < min(A.shape):
        return Found(d, None, math.inf, 0, SINGULAR, math.inf)
    if not filled.all():  # those of zeros leave κ alone
        inner = left(A[filled], rtol, clock)
        d[filled] = inner.left
        return replace(inner, left=d)
    start = equilibrated(A, "left", clock)
    if _is_enough(start, rtol) or not clock.affords("start", "judge"):
        return start
    units = np.asarray(row_scaling(A, rounding="power-of-two").left)
    B = units[:, None] * A  # exact
    wide = B.shape[0] < B.shape[1]

    def tall(proof: Point) -> float:
        F2, F1 = (proof.V @ F for F in proof.factors)
        return scaled_bound(B, F1, F2, rows=True, columns=False)

    def certify(proof: Point | SquarePoint) -> float:
        scale = _arrays.power_of_two(proof.d)
        F1, F2 = _rows_factors(proof, scale)
        return scaled_bound((scale[:, None] * B).T, F1, F2, rows=False, columns=True)

    if B.shape[0] > B.shape[1]:
        found = searched(B, MARGIN * rtol, clock, tall, start.lower)
    else:
        square = np.linalg.qr(B.T)[1].T if wide else B  # as good, and no longer wide
        found = searched(square, MARGIN * rtol, clock, certify, start.lower, certify)
    if found is None:
        return replace(start, stopped=ROUNDING)
    return _better(A, start, replace(found, left=units * found.left))


def symmetric(A: np.ndarray, rtol: float, clock: Clock) -> Found:
    """Scale a symmetric positive definite A from both sides alike.

    LinAlgError is raised where A is not definite, or not certainly so.
    """
    start = equilibrated(A, "symmetric", clock)
    if _is_enough(start, rtol) or not clock.affords("start", "judge"):
        return start
    units = _arrays.power_of_two(np.diagonal(A) ** -0.5)
    G = units[:, None] * A * units  # exact
    L = np.linalg.cholesky(G)

    def certify(proof: Point | SquarePoint) -> float:
        scale = _arrays.power_of_two(proof.d)
        F1, F2 = _rows_factors(proof, scale)
        return math.sqrt(symmetric_bound(scale[:, None] * G * scale, F1, F2)) * (
            1 - EPS
        )

    root = math.sqrt(start.lower) * (1 - EPS)
    found = searched(L, MARGIN * rtol / 2, clock, certify, root, certify)
    if found is None:
        return replace(start, stopped=ROUNDING)
    d = units * found.left
    squared = found.lower**2 * (1 - 2 * EPS)
    found = replace(found, left=d, right=d, lower=squared, sigma=None)  # that is L's
    return _better(A, start, found)


def equilibrated(A: np.ndarray, side: str, clock: Clock) -> Found:
    """Return the equilibrated matrix with van der Sluis's bracket, if there is time."""
    scaling = jacobi_scaling(A) if side == "symmetric" else row_scaling(A)
    clock.calibrate(A.shape)
    if not clock.affords("judge"):
        return Found(scaling.left, scaling.right, 1.0, 0, TIME, math.inf)
    if not clock.affords("start"):
        return _hurried(A, scaling)
    with clock.phase("start"):
        bracket, scaling = bounds.equilibrated(A, side)
        parts = scaling.left, scaling.right
        if math.isinf(bracket.lower):
            return Found(*parts, math.inf, 0, SINGULAR, math.inf)
        return Found(*parts, bracket.lower, 0, TIME, bracket.upper)


def _hurried(A: np.ndarray, scaling: Scaling) -> Found:
    """Return van der Sluis's bracket with his worst factor, from one decomposition."""
    B, symmetric = applied(A, scaling), scaling.right is not None
    low, high = bracket_of_scaled(B, 2, rounded=True)
    sizes = np.diagonal(B) if symmetric else row_norms(B)
    most = np.count_nonzero(A, axis=0).max()
    factor = (float(most) if symmetric else math.sqrt(most)) * sizes.max() / sizes.min()
    lower = max(1.0, low / factor * (1 - 4 * (max(A.shape) + 8) * EPS))
    return Found(scaling.left, scaling.right, lower, 0, TIME, high)


def _is_enough(found: Found, rtol: float) -> bool:
    return reach(found) <= found.lower * (1 + rtol) or found.stopped == SINGULAR


def searched(
    B: np.ndarray,
    rtol: float,
    clock: Clock,
    certify: Callable[[Point], float],
    lower: float,
    of_square: Callable[[SquarePoint], float] | None = None,
) -> Found | None:
    """Return the best rows of B with what is certified, None where B looks singular."""
    try:
        search = best_rows(B, rtol, clock, certify, lower, of_square)
    except np.linalg.LinAlgError:  # equilibration has a bound, however large κ is
        return None
    d = search.best.d
    d = d / np.sqrt(d.max() * d.min())
    stopped = ROUNDING if search.in_time else TIME
    lower, sigma = search.lower, search.best.sigma
    return Found(d, None, lower, search.steps, stopped, sigma=sigma)


def _better(A: np.ndarray, start: Found, found: Found) -> Found:
    """Return the scaling that certainly reaches less; both lower bounds are true."""
    found = judged(A, found)
    lower = max(start.lower, found.lower)
    if reach(start) < reach(found):
        found = replace(found, left=start.left, right=start.right, upper=start.upper)
    return replace(found, lower=lower)


def factor_of(Z: np.ndarray) -> np.ndarray:
    """Return F with F Fᵀ near a symmetric Z, whatever rounding has done to it."""
    values, vectors = np.linalg.eigh(Z)
    kept = values > NEGLIGIBLE * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])


def _rows_factors(
    proof: Point | SquarePoint, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return factors on the side of the rows, after the exact scaling `scale`.

    A diagonal congruence orders the diagonals; shrinking vectors of large σ costs
    little.
    """
    moved = (proof.d / scale)[:, None]
    F1, F2 = (moved * F for F in proof.row_factors)
    near, far = np.vecdot(F1, F1), np.vecdot(F2, F2)
    far = far * near.sum() / far.sum()
    return F1 * np.sqrt(np.minimum(far / near, 1.0))[:, None], F2
