"""Orthogonal bases in ball arithmetic: reflections, Gram-Schmidt, Krylov spaces."""

from __future__ import annotations

import numpy as np
from flint import fmpq_mat

from condlab.theory import balls
from condlab.theory.balls import Balls
from condlab.theory.strategies._rationals import rational


def reflection(x: Balls) -> Balls:
    """Return the Householder reflection along x, or the identity where x is zero."""
    identity = balls.identity_matrix(len(x))
    square = x @ x
    return identity if square == 0 else identity - 2 * np.outer(x, x) / square


def orthonormal_columns(A: Balls) -> Balls:
    """Return an orthonormal basis of the columns of a matrix of full column rank."""
    columns: list[Balls] = []
    for a in A.T:
        for q in columns:
            a = a - (q @ a) * q
        columns.append(a / balls.norm_fro(a))
    return np.array(columns).T


def krylov_basis(A: Balls, b: Balls, k: int) -> Balls:
    """Return an orthonormal basis of span(b, Ab, ...), of dimension k, shape (n, k)."""
    columns = [b / balls.norm_fro(b)]
    while len(columns) < k:
        a = A @ columns[-1]
        for q in columns:
            a = a - (q @ a) * q
        columns.append(a / balls.norm_fro(a))
    return np.array(columns).T


def krylov_dimension(A: np.ndarray, b: np.ndarray) -> int:
    """Return the dimension of span(b, Ab, ...) for floats, in rational arithmetic."""
    M, x = rational(A), rational(b[:, None])
    columns = []
    for _ in b:
        columns.append(x.entries())
        x = M * x
    return fmpq_mat(len(b), len(b), [y for column in columns for y in column]).rank()


def conjugate_gradients(A: Balls, b: Balls, k: int) -> list[Balls]:
    """Return the iterates x_0 = 0 to x_k; the Krylov dimension must be at least k."""
    x, r, p, square = 0 * b, b, b, b @ b
    iterates = [x]
    for _ in range(k):
        Ap = A @ p
        alpha = square / (p @ Ap)
        x, r = x + alpha * p, r - alpha * Ap
        before, square = square, r @ r
        p = r + square / before * p
        iterates.append(x)
    return iterates
