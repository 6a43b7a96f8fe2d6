"""Normalisations by statistics of the batch, beyond torch's own batch norm."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from condlab.nn.norms._channels import (
    affine,
    channel_mean,
    fitting_groups,
    need_two,
    per_channel,
    update_average,
)


class BatchGroupNorm(nn.Module):
    r"""Normalise by statistics over some examples, some channels and all positions.

    Within each chunk of `examples` examples and each group of channels,
    :math:`y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta` with biased
    variance. One channel a group is ghost batch norm, one example group norm, the
    whole batch and one channel batch norm. In evaluation, with the example's own
    moments :math:`m_1, m_2` of each group and the moving averages :math:`M_1, M_2`,

    .. math:: \mu = \alpha m_1 + (1 - \alpha) M_1, \quad
       \sigma^2 = \alpha m_2 + (1 - \alpha) M_2 - \mu^2.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, ...).
    groups : int, optional
        Groups of channels, or their greatest common divisor with C. By default C.
    examples : int
        Size of a chunk. Where it does not divide N, the batch is cut into
        ``max(1, N // examples)`` chunks of nearly equal size, so that no chunk is
        smaller; the source asks for divisibility.
    example_weight : float
        :math:`\alpha`, to be chosen on validation data; 0, the default, leaves the
        example out.
    eps, momentum : float
        As for `torch.nn.BatchNorm2d`; the source's moving averages keep 0.99 a step,
        momentum 0.01.
    affine : bool
        Whether :math:`\gamma` and :math:`\beta`, one a channel, are learned.

    References
    ----------
    .. [1] C. Summers and M. J. Dinneen, "Four things everyone should know to improve
       batch normalization", ICLR 2020, sections 3.1, 3.2 and 3.4.
    .. [2] E. Hoffer, I. Hubara and D. Soudry, "Train longer, generalize better",
       NeurIPS 2017, section 4 (ghost batch norm).

    Examples
    --------
    >>> x = torch.randn(6, 4, 5, 5)
    >>> y = BatchGroupNorm(4, examples=2)(x)
    >>> bool(y[:2].mean(dim=(0, 2, 3)).abs().max() < 1e-6)  # chunk by chunk
    True
    """

    running_mean: Tensor
    running_square: Tensor

    def __init__(
        self,
        channels: int,
        *,
        groups: int | None = None,
        examples: int = 16,
        example_weight: float = 0.0,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
    ) -> None:
        super().__init__()
        if examples < 1:
            raise ValueError(f"a chunk needs at least one example, got {examples}")
        self.groups = fitting_groups(channels if groups is None else groups, channels)
        self.examples, self.example_weight = examples, example_weight
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_square", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, ...)."""
        if self.training:
            update_average(self.running_mean, channel_mean(x), self.momentum)
            update_average(self.running_square, channel_mean(x * x), self.momentum)
            chunks = x.tensor_split(max(1, len(x) // self.examples))
            x = torch.cat([self._by_own_statistics(chunk) for chunk in chunks])
        else:
            x = self._by_moving_averages(x)
        return affine(x, self.weight, self.bias)

    def _by_own_statistics(self, x: Tensor) -> Tensor:
        z = x.reshape(len(x), self.groups, -1)
        need_two(z.shape[0] * z.shape[2])
        mean = z.mean(dim=(0, 2), keepdim=True)
        z = z - mean
        var = (z * z).mean(dim=(0, 2), keepdim=True)
        return (z / (var + self.eps).sqrt()).reshape(x.shape)

    def _by_moving_averages(self, x: Tensor) -> Tensor:
        z = x.reshape(len(x), self.groups, -1)
        alpha = self.example_weight
        mean = alpha * z.mean(2) + (1 - alpha) * self._by_group(self.running_mean)
        square = alpha * (z * z).mean(2) + (1 - alpha) * self._by_group(
            self.running_square
        )
        # Averages of moments at different steps need not obey Jensen's inequality.
        var = (square - mean * mean).clamp_min(0)
        z = (z - mean[:, :, None]) / (var + self.eps).sqrt()[:, :, None]
        return z.reshape(x.shape)

    def _by_group(self, v: Tensor) -> Tensor:
        return v.reshape(self.groups, -1).mean(dim=1)


class BatchChannelNorm(nn.Module):
    r"""Batch norm, then group norm with a scale and shift for each group.

    With ``estimate=True`` the first step uses, instead of the batch's statistics, the
    moving estimates of them, which no gradient passes:
    :math:`\hat\mu \leftarrow \hat\mu + r(\mu_B - \hat\mu)` and
    :math:`\hat\sigma^2 \leftarrow \hat\sigma^2 + r(\sigma_B^2 - \hat\sigma^2)`, where
    :math:`\sigma_B^2` is taken about the old :math:`\hat\mu`. That is meant for
    batches of one or two.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, H, W).
    groups : int
        32 in the source; its greatest common divisor with C is used.
    estimate : bool
        Whether to normalise by moving estimates in training.
    eps, momentum : float
        Momentum is r.

    References
    ----------
    .. [1] S. Qiao, H. Wang, C. Liu, W. Shen and A. Yuille, "Micro-batch training with
       batch-channel normalization and weight standardization", arXiv:1903.10520v2,
       section 4.

    Examples
    --------
    >>> y = BatchChannelNorm(8, groups=4)(torch.randn(2, 8, 6, 6))
    >>> bool(y.reshape(2, 4, -1).mean(2).abs().max() < 1e-6)
    True
    """

    def __init__(
        self,
        channels: int,
        *,
        groups: int = 32,
        estimate: bool = False,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        super().__init__()
        self.groups, self.eps = fitting_groups(groups, channels), eps
        first = _EstimatedBatchNorm if estimate else nn.BatchNorm2d
        self.batch = first(channels, eps=eps, momentum=momentum)
        self.weight = nn.Parameter(torch.ones(self.groups))
        self.bias = nn.Parameter(torch.zeros(self.groups))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, H, W)."""
        z = self.batch(x).reshape(len(x), self.groups, -1)
        z = nn.functional.group_norm(z, self.groups, eps=self.eps)
        return affine(z, self.weight, self.bias).reshape(x.shape)


class _EstimatedBatchNorm(nn.Module):
    """Batch norm by moving estimates, in training too."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float, momentum: float) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            about = x.detach() - per_channel(self.running_mean, x)
            update_average(self.running_mean, channel_mean(x), self.momentum)
            update_average(self.running_var, channel_mean(about * about), self.momentum)
        std = (self.running_var + self.eps).sqrt()
        x = (x - per_channel(self.running_mean, x)) / per_channel(std, x)
        return affine(x, self.weight, self.bias)


def decay_groups(
    module: nn.Module, weight_decay: float, *, decay_affine: bool = True
) -> list[dict[str, Any]]:
    """Return an optimiser's parameter groups, with or without decay of scale and shift.

    Summers and Dinneen (2020, section 3.3) find that decaying the scale and shift of
    normalisations like all weights helps some networks; many codes leave them out.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    weight_decay : float
        For every parameter of two axes or more.
    decay_affine : bool
        Whether it is also for those of one axis: scales, shifts and biases.

    Returns
    -------
    list of dict
        Two groups, "params" and "weight_decay" each.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3))
    >>> groups = decay_groups(net, 5e-4, decay_affine=False)
    >>> [(len(group["params"]), group["weight_decay"]) for group in groups]
    [(1, 0.0005), (2, 0.0)]
    """
    learned = [p for p in module.parameters() if p.requires_grad]
    arrays = [p for p in learned if p.ndim >= 2]
    lines = [p for p in learned if p.ndim < 2]
    return [
        {"params": arrays, "weight_decay": weight_decay},
        {"params": lines, "weight_decay": weight_decay if decay_affine else 0.0},
    ]
