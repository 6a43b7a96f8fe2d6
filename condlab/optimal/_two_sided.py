"""The best scaling of rows and columns of an irreducible matrix.

log κ(e^X A e^Y) is convex. It is smoothed by Schatten norms, log ‖M‖_p + log ‖M⁻¹‖_p,
which are convex too and whose gradient weighs the squared singular vectors by softmax,
and minimised by L-BFGS while p rises. The weights of each evaluation give a certificate
(`_certificate`), repaired where its diagonals are not yet equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from condlab import _arrays
from condlab._inverse import EPS
from condlab.optimal._certificate import scaled_bound
from condlab.optimal._one_sided import Found
from condlab.optimal._progress import Clock
from condlab.scaling import ruiz_scaling

POWERS = (8.0, 32.0, 128.0, 512.0, 2048.0)
EVALUATIONS = 300  # at each power
SHARPER = (0.5, 1.0, 2.0, 4.0)  # powers of the certificate, relative to the norm's
MIXTURES = np.array([0.0, *np.geomspace(1e-5, 10.0, 13)])
NEGLIGIBLE = 1e-9


class Done(Exception):
    """The gap is small enough, or the time is up."""


@dataclass(slots=True)
class _Proof:
    """The best certificate: factors for M = A scaled by exp(z), or its transpose."""

    bound: float
    z: np.ndarray
    F1: np.ndarray
    F2: np.ndarray
    transposed: bool


class _Search:
    """The smoothed objective; remembers the best scaling and the best proof."""

    def __init__(self, A: np.ndarray, rtol: float, enough: float, clock: Clock) -> None:
        self.A, self.rtol, self.enough, self.clock = A, rtol, enough, clock
        self.kappa, self.z, self.evaluations = np.inf, np.zeros(2 * len(A)), 0
        self.proof: _Proof | None = None

    def __call__(self, z: np.ndarray, p: float) -> tuple[float, np.ndarray]:
        """Return log ‖M‖_p + log ‖M⁻¹‖_p and its gradient."""
        n = len(self.A)
        M = np.exp(z[:n])[:, None] * self.A * np.exp(z[n:])
        try:
            U, sigma, Vt = np.linalg.svd(M)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros_like(z)
        self.evaluations += 1
        sigma = np.maximum(sigma, sigma[0] * EPS / 4)
        self._learn(z, M, U, sigma, Vt.T, p)
        logs = np.log(sigma)
        top, bottom = softmax(p * logs), softmax(-p * logs)
        value = (log_sum_exp(p * logs) + log_sum_exp(-p * logs)) / p
        gradient = [(X**2) @ (top - bottom) for X in (U, Vt.T)]
        return value, np.concatenate(gradient)

    def _learn(
        self,
        z: np.ndarray,
        M: np.ndarray,
        U: np.ndarray,
        sigma: np.ndarray,
        V: np.ndarray,
        p: float,
    ) -> None:
        kappa = float(sigma[0] / sigma[-1])
        if kappa < self.kappa:
            self.kappa, self.z = kappa, z.copy()
        for power in SHARPER:
            weights = [softmax(s * power * p * np.log(sigma)) for s in (1, -1)]
            for flipped in (False, True):
                L, R, N = (V, U, M.T) if flipped else (U, V, M)
                bound, F1, F2 = _repaired(N, L, sigma, R, *weights)
                if self.proof is None or bound > self.proof.bound:
                    self.proof = _Proof(bound, z.copy(), F1, F2, flipped)
        assert self.proof is not None
        self.clock.say(f"gap {self.kappa / self.proof.bound - 1:.2g}")
        small = self.kappa <= max(self.proof.bound * (1 + self.rtol), self.enough)
        if small or self.clock.over():
            raise Done


def both(A: np.ndarray, rtol: float, enough: float, clock: Clock) -> Found:
    """Scale rows and columns of an irreducible square A until κ ≤ `enough`."""
    n = len(A)
    start = ruiz_scaling(A, p=2, max_sweeps=30)
    search = _Search(A, rtol / 2, enough, clock)
    z = np.log(np.concatenate([start.left, start.right]))
    try:
        for p in POWERS:
            z = minimize(
                search,
                z,
                args=(p,),
                jac=True,
                method="L-BFGS-B",
                options={
                    "maxfun": EVALUATIONS,
                    "maxcor": 30,
                    "gtol": 1e-9,
                    "ftol": 1e-13,
                },
            ).x
    except Done:
        pass
    d = np.exp(search.z)
    return Found(d[:n], d[n:], _proved(A, search.proof), search.evaluations)


def _proved(A: np.ndarray, proof: _Proof | None) -> float:
    if proof is None:
        return 1.0
    d = np.exp(proof.z)
    exact = _arrays.power_of_two(d)
    n = len(A)
    B = exact[:n, None] * A * exact[n:]
    moved = (d / exact)[:n] if proof.transposed else (d / exact)[n:]
    B = B.T if proof.transposed else B
    F1, F2 = proof.F1 * moved[:, None], proof.F2 * moved[:, None]
    return scaled_bound(np.ascontiguousarray(B), F1, F2, rows=True, columns=True)


def _repaired(
    M: np.ndarray,
    U: np.ndarray,
    sigma: np.ndarray,
    V: np.ndarray,
    top: np.ndarray,
    bottom: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the certificate's bound and its factors, with the diagonals repaired.

    A congruence brings diag Z₁ under a multiple of diag Z₂; then a small multiple of
    diag Z₂ itself is added to Z₁, which lifts every diagonal entry of M Z₁ Mᵀ.
    """
    first, last = top > NEGLIGIBLE * top[0], bottom > NEGLIGIBLE * bottom[-1]
    F1 = V[:, first] * (np.sqrt(top[first]) / sigma[first])
    F2 = V[:, last] * (np.sqrt(bottom[last]) / sigma[last])
    high = (U[:, last] ** 2) @ bottom[last]
    near, far = np.vecdot(F1, F1), np.vecdot(F2, F2)
    unit = near.sum() / far.sum()
    far = far * unit
    F1 = F1 * np.sqrt(np.minimum(1.0, far / np.maximum(near, 1e-300)))[:, None]
    C = M @ F1
    low = np.vecdot(C, C)[:, None] + MIXTURES * ((M * M) @ far)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.nanmin(low / high[:, None], axis=0) / (1 + MIXTURES)
    best = int(np.argmax(ratios))
    if MIXTURES[best]:
        F1 = np.hstack([F1, np.diag(np.sqrt(MIXTURES[best] * far))])
    return float(np.sqrt(ratios[best] / unit)), F1, F2


def softmax(x: np.ndarray) -> np.ndarray:
    """Return the weights exp(x) / sum exp(x)."""
    e = np.exp(x - x.max())
    return e / e.sum()


def log_sum_exp(x: np.ndarray) -> float:
    """Return log sum exp(x)."""
    return float(x.max() + np.log(np.exp(x - x.max()).sum()))
