"""Random matrices whose singular values or eigenvalues are chosen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from condlab.gallery._size import require_size


def haar_columns(m: int, n: int, *, rng: np.random.Generator) -> np.ndarray:
    """Return n orthonormal columns drawn from the Haar measure, shape (m, n).

    Parameters
    ----------
    m, n : int
        The shape, with m >= n.
    rng : numpy.random.Generator
        The source of the draws.

    References
    ----------
    F. Mezzadri, "How to generate random matrices from the classical compact groups",
    Notices Amer. Math. Soc. 54, 2007, 592-604: without the signs of R's diagonal the
    result is orthonormal and not uniformly distributed.

    Examples
    --------
    >>> import numpy as np
    >>> Q = haar_columns(5, 2, rng=np.random.default_rng(0))
    >>> np.allclose(Q.T @ Q, np.eye(2))
    True
    """
    m, n = require_size("haar_columns", m), require_size("haar_columns", n)
    if m < n:
        raise ValueError(f"at most {m} columns of length {m} are orthonormal, got {n}")
    Q, R = np.linalg.qr(rng.standard_normal((m, n)))
    return Q * np.copysign(1.0, np.diagonal(R))


def with_singular_values(
    spectrum: ArrayLike,
    *,
    rng: np.random.Generator,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return U diag(spectrum) V' with Haar-distributed U and V.

    Parameters
    ----------
    spectrum : array, shape (k,)
        The singular values, non-negative, in any order.
    rng : numpy.random.Generator
        The source of the draws.
    shape : tuple of int, optional
        (m, n) with min(m, n) = k; square where it is left out.

    Returns
    -------
    array, shape (m, n)
        Its singular values are those asked for, up to rounding of the largest:
        n eps max(spectrum) each.

    Raises
    ------
    ValueError
        If the spectrum has a negative entry, or does not fit the shape.

    Examples
    --------
    >>> import numpy as np
    >>> A = with_singular_values([1, 0.5], rng=np.random.default_rng(0), shape=(3, 2))
    >>> np.linalg.svd(A, compute_uv=False)
    array([1. , 0.5])
    """
    values = _spectrum(spectrum)
    m, n = shape if shape is not None else (values.size, values.size)
    if min(m, n) != values.size:
        raise ValueError(
            f"a matrix of shape ({m}, {n}) has {min(m, n)} singular values, "
            f"got {values.size}"
        )
    U = haar_columns(m, values.size, rng=rng)
    V = haar_columns(n, values.size, rng=rng)
    return (U * values) @ V.T


def with_eigenvalues(spectrum: ArrayLike, *, rng: np.random.Generator) -> np.ndarray:
    """Return Q diag(spectrum) Q', symmetric positive semidefinite, Haar-distributed Q.

    Parameters
    ----------
    spectrum : array, shape (n,)
        The eigenvalues, non-negative, in any order.
    rng : numpy.random.Generator
        The source of the draws.

    Returns
    -------
    array, shape (n, n)
        Exactly symmetric; its eigenvalues are those asked for to n eps max(spectrum).

    Raises
    ------
    ValueError
        If the spectrum has a negative entry.

    Examples
    --------
    >>> import numpy as np
    >>> A = with_eigenvalues([1, 4, 9], rng=np.random.default_rng(0))
    >>> np.linalg.eigvalsh(A)
    array([1., 4., 9.])
    """
    values = _spectrum(spectrum)
    half = haar_columns(values.size, values.size, rng=rng) * np.sqrt(values)
    return half @ half.T


def _spectrum(spectrum: ArrayLike) -> np.ndarray:
    values = np.asarray(spectrum, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(
            f"a spectrum is a non-empty 1-D array, got shape {values.shape}"
        )
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError("a spectrum needs finite, non-negative entries")
    return values
