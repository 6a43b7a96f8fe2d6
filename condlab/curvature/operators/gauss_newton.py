"""The generalised Gauss-Newton matrix: curvature of the criterion alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from condlab.curvature.evaluation._check import Seen
from condlab.curvature.evaluation.backends import (
    Kept,
    backwards,
    differentiable,
    pull_back,
    stack,
)
from condlab.curvature.evaluation.losses import Batch, Loss, ModelLoss
from condlab.curvature.operators._outputs import Outputs, require_all
from condlab.curvature.operators._point import Point, in_double
from condlab.curvature.operators._probe import graph_sizes, only
from condlab.curvature.operators.operator import CurvatureOperator


def gauss_newton(
    loss: Loss,
    params: Mapping[str, Tensor],
    batches: Iterable[Batch],
    *,
    weights: Sequence[float] | None = None,
    memory: float | None = None,
) -> CurvatureOperator:
    """Return the mean of J' C J, with J the outputs' Jacobian and C of the criterion.

    Parameters
    ----------
    loss : ModelLoss
        Outputs and criterion apart, as `make_loss` gives them. Of outputs that are a
        structure, all tensors count that the criterion uses.
    params, batches, weights, memory
        As of `HessianOperator`.

    Returns
    -------
    CurvatureOperator
        Positive semidefinite where the criterion is convex. It is the Hessian of the
        loss with the model taken to be linear, and the Fisher matrix where the
        criterion is the log-likelihood of its canonical parameters.

    Raises
    ------
    ValueError
        As of `HessianOperator`, or if `loss` does not say what its outputs are.

    References
    ----------
    .. [1] N. N. Schraudolph, "Fast curvature matrix-vector products for second-order
       gradient descent", Neural Computation 14(7), 2002, Section 3.

    Examples
    --------
    >>> from condlab.curvature import make_loss
    >>> loss = make_loss(torch.nn.Linear(1, 1, bias=False), torch.nn.MSELoss())
    >>> batch = torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1)
    >>> gauss_newton(loss, {"weight": torch.ones(1, 1)}, [batch]).dense()
    tensor([[10.]])
    """
    if not isinstance(loss, ModelLoss):
        raise ValueError(  # noqa: TRY004
            "the Gauss-Newton matrix needs a model's outputs and a criterion apart, "
            f"got {type(loss).__name__}; make the loss with make_loss or ModelLoss"
        )
    point = Point.of(loss, params, batches, weights, memory, in_parts=True)
    with differentiable():
        require_all(loss, point.leaves, point.data.sample[1])
    sizes = graph_sizes(point, partial(_graph, loss, point.leaves))
    backend = GaussNewtonProduct(loss, point.leaves, Kept(point.memory, sizes))

    def remake(loss: Loss, params: dict[str, Tensor]) -> CurvatureOperator:
        return gauss_newton(loss, params, point.data, memory=memory)

    return CurvatureOperator(point, only(point, backend, backend.judge(point)), remake)


@dataclass(frozen=True, slots=True)
class _Graph:
    """Three linear maps as graphs: J, C and J'."""

    dual: dict[str, Tensor]  # u, in which the next is linear
    pulled: tuple[Tensor, ...]  # J'u
    outputs: Outputs  # as functions of the parameters, and C

    def curved(self, v: Tensor) -> Tensor:
        """Return C J v."""
        return self.outputs.curve(pull_back(self.pulled, self.dual, v))


def _graph(loss: ModelLoss, leaves: dict[str, Tensor], batch: Batch) -> _Graph:
    outputs = Outputs.of(loss, leaves, batch)
    dual = {
        name: torch.zeros_like(z, requires_grad=True)
        for name, z in outputs.free.items()
    }
    live = [
        (z, u)
        for z, u in zip(outputs.parts, dual.values(), strict=True)
        if z.requires_grad
    ]
    if not live:
        return _Graph(
            dual, tuple(torch.zeros_like(p) for p in leaves.values()), outputs
        )
    pulled = torch.autograd.grad(
        [z for z, _ in live],
        tuple(leaves.values()),
        grad_outputs=[u for _, u in live],
        create_graph=True,
        materialize_grads=True,
    )
    return _Graph(dual, pulled, outputs)


class GaussNewtonProduct:
    """Multiply with J, C and J', each by one backward pass."""

    def __init__(
        self, loss: ModelLoss, leaves: dict[str, Tensor], kept: Kept[_Graph]
    ) -> None:
        self._loss, self._leaves, self._kept = loss, leaves, kept

    @property
    def name(self) -> str:
        """Return what is done, given the budget."""
        return f"Gauss-Newton, {self._kept.share()}"

    def product(self, i: int, batch: Batch, rows: Tensor) -> Tensor:
        """Return the product of the matrix of batch i with each row."""
        with backwards():
            graph = self._graph(i, batch)
            if not graph.dual:  # the criterion uses no outputs
                return torch.zeros_like(rows)
            curved = [graph.curved(v) for v in rows]
            parts = graph.outputs.parts
            return stack([pull_back(parts, self._leaves, c) for c in curved])

    def judge(self, point: Point) -> Callable[[Tensor], Seen]:
        """Return a check of C J v against differences of the criterion's gradient.

        Along theta + tv the criterion's gradient by the outputs has the derivative
        C J v, so that two passes forward tell, and no derivative of the model.
        """
        i, first = point.data.sample

        def slope(at: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
            with differentiable():
                found = Outputs.of(self._loss, at, batch).slope
            flat = torch.cat([s.detach().reshape(-1) for s in found])
            return flat.new_zeros(()), flat

        def wide(at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            return slope(*in_double(self._loss, at, first))

        def judge(_: Tensor) -> Seen:
            with differentiable():
                graph = self._graph(i, first)
                if not graph.dual:
                    return Seen(0.0)
                check = point.check.of(lambda at: slope(at, first), wide)
                seen, off = check.compare(graph.curved(check.rows[0]))
                pulled = pull_back(
                    graph.outputs.parts, self._leaves, off.to(point.flat.dtype)
                )
            return Seen(float(pulled.norm()), seen.refused)

        return judge

    def _graph(self, i: int, batch: Batch) -> _Graph:
        def build() -> _Graph:
            with differentiable():
                return _graph(self._loss, self._leaves, batch)

        return self._kept.get(i, build)
