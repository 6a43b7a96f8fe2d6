"""One-sided scaling of large sparse matrices from a few extreme singular vectors.

One sparse LU factorisation serves every scaling: with K = A Aᵀ, or K = A where A is
symmetric positive definite, (D K D)⁻¹ = D⁻¹ K⁻¹ D⁻¹. Lanczos' method gives the ends of
the spectrum, the objective, the logarithms of Schatten norms of A and A⁻¹, is cut off
after them, and the certificate is rigorous whatever Lanczos has missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, eigsh, splu
from scipy.special import logsumexp, softmax

from condlab import _arrays
from condlab._inverse import EPS
from condlab.errors import SingularMatrixError
from condlab.optimal._certificate import scaled_bound, symmetric_bound
from condlab.optimal._one_sided import Found
from condlab.optimal._progress import Clock
from condlab.scaling import row_scaling
from condlab.types import Scaling

ENDS = 12  # eigenvalues computed at each end
POWERS = (4.0, 16.0, 64.0, 256.0)
EVALUATIONS = 40  # at each power
SHARPER = (0.5, 1.0, 2.0, 4.0)
LANCZOS_TOL = 1e-5  # relative, of the eigenvalues
NEGLIGIBLE = 1e-200

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


def left(A: Any, rtol: float, clock: Clock, *, symmetric: bool) -> tuple[Found, float]:
    """Scale the rows of a sparse square A, or both sides of an SPD one alike.

    Returns the certified bound with the scaling, and κ as Lanczos' method estimates it.
    """
    if symmetric:
        diagonal = np.asarray(A.diagonal())
        units = _arrays.power_of_two(diagonal**-0.5)
        A = sp.csc_array(Scaling(units, units).apply(A))
    else:
        units = np.asarray(row_scaling(A, rounding="power-of-two").left)
        A = sp.csc_array(Scaling(units).apply(A))
    power = 1 if symmetric else 2  # the ratio of eigenvalues is κ to this power
    search = _Search(A, symmetric, (1 + rtol) ** power, clock)
    x = np.zeros(A.shape[0])
    try:
        for p in POWERS:
            options = {"maxfun": EVALUATIONS, "maxcor": 20, "ftol": 1e-10}
            x = minimize(
                search, x, args=(p,), jac=True, method="L-BFGS-B", options=options
            ).x
    except Done:
        pass
    d = units * np.exp(search.best.x)
    right = d if symmetric else None
    found = Found(d, right, search.certified(), search.evaluations)
    return found, search.best.ratio ** (1 / power)


class _Search:
    """The smoothed objective of x = log d."""

    def __init__(self, A: Any, symmetric: bool, ratio: float, clock: Clock) -> None:
        self.A, self.symmetric, self.ratio, self.clock = A, symmetric, ratio, clock
        try:
            lu = splu(A)
        except RuntimeError:
            raise SingularMatrixError(
                "the best scaling needs a nonsingular matrix, and its sparse LU "
                "factorisation met a zero pivot"
            ) from None
        self.product: Product = (lambda v: A @ v) if symmetric else _gram(A)
        self.solve: Product = lu.solve  # for K = A Aᵀ it is A⁻ᵀ A⁻¹
        if not symmetric:
            self.solve = lambda v: lu.solve(lu.solve(v), "T")
        self.evaluations = 0
        nothing = np.zeros((A.shape[0], 1))
        x = np.zeros(A.shape[0])
        self.best = _Best(np.inf, x, 1.0, (x, nothing, nothing))
        self.starts = [np.ones(A.shape[0])] * 2

    def __call__(self, x: np.ndarray, p: float) -> tuple[float, np.ndarray]:
        """Return the smoothed log of the ratio of the eigenvalues and its gradient."""
        d = np.exp(x)
        top, U = self._end(lambda v: d * self.product(d * v), 0)
        inverse, V = self._end(lambda v: self.solve(v / d) / d, 1)
        self.evaluations += 1
        logs = np.log(top), np.log(inverse)
        ratio = float(top.max() * inverse.max())
        if ratio < self.best.ratio:
            self.best.ratio, self.best.x = ratio, x.copy()
        for sharper in SHARPER:
            weights = [softmax(sharper * p * part) for part in logs]
            self._learn(x, U * np.sqrt(weights[0]), V * np.sqrt(weights[1]))
        gap = self.best.ratio / self.best.bound
        self.clock.say(f"gap {gap ** (1 if self.symmetric else 0.5) - 1:.2g}")
        if gap <= self.ratio or self.clock.over():
            raise Done
        weights = [softmax(p * part) for part in logs]
        value = sum(logsumexp(p * part) for part in logs) / p
        return value, 2 * (U**2 @ weights[0] - V**2 @ weights[1])

    def _end(self, apply: Product, end: int) -> tuple[np.ndarray, np.ndarray]:
        n = self.A.shape[0]
        operator = LinearOperator(
            (n, n), matvec=lambda v: apply(v.ravel()), dtype=float
        )
        values, vectors = eigsh(
            operator, k=min(ENDS, n - 1), v0=self.starts[end], tol=LANCZOS_TOL
        )
        self.starts[end] = vectors.sum(axis=1)
        return np.maximum(values, EPS * values.max()), vectors

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


def _gram(A: Any) -> Product:
    transpose = sp.csr_array(A.T)
    return lambda v: A @ (transpose @ v)
