"""The sphere gauge: a Hessian that does not depend on the lengths of raw rows.

Where a row w of a stored weight enters only as w/|w|, the function does not change
with |w|, but its Hessian does: by 1/|w| in each row and column, and by entries along
w that vanish only at a stationary point. In the sphere gauge such rows have length one
and move only along the sphere. With D the lengths and Q an orthonormal basis of the
tangent space, the matrix is K = Q' D H D Q. No term for the sphere's curvature is
needed: it is the gradient along w, which is zero for such a function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

import scipy.sparse.linalg as spla
import torch
from torch import Tensor, nn

from condlab.curvature.operators._over_parameters import OverParameters
from condlab.curvature.symmetry._lines import Lines, places_of
from condlab.curvature.symmetry.invariances import Invariance
from condlab.curvature.symmetry.motions import Scale, line_numbers
from condlab.curvature.symmetry.null_space import Surroundings, require_invariant
from condlab.machine.ranks import ranks_of
from condlab.nn.conditioning import conditioning_of
from condlab.nn.selection import sites
from condlab.spectra._products import to_scipy
from condlab.spectra.assembly import AssemblyOptions, symmetrise

SCALED = {"row": False, "row_column": False, "jacobi": False, "column": True}


def normalised_lines(module: nn.Module) -> dict[str, Tensor]:
    """Return the lines of stored weights whose length a conditioned module ignores.

    Parameters
    ----------
    module : torch.nn.Module
        Conditioned by `condlab.nn.condition`; frozen scalings are left out.

    Returns
    -------
    dict of str to Tensor
        For each stored weight the number of the row that an entry belongs to; of the
        column where it is conditioned by columns.

    Examples
    --------
    >>> from condlab.nn import condition
    >>> normalised_lines(condition(nn.Linear(2, 2)))
    {'parametrizations.weight.original': tensor([[0, 0],
            [1, 1]])}
    """
    names = {id(p): name for name, p in module.named_parameters()}
    lines: dict[str, Tensor] = {}
    for site in sites(module):
        made = conditioning_of(site)
        if made is None or made.frozen or made.method not in SCALED:
            continue
        columns = SCALED[made.method]
        lines[names[id(site.raw)]] = line_numbers(
            site.raw, site.layout, columns=columns
        )
    return lines


def sphere(H: OverParameters, lines: Mapping[str, Tensor]) -> SphereOperator:
    """Return a Hessian in the sphere gauge of some lines.

    Parameters
    ----------
    H : HessianOperator, shape (n, n)
        Of a loss that does not change with the lengths of the lines.
    lines : dict of str to Tensor
        For parameters by name, the number of the line that each entry belongs to, as
        from `normalised_lines` or `line_numbers`; lines are equally long.

    Returns
    -------
    SphereOperator
        Of shape (n - r, n - r) for r lines in all.

    Raises
    ------
    ValueError
        If the loss does change with the length of a line, found by H w = -g along it,
        or a line is zero.

    Notes
    -----
    The result is the same, up to rounding, when any line is multiplied by a positive
    number: the lengths cancel.

    References
    ----------
    .. [1] P.-A. Absil, R. Mahony and R. Sepulchre, "Optimization Algorithms on Matrix
       Manifolds", Princeton, 2008, Section 5.5.

    Examples
    --------
    >>> from condlab.curvature import HessianOperator
    >>> def loss(params, x):
    ...     return x @ (params["w"] / params["w"].norm())
    >>> for length in (1.0, 10.0):
    ...     params = {"w": torch.tensor([0.0, length])}
    ...     H = HessianOperator(loss, params, [torch.tensor([0.0, -2.0])])
    ...     K = sphere(H, {"w": torch.tensor([0, 0])})
    ...     print(length, K.shape, round(K.dense().item(), 5))
    1.0 (1, 1) 2.0
    10.0 (1, 1) 2.0
    """
    params = H.params
    for name in lines:
        if name not in params:
            raise ValueError(f"{name!r} is no parameter; there are {', '.join(params)}")
    around = Surroundings.of(H)
    parts = []
    for name, place in H.layout.slices.items():
        if name in lines:
            numbers = lines[name].to(H.device)
            _require_nonzero(name, params[name], numbers)
            scale = Scale(name, numbers)
            size = int(numbers.max()) + 1
            require_invariant(H, Invariance("line scale", size, (scale,)), around)
            parts.append(Lines.of(params[name], numbers, place.start))
        else:
            parts.append(Lines.free(place, H))
    return SphereOperator(H, tuple(parts))


def _require_nonzero(name: str, W: Tensor, numbers: Tensor) -> None:
    if numbers.shape != W.shape:
        raise ValueError(
            f"the lines of {name} need its shape {tuple(W.shape)}, got "
            f"{tuple(numbers.shape)}"
        )
    counts = torch.bincount(numbers.reshape(-1))
    if int(counts.min()) != int(counts.max()):
        raise ValueError(
            f"the lines of {name} must be numbered from 0 and equally long, got "
            f"lengths {int(counts.min())} to {int(counts.max())}"
        )
    peaks = W.reshape(-1)[places_of(numbers)].abs().amax(dim=1)
    if not bool((peaks > 0).all()):
        raise ValueError(
            f"line {int(peaks.argmin())} of {name} is zero: it has no direction; leave "
            "it out or remove its unit"
        )


class SphereOperator:
    """Hessian in the sphere gauge, in an orthonormal basis of the tangent space.

    Attributes
    ----------
    inner : HessianOperator
        The Hessian in the raw gauge.
    shape : tuple of int
        (n - r, n - r) for r lines.
    dtype, device
        Those of `inner`.
    """

    def __init__(self, inner: OverParameters, parts: tuple[Lines, ...]) -> None:
        self.inner, self._parts = inner, parts
        self.dtype, self.device = inner.dtype, inner.device
        self.ranks = ranks_of(inner)  # of a `DataParallel`, its processes
        m = sum(part.dimension for part in parts)
        self.shape = (m, m)

    @property
    def noise(self) -> float:
        """Return by how much products were seen to be off, those of `inner` scaled."""
        longest = max(float(part.lengths.max()) for part in self._parts)
        return longest**2 * float(getattr(self.inner, "noise", 0.0))

    def __matmul__(self, Y: Tensor) -> Tensor:
        """Return the product with a vector, shape (m,), or a matrix, shape (m, k)."""
        return self.project(self.inner @ self.lift(Y))

    def lift(self, Y: Tensor) -> Tensor:
        """Return D Q Y: raw motions, shape (n, ...), of coordinates, shape (m, ...)."""
        return self._up(Y, 1)

    def tangents(self, Y: Tensor) -> Tensor:
        """Return Q Y: motions of the lines at length one, as long as Y's columns.

        Bases of tangent spaces differ from point to point; these can be compared.
        """
        return self._up(Y, 0)

    def _up(self, Y: Tensor, power: int) -> Tensor:
        self._require(Y, self.shape[0])
        columns = Y if Y.ndim == 2 else Y[:, None]
        X = torch.zeros(
            (self.inner.shape[0], columns.shape[1]), dtype=Y.dtype, device=Y.device
        )
        pieces = columns.split([part.dimension for part in self._parts])
        for part, piece in zip(self._parts, pieces, strict=True):
            X[part.places] = part.lengths[:, :, None] ** power * part.lift(piece)
        return X if Y.ndim == 2 else X[:, 0]

    def project(self, X: Tensor) -> Tensor:
        """Return Q' D X, shape (m, ...), of what is like a gradient, shape (n, ...)."""
        return self._down(X, 1)

    def coordinates(self, X: Tensor) -> Tensor:
        """Return Q' X / D: the coordinates of raw motions, which `lift` undoes.

        What a motion has along the lines is dropped.
        """
        return self._down(X, -1)

    def _down(self, X: Tensor, power: int) -> Tensor:
        self._require(X, self.inner.shape[0])
        columns = X if X.ndim == 2 else X[:, None]
        Y = torch.cat(
            [
                part.coordinates(
                    part.lengths[:, :, None] ** power * columns[part.places]
                )
                for part in self._parts
            ]
        )
        return Y if X.ndim == 2 else Y[:, 0]

    def gradient(self) -> Tensor:
        """Return the gradient along the spheres, shape (m,)."""
        return self.project(self.inner.gradient())

    def dense(self, **options: Unpack[AssemblyOptions]) -> Tensor:
        """Return the matrix, shape (m, m), from that of `inner`, given its options."""
        half = self.project(self.inner.dense(**options))
        K = self.project(half.T.contiguous())
        symmetrise(K)
        return K

    def to_scipy(self) -> spla.LinearOperator:
        """Return the operator for NumPy arrays, copied from and to the device."""
        return to_scipy(self)

    def _require(self, V: Tensor, n: int) -> None:
        if V.ndim not in (1, 2) or V.shape[0] != n:
            raise ValueError(
                f"shape ({n},) or ({n}, k) is needed, got {tuple(V.shape)}"
            )
