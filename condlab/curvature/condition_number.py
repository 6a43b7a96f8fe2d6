"""Condition numbers of Hessians: exact where affordable, else what is certain."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from condlab._typing import Record
from condlab.curvature import _shown
from condlab.curvature._certain import (
    Inertia,
    Sizes,
    beside_nulls,
    extremes,
    inertia,
    quantiles,
    whole,
    zero,
)
from condlab.curvature._tightened import tightened
from condlab.curvature.factored import factored
from condlab.curvature.symmetry._in_gauge import Gauge, in_gauge
from condlab.curvature.symmetry.invariances import Invariance
from condlab.curvature.symmetry.null_space import NullSpace
from condlab.display.tables import record
from condlab.spectra._dense import is_exact
from condlab.spectra._operator import Operator
from condlab.spectra._products import METHODS, Products, require_arguments
from condlab.spectra.brackets.extremes import ProbableExtremes
from condlab.spectra.brackets.intervals import Spectrum
from condlab.spectra.eigenpairs import require_vectors
from condlab.spectra.spectrum import NUM_MATVECS, exact, lanczos
from condlab.spectra.storage.room import (
    require_room_for_basis,
    require_room_for_eigenvalues,
)
from condlab.types import Bracket, ConditionEstimate

BASIS = 128  # vectors that Lanczos holds
FACTORED = ("factored", "counted")  # methods without the whole spectrum
ConditionMethod = Literal["auto", "exact", "factored", "counted", "lanczos"]


@dataclass(frozen=True, slots=True, eq=False)
class HessianCondition:
    """Condition of a Hessian, with what is certain about it.

    Parameters
    ----------
    kappa : ConditionEstimate
        Of the whole spectrum: the largest |eigenvalue| over the smallest. Its value is
        inf where a null direction is predicted, or an eigenvalue cannot be told from
        zero.
    kappa_nonnull : ConditionEstimate
        The largest |eigenvalue| over the smallest but `nullity`. nan where nothing is
        left.
    nullity : int
        Null directions, predicted and found.
    null_sources : dict of str to int
        How many come from where; those under "found" are eigenvalues that cannot be
        told from zero, for no known reason.
    lambda_max, lambda_min, abs_min : Bracket
        The largest and smallest eigenvalue and the smallest |eigenvalue| of the whole
        spectrum. An end that was not determined is infinite, or zero for `abs_min`.
    quantiles : dict of float to ConditionEstimate
        At q, the (1-q)-quantile of |eigenvalue| over the q-quantile, nulls included;
        empty where only part of the spectrum is known: `density` has bands for it.
    inertia : Inertia
        Counts of signs.
    noise : float
        How far the products are off, in the units of H.
    gauge : str
        "raw" or "sphere".
    products : int
        Vectors multiplied, once the invariances had been verified.
    method : str
        "dense", "ldl", "gram" or "lanczos-K", with "+minres-M" for `interior` products.
    size : int
        The dimension.
    probable : ProbableExtremes or None
        Where nothing certain bounds the extremes from outside, what probably does,
        off the predicted null directions.
    probably_below : float
        What kappa_nonnull is below, but with twice the probability of `probable`:
        inf where only products were made, and `kappa_nonnull.upper` where that is
        certain.
    spectrum : Spectrum or None
        The eigenvalues or Ritz values that all this is read off, those off the
        predicted null directions.
    """

    kappa: ConditionEstimate
    kappa_nonnull: ConditionEstimate
    nullity: int
    null_sources: dict[str, int]
    lambda_max: Bracket
    lambda_min: Bracket
    abs_min: Bracket
    quantiles: dict[float, ConditionEstimate]
    inertia: Inertia
    noise: float
    gauge: str
    products: int
    method: str
    size: int
    probable: ProbableExtremes | None
    probably_below: float = math.inf
    spectrum: Spectrum | None = None

    @property
    def predicted(self) -> int:
        """Return how many null directions were set apart from the spectrum."""
        return self.nullity - self.null_sources.get("found", 0)

    def to_dict(self) -> Record:
        """Return numbers and words alone, as for JSON, without the spectrum."""
        return record(self, but="spectrum")

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what is certain, and what is not."""
        notes = [*_shown.condition_notes(self), _shown.how(self)]
        return _shown.html(_shown.condition_rows(self), notes)


