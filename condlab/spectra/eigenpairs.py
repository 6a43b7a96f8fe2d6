"""Eigenvectors of a symmetric operator, with what is certain of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from condlab.display.digits import interval, up
from condlab.display.tables import as_frame, as_html, record, shortened
from condlab.spectra._operator import Operator
from condlab.spectra._products import Products
from condlab.types import Record

if TYPE_CHECKING:
    import pandas as pd

Which = Literal["magnitude", "largest", "smallest", "both"]
WHICH = ("magnitude", "largest", "smallest", "both")


@dataclass(frozen=True, slots=True, eq=False)
class Eigenpairs:
    """Ritz pairs: approximate eigenvectors, and how far they can be off.

    An eigenvector is determined up to its sign, and those of equal eigenvalues up to a
    rotation among them. The sign is such that the largest entry is positive; it still
    flips where two entries tie up to rounding. Compare spans rather than vectors.

    Parameters
    ----------
    values : Tensor, shape (k,)
        In the order asked for, float64, on the CPU.
    vectors : Tensor, shape (n, k)
        Orthonormal columns of the operator's dtype, on its device; with a
        `CurvatureOperator`, ``H.unflatten(vectors[:, i])`` has the parameters' shapes.
    residuals : Tensor, shape (k,)
        ``|H v - value v|``, from new products.
    radii : Tensor, shape (k,)
        The residual and the products' noise: an eigenvalue lies this near.
    sines : Tensor, shape (k,)
        Upper bounds of the sine of the angle between a vector and the eigenvector of
        its eigenvalue: the radius over the distance to all other eigenvalues. 1 says
        nothing: where that distance cannot be told from zero, or, after Lanczos, where
        nobody has seen the other eigenvalues.
    span_sine : float
        The same for the span of all k: of the largest angle to the eigenspace of the
        k eigenvalues. It is small where the k are far from the rest, whatever the
        distances among them.

    References
    ----------
    .. [1] C. Davis and W. M. Kahan, "The rotation of eigenvectors by a perturbation.
       III", SIAM J. Numer. Anal. 7(1), 1970, the sin theta theorem.
    .. [2] B. N. Parlett, "The Symmetric Eigenvalue Problem", SIAM, 1998,
       Theorems 11.7.1 and 11.7.2.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    radii: Tensor
    sines: Tensor
    span_sine: float

    def to_dict(self) -> Record:
        """Return the fields, tensors as lists, without the vectors."""
        return record(self, but="vectors")

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row a pair, without the vectors; needs pandas."""
        columns = self.to_dict()
        del columns["span_sine"]
        return as_frame(columns)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: how near each pair is to one of H."""
        head = ("pair", "value", "an eigenvalue is certainly in", "sine at most")
        rows = zip(self.values.tolist(), self.radii.tolist(), self.sines.tolist(),
                   strict=True)  # fmt: skip
        lines = [
            (str(i), f"{value:.6g}", interval(value - off, value + off), up(sine, 3))
            for i, (value, off, sine) in enumerate(rows)
        ]
        notes = [
            f"The span of all is off by a sine of at most {up(self.span_sine, 3)}."
        ]
        return as_html(shortened([head, *lines]), notes)


def require_vectors(H: Operator, k: int, which: str, basis: int) -> None:
    """Raise ValueError unless so many vectors make sense."""
    if which not in WHICH:
        raise ValueError(f"which must be one of {', '.join(WHICH)}, got {which!r}")
    n = H.shape[0]
    if not 0 <= k <= n:
        raise ValueError(f"vectors must be from 0 to n = {n}, got {k}")
    if k > basis:
        raise ValueError(
            f"Lanczos holds a basis of {basis} vectors, and {k} are wanted of it; "
            "raise basis, best to four times the vectors"
        )


