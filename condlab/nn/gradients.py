"""Gradient normalisation, in the two meanings the name has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from condlab.nn.maps.context import Context
from condlab.nn.norms._channels import unit


def normalise_gradient(x: Tensor, *, dim: int | None = None) -> Tensor:
    """Return x, and give what is propagated back through it unit 2-norm.

    Parameters
    ----------
    x : Tensor
        An activation.
    dim : int, optional
        The axis along which vectors are normalised; by default the whole of it.

    Returns
    -------
    Tensor
        A view of x. A zero gradient stays zero.

    Examples
    --------
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (3 * normalise_gradient(x)[0]).backward()
    >>> x.grad
    tensor([1., 0.])
    """
    return _NormaliseGradient.apply(x, dim)


class _Along(Context, Protocol):
    dim: int | None


class _NormaliseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Along, x: Tensor, dim: int | None) -> Tensor:
        ctx.dim = dim
        return x.view_as(x)

    @staticmethod
    def backward(ctx: _Along, gradient: Tensor) -> tuple[Tensor, None]:
        if ctx.dim is not None:
            return unit(gradient, ctx.dim), None
        return unit(gradient.flatten(), 0).view_as(gradient), None


@torch.no_grad()
def normalise_gradients_(
    parameters: Iterable[Tensor], by: Literal["all", "tensor", "row"] = "tensor"
) -> None:
    """Give gradients unit 2-norm, in place, between backward and the optimiser's step.

    Parameters
    ----------
    parameters : iterable of Tensor
        Those whose ``grad`` is None are passed over; a zero gradient stays zero.
    by : {"all", "tensor", "row"}
        What has norm one: all gradients together (normalised gradient descent), each
        tensor's [1]_, or that of each index of each tensor's first axis.

    References
    ----------
    .. [1] A. W. Yu, L. Huang, Q. Lin, R. Salakhutdinov and J. Carbonell,
       "Block-normalized gradient method", arXiv:1707.04822, Algorithm 1.

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> layer(torch.ones(1, 2)).sum().backward()
    >>> normalise_gradients_(layer.parameters())
    >>> layer.weight.grad.norm().round(decimals=4)
    tensor(1.)
    """
    if by not in ("all", "tensor", "row"):
        raise ValueError(f"by must be 'all', 'tensor' or 'row', got {by!r}")
    gradients = [p.grad for p in parameters if p.grad is not None]
    if by == "all" and gradients:
        total = torch.stack([torch.linalg.vector_norm(g) for g in gradients]).norm()
        for g in gradients:
            g.div_(torch.where(total > 0, total, 1.0))
        return
    for g in gradients:
        lines = g.reshape(len(g), -1) if by == "row" and g.ndim else g.reshape(1, -1)
        g.copy_(unit(lines).reshape(g.shape))


@torch.no_grad()
def centralise_gradients_(parameters: Iterable[Tensor]) -> None:
    """Subtract the mean of each row from gradients of two axes or more, in place.

    Parameters
    ----------
    parameters : iterable of Tensor
        Those of one axis, or whose ``grad`` is None, are passed over.

    References
    ----------
    .. [1] H. Yong, J. Huang, X. Hua and L. Zhang, "Gradient centralization", ECCV
       2020, eq. 1.

    Examples
    --------
    >>> weight = torch.zeros(1, 2, requires_grad=True)
    >>> (weight @ torch.tensor([1.0, 3.0])).backward()
    >>> centralise_gradients_([weight])
    >>> weight.grad
    tensor([[-1.,  1.]])
    """
    for p in parameters:
        if p.grad is not None and p.ndim > 1:
            p.grad.sub_(p.grad.mean(dim=list(range(1, p.ndim)), keepdim=True))


class GradNorm(nn.Module):
    r"""Balance the losses of several tasks by the sizes of their gradients.

    With :math:`G_i = \|\nabla_W w_i L_i\|_2` at the last shared layer W, their mean
    :math:`\bar G` and the relative inverse training rates
    :math:`r_i = (L_i / L_i^0) / \mathrm{mean}_j (L_j / L_j^0)`, the weights w descend
    on

    .. math:: L_{grad} = \sum_i |G_i - \bar G \, r_i^\alpha|

    with the targets :math:`\bar G r_i^\alpha` held constant, and are then scaled so
    that they sum to the number of tasks.

    Parameters
    ----------
    num_tasks : int
        T; the weights start at 1.
    alpha : float
        How strongly slow tasks are favoured; 1.5 in most of the source's experiments,
        0.12 for tasks that are alike.

    References
    ----------
    .. [1] Z. Chen, V. Badrinarayanan, C.-Y. Lee and A. Rabinovich, "GradNorm: gradient
       normalization for adaptive loss balancing in deep multitask networks", ICML
       2018, eq. 2 and Algorithm 1.

    Examples
    --------
    >>> shared = torch.tensor([1.0], requires_grad=True)
    >>> balance = GradNorm(2)
    >>> losses = [shared.sum(), 9 * shared.sum()]
    >>> balance.objective(losses, losses, shared)  # G = (1, 9), targets (5, 5)
    tensor(8., grad_fn=<SumBackward0>)
    """

    def __init__(self, num_tasks: int, *, alpha: float = 1.5) -> None:
        super().__init__()
        self.alpha = alpha
        self.weights = nn.Parameter(torch.ones(num_tasks))

    def forward(self, losses: Sequence[Tensor]) -> Tensor:
        """Return the weighted sum of the losses, with the weights held constant."""
        return self.weights.detach() @ torch.stack(list(losses))

    def objective(
        self, losses: Sequence[Tensor], initial: Sequence[Tensor], shared: Tensor
    ) -> Tensor:
        """Return the loss of the weights, differentiable in them alone.

        Parameters
        ----------
        losses, initial : sequence of Tensor
            The tasks' losses now and at the start, scalars.
        shared : Tensor
            The weight of the last shared layer.
        """
        gradients = [
            torch.autograd.grad(loss, shared, retain_graph=True)[0] for loss in losses
        ]
        # w_i is a factor of the norm; so no second derivative is needed.
        norms = torch.stack([g.norm() for g in gradients]) * self.weights.abs()
        rates = torch.stack(list(losses)) / torch.stack(list(initial))
        rates = (rates / rates.mean()).detach()
        target = norms.detach().mean() * rates**self.alpha
        return (norms - target).abs().sum()

    @torch.no_grad()
    def rescale_(self) -> None:
        """Scale the weights to sum to their number, after each step."""
        self.weights.mul_(len(self.weights) / self.weights.sum())
