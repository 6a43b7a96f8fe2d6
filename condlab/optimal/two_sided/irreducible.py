"""The best scaling of rows and columns of an irreducible matrix.

With M = e^X A e^Y and K = MᵀM, the logarithms of Schatten norms of M and M⁻¹ are convex
in the diagonals X and Y. So are the barriers

    −log det(I − e⁻ˢ K) = Σ_k ‖e^(−s/2) M‖_2k^2k / k  and  −log det(I − K⁻¹),

sums of exponentials of these. Newton's method follows the minimisers of τ s plus both
barriers while τ rises; s comes down to the least log κ². With M = U diag(σ) Vᵀ the
derivatives of a barrier are entrywise products of three n × n matrices.

Where the gradient vanishes, the squares of U and V weighed by a = σ²/(eˢ − σ²) are
those weighed by b = 1/(σ² − 1). That is a certificate (`_certificate`), up to the
repair of its diagonals: where the factor of Z₁ = V diag(a/σ²) Vᵀ is too large it is
shrunk, row by row, and so is M times the factor of Z₂ = V diag(b/σ²) Vᵀ. What is shrunk
is small, and neither M on the one nor M⁻¹ on the other magnifies it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sl

from condlab import _arrays
from condlab.optimal._progress import Clock
from condlab.optimal.certificates.duality import scaled_bound
from condlab.optimal.certificates.signs import turning_bound
from condlab.optimal.one_sided.dense import MARGIN, ROUNDING, TIME, Found
from condlab.scaling import row_column_scaling, ruiz_scaling

NEAR = 100.0  # how many times closer than asked for the barriers may come
FASTER = 8.0  # by how much τ rises
CENTRED = 0.5  # Newton decrement
FARTHEST = 4.0  # change of a logarithm in a step
SHORTEST = 1e-6  # share of a step
REPAIRS = 30
EARLY = 0.1  # distance of s from log κ² at which no certificate can be close
LEAST_SIGMA = 2.0**-200  # of the largest singular value
STEP = ("direction", "search", "bound", "judge")  # phases, with those at the end
# Each is tried: what is less of diag Z₂ may be rounding, and what weighs less, relative
# to the heaviest singular vector, is left out of Z₁ and Z₂.
CUTS = (0.0, 1e-30, 1e-26, 1e-22, 1e-18)
LEAST_WEIGHTS = (1e-9, 1e-3, 0.1)
TURNED = (0.1, 1e-3)  # as LEAST_WEIGHTS, of vectors that are turned into each other
MOST_TURNED = 600  # order of the matrix of turns


@dataclass(frozen=True, slots=True)
class _Point:
    """Logarithms z of the multipliers, s, and the singular value decomposition of M."""

    z: np.ndarray
    s: float
    U: np.ndarray
    sigma: np.ndarray
    V: np.ndarray

    @classmethod
    def at(cls, A: np.ndarray, z: np.ndarray, s: float) -> _Point:
        n = len(A)
        with np.errstate(over="ignore", invalid="ignore"):
            M = np.exp(z[:n])[:, None] * A * np.exp(z[n:])
        U, sigma, Vt = np.linalg.svd(M)
        # Rounding may leave an exact zero of a nonsingular matrix.
        return cls(z, s, U, np.maximum(sigma, sigma[0] * LEAST_SIGMA), Vt.T)

    @property
    def kappa(self) -> float:
        """The condition number that the scaling reaches."""
        return float(self.sigma[0] / self.sigma[-1])

    @property
    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the bounds: e⁻ˢ σ² and 1/σ², below one within the barriers."""
        return np.exp(2 * np.log(self.sigma) - self.s), self.sigma**-2.0

    def barrier(self) -> float:
        """Return the sum of the barriers, inf outside."""
        top, bottom = self.shares
        if not (top[0] < 1 and bottom[-1] < 1):
            return math.inf
        return -float(np.log1p(-top).sum() + np.log1p(-bottom).sum())


