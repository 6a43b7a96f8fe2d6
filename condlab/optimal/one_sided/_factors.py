"""The greatest lower bound that pairs of factors prove, from Lanczos vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.optimal.certificates.duality import scaled_bound, symmetric_bound
from condlab.types import Scaling, Sparse

NEGLIGIBLE = 1e-200
RANDOM_SIGNS = 3
SIGN_STEPS = 20

Product = Callable[[np.ndarray], np.ndarray]


class Factors:
    """Keeps, for K = A or A Aᵀ, the pair that bounds κ(D K D) from below best."""

    def __init__(
        self, A: Sparse, product: Product, symmetric: bool, rng: np.random.Generator
    ) -> None:
        self.A, self.product, self.symmetric, self.rng = A, product, symmetric, rng
        self.bound = 1.0
        nothing = np.zeros((A.shape[0], 1))
        self.proof = (nothing[:, 0], nothing, nothing)  # x = log d, F1, F2

    def learn_signs(self, x: np.ndarray, u: np.ndarray, v: np.ndarray) -> None:
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
            self.learn(x, (v * s)[:, None], v[:, None])

    def learn(self, x: np.ndarray, F1: np.ndarray, F2: np.ndarray) -> None:
        """Repair the diagonals of a pair of factors and keep it if it proves more."""
        near, far = np.vecdot(F1, F1), np.vecdot(F2, F2)
        kept = far > NEGLIGIBLE
        shrink = np.sqrt(np.minimum(far / np.maximum(near, NEGLIGIBLE), 1.0)) * kept
        F1 = F1 * shrink[:, None]
        d = np.exp(x)[:, None]
        high, low = (np.vdot(F, d * self.product(d * F)) for F in (F1, F2))
        if high / low > self.bound:
            self.bound, self.proof = float(high / low), (x.copy(), F1, F2)

    def certified(self) -> float:
        """Return the bound of κ, A's or D A's, with all rounding taken into account."""
        x, F1, F2 = self.proof
        d = np.exp(x)
        exact = _arrays.power_of_two(d)
        F1, F2 = ((d / exact)[:, None] * F for F in (F1, F2))
        if not F1.any():
            return 1.0
        B = Scaling(exact, exact if self.symmetric else None).apply(self.A)
        if self.symmetric:
            return symmetric_bound(B, F1, F2)
        return scaled_bound(sp.csr_array(B.T), F1, F2, rows=False, columns=True)
