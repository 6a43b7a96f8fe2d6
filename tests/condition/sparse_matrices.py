"""Sparse matrices to estimate."""

import numpy as np
import scipy.sparse as sp

EPS = np.finfo(float).eps


def laplacian(k, convection=0.0):
    T = sp.diags_array(
        [-1.0 - convection, 2.0, -1.0 + convection], offsets=[-1, 0, 1], shape=(k, k)
    )
    return (sp.kron(T, sp.eye_array(k)) + sp.kron(sp.eye_array(k), T)).tocsr()


def random_sparse(m, n, seed, *, is_complex=False):
    rng = np.random.default_rng(seed)
    A = sp.random_array((m, n), density=0.1, rng=rng)
    if is_complex:
        A = A + 1j * sp.random_array((m, n), density=0.1, rng=rng)
    return (A + sp.diags_array(rng.uniform(0.1, 2, min(m, n)), shape=(m, n))).tocsr()


RECTANGULAR = {
    "tall": random_sparse(90, 40, 5),
    "wide": random_sparse(40, 90, 6),
    "complex-tall": random_sparse(70, 30, 7, is_complex=True),
    "column": sp.csr_array(np.arange(1.0, 6)[:, None]),
    "ill-conditioned-tall": sp.csr_array(np.vander(np.linspace(0, 1, 30), 9)),
}
M = np.diag([1.0, 1e-2, 1e-6]) @ np.array([[2.0, 1, 0], [0, 1, 1], [1, 0, 1]])
