"""How eigenvalues are spread: stochastic Lanczos quadrature with two-sided bands.

A random vector splits its length over the eigenvectors, and Lanczos finds this split
up to certain bounds (Chebyshev, Markov and Stieltjes): what lies below a Ritz value is
between the weights before it and those up to it. How the split of a few vectors tells
how many eigenvalues there are is known exactly: the part of normal vectors in a
subspace of k of n dimensions is beta distributed. So there are two errors, and the
bands hold both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from condlab.display.tables import record
from condlab.spectra._operator import Operator
from condlab.spectra._products import Products, gaussian
from condlab.spectra.brackets.band import Band, Floats
from condlab.spectra.brackets.chance import enough_probes, most
from condlab.spectra.brackets.shown import density_html, places
from condlab.spectra.lanczos.block_lanczos import block_lanczos
from condlab.spectra.lanczos.krylov import Basis
from condlab.types import ConditionEstimate, Record

CONFIDENCE = 0.999
ULPS = 4  # for each weight in a sum
LOOK = 4  # products between two looks at a probe


@dataclass(frozen=True, slots=True, eq=False)
class SpectralDensity:
    """Spectrum of a symmetric operator as random vectors see it.

    Parameters
    ----------
    nodes : tuple of array
        Ritz values of each probe, ascending.
    weights : tuple of array
        Squared parts of the probe in each Ritz vector; they sum to one.
    lengths : array, shape (probes,)
        Squared lengths of the normal vectors that the probes are.
    size : int
        The dimension n.
    noise : float
        How far the products are off, in the units of the operator.
    products : int
        Vectors multiplied.
    """

    nodes: tuple[Floats, ...]
    weights: tuple[Floats, ...]
    lengths: Floats
    size: int
    noise: float
    products: int

    def to_dict(self) -> Record:
        """Return the fields, arrays as lists."""
        return record(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: shares of the eigenvalues, with bands."""
        x = places(np.concatenate(self.nodes))
        notes = [
            f"{len(self.nodes)} random vectors, {self.products} products of dimension "
            f"{self.size}, noise {self.noise:.1e}.",
            f"Not certain: a band holds at its place with confidence {CONFIDENCE:g} "
            "over the vectors.",
        ]
        return density_html(x, self.cumulative(x), certain=False, notes=notes)

    def cumulative(self, x: ArrayLike, *, confidence: float = CONFIDENCE) -> Band:
        """Return the fraction of eigenvalues that are at most x, shape (x,)."""
        x = np.atleast_1d(np.asarray(x, dtype=np.float64))
        return self.within(np.full_like(x, -np.inf), x, confidence=confidence)

    def within(
        self, a: ArrayLike, b: ArrayLike, *, confidence: float = CONFIDENCE
    ) -> Band:
        """Return the fraction of eigenvalues in the closed intervals [a, b]."""
        a, b = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (a, b))
        _require_confidence(confidence)
        pairs = list(zip(self.nodes, self.weights, strict=True))
        sides = np.array([_part(*pair, a, b, self.noise) for pair in pairs])
        share = self.lengths / self.lengths.sum()
        low, high = np.tensordot(share, sides, axes=1)
        rounding = ULPS * sum(map(len, self.nodes)) * np.finfo(np.float64).eps
        low, high = low - rounding, high + rounding
        seen = np.array([_seen(*pair, a, b) for pair in pairs])
        probes, alpha = len(pairs), (1 - confidence) / 2
        upper = most(high, self.size, probes, alpha)
        lower = self.size - most(1 - low, self.size, probes, alpha)
        error = np.full(len(b), np.nan)
        if probes > 1:
            error = seen.std(axis=0, ddof=1) / math.sqrt(probes)
        return Band(share @ seen, lower / self.size, upper / self.size, error)

    def kappa(self, q: float, *, confidence: float = CONFIDENCE) -> ConditionEstimate:
        """Return the (1-q)-quantile of |eigenvalue| over the q-quantile.

        Parameters
        ----------
        q : float
            Above 0, below 1/2. The q-quantile is the ceil(q n)-th smallest, the other
            one the ceil(q n)-th largest.
        confidence : float
            Of each of the two quantiles.

        Returns
        -------
        ConditionEstimate
            With bounds that hold with that confidence; `upper` is inf where the lower
            quantile cannot be told from zero.
        """
        if not 0 < q < 0.5:
            raise ValueError(f"q must be above 0 and below 0.5, got {q}")
        rank = math.ceil(q * self.size)
        small = self._quantile(rank, confidence)
        large = self._quantile(self.size + 1 - rank, confidence)
        lower, value, upper = (
            top / bottom if bottom > 0 else math.inf
            for top, bottom in zip(large, small[::-1], strict=True)
        )
        method = f"slq-{len(self.nodes)}"
        return ConditionEstimate(value, max(lower, 1.0), upper, 2, method)

    def _quantile(self, rank: int, confidence: float) -> tuple[float, float, float]:
        """Return lower bound, estimate and upper bound of the rank-th |eigenvalue|."""
        ends = np.abs(np.concatenate(self.nodes))
        ends = np.concatenate([ends - self.noise, ends, ends + self.noise])
        places = np.unique(np.concatenate([[0.0], ends[ends > 0]]))
        places = np.unique(np.concatenate([places, np.nextafter(places, np.inf)]))
        band = self.within(-places, places, confidence=confidence)
        wanted = (rank - 0.5) / self.size  # counts are whole numbers
        lower = places[band.upper < wanted].max(initial=0.0)
        upper = places[band.lower > wanted].min(initial=np.inf)
        value = places[band.value > wanted].min(initial=places[-1])
        return float(lower), float(np.clip(value, lower, upper)), float(upper)

    def smoothed(self, x: ArrayLike, width: float) -> tuple[Floats, Floats]:
        """Return the density in a Gaussian window, and its standard error over probes.

        Parameters
        ----------
        x : array_like, shape (x,)
            Where.
        width : float
            Standard deviation of the window, in the units of the operator.
        """
        if not width > 0:
            raise ValueError(f"width must be positive, got {width}")
        x = np.atleast_1d(np.asarray(x, dtype=np.float64))
        curves = []
        for nodes, weights in zip(self.nodes, self.weights, strict=True):
            away = (x[:, None] - nodes) / width
            curves.append(np.exp(-(away**2) / 2) @ weights)
        curves_ = np.array(curves) / (width * math.sqrt(2 * math.pi))
        count = len(curves_)
        spread = curves_.std(axis=0, ddof=1) if count > 1 else np.full(len(x), np.nan)
        return curves_.mean(axis=0), spread / math.sqrt(count)


