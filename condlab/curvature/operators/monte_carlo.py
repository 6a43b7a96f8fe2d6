"""The Fisher matrix, with targets sampled from what the model predicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.evaluation._twice import differentiable
from condlab.curvature.evaluation.backends import Kept, stack
from condlab.curvature.evaluation.losses import Batch, Loss, ModelLoss
from condlab.curvature.operators._likelihood import Likelihood, likelihood
from condlab.curvature.operators._point import Point
from condlab.curvature.operators._probe import graph_sizes, only
from condlab.curvature.operators.jacobian import OutputGraph
from condlab.curvature.operators.operator import CurvatureOperator


def monte_carlo_fisher(
    loss: Loss,
    params: Mapping[str, Tensor],
    batches: Iterable[Batch],
    *,
    num_samples: int = 1,
    generator: torch.Generator | None = None,
    weights: Sequence[float] | None = None,
    memory: float | None = None,
) -> CurvatureOperator:
    """Return the mean of g g' with targets drawn from the model's own distribution.

    Parameters
    ----------
    loss : ModelLoss
        Of one output tensor, with a cross-entropy of logits (targets are then drawn
        from their softmax) or squared errors (from a normal distribution around the
        outputs). Class weights, ignored targets and label smoothing count as they do in
        the criterion.
    params, batches, weights, memory
        As of `HessianOperator`.
    num_samples : int
        Targets drawn for each sample; for each place where a class is predicted.
    generator : torch.Generator, optional
        Draws them; seeded with 0 by default. They are the same in every product, on
        every device, and however the batches are read.

    Returns
    -------
    CurvatureOperator
        Positive semidefinite. Its expectation over the draws is the Fisher matrix,
        which is `gauss_newton`'s; the standard error of each entry falls with the root
        of `num_samples`.

    Raises
    ------
    ValueError
        As of `gauss_newton`, or if the criterion is another one.

    References
    ----------
    .. [1] J. Martens, "New insights and perspectives on the natural gradient method",
       JMLR 21(146), 2020, Section 9.2.
    .. [2] F. Kunstner, L. Balles and P. Hennig, "Limitations of the empirical Fisher
       approximation for natural gradient descent", NeurIPS 2019, Equation 2.

    Examples
    --------
    >>> from condlab.curvature import gauss_newton, make_loss
    >>> loss = make_loss(torch.nn.Linear(1, 1, bias=False), torch.nn.MSELoss())
    >>> problem = loss, {"weight": torch.ones(1, 1)}, [(torch.ones(9, 1),) * 2]
    >>> gauss_newton(*problem).dense()
    tensor([[2.]])
    >>> F = monte_carlo_fisher(*problem, num_samples=10_000)
    >>> bool(abs(F.dense() - 2) < 3 * 2 * (2 / 9 / 10_000) ** 0.5)  # standard errors
    True
    """
    if not isinstance(loss, ModelLoss):
        raise ValueError(  # noqa: TRY004
            "the Fisher matrix needs a model's outputs and a criterion apart, got "
            f"{type(loss).__name__}; make the loss with make_loss or ModelLoss"
        )
    if num_samples < 1:
        raise ValueError(f"num_samples must be at least 1, got {num_samples}")
    generator = generator or torch.Generator().manual_seed(0)
    place = generator.device
    seed = int(torch.randint(2**62, (), generator=generator, device=place))
    return _made(loss, params, batches, weights, memory, num_samples, seed)


def _made(
    loss: ModelLoss,
    params: Mapping[str, Tensor],
    batches: Iterable[Batch],
    weights: Sequence[float] | None,
    memory: float | None,
    num_samples: int,
    seed: int,
) -> CurvatureOperator:
    point = Point.of(loss, params, batches, weights, memory)
    draw = Draw(loss, point.leaves, num_samples, seed)
    sizes = graph_sizes(point, lambda batch: draw.of(0, batch).graph)
    backend = MonteCarloProduct(draw, Kept(point.memory, sizes))

    def remake(loss: Loss, params: dict[str, Tensor]) -> CurvatureOperator:
        assert isinstance(loss, ModelLoss)
        return _made(loss, params, point.data, None, memory, num_samples, seed)

    return CurvatureOperator(point, only(point, backend), remake)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One batch: the outputs as a graph, and gradients by them for sampled targets."""

    graph: OutputGraph
    model: Likelihood
    residuals: Tensor


@dataclass(frozen=True, slots=True)
class Draw:
    """How targets of a batch are drawn, the same each time."""

    loss: ModelLoss
    leaves: dict[str, Tensor]
    num_samples: int
    seed: int

    def of(self, i: int, batch: Batch) -> Drawn:
        """Return what is drawn for batch number i."""
        outputs = self.loss.outputs(self.leaves, batch)
        if not isinstance(outputs, Tensor) or not outputs.ndim:
            raise ValueError(
                "the outputs must be one tensor of predictions, got "
                f"{type(outputs).__name__}; let outputs(params, batch) return it alone"
            )
        graph, z = OutputGraph.of(outputs.reshape(-1), self.leaves), outputs.detach()
        model = likelihood(lambda at: self.loss.criterion(at, batch), z)
        generator = torch.Generator().manual_seed((self.seed + i) % 2**63)
        return Drawn(graph, model, model.residuals(z, self.num_samples, generator))


class MonteCarloProduct:
    """Multiply with J, the mean of s s' over what was drawn, and J'."""

    def __init__(self, draw: Draw, kept: Kept[Drawn]) -> None:
        self._draw, self._kept = draw, kept

    @property
    def name(self) -> str:
        """Return what is done, given the budget."""
        return f"Fisher of {self._draw.num_samples} samples, {self._kept.share()}"

    def product(self, i: int, batch: Batch, rows: Tensor) -> Tensor:
        """Return the product of the matrix of batch i with each row."""
        with differentiable():
            drawn = self._kept.get(i, lambda: self._draw.of(i, batch))
            return stack([self._multiply(drawn, v) for v in rows])

    def _multiply(self, drawn: Drawn, v: Tensor) -> Tensor:
        u = drawn.graph.push(v).view_as(drawn.residuals[0])
        curved = drawn.model.curve(drawn.residuals, u)
        return drawn.graph.pull(self._draw.leaves, curved.reshape(-1))
