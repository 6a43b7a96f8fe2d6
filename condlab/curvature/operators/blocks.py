"""Exact Hessians of stacks of linear layers, assembled sample by sample.

Let layer l read the vector a_l and give z_l = W_l a_l + b_l. For one sample, with
d_l the derivative of the loss by z_l, C_lm that of d_m by z_l and J_lm that of a_m by
z_l, the block of W_l and W_m, for l before m, is

    H[(i, j), (k, p)] = a_l[j] (C_lm[i, k] a_m[p] + d_m[k] J_lm[i, p]).

So the derivatives along the few entries of the z's, which all samples share, give the
Hessian by products of matrices. A weight that is computed from a stored one, such as
a conditioned one, adds the chain rule of that map.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vjp, vmap
from torch.nn.utils import parametrize

from condlab.curvature.evaluation.backends import differentiable
from condlab.curvature.operators._over_parameters import AtPoint
from condlab.curvature.operators._stack import (
    Layer,
    NotAStackError,
    Trace,
    linear_layers,
    trace,
)
from condlab.spectra.assembly import symmetrise

TRIES = 2  # random products that the result must agree with


def assemble_stack(H: AtPoint) -> Tensor:
    """Return the exact Hessian of a stack of linear layers, sample by sample.

    Parameters
    ----------
    H : HessianOperator, shape (n, n)
        All parameters are weights, plain or conditioned, and biases of linear layers
        that are called once, on a batch of vectors; what is between the layers is
        free, but samples must not see each other.

    Returns
    -------
    Tensor, shape (n, n)
        Exactly symmetric; held against products of H before it is returned.

    Raises
    ------
    NotAStackError
        If the network is of another kind, or torch cannot do what is asked of it here:
        a loss that itself differentiates, for one. `assemble` needs products only.

    Examples
    --------
    >>> from condlab.curvature import HessianOperator, make_loss
    >>> net = torch.nn.Linear(1, 1)
    >>> batch = torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1)
    >>> H = HessianOperator(
    ...     make_loss(net, torch.nn.MSELoss()), dict(net.named_parameters()), [batch])
    >>> assemble_stack(H)
    tensor([[10.,  4.],
            [ 4.,  2.]])
    """
    layers = linear_layers(H)
    try:
        with torch.inference_mode(mode=False):  # else A could not be written to
            A = _assembled(H, layers)
    except NotAStackError:
        raise
    except Exception as error:  # the caller's loss and hooks, in torch's transforms
        raise NotAStackError(
            f"the loss does not go through torch.func: {type(error).__name__}: "
            + str(error).strip().split("\n")[0]
        ) from error
    _require_products(A, H)
    return A


def _assembled(H: AtPoint, layers: list[Layer]) -> Tensor:
    A = torch.zeros(H.shape, dtype=H.dtype, device=H.device)
    slopes: dict[str, Tensor] = {}
    for _, batch, share in H.point.data:
        seen = trace(H, layers, batch)
        for m, after in enumerate(seen.order):
            slope = seen.slopes[after.name].T @ seen.inputs[after.name]
            slopes[after.name] = slopes.get(after.name, 0) + share * slope
            for before in seen.order[: m + 1]:
                block = _block(before, after, seen).mul_(share)
                _add(A, H.layout.slices, before, after, block)
    mapped = [x for x in layers if parametrize.is_parametrized(x.module, "weight")]
    for layer in mapped:
        if layer.weight:
            maps = layer.module.get_submodule("parametrizations.weight")
            _chain(A, H, maps, layer.weight, slopes[layer.name])
    if mapped:  # else it is symmetric as it is
        symmetrise(A)
    return A


def _block(before: Layer, after: Layer, seen: Trace) -> Tensor:
    """Return H[(i, j), (k, p)] of two layers, shape (i, j, k, p), for one batch."""
    a = before.read(seen.inputs[before.name], 1)
    own = seen.rows[before.name]
    C = seen.moved_slopes[after.name][own]
    if before is after:
        return _own_block(a, C)
    b = after.read(seen.inputs[after.name], 1)
    J = after.read(seen.moved_inputs[after.name][own], 0)
    d = seen.slopes[after.name]
    T = (_outer(a, d).T @ J.movedim(0, 1).flatten(1)).view(
        a.shape[1], d.shape[1], len(J), b.shape[1]
    )  # (j, k, i, p): the sum over samples of a[j] d[k] J[i, p]
    T = T.permute(2, 0, 1, 3).contiguous()
    for i in range(len(C)):
        T[i].flatten(1).addmm_(a.T, _outer(C[i], b))
    return T


def _own_block(a: Tensor, C: Tensor) -> Tensor:
    """Return the block of a layer with itself, of which half is computed."""
    count, inputs = len(C), a.shape[1]
    T = a.new_empty((count, inputs, count, inputs))
    for i in range(count):
        row = (a.T @ _outer(C[i, :, i:], a)).view(inputs, count - i, inputs)
        T[i, :, i:] = row
        T[i:, :, i] = row.permute(1, 2, 0)
        T[i, :, i] = (row[:, 0] + row[:, 0].T) / 2  # differ by rounding
    return T


def _outer(a: Tensor, b: Tensor) -> Tensor:
    """Return the products of each sample's entries, shape (samples, of a times b)."""
    return (a[:, :, None] * b[:, None, :]).flatten(1)


