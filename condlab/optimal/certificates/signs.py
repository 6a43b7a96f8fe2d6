"""Lower bounds of κ₂(D₁ B D₂) from signs, phases and turns, proved in floating point.

Let S₁ and S₂ be diagonal, of entries ±1 or complex units. They commute with D₁ and D₂,
so that B⁻¹ S₁ B S₂ is similar to M⁻¹ S₁ M S₂ with M = D₁ B D₂, and

    κ₂(M) ≥ ‖M⁻¹ S₁ M S₂‖ ≥ ρ(B⁻¹ S₁ B S₂)  for all D₁ and D₂.

At an optimum with simple extremes |u₁| = |u_n| and |v₁| = |v_n|. Then the signs or
phases that turn v_n into v₁ and u₁ into u_n attain equality, with v_n for the
eigenvector. No diagonal has to be repaired, so that small components do no harm.

Where k singular values meet, rows of their weighted vectors have equal norms instead,
and take the place of the components: as κ₂(M ⊗ I) = κ₂(M), the same holds for block
diagonal S₁ and S₂ of unitary k × k blocks, which turn row into row.

Each eigenvalue bounds the spectral radius. One is enclosed by Newton's method for
F(x, λ) = S₁ B S₂ x − λ B x with x_k fixed: with R near the inverse of the Jacobian J,

    β + α r + γ r² ≤ r,  α ≥ ‖I − R J‖, β ≥ ‖R F‖, γ ≥ ‖R B‖ in the maximum norm,

leaves a zero within r, by Brouwer's theorem, as F(z + h) = F(z) + J h − h_λ B h_x.
"""

from __future__ import annotations

import math

import numpy as np

from condlab.condition._inverse import UNIT_ROUNDOFF

TINY = 2.0**-900  # more than all that underflow can lose
STEPS = 8  # of inverse iteration
CONVERGED = 1e-13


def turning_bound(
    B: np.ndarray,
    images: tuple[np.ndarray, np.ndarray],
    sources: tuple[np.ndarray, np.ndarray],
    units: np.ndarray,
) -> float:
    """Bound κ₂(D₁ B D₂) from below over all D₁ and D₂.

    Parameters
    ----------
    B : array, shape (n, n)
        Real or complex, with entries of about 1 at most.
    images, sources : pairs of arrays, shape (n, k)
        Left and right singular vectors of a scaled B that are mapped far, and those
        that are mapped near, each times a weight; without weights for k = 1.
    units : array, shape (n,)
        What turns right singular vectors into vectors for B.

    Returns
    -------
    float
        At least 1, which is always true.

    References
    ----------
    .. [1] C. McCarthy and G. Strang, "Optimal conditioning of matrices", SIAM J.
       Numer. Anal. 10(2), 1973.
    .. [2] S. M. Rump, "Verification methods: rigorous results using floating-point
       arithmetic", Acta Numerica 19, 2010, section 13.
    """
    n, k = sources[1].shape
    T1, T2 = turns(*images), turns(*reversed(sources))
    C = np.einsum("ij,iab,jbc->iajc", B, T1, T2, optimize=True).reshape(n * k, n * k)
    x = (units[:, None] * sources[1]).ravel()
    try:
        with np.errstate(all="ignore"):
            size = _enclosed(B, C, *_eigenpair(B, C, x))
            size /= _norm(T1) * _norm(T2) * (1 + 8 * UNIT_ROUNDOFF)
    except np.linalg.LinAlgError:
        return 1.0
    return max(1.0, size) if math.isfinite(size) else 1.0


