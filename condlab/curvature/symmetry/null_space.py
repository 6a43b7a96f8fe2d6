"""Check invariances against a Hessian, and say which null directions they predict."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.operators._over_parameters import OverParameters
from condlab.curvature.symmetry.invariances import Invariance

INVARIANT = 4096  # times eps: what rounding in products may leave of an identity
POWER_STEPS = 5  # products for the size of H, of which only the magnitude is used


@dataclass(frozen=True, slots=True, eq=False)
class NullSpace:
    """Directions that a Hessian maps to zero for a known reason.

    Parameters
    ----------
    basis : Tensor, shape (n, r)
        Orthonormal.
    sources : dict of str to int
        How many dimensions each source adds to those before it; together r.
    """

    basis: Tensor
    sources: dict[str, int]

    @property
    def nullity(self) -> int:
        """Return the dimension r."""
        return self.basis.shape[1]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The gradient and the size of a Hessian, computed once for many checks."""

    gradient: Tensor
    size: float

    @classmethod
    def of(cls, H: OverParameters) -> Surroundings:
        """Return those of an operator, after a few products."""
        generator = torch.Generator().manual_seed(0)
        v = torch.randn(H.shape[0], generator=generator, dtype=torch.float64)
        v, size = (v / v.norm()).to(H.dtype).to(H.device), 0.0
        for _ in range(POWER_STEPS):
            w = H @ v
            size = float(w.norm())
            if size == 0:
                break
            v = w / size
        return cls(H.gradient(), size)


def residual(
    H: OverParameters, invariance: Invariance, surroundings: Surroundings | None = None
) -> float:
    """Return how far H (A theta + b) is from -A'g, and g'(A theta + b) from zero.

    Parameters
    ----------
    H : HessianOperator
        At the point theta, where the gradient is g.
    invariance : Invariance
        A combination of its generators with random coefficients is taken: if it is
        an invariance, then so is almost surely each of them.
    surroundings : Surroundings, optional
        Computed where it is not given.

    Returns
    -------
    float
        The larger of the two, relative to ``|H| |A theta + b| + |A'g|`` and to
        ``(|g| + |H| |theta|) |A theta + b|``, as near a stationary point g is a small
        difference: for an invariance a small multiple of the rounding unit.

    Examples
    --------
    >>> from condlab.curvature import HessianOperator, row_scale
    >>> def loss(params, x):
    ...     return (x @ (params["w"] / params["w"].norm(dim=1, keepdim=True)).T).sum()
    >>> params = {"w": torch.tensor([[3.0, 4.0]])}
    >>> H = HessianOperator(loss, params, [torch.tensor([[1.0, 2.0]])])
    >>> residual(H, row_scale(params, "w")) < 1e-6
    True
    """
    around = surroundings or Surroundings.of(H)
    generator = torch.Generator().manual_seed(1)
    c = torch.randn(invariance.size, generator=generator, dtype=torch.float64)
    c = c.to(H.dtype).to(H.device)
    xi = H.flatten(invariance.direction(H.params, c))
    pulled = H.flatten(invariance.adjoint(H.unflatten(around.gradient), c))
    length, point = float(xi.norm()), float(H.flatten(H.params).norm())
    slope = float(around.gradient.norm()) + around.size * point
    second = _ratio(
        float((H @ xi + pulled).norm()), around.size * length + float(pulled.norm())
    )
    return max(second, _ratio(abs(float(xi @ around.gradient)), slope * length))


def _ratio(part: float, whole: float) -> float:
    if whole == 0:
        return math.inf if part else 0.0
    return part / whole


def require_invariant(
    H: OverParameters, invariance: Invariance, surroundings: Surroundings | None = None
) -> None:
    """Raise ValueError unless the loss behind H is invariant.

    Parameters
    ----------
    H, invariance, surroundings
        As of `residual`.

    Raises
    ------
    ValueError
        If the residual is more than rounding explains, or not a number.
    """
    found, most = residual(H, invariance, surroundings), _tolerance(H.dtype)
    if not found <= most:
        names = ", ".join(sorted({t.name for t in invariance.terms}))
        raise ValueError(
            f"the loss is not invariant under {invariance.source} of {names}: "
            f"H (A theta) and -A'g differ by {found:.1e}, and rounding explains "
            f"{most:.1e}; a scaling that is detached or frozen is not invariant"
        )


def _tolerance(dtype: torch.dtype) -> float:
    return INVARIANT * torch.finfo(dtype).eps


def null_space(H: OverParameters, invariances: Iterable[Invariance]) -> NullSpace:
    """Return the null directions of a Hessian that its invariances predict.

    Parameters
    ----------
    H : HessianOperator
        At any point.
    invariances : iterable of Invariance
        Each is verified first.

    Returns
    -------
    NullSpace
        Of a shift, all directions; of another motion, those whose A'g vanishes up to
        rounding here, as it does for units that never fire and at stationary points.

    Raises
    ------
    ValueError
        If the loss is not invariant after all.

    Examples
    --------
    >>> from condlab.curvature import HessianOperator, make_loss, output_shift
    >>> layer = torch.nn.Linear(2, 3)
    >>> loss = make_loss(layer, torch.nn.CrossEntropyLoss())
    >>> params = dict(layer.named_parameters())
    >>> H = HessianOperator(loss, params, [(torch.eye(2), torch.tensor([0, 2]))])
    >>> null_space(H, [output_shift(params, "weight", "bias")]).sources
    {'softmax shift': 3}
    """
    around = Surroundings.of(H)
    basis = torch.zeros((H.shape[0], 0), dtype=H.dtype, device=H.device)
    sources: dict[str, int] = {}
    for invariance in invariances:
        require_invariant(H, invariance, around)
        found = _null_directions(H, invariance, around)
        new = _beyond(basis, found)
        basis = torch.cat([basis, new], dim=1)
        sources[invariance.source] = sources.get(invariance.source, 0) + new.shape[1]
    return NullSpace(basis, sources)


def _null_directions(
    H: OverParameters, invariance: Invariance, around: Surroundings
) -> Tensor:
    """Return an orthonormal basis of the motions whose A'g is zero up to rounding."""
    gradient, units = H.unflatten(around.gradient), torch.eye(invariance.size)
    units = units.to(H.dtype).to(H.device)
    moves = [H.flatten(invariance.direction(H.params, c)) for c in units]
    pulls = [H.flatten(invariance.adjoint(gradient, c)) for c in units]
    Q, s, Vt = torch.linalg.svd(torch.stack(moves, dim=1), full_matrices=False)
    rank = int((s > _tolerance(H.dtype) * s[0]).sum())
    Q, C = Q[:, :rank], Vt[:rank].T / s[:rank]
    pulled = torch.stack(pulls, dim=1) @ C  # A'g of the orthonormal motions
    _, s, Vt = torch.linalg.svd(pulled, full_matrices=False)
    return Q @ Vt[s <= _tolerance(H.dtype) * around.size].T


def _beyond(basis: Tensor, found: Tensor) -> Tensor:
    """Return an orthonormal basis of what is not in the span of the first one."""
    rest = found
    for _ in range(2):  # twice is enough
        rest = rest - basis @ (basis.T @ rest)
    Q, s, _ = torch.linalg.svd(rest, full_matrices=False)
    return Q[:, s > _tolerance(found.dtype)]
