"""The best scaling of rows and columns of a matrix with more rows than columns.

With w = d₁² and e = d₂⁻², the square of κ(D₁ A D₂) is the least s such that

    E ≤ G ≤ s E,  G = Aᵀ diag(w) A,  E = diag(e),

for some multiple of w and e: quasi-convex, though not convex in logarithms, as it is
for square matrices. Newton's method follows the minimisers of

    τ log s − log det(s E − G) − log det(G − E) − Σ log w

while τ rises. Of w and e only the ray matters, so that a step keeps Σ p_j e_j for some
p > 0. With the diagonal of Z₁ = (s E − G)⁻¹ for p, taken anew at each step, the product
of the changes of s and e is of no account, and the second derivatives are positive.

At a minimiser Z₁ and Z₂ = (G − E)⁻¹ are a certificate as they are (`_certificate`):

    (A Z₁ Aᵀ)_ii = (A Z₂ Aᵀ)_ii + 1 / w_i,  (Z₂)_jj = (1 − (m + 2n) / τ) s (Z₁)_jj.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg as sl

from condlab import _arrays
from condlab.optimal._progress import Clock
from condlab.optimal.certificates.duality import scaled_bound
from condlab.optimal.one_sided.dense import MARGIN, ROUNDING, TIME, Found
from condlab.optimal.two_sided.irreducible import CUTS, LEAST_WEIGHTS, cleaned
from condlab.scaling import row_column_scaling

FIRST = 4.0  # τ in units of m + 2n, below which there is no minimiser
FASTER = 8.0  # by how much τ rises
CENTRED = 0.5  # Newton decrement
ACCURATE = 0.03  # of rtol: the decrement at which a certificate is as good as can be
NEAR = 100.0  # how many times closer than asked for the path may come
INSIDE = 0.95  # of the way to where a variable is zero
SHORTEST = 1e-9  # share of a step
MOST_STEPS = 400
STILL = 1e-3  # of the share that s is to fall yet: a change of s that is none
PATIENCE = 12  # steps in a row without one
STEP = ("direction", "search", "judge")  # phases, with the one at the end


@dataclass(frozen=True, slots=True)
class _Point:
    """w, e and s, and the singular value decomposition of diag(d₁) A diag(d₂)."""

    w: np.ndarray
    e: np.ndarray
    s: float
    U: np.ndarray
    sigma: np.ndarray
    V: np.ndarray

    @classmethod
    def at(cls, A: np.ndarray, w: np.ndarray, e: np.ndarray, s: float) -> _Point:
        with np.errstate(over="ignore", invalid="ignore"):
            M = np.sqrt(w)[:, None] * A / np.sqrt(e)
        U, sigma, Vt = np.linalg.svd(M, full_matrices=False)
        return cls(w, e, s, U, sigma, Vt.T)

    @property
    def kappa(self) -> float:
        """The condition number that the scaling reaches."""
        return float(self.sigma[0] / self.sigma[-1])

    @property
    def rooms(self) -> tuple[np.ndarray, np.ndarray]:
        """How far the squares of the singular values are from s and from 1."""
        return self.s - self.sigma**2, self.sigma**2 - 1

    def moved(self, A: np.ndarray, step: np.ndarray) -> _Point:
        """Return the point after relative changes of w, e and s."""
        m, grown = len(self.w), 1 + step
        s = self.s * float(grown[-1])
        with np.errstate(over="ignore"):
            w, e = self.w * grown[:m], self.e * grown[m:-1]
        return _Point.at(A, w, e, s)

    def centred(self) -> _Point:
        """Return the point of the ray of (w, e) where e has 1 in its middle."""
        middle = math.sqrt(float(self.e.max())) * math.sqrt(float(self.e.min()))
        return replace(self, w=self.w / middle, e=self.e / middle)

    def barrier(self) -> float:
        """Return the sum of the barriers, inf outside."""
        top, bottom = self.rooms
        if not (top[0] > 0 and bottom[-1] > 0):
            return math.inf
        eigenvalues = np.log(top).sum() + np.log(bottom).sum()
        return -float(eigenvalues + 2 * np.log(self.e).sum() + np.log(self.w).sum())


def both(A: np.ndarray, rtol: float, enough: float, clock: Clock) -> Found:
    """Scale rows and columns of an A of full column rank until κ ≤ `enough`.

    A has no row of zeros, shape (m, n), m > n.
    """
    m, n = A.shape
    clock.calibrate((m + n, m + n))
    start = row_column_scaling(A)
    if not clock.affords("start", *STEP):
        return Found(start.left, start.right, 1.0, 0, TIME)
    point = best = _start(A, np.asarray(start.left), np.asarray(start.right))
    if math.isinf(point.barrier()):  # rounding hides where the barriers are
        return Found(start.left, start.right, 1.0, 0, ROUNDING)
    free = m + 2 * n
    tau, steps, idle, lower, in_time = FIRST * free, 0, 0, 1.0, True
    while best.kappa > enough and tau < NEAR * free / rtol and steps < MOST_STEPS:
        in_time = not clock.over() and clock.affords(*STEP)
        if not in_time:
            break
        try:
            with clock.phase("direction"):
                step, decrement = _direction(point, tau)
        except np.linalg.LinAlgError:  # lost to rounding
            break
        is_near = free / tau <= MARGIN * rtol
        # Blocks that come apart may drift for ever, each of them centred.
        idle = idle + 1 if abs(float(step[-1])) <= STILL * free / tau else 0
        centred = decrement < (ACCURATE * rtol if is_near else CENTRED)
        if centred or idle > PATIENCE:
            idle = 0
            tau, lower = tau * FASTER, max(lower, _bound(A, point))
            clock.say(f"gap {best.kappa / lower - 1:.2g}")
            if best.kappa <= lower * (1 + MARGIN * rtol):
                break
            continue
        with clock.phase("search"):
            moved = _searched(A, point, step, tau, decrement)
        if moved is None:
            break
        point, steps = moved.centred(), steps + 1
        best = min(best, point, key=lambda found: found.kappa)
    lower = max(lower, _bound(A, point), _bound(A, best))
    stopped = ROUNDING if in_time else TIME
    return Found(np.sqrt(best.w), 1 / np.sqrt(best.e), lower, steps, stopped)


def _start(A: np.ndarray, left: np.ndarray, right: np.ndarray) -> _Point:
    """Return the equilibrated matrix, well within the barriers."""
    w, e = left**2, right**-2.0
    sigma = _Point.at(A, w, e, 1.0).sigma
    if sigma[-1] > 0:
        w = w * (2 / sigma[-1] ** 2)
    return _Point.at(A, w, e, 4 * float(sigma[0] / max(sigma[-1], 1e-300)) ** 2)


def _direction(at: _Point, tau: float) -> tuple[np.ndarray, float]:
    """Return Newton's step, relative to w, e and s, and its decrement."""
    m, n = at.U.shape
    above, below = at.rooms
    squares = at.sigma**2
    rows, columns, mixed = _products(at, squares / above, at.s / above)
    others = _products(at, squares / below, 1 / below)
    p = np.diagonal(columns)
    gradient = np.concatenate(
        [
            np.diagonal(rows) - np.diagonal(others[0]) - 1,
            np.diagonal(others[1]) - p,
            [tau - p.sum()],
        ]
    )
    H = np.empty((m + n + 1, m + n + 1))
    H[:m, :m] = rows**2 + others[0] ** 2
    H[m:-1, m:-1] = columns**2 + others[1] ** 2
    H[:m, m:-1] = -(mixed**2) - others[2] ** 2
    H[m:-1, :m] = H[:m, m:-1].T
    H[np.arange(m), np.arange(m)] += 1
    # s acts as all e together, on the upper barrier alone.
    H[:-1, -1] = np.append(-(mixed**2).sum(axis=1), (columns**2).sum(axis=1))
    H[-1, :-1], H[-1, -1] = H[:-1, -1], (columns**2).sum()
    fixed = np.concatenate([np.zeros(m), p / math.sqrt(float(p @ p)), [0.0]])
    scale = np.diagonal(H) ** -0.5
    H += np.outer(fixed, fixed) * float(p @ p)
    factor = sl.cho_factor(scale[:, None] * H * scale, check_finite=False)
    down, along = (
        scale * sl.cho_solve(factor, scale * x, check_finite=False)
        for x in (gradient, fixed)
    )
    step = along * (float(fixed @ down) / float(fixed @ along)) - down
    return step, math.sqrt(max(0.0, -float(gradient @ step)))


