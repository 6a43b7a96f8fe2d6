"""The empirical Fisher matrix: the second moment of the samples' gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from torch import Tensor

from condlab.curvature.evaluation.backends import Kept
from condlab.curvature.evaluation.losses import Batch, Loss
from condlab.curvature.operators._point import Point
from condlab.curvature.operators._probe import only
from condlab.curvature.operators._samples import Rows, sample_rows
from condlab.curvature.operators._tokens import token_rows
from condlab.curvature.operators.operator import CurvatureOperator


def empirical_fisher(
    loss: Loss,
    params: Mapping[str, Tensor],
    batches: Iterable[Batch],
    *,
    weights: Sequence[float] | None = None,
    memory: float | None = None,
    per: Literal["sample", "token"] = "sample",
) -> CurvatureOperator:
    """Return the mean of g g' over samples or tokens, g the gradient of one's loss.

    Parameters
    ----------
    loss : callable
        As of `HessianOperator`; that of a batch must be the mean over its samples, or
        a mean or a sum that one of torch's loss functions takes of them.
    params, batches, weights, memory
        As of `HessianOperator`. All tensors of a batch run over its samples, but for
        those that all samples share, such as a mask with a first axis of length 1.
    per : {"sample", "token"}
        What has a gradient of its own. Where the loss is a mean over the tokens of all
        samples, "sample" takes that of the mean over a sample's tokens, and it counts
        as often as it has tokens; "token" takes that of each one, with a backward pass
        for each. A token is one place that is scored: one target of classes, one vector
        of features on the last axis.

    Returns
    -------
    CurvatureOperator
        The mean over what counts in the loss, each by its weight: by that of its class
        where the criterion has class weights, by 0 where the target is ignored. Of a
        loss that is a sum it is the sum. Positive semidefinite, of rank at most the
        number of samples or tokens. It takes the given targets, and so is the Fisher
        matrix only where the model is right.

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
    >>> import torch
    >>> def loss(params, x):
    ...     return (x * params["w"]).sum(dim=1).mean()
    >>> x = torch.tensor([[1.0, 0.0], [1.0, 2.0]])
    >>> empirical_fisher(loss, {"w": torch.ones(2)}, [x]).dense()
    tensor([[1., 1.],
            [1., 2.]])
    """
    if per not in ("sample", "token"):
        raise ValueError(f'per must be "sample" or "token", got {per!r}')
    point = Point.of(loss, params, batches, weights, memory)
    rows, count = sample_rows(point) if per == "sample" else token_rows(point)
    backend = FisherProduct(rows, per, Kept(point.memory, _row_bytes(point, count)))

    def remake(loss: Loss, params: dict[str, Tensor]) -> CurvatureOperator:
        return empirical_fisher(loss, params, point.data, memory=memory, per=per)

    return CurvatureOperator(point, only(point, backend), remake)


class FisherProduct:
    """Multiply with R' diag(w) R, the rows of R being gradients of a batch."""

    def __init__(self, rows: Rows, per: str, kept: Kept[tuple[Tensor, Tensor]]) -> None:
        self._rows, self._per, self._kept = rows, per, kept

    @property
    def name(self) -> str:
        """Return what is done."""
        return f"gradients of {self._per}s, {self._kept.share()}"

    def product(self, i: int, batch: Batch, rows: Tensor) -> Tensor:
        """Return the product of the matrix of batch i with each row."""
        R, weights = self._kept.get(i, lambda: self._rows(batch))
        return ((rows @ R.T) * weights) @ R


def _row_bytes(point: Point, count: int) -> list[float]:
    """Return the bytes of each batch's gradients, from the first by their sizes."""
    sizes, flat = point.data.sizes, point.flat
    first = count * flat.size * flat.dtype.itemsize
    return [first * size / max(1, sizes[0]) for size in sizes]
