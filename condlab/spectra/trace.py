"""Trace, diagonal and Frobenius norm of a symmetric operator, with standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from condlab.display.tables import as_frame, as_html, record, shortened
from condlab.spectra._dense import assembled
from condlab.spectra._operator import Operator
from condlab.spectra._products import Products, gaussian
from condlab.spectra.lanczos.krylov import DEPENDENT
from condlab.types import Record

if TYPE_CHECKING:
    import pandas as pd

Form = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Number found with random vectors.

    Parameters
    ----------
    value : float
        Unbiased, but for `frobenius_norm`, where the square is.
    standard_error : float
        Estimated from the spread over vectors; zero where nothing is left to chance.
        A handful of vectors tells it only roughly.
    products : int
        Vectors multiplied.
    method : str
        "xtrace", "hutch++" or "dense".
    """

    value: float
    standard_error: float
    products: int
    method: str

    def to_dict(self) -> Record:
        """Return the fields."""
        return record(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows; nothing about an estimate is certain."""
        head = ("estimate, not certain", "standard error", "products", "method")
        numbers = (f"{self.value:.6g}", f"{self.standard_error:.2g}")
        return as_html([head, (*numbers, str(self.products), self.method)])


@dataclass(frozen=True, slots=True, eq=False)
class DiagonalEstimate:
    """Diagonal found with random vectors.

    Parameters
    ----------
    values, standard_errors : Tensor, shape (n,)
        Unbiased, and estimated from the spread over vectors.
    products : int
        Vectors multiplied.
    """

    values: Tensor
    standard_errors: Tensor
    products: int

    def to_dict(self) -> Record:
        """Return the fields, tensors as lists."""
        return record(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row an entry; needs pandas."""
        return as_frame({"value": v, "standard_error": e} for v, e in self._rows())

    def _rows(self) -> list[tuple[float, float]]:
        errors = self.standard_errors.tolist()
        return list(zip(self.values.tolist(), errors, strict=True))

    def _repr_html_(self) -> str:
        """Return what a notebook shows; nothing about an estimate is certain."""
        head = ("entry", "estimate, not certain", "standard error")
        lines = [
            (str(i), f"{value:.6g}", f"{error:.2g}")
            for i, (value, error) in enumerate(self._rows())
        ]
        return as_html(shortened([head, *lines]))


def trace(
    H: Operator,
    *,
    num_matvecs: int = 64,
    method: Literal["xtrace", "hutch++"] = "xtrace",
    generator: torch.Generator | None = None,
) -> Estimate:
    """Estimate the sum of the eigenvalues of a symmetric operator.

    Parameters
    ----------
    H : operator, shape (n, n)
        Anything symmetric with ``shape``, ``dtype`` and ``@`` on torch matrices.
    num_matvecs : int
        Products at most, one of them for scale; from n + 1 on the answer is exact.
    method : {"xtrace", "hutch++"}
        Both deflate what random products show of the range. XTrace uses each vector
        both to find it and to see what is left.
    generator : torch.Generator, optional
        Draws the vectors; seeded with 0 by default.

    Returns
    -------
    Estimate
        With a standard error.

    Raises
    ------
    ValueError
        If H is not square, its products are not finite, or the products are too few.

    References
    ----------
    .. [1] E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of
       every sample in stochastic trace estimation", SIAM J. Matrix Anal. Appl. 45(1),
       2024, Section 2.
    .. [2] R. A. Meyer, C. Musco, C. Musco and D. P. Woodruff, "Hutch++: optimal
       stochastic trace estimation", SOSA, 2021, Algorithm 1.

    Examples
    --------
    >>> H = torch.diag(torch.tensor([2.0] + [0.0] * 99, dtype=torch.float64))
    >>> found = trace(H, num_matvecs=9)
    >>> round(found.value, 9), round(found.standard_error, 9)
    (2.0, 0.0)
    """
    if method not in ("xtrace", "hutch++"):
        raise ValueError(f'method must be "xtrace" or "hutch++", got {method!r}')
    H, generator = _prepared(H, num_matvecs, generator)
    if num_matvecs > H.shape[0]:
        value, error, method_ = float(assembled(H)[0].trace()), 0.0, "dense"
    elif method == "xtrace":
        value, error = _xtrace(H, (num_matvecs - 1) // 2, generator)
        method_ = method
    else:
        value, error = _hutchpp(H, (num_matvecs - 1) // 3, generator, _inner)
        method_ = method
    return Estimate(value * H.scale, error * H.scale, H.count, method_)


def frobenius_norm(
    H: Operator, *, num_matvecs: int = 64, generator: torch.Generator | None = None
) -> Estimate:
    """Estimate the root of the sum of squared eigenvalues of a symmetric operator.

    Parameters
    ----------
    H, num_matvecs, generator
        As of `trace`.

    Returns
    -------
    Estimate
        The root of an unbiased estimate of the square, by Hutch++ on H'H, which no
        further products are needed for.

    Raises
    ------
    ValueError
        As of `trace`.

    Examples
    --------
    >>> H = torch.diag(torch.tensor([3.0, -4.0] + [0.0] * 98, dtype=torch.float64))
    >>> round(frobenius_norm(H, num_matvecs=10).value, 9)
    5.0
    """
    H, generator = _prepared(H, num_matvecs, generator)
    if num_matvecs > H.shape[0]:
        return Estimate(float(assembled(H)[0].norm()) * H.scale, 0.0, H.count, "dense")
    square, error = _hutchpp(H, (num_matvecs - 1) // 3, generator, _squares)
    value = math.sqrt(square)
    slope = error / (2 * value) if value else 0.0  # of the root
    return Estimate(value * H.scale, slope * H.scale, H.count, "hutch++")


def diagonal(
    H: Operator, *, num_matvecs: int = 64, generator: torch.Generator | None = None
) -> DiagonalEstimate:
    """Estimate the diagonal of a symmetric operator.

    Parameters
    ----------
    H, num_matvecs, generator
        As of `trace`.

    Returns
    -------
    DiagonalEstimate
        What random products show of the range is computed, the rest estimated with
        random signs.

    Raises
    ------
    ValueError
        As of `trace`.

    References
    ----------
    .. [1] C. Bekas, E. Kokiopoulou and Y. Saad, "An estimator for the diagonal of a
       matrix", Applied Numerical Mathematics 57, 2007, Section 2.

    Examples
    --------
    >>> H = torch.diag(torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64))
    >>> diagonal(H).values
    tensor([3., 1., 2.], dtype=torch.float64)
    """
    H, generator = _prepared(H, num_matvecs, generator)
    if num_matvecs > H.shape[0]:
        exact = assembled(H)[0].diagonal().to(H.dtype).to(H.device) * H.scale
        return DiagonalEstimate(exact, torch.zeros_like(exact), H.count)
    k = (num_matvecs - 1) // 3
    Q = _range(H @ gaussian(H, k, generator))
    HQ = H @ Q
    signs = gaussian(H, k, generator).sign()
    rest = H @ signs
    rest = signs * (rest - Q @ (HQ.T @ signs))  # Q'H = (HQ)'
    values = (Q * HQ).sum(dim=1) + rest.mean(dim=1)
    errors = rest.std(dim=1) / math.sqrt(k)
    return DiagonalEstimate(values * H.scale, errors * H.scale, H.count)


def _prepared(
    H: Operator, num_matvecs: int, generator: torch.Generator | None
) -> tuple[Products, torch.Generator]:
    if num_matvecs < 7:
        raise ValueError(f"num_matvecs must be at least 7, got {num_matvecs}")
    return Products(H), generator or torch.Generator().manual_seed(0)


def _range(Y: Tensor) -> Tensor:
    """Return an orthonormal basis of the range of Y, shape (n, r), up to rounding."""
    U, s, _ = torch.linalg.svd(Y, full_matrices=False)
    least = DEPENDENT * max(Y.shape) * torch.finfo(Y.dtype).eps
    return U[:, s > least * s[0]]


def _inner(X: Tensor, HX: Tensor) -> Tensor:
    return (X * HX).sum(dim=0)


def _squares(X: Tensor, HX: Tensor) -> Tensor:  # noqa: ARG001
    return HX.square().sum(dim=0)


def _hutchpp(
    H: Products, k: int, generator: torch.Generator, form: Form
) -> tuple[float, float]:
    """Return a trace, of H or of H'H by the form, and its standard error."""
    Q = _range(H @ gaussian(H, k, generator))
    known = float(form(Q, H @ Q).sum())
    X = gaussian(H, k, generator)
    X = X - Q @ (Q.T @ X)
    rest = form(X, H @ X)
    return known + float(rest.mean()), float(rest.std()) / math.sqrt(k)


def _xtrace(H: Products, k: int, generator: torch.Generator) -> tuple[float, float]:
    """Return the mean of k estimates, each with one vector left out of the range.

    The vector that is left out sees what the range of the others misses. Its length
    there is set to that of a vector on the sphere, which spreads less.
    """
    X = gaussian(H, k, generator)
    Y = H @ X
    Q = _range(Y)
    Z = H @ Q
    M = Q.T @ Z
    if Q.shape[1] < k:  # the range is found whole
        return float(M.trace()), 0.0
    # the range without column i is orthogonal, within Q, to s_i
    S = torch.linalg.inv(Q.T @ Y).T
    S = S / S.norm(dim=0)
    QX, QY = Q.T @ X, Q.T @ Y
    P = QX - S * (S * QX).sum(dim=0)  # coordinates of X within each range
    seen = M.trace() - (S * (M @ S)).sum(dim=0)
    missed = (X * Y).sum(dim=0) - 2 * (P * QY).sum(dim=0) + (P * (M @ P)).sum(dim=0)
    lengths = X.square().sum(dim=0) - P.square().sum(dim=0)
    each = seen + missed * (H.shape[0] - k + 1) / lengths
    return float(each.mean()), float(each.std()) / math.sqrt(k)
