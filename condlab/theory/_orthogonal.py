"""Orthogonal bases in ball arithmetic: reflections, Gram-Schmidt, Krylov spaces."""

from __future__ import annotations

import numpy as np

from condlab.theory import balls
from condlab.theory.balls import Balls


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
