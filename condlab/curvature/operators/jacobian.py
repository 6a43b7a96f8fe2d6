"""The Jacobian of a model's outputs, and the tangent kernel that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial

import torch
from torch import Tensor

from condlab.curvature.evaluation._trees import Structure
from condlab.curvature.evaluation._twice import differentiable
from condlab.curvature.evaluation.backends import Kept, pull_back
from condlab.curvature.evaluation.losses import Batch, Loss, ModelLoss
from condlab.curvature.operators._point import Point
from condlab.curvature.operators._probe import graph_sizes
from condlab.spectra.assembly import symmetrise
from condlab.spectra.linear_map import LinearMap


def jacobian(
    loss: Loss,
    params: Mapping[str, Tensor],
    batches: Iterable[Batch],
    *,
    memory: float | None = None,
) -> LinearMap:
    """Return the derivatives of all outputs by all parameters, as an operator.

    Parameters
    ----------
    loss : ModelLoss
        Of which the outputs are taken, as `make_loss` makes it.
    params, batches, memory
        As of `HessianOperator`.

    Returns
    -------
    LinearMap, shape (m, n)
        A row for each output of each sample, batch after batch: the outputs laid out as
        ``outputs.reshape(-1)``, those of a structure one tensor after another. A
        product with it and one with its transpose each take one backward pass a vector.

    Raises
    ------
    ValueError
        As of `HessianOperator`, if `loss` does not say what its outputs are, or the
        products from the two sides do not agree.

    References
    ----------
    .. [1] B. Christianson, "Automatic Hessians by reverse accumulation", IMA J. Numer.
       Anal. 12(2), 1992 (products with J from the transpose of those with J').

    Examples
    --------
    >>> from condlab.curvature import make_loss
    >>> loss = make_loss(torch.nn.Linear(2, 1), torch.nn.MSELoss())
    >>> batch = torch.tensor([[1.0, 3.0], [5.0, 7.0]]), torch.zeros(2, 1)
    >>> params = {"weight": torch.ones(1, 2), "bias": torch.ones(1)}
    >>> jacobian(loss, params, [batch]).dense()
    tensor([[1., 3., 1.],
            [5., 7., 1.]])
    """
    if not isinstance(loss, ModelLoss):
        raise ValueError(  # noqa: TRY004
            "the Jacobian needs a model's outputs and a criterion apart, got "
            f"{type(loss).__name__}; make the loss with make_loss or ModelLoss"
        )
    point = Point.of(loss, params, batches, None, memory)
    maps = OutputMaps(point, loss)
    m, n, flat = maps.size, point.flat.size, point.flat
    J = LinearMap((m, n), flat.dtype, flat.device, maps.push, maps.pull)
    _require_adjoint(J)
    return J


def tangent_kernel(
    loss: Loss,
    params: Mapping[str, Tensor],
    batches: Iterable[Batch],
    *,
    memory: float | None = None,
) -> LinearMap:
    """Return the empirical neural tangent kernel J J' of all outputs, as an operator.

    Parameters
    ----------
    loss, params, batches, memory
        As of `jacobian`.

    Returns
    -------
    LinearMap, shape (m, m)
        Symmetric and positive semidefinite: an operator for `spectrum`, `condition`,
        `density` and `solve`. Its eigenvalues, but for zeros, are those of J'J.

    Raises
    ------
    ValueError
        As of `jacobian`.

    References
    ----------
    .. [1] A. Jacot, F. Gabriel and C. Hongler, "Neural tangent kernel: convergence and
       generalization in neural networks", NeurIPS 2018, Section 4.

    Examples
    --------
    >>> from condlab.curvature import make_loss
    >>> loss = make_loss(torch.nn.Linear(2, 1, bias=False), torch.nn.MSELoss())
    >>> batch = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.zeros(2, 1)
    >>> tangent_kernel(loss, {"weight": torch.ones(1, 2)}, [batch]).dense()
    tensor([[5., 2.],
            [2., 1.]])
    """
    J = jacobian(loss, params, batches, memory=memory)

    def multiply(V: Tensor) -> Tensor:
        return J @ (J.T @ V)

    def whole() -> Tensor:
        """Return J J' from the rows of J where there is room for them."""
        try:
            rows = J.T.dense()
        except MemoryError:
            return replace(kernel, whole=None).dense()
        K = rows.T @ rows
        symmetrise(K)
        return K

    m = J.shape[0]
    kernel = LinearMap(
        (m, m), J.dtype, J.device, multiply, multiply, symmetric=True, whole=whole
    )
    return kernel


class OutputMaps:
    """Products with J and J' of all batches, J being that of the outputs."""

    def __init__(self, point: Point, loss: ModelLoss) -> None:
        self._point, self._loss = point, loss
        sizes = graph_sizes(point, self._graph)
        self._kept = Kept[OutputGraph](point.memory, sizes)
        self._sizes = []
        for _, batch, _ in point.data:
            with differentiable():
                self._sizes.append(flat_outputs(loss, point.params, batch).numel())

    @property
    def size(self) -> int:
        """Return how many outputs there are."""
        return sum(self._sizes)

    def push(self, V: Tensor) -> Tensor:
        """Return J V, shape (m, k)."""
        parts = []
        for i, batch, _ in self._point.data:
            with differentiable():
                graph = self._kept.get(i, partial(self._graph, batch))
                rows = [graph.push(v) for v in V.T]
            parts.append(torch.stack(rows, dim=1))
        return torch.cat(parts)

    def pull(self, U: Tensor) -> Tensor:
        """Return J' U, shape (n, k)."""
        total = torch.zeros((self._point.flat.size, U.shape[1])).to(U)
        pieces = iter(U.split(self._sizes))
        for i, batch, _ in self._point.data:
            piece = next(pieces)
            with differentiable():
                graph = self._kept.get(i, partial(self._graph, batch))
                rows = [graph.pull(self._point.leaves, u) for u in piece.T]
            total += torch.stack(rows, dim=1)
        return total

    def _graph(self, batch: Batch) -> OutputGraph:
        leaves = self._point.leaves
        return OutputGraph.of(flat_outputs(self._loss, leaves, batch), leaves)


@dataclass(frozen=True, slots=True)
class OutputGraph:
    """The outputs of a batch as a graph, and J'u as a graph that is linear in u."""

    outputs: Tensor
    dual: Tensor
    pulled: tuple[Tensor, ...]

    @classmethod
    def of(cls, outputs: Tensor, leaves: dict[str, Tensor]) -> OutputGraph:
        """Return the graphs of outputs, shape (m,), of the parameters."""
        dual = torch.zeros_like(outputs, requires_grad=True)
        if not outputs.requires_grad:
            return cls(outputs, dual, tuple(map(torch.zeros_like, leaves.values())))
        pulled = torch.autograd.grad(
            outputs,
            tuple(leaves.values()),
            grad_outputs=dual,
            create_graph=True,
            materialize_grads=True,
        )
        return cls(outputs, dual, pulled)

    def push(self, v: Tensor) -> Tensor:
        """Return J v, shape (m,)."""
        return pull_back(self.pulled, {"u": self.dual}, v)

    def pull(self, leaves: dict[str, Tensor], u: Tensor) -> Tensor:
        """Return J' u, shape (n,)."""
        return pull_back((self.outputs,), leaves, u)


def flat_outputs(loss: ModelLoss, params: dict[str, Tensor], batch: Batch) -> Tensor:
    """Return all real floating outputs of a batch, laid end to end."""
    parts = [z.reshape(-1) for z in _tensors(loss.outputs(params, batch))]
    if not parts:
        raise ValueError(
            "the model must give a real floating tensor, or a structure with one; let "
            "outputs(params, batch) return what is to be differentiated"
        )
    return torch.cat(parts)


def _tensors(tree: Structure) -> Iterable[Tensor]:
    if isinstance(tree, Tensor):
        yield from [tree] if tree.is_floating_point() else []
    elif isinstance(tree, Mapping):
        yield from (z for part in tree.values() for z in _tensors(part))
    elif isinstance(tree, (tuple, list)):
        yield from (z for part in tree for z in _tensors(part))
    elif is_dataclass(tree):
        yield from (z for f in fields(tree) for z in _tensors(getattr(tree, f.name)))


def _require_adjoint(J: LinearMap) -> None:
    """Raise ValueError unless u'(Jv) is (J'u)'v for a random pair."""
    generator = torch.Generator().manual_seed(3)
    u, v = (
        torch.randn(k, generator=generator, dtype=torch.float64)
        .to(J.dtype)
        .to(J.device)
        for k in J.shape
    )
    pushed, pulled = J @ v, J.T @ u
    gap = abs(float(u @ pushed) - float(pulled @ v))
    size = float(u.norm() * pushed.norm() + pulled.norm() * v.norm())
    if not gap <= 10 * torch.finfo(J.dtype).eps ** 0.5 * size:
        raise ValueError(
            "torch must differentiate the outputs twice, but u'(Jv) and (J'u)'v differ "
            f"by {gap:.1e} of {size:.1e}; look for a custom backward in the model"
        )