def condition_number(
    H: Operator,
    *,
    method: ConditionMethod = "auto",
    num_matvecs: int | None = None,
    interior: int = 0,
    gauge: Gauge = "raw",
    invariances: Iterable[Invariance] = (),
    generator: torch.Generator | None = None,
    vectors: int = 0,
) -> HessianCondition:
    """Return the condition number of a symmetric operator with certain bounds.

    Parameters
    ----------
    H : operator, shape (n, n)
        A `HessianOperator`, or anything symmetric with ``shape``, ``dtype`` and ``@``.
    method : {"auto", "exact", "factored", "counted", "lanczos"}
        As of `spectrum`, or without the whole spectrum: "factored" assembles the matrix
        and factors it once, "counted" three times. Only "exact", "counted", or Lanczos
        with n + 2 products bounds kappa from above for certain: a residual shows an
        eigenvalue near a Ritz value, and never that there is none nearer to zero.
        "factored" says what probably bounds it, at half the price of "exact" or less.
        Where eigenvalues are zero for no known reason, both do what "exact" does.
    num_matvecs : int, optional
        Products that Lanczos makes; 100 by default.
    interior : int
        Products that MINRES may add to Lanczos's, in five vectors of memory, to bring
        down the upper bound of the smallest |eigenvalue| and so raise kappa's lower.
    gauge : {"raw", "sphere"}
        "sphere" takes the lengths of lines out; the lines are those of the scalings of
        single parameters among `invariances`, as `row_scale` makes them. For other
        lines pass ``sphere(H, lines)`` as H.
    invariances : iterable of Invariance
        Each is verified, and the null directions that it predicts are set apart.
    generator : torch.Generator, optional
        Draws the random start; seeded with 0 by default.
    vectors : int
        Eigenvectors of the largest |eigenvalues| to give as ``spectrum.pairs``, by
        "exact" or Lanczos.

    Returns
    -------
    HessianCondition
        Bounds hold up to what its `noise` says of the products.

    Raises
    ------
    ValueError
        As of `spectrum`, if the loss is not invariant, or if the gauge has no lines.

    References
    ----------
    .. [1] R. A. Horn and C. R. Johnson, "Matrix Analysis", 2nd ed., Cambridge, 2013,
       Theorems 4.3.1 (Weyl) and 4.3.17 (Cauchy).

    Examples
    --------
    >>> H = torch.diag(torch.tensor([-1.0, 0.0, 4.0], dtype=torch.float64))
    >>> found = condition_number(H)
    >>> found.kappa.value, round(found.kappa_nonnull.value, 9), found.nullity
    (inf, 4.0, 1)
    >>> found.inertia.negative, found.null_sources
    ((1, 2), {'found': 1})
    """
    _require(H, method, num_matvecs, interior, vectors)
    H, gauge, nulls = in_gauge(H, gauge, tuple(invariances))
    require_vectors(H, vectors, "magnitude", BASIS)
    # what the null directions have cost is not Lanczos's to pay
    budget = (num_matvecs or NUM_MATVECS) + nulls.nullity
    if method in FACTORED or is_exact(H, method, num_matvecs):
        require_room_for_eigenvalues(H, vectors=True)
    else:
        require_room_for_basis(H, min(BASIS, budget), None)
    products = Products(H)
    generator = generator or torch.Generator().manual_seed(0)
    N, leak = _known(products, nulls)
    tell = partial(report, leak=leak, nulls=nulls, gauge=gauge, size=H.shape[0])
    if method in FACTORED:
        counted = method == "counted"
        part = factored(products, N, leak, counted=counted, generator=generator)
        if part is not None:
            return tightened(tell(part.rest, method="ldl"), part, leak)
        method = "exact"
    if is_exact(products, method, num_matvecs):
        rest = exact(products, N, vectors=min(vectors, H.shape[0] - nulls.nullity))
    else:
        rest = lanczos(
            products,
            num_matvecs=budget,
            basis=min(BASIS, budget),
            generator=generator,
            deflated=N,
            interior=interior,
            vectors=vectors,
        )
    if rest.pairs is not None and nulls.nullity:
        rest = replace(rest, pairs=beside_nulls(rest, leak))
    return tell(rest, method=rest.method, products=products.count)


def _require(
    H: Operator, method: str, num_matvecs: int | None, interior: int, vectors: int
) -> None:
    require_arguments(H, method, num_matvecs, (*METHODS, *FACTORED))
    if interior < 0:
        raise ValueError(f"interior must be at least 0, got {interior}")
    if vectors and method in FACTORED:
        raise ValueError(
            f'vectors need the method "exact" or "lanczos", got {method!r}'
        )


def report(
    rest: Spectrum,
    leak: float,
    nulls: NullSpace,
    *,
    gauge: str,
    size: int,
    method: str,
    products: int | None = None,
) -> HessianCondition:
    """Return what a spectrum off known null directions says of the whole."""
    sizes = Sizes.of(rest, leak)
    sources = dict(nulls.sources)
    if sizes.null:
        sources["found"] = sizes.null
    low, high = extremes(rest, leak, nulls.nullity)
    return HessianCondition(
        kappa=whole(sizes, nulls.nullity, leak, rest),
        kappa_nonnull=sizes.kappa(sizes.null, method),
        nullity=nulls.nullity + sizes.null,
        null_sources=sources,
        lambda_max=high,
        lambda_min=low,
        abs_min=zero(leak, rest) if nulls.nullity else sizes.smallest(0),
        quantiles=quantiles(rest, leak, nulls.nullity),
        inertia=inertia(rest, leak, nulls.nullity),
        noise=rest.noise + leak,
        gauge=gauge,
        products=rest.products if products is None else products,
        method=method,
        size=size,
        probable=rest.probable,
        spectrum=rest,
    )


def _known(H: Products, nulls: NullSpace) -> tuple[Tensor, float]:
    """Return the predicted null basis, and what setting it apart costs.

    With N the null basis and leak = |H N|, leaving out what H does to N perturbs it
    by at most twice the leak.
    """
    N = nulls.basis.to(H.dtype).to(H.device)
    if not nulls.nullity:
        return N, 0.0
    return N, 2 * float(torch.linalg.matrix_norm(H @ N, 2)) * H.scale
