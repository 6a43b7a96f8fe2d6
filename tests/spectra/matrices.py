"""Symmetric operators with known eigenvalues, on purpose the awkward ones."""

import torch


def evenly(a, b, n):
    return torch.linspace(a, b, n, dtype=torch.float64)


SPECTRA = {
    "identity": torch.ones(12, dtype=torch.float64),
    "zero": torch.zeros(12, dtype=torch.float64),
    "rank one": torch.tensor([0.0] * 11 + [6.0], dtype=torch.float64),
    "one by one": torch.tensor([-3.0], dtype=torch.float64),
    "two by two": torch.tensor([-1.0, 1.0], dtype=torch.float64),
    "repeated": torch.tensor([-2.0] * 4 + [1.0] * 4 + [5.0] * 4, dtype=torch.float64),
    "indefinite": torch.cat([evenly(-1, -1e-3, 10), evenly(1e-5, 9, 20)]),
    "clustered": torch.cat([1 + evenly(0, 1e-9, 15), evenly(50, 51, 5)]),
    "graded": torch.logspace(-9, 3, 25, dtype=torch.float64),
    "exact nulls": torch.cat([evenly(-2, -1, 3), torch.zeros(5), evenly(0.1, 4, 17)]),
    "huge": 1e200 * evenly(-1, 2, 12),
    "tiny": 1e-200 * evenly(-1, 2, 12),
}


def rotated(values, seed=0):
    """Return a dense symmetric matrix with these eigenvalues."""
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    Q = torch.linalg.qr(torch.randn((n, n), generator=generator, dtype=torch.float64))[
        0
    ]
    A = (Q * values) @ Q.T
    return (A + A.T) / 2


class Diagonal:
    """Diagonal operator with nothing but shape, dtype and products."""

    def __init__(self, values):
        self.values, self.dtype = values, values.dtype
        self.shape = (len(values), len(values))

    def __matmul__(self, X):
        return self.values[:, None] * X
