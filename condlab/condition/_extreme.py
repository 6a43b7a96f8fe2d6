"""The largest singular triplet, with the chance that a larger one was missed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from condlab import lanczos
from condlab.types import Sparse

if TYPE_CHECKING:  # a tenth of `import condlab`, so it waits
    from scipy.sparse.linalg import LinearOperator

# A singular value lies within this of the answer, relatively. The error itself is a
# fifth of it where the values cluster, and its square over the gap where they do not.
RESIDUAL = 4e-3
# The largest one is no more than this above the answer, but for this chance.
MISSED, CHANCE = 5e-3, 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Extreme:
    """A singular triplet; `converged` if it is within the tolerances of the largest."""

    value: float
    left: np.ndarray
    right: np.ndarray
    steps: int
    converged: bool


def largest(
    A: Sparse | LinearOperator,
    num_matvecs: int,
    rng: np.random.Generator,
    bound: float = math.inf,
) -> Extreme:
    """Return the largest singular triplet of A, all of whose values are under `bound`.

    A small residual says that some singular value is near, not that it is the largest
    one. So the steps go on until a larger one is impossible, or as good as that.
    """
    multiply, adjoint = lanczos.products(A)
    start = rng.standard_normal(A.shape[1])
    for steps, G in enumerate(lanczos.golub_kahan_steps(A, start, num_matvecs), 1):
        if not len(G.alpha):  # A maps the start to zero
            return Extreme(0.0, np.zeros(A.shape[0]), G.right[:, 0], steps, True)
        W, values, Zh = np.linalg.svd(G.matrix, full_matrices=False)
        claimed = G.coupling * abs(W[-1, 0])
        limit = (1 + MISSED) * values[0]
        alone = bound <= limit or _chance_of_more(G, values, limit) <= CHANCE
        early = claimed > RESIDUAL * values[0] or not alone
        if early and steps < num_matvecs and not G.invariant:
            continue
        sigma, u, v = float(values[0]), G.left @ W[:, 0], G.right @ Zh[0]
        left, right = multiply(v) - sigma * u, adjoint(u) - sigma * v
        error = math.hypot(lanczos.norm(left), lanczos.norm(right)) / math.sqrt(2)
        converged = alone and error <= RESIDUAL * sigma
        # Past this the products contradict each other: more of them are no help.
        if converged or (alone and claimed <= 1e-2 * RESIDUAL * sigma):
            break
    return Extreme(sigma, u, v, steps, converged)


def _chance_of_more(
    G: lanczos.Bidiagonalisation, values: np.ndarray, limit: float
) -> float:
    """Bound the chance that a singular value above `limit` has not been seen.

    Let χ be the characteristic polynomial of B'B, k × k. Then χ(A'A) maps the start to
    a vector whose norm is the product of the couplings of the k steps, so that a right
    singular vector with σ > limit has a component of at most that over χ(σ²) in the
    start; χ grows beyond its last zero. A random direction has a component of at most c
    along a given one with a chance of at most √(2n/π) c; a real one along a complex,
    √2 times that.
    """
    if G.invariant:
        return 0.0
    ahead = np.append(G.beta, G.coupling)
    with np.errstate(divide="ignore", under="ignore"):  # what underflows is no chance
        logarithm = np.log(G.alpha / limit).sum() + np.log(ahead / limit).sum()
        logarithm -= np.log1p(-((values / limit) ** 2)).sum()
    n = len(G.next)
    return math.sqrt(4 * n / math.pi) * math.exp(min(logarithm, 0.0))
