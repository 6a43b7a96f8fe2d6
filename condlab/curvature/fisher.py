"""The empirical Fisher matrix: the second moment of the samples' gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.utils._pytree import tree_leaves, tree_map

from condlab.curvature._point import Point
from condlab.curvature._probe import only
from condlab.curvature.backends import Kept, differentiable, gradient_graph
from condlab.curvature.losses import Loss, batch_size
from condlab.curvature.operator import CurvatureOperator


def empirical_fisher(
    loss: Loss,
    params: Mapping[str, Tensor],
    batches: Iterable[Any],
    *,
    weights: Sequence[float] | None = None,
    memory: float | None = None,
) -> CurvatureOperator:
    """Return the mean of g g' over the samples, with g the gradient of one's loss.

    Parameters
    ----------
    loss : callable
        As of `HessianOperator`; that of a batch must be the mean over its samples.
    params, batches, weights, memory
        As of `HessianOperator`. All tensors of a batch run over its samples.

    Returns
    -------
    CurvatureOperator
        Positive semidefinite, of rank at most the number of samples. It takes the
        given targets, and so is the Fisher matrix only where the model is right.

    Raises
    ------
    ValueError
        As of `HessianOperator`, or if samples share more than their mean.

    References
    ----------
    .. [1] F. Kunstner, L. Balles and P. Hennig, "Limitations of the empirical Fisher
       approximation for natural gradient descent", NeurIPS 2019, Equation 3.

    Examples
    --------
    >>> def loss(params, x):
    ...     return (x * params["w"]).sum(dim=1).mean()
    >>> x = torch.tensor([[1.0, 0.0], [1.0, 2.0]])
    >>> empirical_fisher(loss, {"w": torch.ones(2)}, [x]).dense()
    tensor([[1., 1.],
            [1., 2.]])
    """
    point = Point.of(loss, params, batches, weights, memory)
    gradients = _sample_gradients(point)
    sizes = _row_bytes(point)
    backend = FisherProduct(gradients, Kept(point.memory, sizes))

    def remake(loss: Loss, params: dict[str, Tensor]) -> CurvatureOperator:
        return empirical_fisher(loss, params, point.data, memory=memory)

    return CurvatureOperator(point, only(point, backend), remake)


class FisherProduct:
    """Multiply with G'G / B, the rows of G being the gradients of B samples."""

    def __init__(self, gradients: Any, kept: Kept) -> None:
        self._gradients, self._kept = gradients, kept

    @property
    def name(self) -> str:
        """Return what is done."""
        return f"gradients of samples, {self._kept.share()}"

    def product(self, i: int, batch: Any, rows: Tensor) -> Tensor:
        """Return the product of the matrix of batch i with each row."""
        G = self._kept.get(i, lambda: self._gradients(batch))
        return (rows @ G.T) @ G / len(G)


def _row_bytes(point: Point) -> list[float]:
    """Return the bytes of each batch's gradients, from the first by their weights."""
    weights = point.data.weights
    first = batch_size(point.data.first) * point.flat.size * point.flat.dtype.itemsize
    return [first * (w / weights[0] if weights[0] else 1.0) for w in weights]


def _sample_gradients(point: Point) -> Any:
    """Return a way to the gradients of a batch's samples, all at once if it works."""

    def at_once(batch: Any) -> Tensor:
        with differentiable():
            each = vmap(grad(one), in_dims=(None, 0))(point.params, batch)
        return _join(each, point).detach()

    def one(params: dict[str, Tensor], sample: Any) -> Tensor:
        return point.loss(params, tree_map(lambda x: x.unsqueeze(0), sample))

    def one_by_one(batch: Any) -> Tensor:
        return torch.stack([by_sample(batch, i) for i in range(batch_size(batch))])

    def by_sample(batch: Any, i: int) -> Tensor:
        sample = tree_map(lambda x: x[i : i + 1], batch)
        with differentiable():
            parts = gradient_graph(point.loss, point.leaves, sample, again=False)[1]
        return torch.cat([p.reshape(-1) for p in parts])

    _require_samples(point.data.first)
    expected = _mean_gradient(point)
    slow = one_by_one(point.data.first)
    _require_mean(slow, expected)
    try:
        fast = at_once(point.data.first)
    except (RuntimeError, NotImplementedError):  # torch cannot batch some layer
        return one_by_one
    return at_once if _near(fast, slow) else one_by_one


def _join(each: dict[str, Tensor], point: Point) -> Tensor:
    return torch.cat([each[n].flatten(1) for n in point.flat.shapes], dim=1)


def _mean_gradient(point: Point) -> Tensor:
    with differentiable():
        parts = gradient_graph(point.loss, point.leaves, point.data.first, again=False)[
            1
        ]
    return torch.cat([p.reshape(-1) for p in parts])


def _near(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).norm() <= 10 * torch.finfo(a.dtype).eps ** 0.5 * b.norm())


def _require_mean(G: Tensor, expected: Tensor) -> None:
    gap = (G.mean(dim=0) - expected).norm()
    if not gap <= 10 * torch.finfo(G.dtype).eps ** 0.5 * G.norm():
        raise ValueError(
            "the loss of a batch must be the mean over its samples, but its gradient "
            f"differs from the mean of theirs by {float(gap):.1e}; use a mean "
            "reduction, and nothing that couples samples"
        )


def _require_samples(batch: Any) -> None:
    lengths = {
        len(x) if isinstance(x, Tensor) and x.ndim else None for x in tree_leaves(batch)
    }
    if len(lengths) > 1 or None in lengths:
        raise ValueError(
            "all of a batch must be tensors that run over the samples, got lengths "
            f"{sorted(map(str, lengths))}"
        )
