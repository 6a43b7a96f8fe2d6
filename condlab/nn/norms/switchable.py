"""Normalisations that learn which statistics to use."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from condlab.nn.norms._channels import affine, per_channel, update_average


class SwitchableNorm(nn.Module):
    r"""Mix the statistics of instance, layer and batch norm by learned weights.

    .. math:: y = \gamma \frac{x - \sum_k w_k \mu_k}{\sqrt{\sum_k w'_k \sigma_k^2 +
       \epsilon}} + \beta, \quad k \in \{\mathrm{IN}, \mathrm{LN}, \mathrm{BN}\}

    with w and w' each the softmax [1]_ of three parameters, or their sparsestmax [2]_,
    which is zero on all but one of them when its radius has grown to
    :math:`\sqrt{2/3}`. In evaluation the batch's statistics are moving averages.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, H, W).
    switch : {"softmax", "sparsestmax"}
        From parameters to weights.
    radius : float
        Of sparsestmax; an attribute to be raised from 0 during training.
    eps, momentum : float
        As for `torch.nn.BatchNorm2d`.

    References
    ----------
    .. [1] P. Luo, J. Ren, Z. Peng, R. Zhang and J. Li, "Differentiable
       learning-to-normalize via switchable normalization", ICLR 2019, eqs 2 to 5.
    .. [2] W. Shao et al., "SSN: learning sparse switchable normalization via
       SparsestMax", CVPR 2019, section 3.

    Examples
    --------
    >>> layer = SwitchableNorm(3)
    >>> with torch.no_grad():
    ...     _ = layer.mean_switch.copy_(torch.tensor([0.0, 0.0, 99.0]))
    ...     _ = layer.var_switch.copy_(torch.tensor([0.0, 0.0, 99.0]))
    >>> x = torch.randn(4, 3, 5, 5)
    >>> torch.allclose(layer(x), nn.BatchNorm2d(3)(x), atol=1e-5)
    True
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        *,
        switch: Literal["softmax", "sparsestmax"] = "softmax",
        radius: float = 0.0,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        super().__init__()
        if switch not in ("softmax", "sparsestmax"):
            raise ValueError(
                f"switch must be 'softmax' or 'sparsestmax', got {switch!r}"
            )
        self.switch, self.radius = switch, radius
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.mean_switch = nn.Parameter(torch.ones(3))
        self.var_switch = nn.Parameter(torch.ones(3))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, H, W)."""
        means, variances = self._statistics(x)
        mean = _mix(self._weights(self.mean_switch), means)
        var = _mix(self._weights(self.var_switch), variances)
        x = (x - per_channel(mean, x)) / per_channel((var + self.eps).sqrt(), x)
        return affine(x, self.weight, self.bias)

    def _statistics(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return (N, C), (N, 1) and (1, C): of each channel, example and batch."""
        z = x.flatten(2)
        mean_in, var_in = z.mean(2), z.var(2, correction=0)
        mean_ln, var_ln = _pooled(mean_in, var_in, axis=1)
        if self.training:
            mean_bn, var_bn = _pooled(mean_in, var_in, axis=0)
            update_average(self.running_mean, mean_bn[0], self.momentum)
            update_average(self.running_var, var_bn[0], self.momentum)
        else:
            mean_bn, var_bn = self.running_mean[None], self.running_var[None]
        return [mean_in, mean_ln, mean_bn], [var_in, var_ln, var_bn]

    def _weights(self, parameters: Tensor) -> Tensor:
        if self.switch == "softmax":
            return parameters.softmax(0)
        return sparsestmax(parameters, self.radius)


def _pooled(mean: Tensor, var: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Return the statistics of the union of equally large samples along an axis."""
    pooled = mean.mean(axis, keepdim=True)
    between = (mean - pooled).square().mean(axis, keepdim=True)
    return pooled, var.mean(axis, keepdim=True) + between


def _mix(weights: Tensor, parts: list[Tensor]) -> Tensor:
    return weights[0] * parts[0] + weights[1] * parts[1] + weights[2] * parts[2]


def sparsemax(z: Tensor) -> Tensor:
    """Return the point of the probability simplex nearest to z, shape (n,).

    References
    ----------
    .. [1] A. F. T. Martins and R. F. Astudillo, "From softmax to sparsemax", ICML
       2016, Algorithm 1.

    Examples
    --------
    >>> sparsemax(torch.tensor([1.5, 1.0, 0.0]))
    tensor([0.7500, 0.2500, 0.0000])
    """
    ordered = z.sort(descending=True).values
    excess = (ordered.cumsum(0) - 1) / torch.arange(1, len(z) + 1, device=z.device)
    support = int((ordered > excess).sum())
    return (z - excess[support - 1]).clamp_min(0)


def sparsestmax(z: Tensor, radius: float) -> Tensor:
    """Return a point of the simplex at least `radius` from its centre, nearest to z.

    Parameters
    ----------
    z : Tensor, shape (n,)
        Where all its entries are equal, the centre is returned at any radius.
    radius : float
        0 gives sparsemax; the radius of the simplex's circumscribed ball, or more, a
        vertex.

    References
    ----------
    .. [1] W. Shao et al., "SSN: learning sparse switchable normalization via
       SparsestMax", CVPR 2019, Algorithm 1.

    Examples
    --------
    >>> sparsestmax(torch.tensor([0.5, 0.3, 0.2]), math.sqrt(2 / 3)).round(decimals=5)
    tensor([1., 0., 0.])
    """
    p = sparsemax(z)
    face = (p.detach() > 0).to(z.dtype)
    centre = face / face.sum()
    distance = (p - centre).norm()
    length = float(distance.detach())
    # A face's own circle is what the sphere around the simplex's centre cuts from it.
    offset = centre - 1 / len(z)
    rest = max(0.0, radius**2 - float(offset @ offset))
    if length == 0 or length >= math.sqrt(rest):
        return p
    p = centre + math.sqrt(rest) * (p - centre) / distance
    return p if bool((p >= 0).all()) else sparsestmax(p, radius)
