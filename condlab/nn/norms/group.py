"""Normalisations of one example at a time that torch lacks for (N, C, ...) arrays."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from condlab.nn.norms._channels import affine, fitting_groups


class GroupRMSNorm(nn.Module):
    r"""Divide each group of channels of an example by its root mean square.

    .. math:: y = \gamma x / \sqrt{\mathrm{mean}(x^2) + \epsilon}

    One group is the RMS norm of an image, over (C, H, W).

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, ...).
    groups : int
        Groups of channels, or their greatest common divisor with C.
    eps : float
        Added to the mean square.

    References
    ----------
    .. [1] B. Zhang and R. Sennrich, "Root mean square layer normalization", NeurIPS
       2019, eq. 4.

    Examples
    --------
    >>> y = GroupRMSNorm(4)(torch.randn(2, 4, 3, 3))
    >>> torch.allclose(y.square().mean(dim=(1, 2, 3)), torch.ones(2), atol=1e-3)
    True
    """

    def __init__(self, channels: int, *, groups: int = 1, eps: float = 1e-5) -> None:
        super().__init__()
        self.groups, self.eps = fitting_groups(groups, channels), eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, ...)."""
        z = x.reshape(len(x), self.groups, -1)
        z = z / ((z * z).mean(dim=2, keepdim=True) + self.eps).sqrt()
        return affine(z.reshape(x.shape), self.weight, None)


class ChannelLayerNorm(nn.LayerNorm):
    """Layer norm over the channels at each position of an image.

    The form ConvNeXt uses; ``torch.nn.GroupNorm(1, C)`` is the one over (C, H, W).

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, ...).
    eps : float
        Added to the variance.

    References
    ----------
    .. [1] Z. Liu et al., "A ConvNet for the 2020s", CVPR 2022, section 2.6.

    Examples
    --------
    >>> y = ChannelLayerNorm(8)(torch.randn(2, 8, 3, 3))
    >>> bool(y.mean(dim=1).abs().max() < 1e-6)
    True
    """

    def __init__(self, channels: int, *, eps: float = 1e-6) -> None:
        super().__init__(channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, ...)."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
