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
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from condlab import _arrays
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
from condlab.optimal.certificates.duality import scaled_bound, symmetric_bound
from condlab.optimal.one_sided._patches import from_patch, from_products
from condlab.optimal.one_sided.dense import TIME, WITHIN, Found
from condlab.types import Scaling, Sparse

ENDS = 12  # eigenvalues computed at each end
POWERS = (4.0, 16.0, 64.0, 256.0)
EVALUATIONS = 40  # at each power
SHARPER = (0.5, 1.0, 2.0, 4.0)
LANCZOS_TOL = 1e-5  # relative, of the eigenvalues
NEGLIGIBLE = 1e-200
FILL_LIMIT = 10**8  # entries of L and U together: about 1.6 GB
RANDOM_SIGNS = 3
SHARES = (0.0, 0.25, 0.5, 0.75)  # of sums of absolute values in the start
SIGN_STEPS = 20
STEPS = "steps"
NO_PROOF = "no proof"

Product = Callable[[np.ndarray], np.ndarray]


class Done(Exception):
    """The gap is small enough, or the time is up."""


@dataclass(slots=True)
class _Best:
    """The least ratio of eigenvalues and the greatest bound so far, with their x."""

    ratio: float
    x: np.ndarray
    bound: float
    proof: tuple[np.ndarray, np.ndarray, np.ndarray]  # x, F1, F2
    ends: tuple[float, float] = (0.0, math.inf)  # of the eigenvalues of the best