def turns(P: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """Return unitary blocks, shape (n, k, k), that turn rows of P into those of Q.

    Each is −c (I − 2 w w* / w* w) with w = p + c̄ q for rows of length 1, where the unit
    c is the phase of p* q. Rows of zeros stay what they are.
    """
    P, Q = (_of_length_one(rows) for rows in (P, Q))
    inner = np.vecdot(P, Q)[:, None]
    sizes = np.abs(inner)
    c = np.divide(inner, sizes, out=np.ones_like(inner), where=sizes > 0)
    w = P + c.conj() * Q
    squares = np.vecdot(w, w).real[:, None, None]
    outer = w[:, :, None] * w[:, None, :].conj()
    eye = np.eye(P.shape[1])
    found = c[:, :, None] * (2 * outer / np.where(squares > 0, squares, 1.0) - eye)
    whole = np.logical_and(P.any(axis=1), Q.any(axis=1))
    return np.where(whole[:, None, None], found, eye)


def _of_length_one(rows: np.ndarray) -> np.ndarray:
    peaks = np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.where(peaks > 0, peaks, 1.0)
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(sizes > 0, sizes, 1.0)


def _norm(T: np.ndarray) -> float:
    """Bound the 2-norm of all blocks, which are unitary up to rounding."""
    k = T.shape[1]
    off = T.conj().swapaxes(1, 2) @ T - np.eye(k)
    excess = float(np.linalg.norm(off, axis=(1, 2)).max())
    return 1 + excess + 8 * (k + 4) * k * UNIT_ROUNDOFF


def _times(B: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return (B ⊗ I) x."""
    return (B @ x.reshape(len(B), -1)).ravel()


def _eigenpair(
    B: np.ndarray, C: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, complex]:
    """Return x and λ with C x near λ B x, by inverse iteration from x."""
    eigenvalue, K = 0.0, np.kron(B, np.eye(len(x) // len(B)))
    for _ in range(STEPS):
        x = x / x[np.argmax(np.abs(x))]
        image = _times(B, x)
        last, eigenvalue = eigenvalue, np.vdot(image, C @ x) / np.vdot(image, image)
        if abs(eigenvalue - last) <= CONVERGED * abs(eigenvalue):
            break
        x = np.linalg.solve(C - eigenvalue * K, image)
    return x, eigenvalue


def _enclosed(
    B: np.ndarray, C: np.ndarray, x: np.ndarray, eigenvalue: complex
) -> float:
    """Bound |λ| from below for an eigenvalue λ near the given one; 0 if none is.

    Entries of C are at most those of |B| in their blocks, and good to 2k roundings.
    """
    n, k = len(x), len(x) // len(B)
    weight = 1 + abs(eigenvalue)
    # Complex products cost more: 2 √2 covers an inner product, 4 the few sums.
    gamma = (3 if np.iscomplexobj(C) else 1) * (n + 16) * UNIT_ROUNDOFF
    image, K = _times(B, x), np.kron(B, np.eye(k))
    J = np.zeros((n + 1, n + 1), C.dtype)
    J[:n, :n], J[:n, n] = C - eigenvalue * K, -image
    J[n, np.argmax(np.abs(x))] = 1
    R = np.linalg.inv(J)
    sizes = np.abs(B)
    sums = k * np.repeat(sizes.sum(axis=1), k)
    small = np.repeat(sizes @ np.abs(x).reshape(-1, k).sum(axis=1), k)
    inverse = np.abs(R[:, :n])
    # Entries of J are good to a few roundings, and its last column to an inner product.
    blur = 8 * gamma * (weight * sums + small) + n * TINY
    rounding = gamma * (np.abs(R) @ np.abs(J).sum(axis=1) + 1)
    alpha = np.abs(np.eye(n + 1) - R @ J).sum(axis=1) + rounding + inverse @ blur
    residual = np.abs(C @ x - eigenvalue * image) + 4 * gamma * weight * small
    beta = inverse @ (residual + n * TINY)
    curvature = inverse @ sums
    slack = 1 + 8 * gamma
    contraction, first, second = (
        float(part.max()) * slack for part in (alpha, beta, curvature)
    )
    rest = 1 - contraction
    if not (rest > 0 and 4 * first * second < rest * rest * (1 - 8 * UNIT_ROUNDOFF)):
        return 0.0
    radius = 2 * first / rest * slack  # at least the smaller root, and below 1 / second
    # Of the eigenvalue itself a smaller bound is known than of the vector.
    off = beta[-1] + alpha[-1] * radius + curvature[-1] * radius**2
    return abs(eigenvalue) - min(radius, float(off) * slack)
