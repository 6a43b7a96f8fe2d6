"""Normalisations whose scale and shift come from other data."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AdaptiveInstanceNorm(nn.Module):
    r"""Give the content the channel statistics of the style.

    .. math:: y = \sigma(s) \, \frac{x - \mu(x)}{\sigma(x)} + \mu(s)

    with means and deviations over the positions of each channel of each example,
    :math:`\sigma = \sqrt{\mathrm{var} + \epsilon}`, variance unbiased as in the
    source's code. The content x is what is normalised; some surveys swap the roles,
    which is to pass the two in the other order. Theirs is the variance over all
    positions, and :math:`\epsilon` is added to the content's alone.

    Parameters
    ----------
    eps : float
        1e-5 in the source.
    correction : {1, 0}
        What the variance's divisor lacks to the number of positions; surveys have 0.
    style_eps : bool
        Whether eps is added to the style's variance too; surveys leave it out.

    References
    ----------
    .. [1] X. Huang and S. Belongie, "Arbitrary style transfer in real-time with
       adaptive instance normalization", ICCV 2017, eq. 8.

    Examples
    --------
    >>> import torch
    >>> content, style = torch.randn(1, 3, 8, 8), 5 + 2 * torch.randn(1, 3, 6, 6)
    >>> y = AdaptiveInstanceNorm()(content, style)
    >>> torch.allclose(y.mean((2, 3)), style.mean((2, 3)), atol=1e-4)
    True
    """

    def __init__(
        self,
        *,
        eps: float = 1e-5,
        correction: Literal[0, 1] = 1,
        style_eps: bool = True,
    ) -> None:
        super().__init__()
        if correction not in (0, 1):
            raise ValueError(f"correction must be 0 or 1, got {correction!r}")
        self.eps, self.correction, self.style_eps = eps, correction, style_eps

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Return the restyled content.

        Parameters
        ----------
        content, style : Tensor, shape (N, C, ...)
            The positions may differ in number.
        """
        mean, deviation = self._statistics(content, self.eps)
        style_mean, style_deviation = self._statistics(
            style, self.eps if self.style_eps else 0.0
        )
        return style_deviation * (content - mean) / deviation + style_mean

    def _statistics(self, x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        axes = list(range(2, x.ndim))
        if x[0, 0].numel() < 2:
            raise ValueError(
                "statistics of a channel need two positions or more, got shape "
                f"{tuple(x.shape)}"
            )
        var = x.var(axes, correction=self.correction, keepdim=True)
        # A constant channel without eps: the root's derivative at zero is infinite.
        known = torch.where(var + eps > 0, var + eps, 1.0)
        deviation = torch.where(var + eps > 0, known.sqrt(), 0.0)
        return x.mean(axes, keepdim=True), deviation


class AdaptiveLayerNorm(nn.Module):
    r"""Layer norm modulated by a condition, with a gate: adaLN-Zero.

    .. math:: y = (1 + \gamma) \, \mathrm{LN}(x) + \beta, \quad
       (\beta, \gamma, \alpha) = W \, \mathrm{SiLU}(c) + b

    W and b start at zero, so that :math:`y = \mathrm{LN}(x)`, :math:`\alpha = 0`, and
    a residual block :math:`x + \alpha f(y)` starts as the identity.

    Parameters
    ----------
    dim : int
        D, of tokens of shape (N, T, D).
    condition_dim : int
        Of the condition c, shape (N, condition_dim).
    eps : float
        1e-6 in the source.

    References
    ----------
    .. [1] W. Peebles and S. Xie, "Scalable diffusion models with transformers", ICCV
       2023, section 3.2.
    .. [2] E. Perez et al., "FiLM: visual reasoning with a general conditioning layer",
       AAAI 2018, eq. 2.

    Examples
    --------
    >>> import torch
    >>> y, gate = AdaptiveLayerNorm(4, 2)(torch.randn(1, 3, 4), torch.randn(1, 2))
    >>> y.shape, bool((gate == 0).all())
    (torch.Size([1, 3, 4]), True)
    """

    def __init__(self, dim: int, condition_dim: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.modulation = nn.Linear(condition_dim, 3 * dim)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the modulated tokens (N, T, D) and the gate (N, 1, D)."""
        shift, scale, gate = self.modulation(F.silu(condition))[:, None].chunk(3, -1)
        x = F.layer_norm(x, x.shape[-1:], eps=self.eps)
        return x * (1 + scale) + shift, gate
