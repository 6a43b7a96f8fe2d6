"""Four ways to multiply the Hessian of one batch with vectors.

Each has ``product(i, batch, rows)``: the Hessian of batch number i times vectors that
are the rows of a tensor of shape (k, n), as the rows of another one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar, cast

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge, saved_tensors_hooks
from torch.func import grad, jacrev, jvp, vjp, vmap

from condlab.curvature.evaluation._data import SAMPLE
from condlab.curvature.evaluation._graph import saved_bytes
from condlab.curvature.evaluation._parameters import Flat
from condlab.curvature.evaluation._twice import backwards, differentiable
from condlab.curvature.evaluation.losses import Batch, Loss

Graph = tuple[Tensor, ...]
Ends = tuple[Tensor | GradientEdge, ...]  # of a graph, its values let go of if they can
Made = TypeVar("Made")


class Backend(Protocol):
    """What a backend can do."""

    @property
    def name(self) -> str:
        """Return what it is called."""

    def product(self, i: int, batch: Batch, rows: Tensor) -> Tensor:
        """Return the product of the Hessian of batch i with each row."""


class Kept(Generic[Made]):
    """Graphs kept for the products to come, while a budget of bytes lasts.

    That of a sample is kept if anything is, until a whole batch is asked for.
    """

    def __init__(self, budget: float, sizes: Sequence[float]) -> None:
        self.budget, self._sizes = budget, sizes
        self._graphs: dict[int, Made] = {}

    def get(self, i: int, build: Callable[[], Made]) -> Made:
        """Return what was kept for batch i, or build it and keep it if it fits."""
        if i in self._graphs:
            return self._graphs[i]
        if i != SAMPLE:
            self._graphs.pop(SAMPLE, None)
        graph = build()
        sizes = [0.0 if j == SAMPLE else self._sizes[j] for j in (i, *self._graphs)]
        if self.budget and sum(sizes) <= self.budget:
            self._graphs[i] = graph
        return graph

    def share(self) -> str:
        """Return in words for how many batches there is room."""
        fitting = sum(s <= self.budget for s in itertools.accumulate(self._sizes))
        if fitting in (0, len(self._sizes)):
            return "retained graph" if fitting else "rebuilt graph"
        return f"retained graph of {fitting} in {len(self._sizes)} batches"


class DoubleBackward:
    """Differentiate the gradient's own graph backwards, keeping it where it fits."""

    def __init__(self, loss: Loss, leaves: dict[str, Tensor], kept: Kept[Ends]) -> None:
        self._loss, self._leaves, self._kept = loss, leaves, kept

    @property
    def name(self) -> str:
        """Return what is done, given the budget."""
        return self._kept.share()

    def product(self, i: int, batch: Batch, rows: Tensor) -> Tensor:
        """Return the product of the Hessian of batch i with each row."""

        def build() -> Ends:
            with differentiable():
                return _ends(gradient_graph(self._loss, self._leaves, batch)[1])

        with backwards():
            graph = self._kept.get(i, build)
            return stack([pull_back(graph, self._leaves, v) for v in rows])


class ForwardOverReverse:
    """Push a tangent forwards through the gradient; nothing is kept."""

    name = "forward over reverse"

    def __init__(
        self, loss: Loss, leaves: dict[str, Tensor], flat: Flat, reverse: Callable
    ) -> None:
        self._loss, self._flat, self._reverse = loss, flat, reverse
        self._params = {name: p.detach() for name, p in leaves.items()}

    def product(self, i: int, batch: Batch, rows: Tensor) -> Tensor:  # noqa: ARG002
        """Return the product of the Hessian of batch i with each row."""
        gradient = self._reverse(lambda params: self._loss(params, batch))

        def push(v: Tensor) -> Tensor:
            tangents = self._flat.unflatten(v)
            pushed = jvp(gradient, (self._params,), (tangents,))[1]
            return self._flat.flatten(pushed).detach()  # a batch may require gradients

        with differentiable():
            return stack([push(v) for v in rows])


REVERSE = (grad, jacrev)  # torch 2.13 fails on MSELoss with the first, on some
#                           group norms with the second


