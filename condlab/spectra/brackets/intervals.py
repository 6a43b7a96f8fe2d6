"""Eigenvalues of a symmetric operator, each with an interval that holds one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from condlab.display.tables import as_frame, plain, record
from condlab.spectra.brackets.extremes import ProbableExtremes
from condlab.spectra.brackets.shown import spectrum_html
from condlab.spectra.eigenpairs import Eigenpairs
from condlab.types import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Eigenvalues, or Ritz values, with what is certain about each.

    Parameters
    ----------
    values : Tensor, shape (k,)
        Ascending, float64, on the CPU.
    radii : Tensor, shape (k,)
        Each interval [value - radius, value + radius] holds an eigenvalue: the
        recomputed residual and the noise of the product. Where `complete`, the i-th
        interval holds the i-th eigenvalue.
    noise : float
        How far the products are off, in the units of the operator.
    complete : bool
        Whether these are all eigenvalues, with multiplicities.
    size : int
        The dimension n of the space they are of.
    products : int
        Vectors multiplied; a matrix that was assembled counts its columns.
    method : str
        "dense" or "lanczos-K" for K products, "+minres-M" for M more.
    probable : ProbableExtremes or None
        Where `complete`, None: nothing is left to chance.
    smallest : Tensor or None, shape (k,)
        Of Lanczos, upper bounds of the k smallest |eigenvalues|, ascending: singular
        values of the basis's image.
    pairs : Eigenpairs or None
        Eigenvectors, where they were asked for.
    """

    values: Tensor
    radii: Tensor
    noise: float
    complete: bool
    size: int
    products: int
    method: str
    probable: ProbableExtremes | None = None
    smallest: Tensor | None = None
    pairs: Eigenpairs | None = None

    @property
    def lower(self) -> Tensor:
        """Return the lower ends of the intervals, shape (k,)."""
        return self.values - self.radii

    @property
    def upper(self) -> Tensor:
        """Return the upper ends of the intervals, shape (k,)."""
        return self.values + self.radii

    def to_dict(self) -> Record:
        """Return the fields, tensors as lists, without eigenvectors."""
        return record(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row a value; needs pandas."""
        ends = {"value": self.values, "lower": self.lower, "upper": self.upper}
        return as_frame({name: plain(each) for name, each in ends.items()})

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a row a value."""
        return spectrum_html(self)