def density(
    H: Operator,
    *,
    num_matvecs: int = 64,
    num_probes: int = 8,
    atol: float = 0.0,
    generator: torch.Generator | None = None,
) -> SpectralDensity:
    """Return how the eigenvalues of a symmetric operator are spread.

    Parameters
    ----------
    H : operator, shape (n, n)
        Anything symmetric with ``shape``, ``dtype`` and ``@`` on torch matrices.
    num_matvecs : int
        Products for each probe: they narrow what is between Ritz values.
    num_probes : int
        Random vectors: they narrow what is left to chance.
    atol : float
        Spend fewer products on a probe once it is split to within this part of it, and
        draw fewer probes once chance moves the bands by at most this to each side. The
        first is certain and the second known beforehand, so bands stay as sure as they
        say. 0 spends everything.
    generator : torch.Generator, optional
        Draws the probes; seeded with 0 by default.

    Returns
    -------
    SpectralDensity
        Its bands count both errors, and the noise of the products.

    Raises
    ------
    ValueError
        If H is not square or not symmetric, its products are not finite, or a count is
        not positive.

    References
    ----------
    .. [1] G. H. Golub and G. Meurant, "Matrices, Moments and Quadrature with
       Applications", Princeton, 2010, Chapters 2 and 6.
    .. [2] T. Chen, T. Trogdon and S. Ubaru, "Analysis of stochastic Lanczos quadrature
       for spectrum approximation", ICML, 2021.

    Examples
    --------
    >>> H = torch.diag(torch.tensor([1.0] * 30 + [5.0] * 70, dtype=torch.float64))
    >>> band = density(H, num_matvecs=4, num_probes=20).cumulative(3.0)
    >>> bool(band.lower[0] <= 0.3 <= band.upper[0]), band.value.round(1)
    (True, array([0.3]))
    """
    if num_matvecs < 1 or num_probes < 1:
        raise ValueError(
            f"at least 1 product and 1 probe are needed, got {num_matvecs} and "
            f"{num_probes}"
        )
    if not 0 <= atol < 1:
        raise ValueError(f"atol must be at least 0 and below 1, got {atol}")
    products, alpha = Products(H), (1 - CONFIDENCE) / 2
    num_probes = enough_probes(products.shape[0], num_probes, atol, alpha)
    generator = generator or torch.Generator().manual_seed(0)
    nodes, weights, lengths, noise = [], [], [], 0.0
    for probe in range(num_probes):
        basis = Basis(products, num_matvecs, 1, generator)
        _split(basis, products.count + num_matvecs, atol)
        pairs = basis.ritz()
        if probe == 0:
            noise = basis.noise()
        noise = max(noise, pairs.asymmetry)
        nodes.append(pairs.values.numpy())
        weights.append(pairs.coefficients[0].square().numpy())
        # a normal vector's length does not depend on its direction
        lengths.append(float(gaussian(products, 1, generator).square().sum()))
    _require_symmetric(noise - products.noise * products.scale, nodes, H.dtype)
    found = tuple(nodes), tuple(weights), np.array(lengths)
    return SpectralDensity(*found, products.shape[0], noise, products.count)