class Batched:
    """Pull many vectors back together through one kept gradient."""

    name = "batched"

    def __init__(
        self,
        loss: Loss,
        leaves: dict[str, Tensor],
        flat: Flat,
        kept: Kept[Callable],
        widest: int,
    ) -> None:
        self._loss, self._flat, self._widest = loss, flat, widest
        self._kept = kept
        self._params = {name: p.detach() for name, p in leaves.items()}

    def product(self, i: int, batch: Batch, rows: Tensor) -> Tensor:
        """Return the product of the Hessian of batch i with each row."""

        def build() -> Callable:
            gradient = grad(lambda params: self._loss(params, batch))
            with differentiable():
                return vjp(gradient, self._params)[1]

        with backwards():
            pull = self._kept.get(i, build)
            pieces = [self._pull(pull, part) for part in rows.split(self._widest)]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _pull(self, pull: Callable, rows: Tensor) -> Tensor:
        parts = vmap(lambda v: pull(v)[0])(self._flat.unflatten(rows))
        columns = [parts[name].reshape(len(rows), -1) for name in self._flat.shapes]
        return torch.cat(columns, dim=1).detach()


def stack(vectors: list[Tensor]) -> Tensor:
    """Return vectors as rows, without copying a single one."""
    return vectors[0][None] if len(vectors) == 1 else torch.stack(vectors)


def gradient_graph(
    loss: Loss, leaves: dict[str, Tensor], batch: Batch, *, again: bool = True
) -> tuple[Tensor, Graph]:
    """Return the loss and its gradient, to be differentiated again or not."""
    value = loss(leaves, batch)
    require_scalar(value)
    if not value.requires_grad:
        return value, tuple(torch.zeros_like(p) for p in leaves.values())
    gradient = torch.autograd.grad(
        value, tuple(leaves.values()), create_graph=again, materialize_grads=True
    )
    return value, gradient


def require_scalar(value: object) -> None:
    """Raise ValueError unless a loss gave one finite real number."""
    if not isinstance(value, Tensor):
        got = type(value).__name__
    elif value.ndim:
        got = f"shape {tuple(value.shape)}"
    else:
        got = "" if value.is_floating_point() else str(value.dtype)
    if got:
        raise ValueError(
            f"loss(params, batch) must return a scalar tensor, real, got {got}; "
            "take the mean or the sum over the batch"
        )


def _ends(graph: Graph) -> Ends:
    inner = [x.requires_grad and not x.is_leaf for x in graph]
    return tuple(
        get_gradient_edge(x) if hidden else x
        for x, hidden in zip(graph, inner, strict=True)
    )


def pull_back(
    outputs: Sequence[Tensor | GradientEdge], leaves: dict[str, Tensor], v: Tensor
) -> Tensor:
    """Return the transposed Jacobian of outputs, laid end to end, times v: flat."""
    shapes = [_shape(o) for o in outputs]
    parts = v.split([shape.numel() for shape in shapes])
    live = [  # of either kind, though torch's types ask for one
        (cast(Tensor, o), part.view(shape))
        for o, part, shape in zip(outputs, parts, shapes, strict=True)
        if isinstance(o, GradientEdge) or o.requires_grad
    ]
    inputs = tuple(leaves.values())
    if not live:  # the outputs do not depend on the parameters
        return torch.cat([torch.zeros_like(p).reshape(-1) for p in inputs]).detach()
    found = torch.autograd.grad(
        [o for o, _ in live],
        inputs,
        grad_outputs=[part for _, part in live],
        retain_graph=True,
        materialize_grads=True,
    )
    return torch.cat([f.reshape(-1) for f in found]).detach()


def _shape(end: Tensor | GradientEdge) -> torch.Size:
    if isinstance(end, Tensor):
        return end.shape
    return torch.Size(end.node._input_metadata[end.output_nr].shape)


def graph_bytes(build: Callable[[], object], leaves: dict[str, Tensor]) -> int:
    """Return the memory that a graph holds on to besides the parameters."""
    own = {p.untyped_storage().data_ptr() for p in leaves.values()}
    held: dict[int, int] = {}

    def note(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage.nbytes()
        return x.detach()  # the graph is thrown away: no cycle through its outputs

    with differentiable():
        try:
            with saved_tensors_hooks(note, lambda x: x):
                build()
        except RuntimeError:  # torch.func within the loss refuses such hooks
            return saved_bytes(build(), own)
    return sum(held.values())