def both(A: np.ndarray, rtol: float, enough: float, clock: Clock) -> Found:
    """Scale rows and columns of an irreducible square A until κ ≤ `enough`."""
    n = len(A)
    clock.calibrate(A.shape)
    if not clock.affords("start", *STEP):
        start = row_column_scaling(A)
        return Found(start.left, start.right, 1.0, 0, TIME)
    point = best = _start(A)
    if math.isinf(point.barrier()):  # rounding hides where the barriers are
        d = np.exp(point.z)
        return Found(d[:n], d[n:], 1.0, 0, ROUNDING)
    tau, steps, lower = float(_weights(point)[0].sum()), 0, 1.0
    last = NEAR * 2 * n / rtol  # there s is as low as it gets
    in_time = True
    seen: _Point | None = None
    while best.kappa > enough and tau < last:
        in_time = not clock.over() and clock.affords(*STEP)
        if not in_time:
            break
        with clock.phase("direction"):
            direction, decrement = _direction(point, tau)
        if decrement < CENTRED:
            tau *= FASTER
            if point.s - 2 * math.log(point.kappa) <= EARLY:
                tight = best.kappa / (1 + MARGIN * rtol)
                lower, seen = max(lower, _bound(A, point, clock, tight)), point
            clock.say(f"gap {best.kappa / lower - 1:.2g}")
            if best.kappa <= lower * (1 + MARGIN * rtol):
                break
            continue
        with clock.phase("search"):
            moved = _searched(A, point, direction, tau, decrement)
        if moved is None:
            break
        point, steps = moved, steps + 1
        best = min(best, point, key=lambda found: found.kappa)
    d = np.exp(best.z)
    if best is not seen:
        lower = max(lower, _bound(A, best, clock, best.kappa / (1 + MARGIN * rtol)))
    return Found(d[:n], d[n:], lower, steps, ROUNDING if in_time else TIME)


def _start(A: np.ndarray) -> _Point:
    """Return the equilibrated matrix, well within the barriers."""
    start = ruiz_scaling(A, p=2, max_sweeps=30)
    z = np.log(np.concatenate([start.left, start.right]))
    sigma = _Point.at(A, z, 0.0).sigma
    z[: len(A)] += math.log(2) / 2 - np.log(sigma[-1])
    return _Point.at(A, z, math.log(4) + 2 * math.log(sigma[0] / sigma[-1]))


def _weights(at: _Point) -> tuple[np.ndarray, np.ndarray]:
    """Return a and b: how much the barriers weigh the singular vectors."""
    top, bottom = at.shares
    return top / (1 - top), bottom / (1 - bottom)