def _split(basis: Basis, most: int, atol: float) -> None:
    """Grow a basis until its probe is split finely, or the products are spent."""
    if atol == 0:
        block_lanczos(basis, num_matvecs=most)
        return
    while basis.H.count < most and not basis.complete:
        block_lanczos(basis, num_matvecs=min(basis.H.count + LOOK, most))
        weights = torch.linalg.eigh(basis.T[: basis.k, : basis.k])[1][0].square()
        sides = torch.cat([weights.new_zeros(1), weights, weights.new_zeros(1)])
        if float((sides[1:] + sides[:-1]).max()) <= atol:
            return


def _require_symmetric(noise: float, nodes: list[Floats], dtype: torch.dtype) -> None:
    largest = max(float(np.abs(x).max()) for x in nodes)
    if noise > 10 * torch.finfo(dtype).eps ** 0.5 * largest:
        raise ValueError(
            f"the operator must be symmetric and linear, but its products are off by "
            f"{noise:.1e}, of norm {largest:.1e}"
        )


def _require_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")


def _part(
    nodes: Floats, weights: Floats, a: Floats, b: Floats, noise: float
) -> tuple[Floats, Floats]:
    """Return bounds of the part of a probe in [a, b]."""
    (low_a, high_a), (low_b, high_b) = (
        _below(nodes, weights, x, noise) for x in (a, b)
    )
    return np.maximum(low_b - high_a, 0), np.clip(high_b - low_a, 0, 1)


def _below(
    nodes: Floats, weights: Floats, x: Floats, noise: float
) -> tuple[Floats, Floats]:
    """Return bounds of the part below x, x itself included or not."""
    sums = np.concatenate([[0.0], weights.cumsum()])
    before = np.searchsorted(nodes, x - noise, side="right")
    after = np.searchsorted(nodes, x + noise, side="right")
    lower = sums[np.maximum(before - 1, 0)]
    upper = np.where(after >= len(nodes), 1.0, sums[np.minimum(after + 1, len(nodes))])
    return lower, np.where(np.isneginf(x), 0.0, upper)


def _seen(nodes: Floats, weights: Floats, a: Floats, b: Floats) -> Floats:
    """Return the part in [a, b], where each node spreads its weight to both sides."""
    sums = np.concatenate([[0.0], weights.cumsum()])
    at_most = sums[np.searchsorted(nodes, b, side="right")]
    return np.maximum(at_most - sums[np.searchsorted(nodes, a, side="left")], 0)
