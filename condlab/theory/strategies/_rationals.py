"""Hypotheses about float matrices, decided in rational arithmetic."""

from __future__ import annotations

import numpy as np
from flint import fmpq, fmpq_mat


def exact_rank(A: np.ndarray) -> int:
    """Return the rank of a float matrix in rational arithmetic.

    Examples
    --------
    >>> exact_rank(np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-52]]))
    2
    """
    return rational(A).rank()


def has_full_rank(A: np.ndarray) -> bool:
    """Tell whether a float matrix has exactly full row or column rank.

    Examples
    --------
    >>> has_full_rank(np.ones((2, 2)))
    False
    """
    return exact_rank(A) == min(A.shape)


def is_spd(A: np.ndarray) -> bool:
    """Tell whether a float matrix is exactly symmetric positive definite.

    Sylvester's criterion in rational arithmetic.

    Examples
    --------
    >>> is_spd(np.array([[1.0, 1.0], [1.0, 1.0]]))
    False
    """
    if A.shape[0] != A.shape[1] or not (A == A.T).all():
        return False
    return all(rational(A[:k, :k]).det() > 0 for k in range(1, len(A) + 1))


def rational(A: np.ndarray) -> fmpq_mat:
    """Return a float matrix as one of rationals."""
    ratios = [fmpq(*x.as_integer_ratio()) for x in A.ravel().tolist()]
    return fmpq_mat(A.shape[0], A.shape[1], ratios)
