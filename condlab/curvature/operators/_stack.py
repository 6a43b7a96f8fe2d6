"""One batch through a stack of linear layers: inputs, slopes, and how they move."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import jvp, vmap

from condlab.curvature.evaluation.backends import REVERSE, differentiable
from condlab.curvature.evaluation.losses import Batch, ModelLoss
from condlab.curvature.operators._over_parameters import AtPoint


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


Pair = tuple[dict[str, Tensor], dict[str, Tensor]]  # slopes and inputs, by layer


class NotAStackError(ValueError):
    """Raise where a network is not made of linear layers that see a sample once."""


def linear_layers(H: AtPoint) -> list[Layer]:
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
        if getattr(module.forward, "__func__", None) is not nn.Linear.forward:
            continue  # a subclass may do anything with its weight
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


@dataclass(frozen=True, slots=True)
class Trace:
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


def trace(H: AtPoint, layers: list[Layer], batch: Batch) -> Trace:
    """Return what a batch gives on its way through the layers.

    Raises
    ------
    NotAStackError
        If a layer sees something else than each sample once, or torch cannot push
        tangents through the loss.
    """
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

    def along(edge: Tensor) -> tuple[Pair, Pair]:
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
    moved_slopes, moved_inputs = (_detached(parts) for parts in moved)
    one, slope = (  # the same for all edges
        {name: x[0] for name, x in _detached(parts).items()}
        for parts in (inputs, slopes)
    )
    return Trace(order, rows, one, slope, moved_inputs, moved_slopes)


def _detached(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors without the graph that a batch which requires gradients leaves."""
    return {name: x.detach() for name, x in parts.items()}


def _call_order(
    H: AtPoint, layers: list[Layer], batch: Batch
) -> tuple[dict[str, torch.Size], list[Layer]]:
    """Return the shapes that layers give for a batch, and the order of their calls.

    With gradients: the loss may take some of its own, as of a network by its inputs.
    """
    with differentiable(), _hooked(layers) as seen:
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
    """Note what layers read, and add to what they give, while the context lasts.

    It is what their own code gives, ahead of other hooks, and in this thread only.
    """
    seen: dict[str, Tensor] = {}
    owner = threading.get_ident()

    def make(layer: Layer) -> Callable:
        def hook(_: nn.Module, args: tuple, output: Tensor) -> Tensor:
            if threading.get_ident() != owner:
                return output
            axes = args[0].ndim if args else "no"
            if layer.name in seen or axes != 2:
                what = "twice" if layer.name in seen else f"on {axes} axes"
                raise NotAStackError(f"{layer.name} is called {what}")
            seen[layer.name] = args[0]
            return output if nudge is None else output + nudge[layer.name]

        return hook

    handles = [
        layer.module.register_forward_hook(make(layer), prepend=True)
        for layer in layers
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
