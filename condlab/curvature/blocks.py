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

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vjp, vmap
from torch.nn.utils import parametrize

from condlab.curvature.assembly import symmetrise
from condlab.curvature.backends import REVERSE, differentiable
from condlab.curvature.losses import ModelLoss

TRIES = 2  # random products that the result must agree with


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer whose weight, bias or both are parameters."""

    name: str
    module: nn.Linear
    weight: str | None
    bias: str | None

    @property
    def inputs(self) -> int:
        """Return how many inputs count, that of the bias included."""
        return (self.weight is not None) * self.module.in_features + bool(self.bias)

    def read(self, a: Tensor, constant: float) -> Tensor:
        """Return the inputs that count; that of the bias is a constant."""
        parts = [a] if self.weight else []
        if self.bias:
            parts.append(torch.full_like(a[..., :1], constant))
        return torch.cat(parts, dim=-1)


class NotAStackError(ValueError):
    """Raise where a network is not made of linear layers that see a sample once."""


def linear_layers(H: Any) -> list[Layer]:
    """Return the linear layers that own all parameters of a Hessian.

    Raises
    ------
    NotAStackError
        If a parameter belongs to something else.
    """
    loss = H.point.loss
    if not isinstance(loss, ModelLoss) or loss.module is None:
        raise NotAStackError("the loss is not made of a module by make_loss")
    left, layers = set(H.params), []
    for name, module in loss.module.named_modules():
        if not isinstance(module, nn.Linear):
            continue
        dot = f"{name}." if name else ""
        own = [f"{dot}weight", f"{dot}parametrizations.weight.original"]
        weight = next((n for n in own if n in left), None)
        bias = f"{dot}bias" if f"{dot}bias" in left else None
        if weight or bias:
            layers.append(Layer(name, module, weight, bias))
            left -= {weight, bias}
    if left:
        raise NotAStackError(f"{min(left)} is no weight or bias of a linear layer")
    return layers


def assemble_stack(H: Any) -> Tensor:
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
        If the network is of another kind.

    Examples
    --------
    >>> from condlab.curvature import HessianOperator, make_loss
    >>> net = nn.Linear(1, 1)
    >>> batch = torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1)
    >>> H = HessianOperator(
    ...     make_loss(net, nn.MSELoss()), dict(net.named_parameters()), [batch])
    >>> assemble_stack(H)
    tensor([[10.,  4.],
            [ 4.,  2.]])
    """
    layers = linear_layers(H)
    A = torch.zeros(H.shape, dtype=H.dtype, device=H.device)
    slopes: dict[str, Tensor] = {}
    for _, batch, share in H.point.data:
        trace = _trace(H, layers, batch)
        for m, after in enumerate(trace.order):
            slope = trace.slopes[after.name].T @ trace.inputs[after.name]
            slopes[after.name] = slopes.get(after.name, 0) + share * slope
            for before in trace.order[: m + 1]:
                block = _block(before, after, trace).mul_(share)
                _add(A, H.layout.slices, before, after, block)
    mapped = [x for x in layers if parametrize.is_parametrized(x.module, "weight")]
    for layer in (x for x in mapped if x.weight):
        _chain(A, H, layer, slopes[layer.name])
    if mapped:  # else it is symmetric as it is
        symmetrise(A)
    _require_products(A, H)
    return A


@dataclass(frozen=True, slots=True)
class _Trace:
    """What one batch gives: layers in the order of their calls, and derivatives.

    Inputs and slopes have shape (samples, features); their derivatives have an axis in
    front that runs over the entries of all z's, of which `rows` are a layer's own.
    """

    order: list[Layer]
    rows: dict[str, slice]
    inputs: dict[str, Tensor]
    slopes: dict[str, Tensor]
    moved_inputs: dict[str, Tensor]
    moved_slopes: dict[str, Tensor]