def chosen(values: Tensor, k: int, which: Which) -> Tensor:
    """Return the places of k of some ascending values, the most wanted first.

    Examples
    --------
    >>> values = torch.tensor([-5.0, -1.0, 0.0, 2.0, 3.0])
    >>> [chosen(values, 3, w).tolist() for w in ("magnitude", "smallest", "both")]
    [[0, 4, 3], [0, 1, 2], [4, 3, 0]]
    """
    descending = torch.arange(len(values)).flip(0)
    k = min(k, len(values))
    if which == "magnitude":
        return values.abs().argsort(descending=True, stable=True)[:k]
    if which == "smallest":
        return torch.arange(k)
    low = k // 2 if which == "both" else 0
    return torch.cat([descending[: k - low], descending[len(values) - low :]])


def eigenpairs(
    H: Products,
    vectors: Tensor,
    places: Tensor,
    values: Tensor,
    radii: Tensor,
    *,
    noise: float,
    complete: bool,
) -> Eigenpairs:
    """Return pairs with residuals from new products.

    Parameters
    ----------
    H : Products, shape (n, n)
        It makes k more products.
    vectors : Tensor, shape (n, k)
        Near to orthonormal.
    places : Tensor, shape (k,)
        Which of the values these are of.
    values, radii : Tensor, shape (m,)
        All that are known, in the operator's own units, each with an interval.
    noise : float
        How far the products are off.
    complete : bool
        Whether these are all eigenvalues.
    """
    Q, R = torch.linalg.qr(vectors)
    Q = Q * torch.where(R.diagonal() < 0, -1.0, 1.0).to(Q)
    peaks = Q.gather(0, Q.abs().argmax(dim=0, keepdim=True))
    Q = Q * torch.where(peaks < 0, -1.0, 1.0).to(Q)
    own, radii, noise = values / H.scale, radii / H.scale, noise / H.scale
    left = torch.ones_like(own, dtype=torch.bool)
    left[places] = False
    theta = own[places]
    off = (H @ Q - Q * theta.to(Q)).norm(dim=0).cpu().double()
    sines, span = torch.ones_like(theta), 1.0
    if complete:
        longer = 1 / _shortest(Q)
        # distances of these values from the intervals of all the other eigenvalues
        far = (theta[:, None] - own[None, :]).abs() - radii
        far[torch.arange(len(theta)), places] = math.inf
        sines = longer * _ratio(off + noise, far.min(dim=1).values)
        gap = _outside(theta, own[left], radii[left])
        span = longer * float(_ratio(off.norm() + noise, gap))
    return Eigenpairs(
        values[places],
        Q,
        off * H.scale,
        (off + noise) * H.scale,
        sines.clamp(max=1),
        min(span, 1.0),
    )


def angles(
    pairs: Eigenpairs, values: Tensor, radii: Tensor, places: Tensor, left: Tensor
) -> tuple[Tensor, float]:
    """Return bounds of the sines of pairs, and of their span's, next to all values.

    `places` and `left` say which of the values the pairs are of, and which not.
    """
    longer, theta = 1 / _shortest(pairs.vectors), pairs.values
    far = (theta[:, None] - values[None, :]).abs() - radii
    far[torch.arange(len(theta)), places] = math.inf
    sines = longer * _ratio(pairs.radii, far.min(dim=1).values)
    gap = _outside(theta, values[left], radii[left])
    span = longer * float(_ratio(pairs.radii.norm(), gap))
    return sines.clamp(max=1), min(span, 1.0)


def _shortest(Q: Tensor) -> float:
    """Return a lower bound of the length of unit combinations of columns: nearly 1."""
    gram = (Q.T @ Q).cpu().double()
    return math.sqrt(1 - float((gram - torch.eye(len(gram)).to(gram)).norm()))


def _outside(theta: Tensor, others: Tensor, radii: Tensor) -> Tensor:
    """Return how far values are from the interval of all the other eigenvalues."""
    if not len(others):
        return torch.tensor(math.inf, dtype=torch.float64)
    low, high = (others - radii).min(), (others + radii).max()
    return torch.maximum(low - theta, theta - high).min()


def _ratio(off: Tensor, gap: Tensor) -> Tensor:
    """Return off / gap where the gap is positive, and 1 elsewhere."""
    positive = gap > 0
    return torch.where(positive, off / gap.where(positive, 1.0), 1.0)