def _derivatives(at: _Point, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Hessian of −log det(I − K) in x and y, K having the shares.

    Those of K⁻¹ are in −x and −y.
    """
    n, weight = len(share), share / (1 - share)
    rows, columns = (at.U * weight) @ at.U.T, (at.V * weight) @ at.V.T
    mixed = (at.U * (np.sqrt(share) / (1 - share))) @ at.V.T
    half = np.concatenate([np.diagonal(rows), np.diagonal(columns)])
    H = np.empty((2 * n, 2 * n))
    H[:n, :n], H[n:, n:], H[:n, n:] = rows**2, columns**2, mixed**2
    H[n:, :n] = H[:n, n:].T
    H[np.diag_indices(2 * n)] += half
    return 2 * half, 4 * H


def _direction(at: _Point, tau: float) -> tuple[np.ndarray, float]:
    """Return Newton's step in (x, y, s), no longer than allowed, and its decrement."""
    n = len(at.sigma)
    up, H = _derivatives(at, at.shares[0])
    down, other = _derivatives(at, at.shares[1])
    shift = np.concatenate([np.full(n, -0.5), np.zeros(n)])  # s acts as these x
    mixed = H @ shift
    gradient = np.append(up - down, tau + up @ shift)
    whole = np.empty((2 * n + 1, 2 * n + 1))
    whole[:-1, :-1] = H + other
    whole[-1, :-1] = whole[:-1, -1] = mixed
    whole[-1, -1] = mixed @ shift
    idle = np.concatenate([np.ones(n), -np.ones(n), [0.0]])  # changes nothing
    whole += np.outer(idle, idle) * (np.trace(whole) / (2 * n) ** 2)
    scale = np.diagonal(whole) ** -0.5
    whole *= scale[:, None] * scale
    try:
        factor = sl.cho_factor(whole, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError:  # lost to rounding: go down the scaled gradient
        step = -scale * scale * gradient
    else:
        step = -scale * sl.cho_solve(factor, scale * gradient, check_finite=False)
    step *= min(1.0, FARTHEST / np.abs(step).max())
    return step, math.sqrt(max(0.0, -float(gradient @ step)))


def _searched(
    A: np.ndarray, at: _Point, step: np.ndarray, tau: float, decrement: float
) -> _Point | None:
    """Return a point along the step where the sum is less, or None."""
    before, length = tau * at.s + at.barrier(), 1.0
    while length > SHORTEST:
        try:
            point = _Point.at(
                A, at.z + length * step[:-1], at.s + length * float(step[-1])
            )
        except np.linalg.LinAlgError:  # entries overflow
            length /= 2
            continue
        if tau * point.s + point.barrier() <= before - 1e-4 * length * decrement**2:
            return point
        length /= 2
    return None


def _bound(A: np.ndarray, at: _Point, clock: Clock, enough: float) -> float:
    """Return the best of several certificates of a point, or the first that is enough.

    All are certain, rounding included.
    """
    with clock.phase("bound"):
        best = 1.0
        for found in _bounds(A, at):
            best = max(best, found)
            if best >= enough:
                break
        return best


def _bounds(A: np.ndarray, at: _Point) -> Iterator[float]:
    n, d = len(A), np.exp(at.z)
    exact = _arrays.power_of_two(d)
    B = np.ascontiguousarray(exact[:n, None] * A * exact[n:])
    moved = (d / exact)[n:, None]
    yield _turning(B, at, 1, moved[:, 0])
    for least in LEAST_WEIGHTS:
        F1, F2 = (F * moved for F in _repaired(at, least))
        pairs = (cleaned(F1, F2, cut) for cut in CUTS)
        for pair in pairs:
            yield scaled_bound(B, *pair, rows=True, columns=True)
    a, b = _weights(at)
    for least in TURNED:
        k = max(int((part > least * part.max()).sum()) for part in (a, b))
        if k * n <= MOST_TURNED:
            yield _turning(B, at, k, moved[:, 0])


def _turning(B: np.ndarray, at: _Point, k: int, units: np.ndarray) -> float:
    """Return the bound by turns of the k heaviest singular vectors at each end."""
    a, b = (np.sqrt(weight) for weight in _weights(at))
    a, b = a[:k] / np.linalg.norm(a[:k]), b[-k:] / np.linalg.norm(b[-k:])
    images = at.U[:, :k] * a, at.U[:, -k:] * b
    sources = at.V[:, :k] * a, at.V[:, -k:] * b
    return turning_bound(B, images, sources, units)


def _repaired(at: _Point, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Return factors of Z₁ and Z₂, their diagonals repaired in turn."""
    a, b = _weights(at)
    kept, last = a > least * a[0], b > least * b[-1]
    M = (at.U * (at.sigma / at.sigma[0])) @ at.V.T
    inverse = (at.V * (at.sigma[-1] / at.sigma)) @ at.U.T
    F1 = at.V[:, kept] * (np.sqrt(a[kept] / a.sum()) * at.sigma[0] / at.sigma[kept])
    C2 = at.U[:, last] * np.sqrt(b[last] / b.sum())
    best, pair = 0.0, (F1, F1)
    for _ in range(REPAIRS):
        low, high = (np.vecdot(C, C) for C in (M @ F1, C2))
        C2 = C2 * _shrinkage(low, high)
        F2 = inverse @ C2
        near, far = np.vecdot(F1, F1), np.vecdot(F2, F2)
        ratio = _least(low, np.minimum(low, high)) * _least(far, near)
        if ratio > best:
            best, pair = ratio, (F1, F2)
        F1 = F1 * _shrinkage(far, near)
    return pair


def _least(above: np.ndarray, below: np.ndarray) -> float:
    return float(np.min(above[below > 0] / below[below > 0], initial=math.inf))


def _shrinkage(target: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return what brings the rows of these squares down to the target, as a column."""
    ratio = np.ones_like(squares)
    np.divide(target, squares, out=ratio, where=squares > 0)
    return np.sqrt(np.minimum(1.0, ratio))[:, None]


def cleaned(
    F1: np.ndarray, F2: np.ndarray, cut: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the factors without small rows, diag Z₁ lifted to a multiple of diag Z₂.

    Lifting to the least ratio of the two is free, and no row of B Z₁ Bᵀ is lost.
    """
    near, far = np.vecdot(F1, F1), np.vecdot(F2, F2)
    kept = far > cut * far.max()
    near, far = near * kept, far * kept
    lift = np.sqrt(np.maximum(far / _least(far, near) - near, 0.0))
    return np.hstack([F1 * kept[:, None], np.diag(lift)]), F2 * kept[:, None]
