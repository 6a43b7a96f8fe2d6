"""What products alone can say of κ₂: a lower bound."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from condlab import lanczos
from condlab.condition._certain import EPS, Products, at_least
from condlab.types import ConditionEstimate, Sparse

if TYPE_CHECKING:  # a tenth of `import condlab`, so it waits
    from scipy.sparse.linalg import LinearOperator

PROBES = 3
SHRINK = 1 / math.pi  # no operator rounds v to a multiple of something and SHRINK v too
MISMATCH = 0.1  # of the usual size of u*Av for random u and v
BFLOAT16 = 2.0**-7  # NumPy has no such dtype


def of_sparse(
    A: Sparse, num_matvecs: int, rng: np.random.Generator, least: float, upper: float
) -> ConditionEstimate:
    """Bound κ₂ of a sparse tall matrix from below; `least` and `upper` are known."""
    G, first, last = _ends(A, num_matvecs, rng)
    P = Products(A)
    high, low = P.size(first, sign=-1), P.size(last, sign=1)
    return _bound(G, high, low, (least, upper), "")


def of_operator(
    A: LinearOperator, num_matvecs: int, rng: np.random.Generator
) -> ConditionEstimate:
    """Bound κ₂ of a LinearOperator from below, as far as its products are good."""
    m, n = A.shape
    if m == 0 or n == 0:
        raise ValueError(
            f"a condition number needs at least one row and one column, got shape "
            f"({m}, {n}); leave empty operators out"
        )
    try:
        A.rmatvec(np.zeros(m))
    except NotImplementedError as error:
        raise ValueError(
            "estimate_cond_2 needs products with an operator and with its adjoint, got "
            f"a {type(A).__name__} without rmatvec; give it one (for a Hermitian "
            "operator rmatvec=matvec)"
        ) from error
    A = A if m >= n else A.adjoint()
    with np.errstate(over="ignore", invalid="ignore"):  # told by what came of it
        G, first, last = _ends(A, num_matvecs, rng)
        high, low = (lanczos.norm(A.matvec(v)) for v in (first, last))
        noise, words = _noise(A, last, high, rng)
        _require_adjoint(A, noise, rng)
    return _bound(G, high - noise, low + noise, (1.0, math.inf), f", {words}")


def _ends(
    A: Sparse | LinearOperator, num_matvecs: int, rng: np.random.Generator
) -> tuple[lanczos.Bidiagonalisation, np.ndarray, np.ndarray]:
    """Return a bidiagonalisation with the vectors that A enlarges most and least."""
    G = lanczos.golub_kahan(A, rng.standard_normal(A.shape[1]), num_matvecs)
    _require_finite(G.matrix)
    Zh = np.linalg.svd(G.matrix)[2]
    first, last = G.right @ Zh[0], G.right @ Zh[-1]
    return G, first / lanczos.norm(first), last / lanczos.norm(last)


def _require_finite(products: np.ndarray) -> None:
    if not np.isfinite(products).all():
        raise ValueError(
            "the products of the operator must be finite, got nan or inf; "
            "divide the operator by its size first"
        )


def _require_adjoint(A: LinearOperator, noise: float, rng: np.random.Generator) -> None:
    """Raise where rmatvec is not the adjoint, beyond any rounding.

    What is called certain needs none. But with another matrix for the adjoint the
    vectors that A enlarges most and least are not found, and κ may look infinite.
    """
    m, n = A.shape
    for _ in range(PROBES):
        u, v = rng.standard_normal(m), rng.standard_normal(n)
        product = A.matvec(v)
        pair = np.vdot(u, product), np.vdot(A.rmatvec(u), v)
        _require_finite(np.array(pair))
        rounding = noise * lanczos.norm(u) * lanczos.norm(v)
        if abs(pair[0] - pair[1]) > MISMATCH * lanczos.norm(product) + rounding:
            raise ValueError(
                "rmatvec must be the adjoint of matvec, and of random u and v the "
                f"product u*(A v) is {pair[0]:.4g} by matvec and {pair[1]:.4g} by "
                "rmatvec; is one of them transposed, of another matrix, or not linear?"
            )


def _bound(
    G: lanczos.Bidiagonalisation,
    high: float,
    low: float,
    known: tuple[float, float],
    words: str,
) -> ConditionEstimate:
    least, upper = known
    lower = max(least, at_least(max(high, 0.0), low) * (1 - 8 * EPS) if low else 1.0)
    # One more right than left vector: A maps a combination of them to zero.
    singular = G.left.shape[1] < G.right.shape[1] and math.isinf(upper)
    value = math.inf if singular else lower
    bound = "lower bound only" if math.isinf(upper) else "the value is the lower bound"
    method = f"golub-kahan-{G.right.shape[1]}, no LU: {bound}{words}"
    return ConditionEstimate(value, lower, upper, 2, method)


def _noise(
    A: LinearOperator, last: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[float, str]:
    """Return the error that is assumed of a product with a unit vector, and in words.

    A dtype can say too much: an operator may round on the way, and in a sum or product
    of operators large terms may cancel. So linearity is tried at the vector that
    decides; what rounds differs from what is linear by as much as it rounds. The sum
    is shrunk, so that even numbers of few decimals are not sums of each other.
    """
    eps = max(_eps(A), _eps(A.matvec(last)))
    assumed = 10 * math.sqrt(len(last)) * eps * size
    seen = 0.0
    for _ in range(PROBES):
        w = rng.standard_normal(len(last))
        w /= lanczos.norm(w)
        parts = A.matvec(last) + A.matvec(w)
        difference = A.matvec(SHRINK * (last + w)) / SHRINK - parts
        _require_finite(difference)
        seen = max(seen, 10 * lanczos.norm(difference))
    if seen <= assumed:
        return assumed, f"products taken to be good to 10 √n eps, eps = {eps:.2g}"
    return seen, f"products seen to be good to {seen / max(size, seen):.1g} only"


def _eps(A: LinearOperator) -> float:
    """Return the coarsest eps among the dtypes of an operator and of its parts."""
    # SciPy keeps what a sum, product, adjoint or multiple is made of in `args`.
    parts = [_eps(part) for part in getattr(A, "args", ())]
    return max([_eps_of(getattr(A, "dtype", None)), *parts])


def _eps_of(dtype: object) -> float:
    name = str(dtype).rsplit(".", maxsplit=1)[-1]  # torch.float32 is float32
    if name == "bfloat16":
        return BFLOAT16
    try:
        kind = np.dtype(name)
    except TypeError:
        return EPS
    return max(EPS, float(np.finfo(kind).eps)) if kind.kind in "fc" else EPS
