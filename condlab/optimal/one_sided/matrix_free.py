"""One-sided scaling of large sparse matrices from a few extreme singular vectors.

One sparse LU factorisation serves every scaling: with K = A Aᵀ, or K = A where A is
symmetric positive definite, (D K D)⁻¹ = D⁻¹ K⁻¹ D⁻¹. Lanczos' method, from random
starts, gives the ends of the spectrum; the objective, the logarithms of Schatten norms
of A and A⁻¹, is cut off after them. Both certificates are rigorous whatever Lanczos has
missed: the bound of all scalings holds for any vectors, and what the best one reaches
is proved by `_definite`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from condlab.condition._inverse import EPS
from condlab.condition._sparse_lu import Factorisation, FillError, factorise
from condlab.errors import NotPositiveDefiniteError
from condlab.optimal._progress import Clock
from condlab.optimal.certificates.definite import (
    COUNTING,
    SHARE,
    certain_range,
    congruence,
    fill_limit,
    gram,
)
from condlab.optimal.one_sided._factors import Factors, Product
from condlab.optimal.one_sided._patches import (
    from_parts,
    from_products,
    most_coupled,
)
from condlab.optimal.one_sided.dense import TIME, WITHIN, Found
from condlab.types import Sparse

ENDS = 12  # eigenvalues computed at each end
POWERS = (4.0, 16.0, 64.0, 256.0)
EVALUATIONS = 40  # at each power
SHARPER = (0.5, 1.0, 2.0, 4.0)
LANCZOS_TOL = 1e-5  # relative, of the eigenvalues
GLANCE = 1e-2  # where starts are only compared
MARGIN = 0.8  # of the gap asked for, at which to stop; the proof widens it a little
PROOF = 16  # times as long as the factors of A a proof is expected to take at first
PART_GAP = 0.1  # of the gap asked for, in bounds of parts
PART_SHARE = 0.5  # of the time that is left, for bounds of parts
FILL_LIMIT = 10**8  # entries of L and U together: about 1.6 GB
SWEEPS, PROBES, SWEPT_POWER = 16, 16, 8  # before the first vectors
NEGLIGIBLE = 1e-200
STEPS = "steps"
NO_PROOF = "no proof"


class Done(Exception):
    """The gap is small enough, or the time is up."""


@dataclass(slots=True)
class _Best:
    """The least ratio of eigenvalues so far, with its x."""

    x: np.ndarray
    ratio: float = math.inf
    ends: tuple[float, float] = (0.0, math.inf)  # of the eigenvalues of the best


@dataclass(frozen=True, slots=True)
class _Proved:
    """Multipliers that certainly bring the eigenvalues around 1, and their ratio."""

    d: np.ndarray
    ratio: float
    seen: float  # by Lanczos, before


def best_rows(
    A: Sparse, rtol: float, clock: Clock, rng: np.random.Generator, *, symmetric: bool
) -> Found:
    """Scale the rows of a sparse square A, or both sides of an SPD one alike.

    A has rows of middle size. The singular values, or eigenvalues, of what is returned
    lie around 1.
    """
    from scipy.optimize import minimize  # half of what `import condlab` would take

    power = 1 if symmetric else 2  # the ratio of eigenvalues is κ to this power
    clock.calibrate(A.shape)
    x = equilibrating(A, symmetric)
    try:
        with clock.phase("factors"):
            lu = _factorised(A, clock)
    except FillError:
        d, stopped = np.exp(x), TIME if clock.limited else NO_PROOF
        lower = from_products(A, x, symmetric, rng)
        centre = most_coupled(A, x, symmetric)
        part = from_parts(A, symmetric, [centre], rtol, clock.portion(PART_SHARE))
        lower = max(lower, part)
        return Found(d, d if symmetric else None, lower, 0, stopped, math.inf)
    search = _Search(A, lu, symmetric, rtol, clock, rng)
    stopped = STEPS
    try:
        x = search.best_start(x)
        for p in POWERS:
            options = {"maxfun": EVALUATIONS, "maxcor": 20, "ftol": 1e-10}
            x = minimize(
                search, x, args=(p,), jac=True, method="L-BFGS-B", options=options
            ).x
        search.learn_parts()
    except Done:
        stopped = TIME if search.late() else WITHIN
    proved = search.proved()
    if math.isinf(proved.ratio) and stopped != TIME:
        stopped = NO_PROOF
    upper = proved.ratio ** (1 / power) * (1 + 4 * EPS)
    right = proved.d if symmetric else None
    lower = search.certified()
    return Found(proved.d, right, lower, search.evaluations, stopped, upper)


def equilibrating(A: Sparse, symmetric: bool) -> np.ndarray:
    """Return the logarithms of what equilibrates A."""
    squares = A.diagonal() if symmetric else A.power(2).sum(axis=1)
    return -np.log(squares) / 2


def _factorised(A: Sparse, clock: Clock) -> Factorisation:
    """Return the sparse LU factors of A, if they are expected to come in time."""
    products = float((np.diff(A.indptr).astype(float) ** 2).sum())  # as in A Aᵀ
    if products * COUNTING > clock.work(0.5):
        raise FillError
    return factorise(A, fill_limit(A.shape[0], clock.work(2 * SHARE), FILL_LIMIT))


class _Search:
    """The smoothed objective of x = log d."""

    def __init__(
        self,
        A: Sparse,
        lu: Factorisation,
        symmetric: bool,
        rtol: float,
        clock: Clock,
        rng: np.random.Generator,
    ) -> None:
        self.A, self.symmetric, self.rtol, self.clock = A, symmetric, rtol, clock
        self.power = 1 if symmetric else 2  # the ratio of eigenvalues is κ to this one
        self.rng = rng
        self.product: Product = (lambda v: A @ v) if symmetric else _gram(A)
        self.solve: Product = lu.solve  # for K = A Aᵀ it is A⁻ᵀ A⁻¹
        if not symmetric:
            self.solve = lambda v: lu.solve_adjoint(lu.solve(v))
        self.fill = float(lu.lu.nnz) if symmetric and lu.is_symmetric else None
        self.evaluations = 0
        self.best = _Best(equilibrating(A, symmetric))
        self.factors = Factors(A, self.product, symmetric, rng)
        self.first: _Proved | None = None
        self.starts: list[np.ndarray | None] = [None, None]
        self.peaks: set[int] = set()  # of the extreme vectors of the best
        self.of_parts = 0.0  # the greatest bound of κ by that of a part

    def late(self) -> bool:
        """Tell whether there is only time for the proof of what was found."""
        if self.best.ratio == math.inf and self.clock.allows_first(self.A.shape):
            return False
        first = PROOF * self.clock.seconds("factors")
        return self.clock.remaining() <= 1.1 * (self.clock.seconds("proof") or first)

    def __call__(self, x: np.ndarray, p: float) -> tuple[float, np.ndarray]:
        """Return the smoothed log of the ratio of the eigenvalues and its gradient."""
        from scipy.special import logsumexp, softmax

        (top, U), (inverse, V) = self._look(x, ENDS, LANCZOS_TOL)
        logs = np.log(top), np.log(inverse)
        for sharper in SHARPER:
            weights = [softmax(sharper * p * part) for part in logs]
            self.factors.learn(x, U * np.sqrt(weights[0]), V * np.sqrt(weights[1]))
        self._consider()
        if not self.of_parts:
            self.learn_parts()
        if self.clock.limited and self.first is None:  # in case there is no other
            self.first = self._prove()
        weights = [softmax(p * part) for part in logs]
        value = sum(logsumexp(p * part) for part in logs) / p
        return value, 2 * (U**2 @ weights[0] - V**2 @ weights[1])

    def best_start(self, x: np.ndarray) -> np.ndarray:
        """Return the best of x and of what sweeps make of it.

        Where tr (D K D)^2p tr (D K D)^-2p is least, both powers, divided by their
        traces, have the same diagonals. Unlike a few extreme vectors, these tell about
        all rows at once.
        """
        self._look(x, 1, GLANCE)
        for k in range(SWEEPS):
            gained = self._log_diagonals(x) / (8 * SWEPT_POWER)
            x = x - gained * min(1.0, SWEEPS / (4 * k + 4))  # the noise averages out
        self._look(x, 1, GLANCE)
        return self.best.x

    def _log_diagonals(self, x: np.ndarray) -> np.ndarray:
        """Estimate the logarithms of the ratios of the diagonals, by random signs."""
        d = np.exp(x)[:, None]
        signs = self.rng.choice([-1.0, 1.0], (len(x), PROBES))
        parts = []
        for step in (
            lambda V: d * self.product(d * V),
            lambda V: self.solve(V / d) / d,
        ):
            V = signs
            for _ in range(SWEPT_POWER):
                if self.late():
                    raise Done
                V = step(V)
                V = V / np.abs(V).max()
            squares = np.vecdot(V, V)
            parts.append(np.log(np.maximum(squares, NEGLIGIBLE) / squares.sum()))
        return np.asarray(parts[0] - parts[1])

    def learn_parts(self) -> None:
        """Bound κ by that of parts, around where extreme vectors are largest."""
        around = self.peaks | {most_coupled(self.A, self.best.x, self.symmetric)}
        clock = self.clock.portion(PART_SHARE)
        part = from_parts(self.A, self.symmetric, around, PART_GAP * self.rtol, clock)
        self.of_parts = max(self.of_parts, part)
        self._consider()

    def _consider(self) -> None:
        """Say how large the gap is, and stop where that, or the time, is enough."""
        least = max(self.factors.bound ** (1 / self.power), self.of_parts)
        gap = self.best.ratio ** (1 / self.power) / least - 1
        self.clock.say(f"gap {gap:.2g}")
        if gap <= MARGIN * self.rtol or self.late():
            raise Done

    def _look(
        self, x: np.ndarray, ends: int, tol: float
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return eigenvalues with vectors of D K D and of its inverse, the largest."""
        d = np.exp(x)
        top, U = self._end(lambda v: d * self.product(d * v), 0, ends, tol)
        inverse, V = self._end(lambda v: self.solve(v / d) / d, 1, ends, tol)
        self.evaluations += 1
        ratio = float(top.max() * inverse.max())
        if ratio < self.best.ratio or (x == self.best.x).all():
            self.best.ratio, self.best.x = ratio, x.copy()
            self.best.ends = 1 / float(inverse.max()), float(top.max())
            u, v = U[:, np.argmax(top)], V[:, np.argmax(inverse)]
            self.peaks = {int(np.argmax(np.abs(w))) for w in (u, v)}
            self.factors.learn_signs(x, u, v)
        return (top, U), (inverse, V)

    def _end(
        self, apply: Product, end: int, ends: int, tol: float
    ) -> tuple[np.ndarray, np.ndarray]:
        n = self.A.shape[0]

        def product(v: np.ndarray) -> np.ndarray:
            if self.late():
                raise Done
            return apply(v.ravel())

        start = self.rng.standard_normal(n)
        near = self.starts[end]
        if near is not None:
            start = near + start * (0.1 / math.sqrt(n))
        operator = LinearOperator((n, n), matvec=product, dtype=float)
        k = min(ends, n - 1)
        try:
            values, vectors = eigsh(operator, k=k, v0=start, tol=tol)
        except ArpackNoConvergence as error:
            values, vectors = error.eigenvalues, error.eigenvectors
            if not len(values):
                raise Done from None
        if self.symmetric and values.min() < 0:  # elsewhere it is rounding
            raise NotPositiveDefiniteError(
                "symmetric scaling of large sparse matrices needs a positive definite "
                'one, and this has a negative eigenvalue; use side="left" or "right"'
            )
        self.starts[end] = vectors.sum(axis=1)
        return np.maximum(values, EPS * values.max()), vectors

    def proved(self) -> _Proved:
        """Return the best scaling that is certain to reach something."""
        if self.first is None:
            return self._prove()
        if self.best.ratio < self.first.seen and self.clock.affords("proof"):
            return min(self.first, self._prove(), key=lambda proved: proved.ratio)
        return self.first

    def _prove(self) -> _Proved:
        """Bound the eigenvalues of the best scaling, which Lanczos has only seen."""
        d, seen = np.exp(self.best.x), self.best.ratio
        if math.isinf(seen):  # not even that
            return _Proved(d, math.inf, seen)
        with self.clock.phase("proof"):
            form = congruence if self.symmetric else gram
            S = form(self.A, d)
            low, high = certain_range(S, *self.best.ends, self.clock, fill=self.fill)
        if low == 0 or math.isinf(high):
            return _Proved(d, math.inf, seen)
        centred = d * (low * high) ** -0.25
        return _Proved(centred, high / low * (1 + 8 * EPS), seen)

    def certified(self) -> float:
        """Return the greatest bound of κ with all rounding taken into account."""
        return max(self.of_parts, self.factors.certified())


def _gram(A: Sparse) -> Product:
    transpose = sp.csr_array(A.T)
    return lambda v: A @ (transpose @ v)