def _trace(H: Any, layers: list[Layer], batch: Any) -> _Trace:
    shapes, order = _call_order(H, layers, batch)
    sizes = [shapes[layer.name][1] for layer in order]
    edges = torch.eye(sum(sizes), dtype=H.dtype, device=H.device)
    still = {layer.name: edges.new_zeros(shapes[layer.name]) for layer in order}
    starts = dict(
        zip(still, torch.tensor([0, *sizes]).cumsum(0).tolist(), strict=False)
    )

    def nudged(z: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        with _hooked(layers, nudge=z) as seen:
            return H.point.loss(H.params, batch), seen

    def along(edge: Tensor) -> tuple[Any, Any]:
        parts = edge.split(sizes)
        moves = {
            name: part.expand(still[name].shape)
            for name, part in zip(still, parts, strict=True)
        }
        values, tangents = jvp(derivative, (still,), (moves,))[:2]
        return values, tangents

    for reverse in REVERSE:
        derivative = reverse(nudged, has_aux=True)
        try:
            with differentiable():
                (slopes, inputs), moved = vmap(along)(edges)
            break
        except (RuntimeError, NotImplementedError) as error:
            reason = str(error).strip().split("\n")[0]
    else:
        raise NotAStackError(f"torch cannot push tangents through it: {reason}")
    rows = {
        layer.name: slice(starts[layer.name], starts[layer.name] + size)
        for layer, size in zip(order, sizes, strict=True)
    }
    one = {name: x[0].detach() for name, x in inputs.items()}  # the same for all edges
    slope = {name: x[0].detach() for name, x in slopes.items()}
    return _Trace(order, rows, one, slope, moved[1], moved[0])


def _call_order(
    H: Any, layers: list[Layer], batch: Any
) -> tuple[dict[str, torch.Size], list[Layer]]:
    """Return the shapes that layers give for a batch, and the order of their calls."""
    with torch.no_grad(), _hooked(layers) as seen:
        H.point.loss(H.params, batch)
    unused = [layer.name for layer in layers if layer.name not in seen]
    if unused:
        raise NotAStackError(f"{unused[0]} is not called")
    by_name = {layer.name: layer for layer in layers}
    order = [by_name[name] for name in seen]
    shapes = {
        layer.name: torch.Size((len(seen[layer.name]), layer.module.out_features))
        for layer in order
    }
    return shapes, order


@contextlib.contextmanager
def _hooked(
    layers: list[Layer], nudge: dict[str, Tensor] | None = None
) -> Iterator[dict[str, Tensor]]:
    """Note what layers read, and add to what they give, while the context lasts."""
    seen: dict[str, Tensor] = {}

    def make(layer: Layer) -> Callable:
        def hook(_: nn.Module, args: tuple, output: Tensor) -> Tensor:
            axes = args[0].ndim if args else "no"
            if layer.name in seen or axes != 2:
                what = "twice" if layer.name in seen else f"on {axes} axes"
                raise NotAStackError(f"{layer.name} is called {what}")
            seen[layer.name] = args[0]
            return output if nudge is None else output + nudge[layer.name]

        return hook

    handles = [layer.module.register_forward_hook(make(layer)) for layer in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _block(before: Layer, after: Layer, trace: _Trace) -> Tensor:
    """Return H[(i, j), (k, p)] of two layers, shape (i, j, k, p), for one batch."""
    a = before.read(trace.inputs[before.name], 1)
    own = trace.rows[before.name]
    C = trace.moved_slopes[after.name][own]
    if before is after:
        return _own_block(a, C)
    b = after.read(trace.inputs[after.name], 1)
    J = after.read(trace.moved_inputs[after.name][own], 0)
    d = trace.slopes[after.name]
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


def _chain(A: Tensor, H: Any, layer: Layer, slope: Tensor) -> None:
    """Turn derivatives by the effective weight into derivatives by the stored one."""
    lists: Any = layer.module.parametrizations
    place = H.layout.slices[layer.weight]
    stored = H.params[layer.weight]

    def effective(W: Tensor) -> Tensor:
        return functional_call(lists.weight, {"original": W}, ()).reshape(-1)

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


def _require_products(A: Tensor, H: Any) -> None:
    generator = torch.Generator().manual_seed(2)
    V = torch.randn(H.shape[0], TRIES, generator=generator, dtype=torch.float64)
    V = V.to(H.device, H.dtype)
    expected = H @ V
    gap, size = float((A @ V - expected).norm()), float(expected.norm())
    tolerance = 10 * torch.finfo(H.dtype).eps ** 0.5
    if not gap <= tolerance * (size + float(A.norm())):
        raise NotAStackError(
            f"its products differ by {gap:.1e} of {size:.1e}: do samples see each "
            "other, or is a weight used outside its layer?"
        )
