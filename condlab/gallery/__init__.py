"""Named matrices with known condition numbers or known extremal behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isqrt, sqrt
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp

from condlab.gallery._size import require_size
from condlab.gallery.banded import (
    clement,
    grcar,
    laplacian_2d,
    laplacian_kappa_2,
    prolate,
    tridiagonal_toeplitz,
)
from condlab.gallery.classical import (
    frank,
    hilbert,
    kahan,
    lauchli,
    lehmer,
    min_ij,
    min_ij_kappa_2,
    moler,
    pascal,
    unit_triangle,
    vandermonde,
)
from condlab.gallery.extremal import (
    nearly_parallel_gram,
    nearly_parallel_gram_kappa_2,
    nearly_parallel_rows,
    nearly_parallel_scaling,
    repeated_row,
)
from condlab.gallery.random import haar_columns, with_eigenvalues, with_singular_values
from condlab.gallery.structured import (
    arrow,
    arrow_kappa_2,
    graded,
    wathen,
)

__all__ = [
    "GALLERY",
    "GalleryMatrix",
    "arrow",
    "clement",
    "frank",
    "graded",
    "grcar",
    "haar_columns",
    "hilbert",
    "kahan",
    "laplacian_2d",
    "lauchli",
    "lehmer",
    "min_ij",
    "moler",
    "nearly_parallel_gram",
    "nearly_parallel_rows",
    "nearly_parallel_scaling",
    "pascal",
    "prolate",
    "repeated_row",
    "tridiagonal_toeplitz",
    "unit_triangle",
    "vandermonde",
    "wathen",
    "with_eigenvalues",
    "with_singular_values",
]


@dataclass(frozen=True, slots=True)
class GalleryMatrix:
    """A family of matrices, one for each size, and what is known of it.

    Parameters
    ----------
    name : str
        How the family is asked for.
    make : callable
        make(n) gives the member with n columns, or with the most columns up to n
        where the family skips sizes; always the same one, random families included.
    known : str
        What is known of it, in a sentence.
    reference : str
        Author and year; the full reference is in the docstring of the function.
    kappa_2 : callable or None
        kappa_2(n) is the exact 2-norm condition number of make(n), where known.
    smallest : int
        The least n that make takes.

    Examples
    --------
    >>> GALLERY["min-ij"].make(2)
    array([[1., 1.],
           [1., 2.]])
    """

    name: str
    make: Callable[[int], np.ndarray | sp.csr_array]
    known: str
    reference: str
    kappa_2: Callable[[int], float] | None = None
    smallest: int = 1


def _largest_laplacian(n: int) -> sp.csr_array:
    return laplacian_2d(isqrt(require_size("laplacian-2d", n)))


def _largest_wathen(n: int) -> sp.csr_array:
    n = require_size("wathen", n, at_least=8)
    side = (isqrt(3 * n + 1) - 2) // 3  # the largest with 3 side^2 + 4 side + 1 <= n
    return wathen(side, side, rng=np.random.default_rng(0))


def _geometric(n: int) -> np.ndarray:
    """Return the spectrum of the random families: from 1 down to 1e-8."""
    return np.geomspace(1.0, 1e-8, require_size("a random spectrum", n))


def _keyed(*entries: GalleryMatrix) -> MappingProxyType[str, GalleryMatrix]:
    gallery = {entry.name: entry for entry in entries}
    if len(gallery) < len(entries):
        raise ValueError("two matrices of the gallery have the same name")
    return MappingProxyType(gallery)


GALLERY = _keyed(
    GalleryMatrix(
        "hilbert",
        hilbert,
        "totally positive, integer inverse, kappa_2 near (1 + sqrt 2)^(4n) / sqrt n",
        "Higham 2002, section 28.1",
    ),
    GalleryMatrix(
        "kahan",
        kahan,
        "unit columns, so column scaling cannot help; triangular, entries at most 1",
        "Kahan 1966",
    ),
    GalleryMatrix(
        "unit-triangle",
        unit_triangle,
        "determinant 1, kappa_1 = kappa_inf = n 2^(n-1)",
        "Wilkinson 1961",
    ),
    GalleryMatrix(
        "vandermonde",
        vandermonde,
        "equispaced nodes of [0, 1]; the 1-norm of the inverse is known exactly",
        "Gautschi 1962",
    ),
    GalleryMatrix(
        "vandermonde-chebyshev",
        lambda n: vandermonde(n, nodes="chebyshev"),
        "monomials at Chebyshev nodes; kappa_2 grows like (1 + sqrt 2)^n",
        "Gautschi 1975",
    ),
    GalleryMatrix(
        "lauchli",
        lauchli,
        "singular values sqrt(n + mu^2) and mu = 1e-8; A'A loses them",
        "Läuchli 1961",
        lambda n: sqrt(1 + n * 1e16) if n > 1 else 1.0,
    ),
    GalleryMatrix(
        "frank",
        frank,
        "determinant 1, positive eigenvalues in reciprocal pairs",
        "Frank 1958",
    ),
    GalleryMatrix(
        "moler",
        moler,
        "positive definite, determinant 1, one eigenvalue of order 4^-n",
        "Nash 1990",
    ),
    GalleryMatrix(
        "lehmer",
        lehmer,
        "positive definite, unit diagonal, n <= kappa_2 <= 4 n^2",
        "Newman and Todd 1958",
    ),
    GalleryMatrix(
        "pascal",
        pascal,
        "positive definite, determinant 1, kappa_2 = lambda_max^2",
        "Higham 2002, section 28.4",
    ),
    GalleryMatrix(
        "min-ij",
        min_ij,
        "inverse of a second difference, eigenvalues in closed form",
        "Todd 1977",
        min_ij_kappa_2,
    ),
    GalleryMatrix(
        "prolate",
        prolate,
        "Toeplitz, positive definite, eigenvalues cluster at 0 and 1",
        "Varah 1993",
    ),
    GalleryMatrix(
        "grcar",
        grcar,
        "sensitive eigenvalues, yet kappa_2 below 4",
        "Grcar 1989",
    ),
    GalleryMatrix(
        "clement",
        clement,
        "eigenvalues n-1, n-3, ..., 1-n: kappa_2 = n - 1, singular for odd n",
        "Clement 1959",
        lambda n: float(n - 1) if n % 2 == 0 else inf,
    ),
    GalleryMatrix(
        "laplacian-1d",
        tridiagonal_toeplitz,
        "kappa_2 = cot^2(pi / (2n + 2)); no diagonal scaling helps",
        "Todd 1977",
        laplacian_kappa_2,
    ),
    GalleryMatrix(
        "laplacian-2d",
        _largest_laplacian,
        "five-point, largest square grid; kappa_2 = cot^2(pi / (2 sqrt(n) + 2))",
        "LeVeque 2007, section 3.4",
        lambda n: laplacian_kappa_2(isqrt(n)),
    ),
    GalleryMatrix(
        "wathen",
        _largest_wathen,
        "finite element mass matrix; kappa_2 at most 18 after Jacobi scaling",
        "Wathen 1987",
        smallest=8,
    ),
    GalleryMatrix(
        "graded",
        graded,
        "Jacobi scaling is the best symmetric one and takes kappa_2 below 3",
        "Forsythe and Straus 1955",
    ),
    GalleryMatrix(
        "arrow",
        arrow,
        "kappa_2 near n^2; Jacobi scaling is the best symmetric one: near 4n",
        "Forsythe and Straus 1955",
        arrow_kappa_2,
    ),
    GalleryMatrix(
        "random-spectrum",
        lambda n: with_singular_values(_geometric(n), rng=np.random.default_rng(0)),
        "Haar singular vectors, singular values spaced geometrically to 1e-8",
        "Mezzadri 2007",
        lambda n: 1e8 if n > 1 else 1.0,
    ),
    GalleryMatrix(
        "random-spd",
        lambda n: with_eigenvalues(_geometric(n), rng=np.random.default_rng(0)),
        "Haar eigenvectors, eigenvalues spaced geometrically to 1e-8",
        "Mezzadri 2007",
        lambda n: 1e8 if n > 1 else 1.0,
    ),
    GalleryMatrix(
        "repeated-row",
        lambda n: repeated_row(2 * n - 1, n),
        "2n - 1 rows; row equilibration is sqrt(n) above the best, which is 1",
        "van der Sluis 1969",
        lambda n: sqrt(n),
    ),
    GalleryMatrix(
        "nearly-parallel-rows",
        nearly_parallel_rows,
        "row equilibration is near sqrt(n / 2) above the best left scaling",
        "van der Sluis 1969",
        lambda n: sqrt(nearly_parallel_gram_kappa_2(n)),
        smallest=2,
    ),
    GalleryMatrix(
        "nearly-parallel-gram",
        nearly_parallel_gram,
        "Jacobi scaling is near n / 2 above the best symmetric scaling",
        "van der Sluis 1969",
        nearly_parallel_gram_kappa_2,
        smallest=2,
    ),
)