def _add(
    A: Tensor, slices: dict[str, slice], before: Layer, after: Layer, T: Tensor
) -> None:
    """Add a block of two layers, and its mirror image, where their parameters lie."""
    for rows, j in _places(before, slices):
        for columns, p in _places(after, slices):
            part = T[:, j, :, p].reshape(_length(rows), _length(columns))
            A[rows, columns] += part
            if before is not after:
                A[columns, rows] += part.T


def _length(place: slice) -> int:
    return place.stop - place.start


def _places(layer: Layer, slices: dict[str, slice]) -> Iterator[tuple[slice, slice]]:
    """Yield where a layer's parameters lie in the vector and among its inputs."""
    if layer.weight:
        yield slices[layer.weight], slice(0, layer.module.in_features)
    if layer.bias:
        yield slices[layer.bias], slice(layer.inputs - 1, layer.inputs)


def _chain(A: Tensor, H: AtPoint, maps: nn.Module, weight: str, slope: Tensor) -> None:
    """Turn derivatives by the effective weight into derivatives by the stored one."""
    place = H.layout.slices[weight]
    stored = H.params[weight]

    def effective(W: Tensor) -> Tensor:
        return functional_call(maps, {"original": W}, ()).reshape(-1)

    def bent(W: Tensor) -> Tensor:
        return effective(W) @ slope.reshape(-1)

    with differentiable():
        pull = vjp(effective, stored)[1]
        second = vjp(grad(bent), stored)[1]
        A[:, place] = vmap(lambda u: pull(u)[0].reshape(-1))(A[:, place].clone())
        A[place] = vmap(lambda u: pull(u)[0].reshape(-1))(A[place].T.clone()).T
        edges = torch.eye(stored.numel(), dtype=A.dtype, device=A.device)
        rows = edges.view(-1, *stored.shape)
        A[place, place] += vmap(lambda u: second(u)[0].reshape(-1))(rows)


def _require_products(A: Tensor, H: AtPoint) -> None:
    generator = torch.Generator().manual_seed(2)
    V = torch.randn(H.shape[0], TRIES, generator=generator, dtype=torch.float64)
    V = V.to(H.dtype).to(H.device)
    expected = H @ V
    gap, size = float((A @ V - expected).norm()), float(expected.norm())
    tolerance = 10 * torch.finfo(H.dtype).eps ** 0.5
    if not gap <= tolerance * (size + float(A.norm())):
        raise NotAStackError(
            f"its products differ by {gap:.1e} of {size:.1e}: do samples see each "
            "other, or is a weight used outside its layer?"
        )