def _products(
    at: _Point, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U a Uᵀ, V b Vᵀ and U √(a b) Vᵀ."""
    return (at.U * a) @ at.U.T, (at.V * b) @ at.V.T, (at.U * np.sqrt(a * b)) @ at.V.T


def _searched(
    A: np.ndarray, at: _Point, step: np.ndarray, tau: float, decrement: float
) -> _Point | None:
    """Return a point along the step where the sum is less, or None."""
    before, lowest = at.barrier(), float(step.min())
    length = min(1.0, INSIDE / -lowest) if lowest < 0 else 1.0
    while length > SHORTEST:
        try:
            point = at.moved(A, length * step)
        except np.linalg.LinAlgError:  # entries overflow
            length /= 2
            continue
        change = tau * length * float(step[-1]) + point.barrier() - before
        if change <= -1e-4 * length * decrement**2:
            return point
        length /= 2
    return None


def _bound(A: np.ndarray, at: _Point) -> float:
    """Return what Z₁ and Z₂, or the heaviest of their vectors, prove for certain."""
    above, below = at.rooms
    d1, d2 = np.sqrt(at.w), 1 / np.sqrt(at.e)
    units = _arrays.power_of_two(d2)
    B = _arrays.power_of_two(d1)[:, None] * A * units  # exact
    F = (d2 / units)[:, None] * at.V
    F1, F2 = F / np.sqrt(above), F / np.sqrt(below)
    found = scaled_bound(B, F1, F2, rows=True, columns=True)
    for least in LEAST_WEIGHTS:
        heavy = F1[:, above * least < above[0]], F2[:, below * least < below[-1]]
        for cut in CUTS:
            pair = cleaned(*heavy, cut)
            found = max(found, scaled_bound(B, *pair, rows=True, columns=True))
    return found
