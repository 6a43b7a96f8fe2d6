"""Block Hager-Higham estimation of ‖A⁻¹‖₁ with a generator of one's own.

SciPy's `onenormest` is the same algorithm, but draws from NumPy's global state.
"""

from __future__ import annotations

import numpy as np

from condlab.condition._sparse_lu import Factorisation

MAX_SWEEPS = 5  # as in the paper; two or three are typical


def inverse_norm_1(
    F: Factorisation, n: int, block_size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y = A⁻¹x with ‖y‖₁/‖x‖₁ large (Higham & Tisseur, algorithm 2.4)."""
    t = min(block_size, n)
    X = np.eye(n) if t == n else _signs(np.empty((n, 0)), np.ones((n, 1)), t, rng) / n
    best, x, y = 0.0, X[:, 0], np.zeros(n)
    seen: list[int] = []
    S = np.empty((n, 0))
    for sweep in range(MAX_SWEEPS):
        Y = F.solve(X)
        sizes = np.abs(Y).sum(axis=0) / np.abs(X).sum(axis=0)
        j = int(np.argmax(sizes))
        if not sizes[j] > best:
            break
        best, x, y = float(sizes[j]), X[:, j], Y[:, j]
        if t == n:
            break
        index = seen[len(seen) - t + j] if sweep else -1
        old, S = S, _sign(Y)
        if not np.iscomplexobj(S):
            if _parallel(S, old).all():
                break
            S = _signs(old, S, t, rng)
        H = np.abs(F.solve_adjoint(S)).max(axis=1)
        if sweep and H.max() == H[index]:
            break
        # Vectors that were tried already promise nothing new.
        H[seen] = -1.0
        order = np.argsort(-H, kind="stable")[:t]
        if H[order[0]] < 0:
            break
        seen.extend(int(i) for i in order)
        X = np.zeros((n, t))
        X[order, np.arange(t)] = 1.0
    return x, y


def _sign(Y: np.ndarray) -> np.ndarray:
    sizes = np.abs(Y)
    return np.where(sizes > 0, Y / np.where(sizes > 0, sizes, 1.0), 1.0)


def _parallel(S: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which columns of ±1 equal a column of `others` up to sign."""
    return (np.abs(S.T @ others) == len(S)).any(axis=1)


def _signs(
    avoid: np.ndarray, S: np.ndarray, t: int, rng: np.random.Generator
) -> np.ndarray:
    """Return t columns of ±1: those of S, redrawn where parallel to earlier ones."""
    kept = avoid
    for j in range(t):
        column = S[:, j : j + 1]
        for _ in range(100):  # for tiny n there may be no other direction left
            if column.shape[1] and not _parallel(column, kept).any():
                break
            column = rng.choice([-1.0, 1.0], size=(len(S), 1))
        kept = np.hstack([kept, column])
    return kept[:, -t:]
