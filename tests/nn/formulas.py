"""The effective weights written out in float64 NumPy, a loop for each matrix."""

import numpy as np
from torch import nn


def matrices(layer: nn.Module, W: np.ndarray) -> list[np.ndarray]:
    """Return views of the stored weight as matrices whose rows are outputs."""
    if isinstance(layer, nn.modules.conv._ConvTransposeNd):
        per_group = np.split(W, layer.groups, axis=0)  # inputs are stored first
        return [np.swapaxes(part, 0, 1) for part in per_group]
    if isinstance(layer, nn.modules.conv._ConvNd):
        return np.split(W, layer.groups, axis=0)
    if isinstance(layer, nn.MultiheadAttention):
        return np.split(W, 3, axis=0)
    if isinstance(layer, (nn.LSTM, nn.LSTMCell)):
        return np.split(W, 4, axis=0)
    if isinstance(layer, nn.GRU):
        return np.split(W, 3, axis=0)
    return [W]


def conditioned(layer: nn.Module, W: np.ndarray, method: str, **options) -> np.ndarray:
    """Return the effective weight of a layer by the method's own formula."""
    V = np.array(W, dtype=np.float64)
    for M in matrices(layer, V):
        flat = M.reshape(len(M), -1).copy()
        M[...] = FORMULAS[method](flat, **options).reshape(M.shape)
    return V


def row(A: np.ndarray) -> np.ndarray:
    return np.stack([a / (np.sqrt(np.sum(a**2)) or 1) for a in A])


def column(A: np.ndarray) -> np.ndarray:
    return row(A.T).T


def jacobi(A: np.ndarray) -> np.ndarray:
    return np.stack([a / (a[i] or 1) for i, a in enumerate(A)])


def ruiz(A: np.ndarray, sweeps: int = 5) -> np.ndarray:
    for _ in range(sweeps):
        r, c = abs(A).max(axis=1), abs(A).max(axis=0)
        r, c = np.where(r == 0, 1, r), np.where(c == 0, 1, c)
        A = A / np.sqrt(r)[:, None] / np.sqrt(c)
    return A


FORMULAS = {
    "row": row,
    "column": column,
    "row_column": lambda A: column(row(A)),
    "jacobi": jacobi,
    "ruiz": ruiz,
}
