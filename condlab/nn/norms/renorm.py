"""Batch renormalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from condlab.nn.norms._channels import (
    affine,
    channel_mean,
    need_two,
    per_channel,
    update_average,
)


class BatchRenorm(nn.Module):
    r"""Normalise by the batch, corrected towards the moving averages.

    .. math:: y = \gamma \left(\frac{x - \mu_B}{\sigma_B} r + d\right) + \beta, \quad
       r = \mathrm{clip}_{[1/r_{\max}, r_{\max}]}\frac{\sigma_B}{\sigma}, \quad
       d = \mathrm{clip}_{[-d_{\max}, d_{\max}]}\frac{\mu_B - \mu}{\sigma}

    with :math:`\sigma_B = \sqrt{\epsilon + \mathrm{var}_B}`, moving averages of
    :math:`\mu_B` and of :math:`\sigma_B` itself, and no gradient through r and d,
    which are computed and not learned. While both limits are trivial it is batch norm.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, ...).
    r_max, d_max : float
        Final limits; 3 and 5 in the source.
    warm_up : int
        Steps with r = 1 and d = 0; 5,000 in the source.
    r_steps, d_steps : int
        Steps at which the limits, growing linearly after the warm-up, are reached;
        40,000 and 25,000 in the source.
    eps, momentum : float
        The source's momentum is 0.01.
    affine : bool
        Whether :math:`\gamma` and :math:`\beta` are learned.

    References
    ----------
    .. [1] S. Ioffe, "Batch renormalization: towards reducing minibatch dependence in
       batch-normalized models", NeurIPS 2017, Algorithm 1 and section 4.

    Examples
    --------
    >>> x = torch.randn(8, 3, 4, 4)
    >>> torch.allclose(BatchRenorm(3)(x), nn.BatchNorm2d(3)(x), atol=1e-5)
    True
    """

    running_mean: Tensor
    running_std: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        channels: int,
        *,
        r_max: float = 3.0,
        d_max: float = 5.0,
        warm_up: int = 5_000,
        r_steps: int = 40_000,
        d_steps: int = 25_000,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
    ) -> None:
        super().__init__()
        if not (r_max >= 1 and d_max >= 0):
            raise ValueError(
                f"r_max must be at least 1 and d_max at least 0, got {r_max}, {d_max}"
            )
        if min(r_steps, d_steps) <= warm_up:
            raise ValueError(
                f"r_steps and d_steps must exceed warm_up = {warm_up}, got {r_steps} "
                f"and {d_steps}"
            )
        self.r_max, self.d_max = r_max, d_max
        self.warm_up, self.r_steps, self.d_steps = warm_up, r_steps, d_steps
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_std", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def limits(self) -> tuple[Tensor, Tensor]:
        """Return r_max and d_max at the present step, as tensors."""
        steps = self.num_batches_tracked - self.warm_up
        r = (steps / (self.r_steps - self.warm_up)).clamp(0, 1)
        d = (steps / (self.d_steps - self.warm_up)).clamp(0, 1)
        return 1 + (self.r_max - 1) * r, self.d_max * d

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, ...)."""
        if self.training:
            x = self._renormalise(x)
        else:
            mean, std = self.running_mean, self.running_std
            x = (x - per_channel(mean, x)) / per_channel(std, x)
        return affine(x, self.weight, self.bias)

    def _renormalise(self, x: Tensor) -> Tensor:
        need_two(x.numel() // x.shape[1])
        mean = channel_mean(x)
        centred = x - per_channel(mean, x)
        std = (channel_mean(centred * centred) + self.eps).sqrt()
        with torch.no_grad():
            r_max, d_max = self.limits()
            r = (std / self.running_std).clamp(1 / r_max, r_max)
            d = ((mean - self.running_mean) / self.running_std).clamp(-d_max, d_max)
            update_average(self.running_mean, mean, self.momentum)
            update_average(self.running_std, std, self.momentum)
            self.num_batches_tracked += 1
        z = centred / per_channel(std, x)
        return z * per_channel(r, x) + per_channel(d, x)