@dataclass(frozen=True, slots=True)
class _Proved:
    """Multipliers that certainly bring the eigenvalues around 1, and their ratio."""

    d: np.ndarray
    ratio: float


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
        lu = _factorised(A, clock)
    except FillError:
        d, stopped = np.exp(x), TIME if clock.limited else NO_PROOF
        lower = from_products(A, x, symmetric, rng)
        return Found(d, d if symmetric else None, lower, 0, stopped, math.inf)
    search = _Search(A, lu, symmetric, (1 + rtol / 2) ** power, clock, rng)
    stopped = STEPS
    try:
        x = search.best_start(x)
        for p in POWERS:
            options = {"maxfun": EVALUATIONS, "maxcor": 20, "ftol": 1e-10}
            x = minimize(
                search, x, args=(p,), jac=True, method="L-BFGS-B", options=options
            ).x
    except Done:
        stopped = TIME if search.late() else WITHIN
    proved = search.proved()
    if math.isinf(proved.ratio) and stopped != TIME:
        stopped = NO_PROOF
    upper = proved.ratio ** (1 / power) * (1 + 4 * EPS)
    right = proved.d if symmetric else None
    lower = search.certified()
    if symmetric and upper > lower * (1 + rtol) and not search.late():
        centre = int(np.argmax(np.abs(search.bottom)))
        lower = max(lower, from_patch(A, centre, rtol / 2, clock))
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
        ratio: float,
        clock: Clock,
        rng: np.random.Generator,
    ) -> None:
        self.A, self.symmetric, self.ratio, self.clock = A, symmetric, ratio, clock
        self.rng = rng
        self.product: Product = (lambda v: A @ v) if symmetric else _gram(A)
        self.solve: Product = lu.solve  # for K = A Aᵀ it is A⁻ᵀ A⁻¹
        if not symmetric:
            self.solve = lambda v: lu.solve_adjoint(lu.solve(v))
        self.evaluations = 0
        nothing = np.zeros((A.shape[0], 1))
        x = equilibrating(A, symmetric)
        self.best = _Best(np.inf, x, 1.0, (x, nothing, nothing))
        self.first: _Proved | None = None
        self.starts: list[np.ndarray | None] = [None, None]
        self.bottom = np.ones(A.shape[0])

    def late(self) -> bool:
        """Tell whether there is only time for the proof of what was found."""
        if self.best.ratio == math.inf and self.clock.allows_first(self.A.shape):
            return False
        return self.clock.remaining() <= 1.1 * self.clock.seconds("proof")

    def __call__(self, x: np.ndarray, p: float) -> tuple[float, np.ndarray]:
        """Return the smoothed log of the ratio of the eigenvalues and its gradient."""
        from scipy.special import logsumexp, softmax

        d = np.exp(x)
        top, U = self._end(lambda v: d * self.product(d * v), 0)
        inverse, V = self._end(lambda v: self.solve(v / d) / d, 1)
        logs = np.log(top), np.log(inverse)
        ratio = float(top.max() * inverse.max())
        if ratio < self.best.ratio:
            self.best.ratio, self.best.x = ratio, x.copy()
            self.best.ends = 1 / float(inverse.max()), float(top.max())
            self.bottom = V[:, np.argmax(inverse)]
            self._learn_signs(x, U[:, np.argmax(top)], V[:, np.argmax(inverse)])
        for sharper in SHARPER:
            weights = [softmax(sharper * p * part) for part in logs]
            self._learn(x, U * np.sqrt(weights[0]), V * np.sqrt(weights[1]))
        self.evaluations += 1
        gap = self.best.ratio / self.best.bound
        self.clock.say(f"gap {gap ** (1 if self.symmetric else 0.5) - 1:.2g}")
        if gap <= self.ratio or self.late():
            raise Done
        if self.clock.limited and self.first is None:  # in case there is no other
            self.first = self._prove()
        weights = [softmax(p * part) for part in logs]
        value = sum(logsumexp(p * part) for part in logs) / p
        return value, 2 * (U**2 @ weights[0] - V**2 @ weights[1])

    def best_start(self, x: np.ndarray) -> np.ndarray:
        """Return the best between equal diagonals and equal sums of absolute values."""
        if self.symmetric:
            sums = -np.log(abs(self.A).sum(axis=1)) / 2
            for share in SHARES:
                self((1 - share) * x + share * sums, POWERS[0])
        return self.best.x if self.symmetric else x

    def _end(self, apply: Product, end: int) -> tuple[np.ndarray, np.ndarray]:
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
        k = min(ENDS, n - 1)
        try:
            values, vectors = eigsh(operator, k=k, v0=start, tol=LANCZOS_TOL)
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

    def _learn_signs(self, x: np.ndarray, u: np.ndarray, v: np.ndarray) -> None:
        """Learn from v and its best signs: κ(D A)² ≥ sᵀ M s / vᵀ K v, M = V K V.

        Both vectors have the same squares, so nothing is repaired. As M is positive
        semidefinite, s ← sign(M s) never lowers sᵀ M s; random signs reach on average
        the trace of M, which is van der Sluis's bound.
        """
        d, size = np.exp(x), len(v)
        signs = [u * v] + [self.rng.standard_normal(size) for _ in range(RANDOM_SIGNS)]
        for s in signs:
            s = np.where(s >= 0, 1.0, -1.0)
            for _ in range(SIGN_STEPS):
                turned = np.where(v * d * self.product(d * v * s) >= 0, 1.0, -1.0)
                if (turned == s).all():
                    break
                s = turned
            self._learn(x, (v * s)[:, None], v[:, None])

    def _learn(self, x: np.ndarray, F1: np.ndarray, F2: np.ndarray) -> None:
        """Repair the diagonals of a pair of factors and keep it if it proves more."""
        near, far = np.vecdot(F1, F1), np.vecdot(F2, F2)
        kept = far > NEGLIGIBLE
        shrink = np.sqrt(np.minimum(far / np.maximum(near, NEGLIGIBLE), 1.0)) * kept
        F1 = F1 * shrink[:, None]
        d = np.exp(x)[:, None]
        high, low = (np.vdot(F, d * self.product(d * F)) for F in (F1, F2))
        if high / low > self.best.bound:
            self.best.bound, self.best.proof = float(high / low), (x.copy(), F1, F2)

    def proved(self) -> _Proved:
        """Return the best scaling that is certain to reach something."""
        if self.first is None or self.clock.affords("proof"):
            found = self._prove()
            if self.first is None or found.ratio < self.first.ratio:
                return found
        return self.first

    def _prove(self) -> _Proved:
        """Bound the eigenvalues of the best scaling, which Lanczos has only seen."""
        d = np.exp(self.best.x)
        if math.isinf(self.best.ratio):  # not even that
            return _Proved(d, math.inf)
        with self.clock.phase("proof"):
            form = congruence if self.symmetric else gram
            low, high = certain_range(form(self.A, d), *self.best.ends, self.clock)
        if low == 0 or math.isinf(high):
            return _Proved(d, math.inf)
        centred = d * (low * high) ** -0.25
        return _Proved(centred, high / low * (1 + 8 * EPS))

    def certified(self) -> float:
        """Return the bound of κ with all rounding taken into account."""
        x, F1, F2 = self.best.proof
        d = np.exp(x)
        exact = _arrays.power_of_two(d)
        F1, F2 = ((d / exact)[:, None] * F for F in (F1, F2))
        if not F1.any():
            return 1.0
        B = Scaling(exact, exact if self.symmetric else None).apply(self.A)
        if self.symmetric:
            return symmetric_bound(B, F1, F2)
        return scaled_bound(sp.csr_array(B.T), F1, F2, rows=False, columns=True)


def _gram(A: Sparse) -> Product:
    transpose = sp.csr_array(A.T)
    return lambda v: A @ (transpose @ v)
