"""Associate normalisation: group norm whose scale and shift come from its input."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from condlab.nn.norms._channels import fitting_groups, per_channel

Combine = Literal["a(WE)", "a(WE+B)", "a(WE)*B", "a(WE)+B"]


class AssocNorm(nn.Module):
    r"""Normalise by groups; predict scale and shift from the statistics of the input.

    With key features :math:`\mu, v \in R^N`, the means and variances of N groups of
    channels, a shared encoder and two decoders,

    .. math:: E_\mu = \mathrm{ReLU}(W_1 \mu), \quad E_v = \mathrm{ReLU}(W_1 v), \quad
       D_\mu = \mathrm{sigmoid}(W_2 E_\mu), \quad D_v = \tanh(W_3 E_v),

    the output is :math:`y = (D_\mu + B_\omega) x_s + D_v + B_\beta`, where
    :math:`x_s` is x standardised by groups and each :math:`D` is repeated over the
    channels of its group. :math:`B_\omega = 1` and :math:`B_\beta = 0` at the start,
    one a channel; so the scale starts near 1.5, not 1.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, ...).
    groups : int
        Of the standardisation, and of group keys: 32 in the source. The greatest
        common divisor with C is used.
    keys : {"group", "instance"}
        Whether N is `groups` or C.
    embedding : int, optional
        M, the length of the encoded vector, which the source does not give. The
        default, max(2, N // 16), reproduces its Table 4.
    combine : {"a(WE)+B", "a(WE)*B", "a(WE+B)", "a(WE)"}
        How the learned B meets the predicted part: as proposed, and the three other
        arms of the source's Table 5.
    pairing : {"paper", "ilm"}
        "paper" predicts the scale from the means and the shift from the variances, as
        eqs 5 and 6 are printed; "ilm" swaps them, as the published code of [2]_, the
        same method, does.
    unbiased : bool
        Whether variances divide by one less than the number of values, as in that
        code; eq. 3 does not.
    eps : float
        Added to the variance.

    References
    ----------
    .. [1] Anonymous, "Associate normalization", submitted to ICLR 2019, section 3.
    .. [2] S. Jia, D.-J. Chen and H.-T. Chen, "Instance-level meta normalization", CVPR
       2019.

    Examples
    --------
    >>> layer = AssocNorm(64)
    >>> layer.encoder.shape, layer(torch.randn(2, 64, 4, 4)).shape
    (torch.Size([2, 32]), torch.Size([2, 64, 4, 4]))
    """

    def __init__(
        self,
        channels: int,
        *,
        groups: int = 32,
        keys: Literal["group", "instance"] = "group",
        embedding: int | None = None,
        combine: Combine = "a(WE)+B",
        pairing: Literal["paper", "ilm"] = "paper",
        unbiased: bool = False,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        _need_one_of("keys", keys, ("group", "instance"))
        _need_one_of("combine", combine, ("a(WE)+B", "a(WE)*B", "a(WE+B)", "a(WE)"))
        _need_one_of("pairing", pairing, ("paper", "ilm"))
        self.groups = fitting_groups(groups, channels)
        self.keys = self.groups if keys == "group" else channels
        self.combine, self.pairing = combine, pairing
        self.correction, self.eps = int(unbiased), eps
        m = max(2, self.keys // 16) if embedding is None else embedding
        # "We initial all parameters with standard normal distribution" (section 4).
        self.encoder = nn.Parameter(torch.randn(m, self.keys))
        self.scale_decoder = nn.Parameter(torch.randn(self.keys, m))
        self.shift_decoder = nn.Parameter(torch.randn(self.keys, m))
        if combine == "a(WE)":
            self.register_parameter("weight", None)
            self.register_parameter("bias", None)
        else:
            self.weight = nn.Parameter(torch.ones(channels))
            self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x, of the same shape (N, C, ...)."""
        scale, shift = self.predict(x)
        # An unbiased variance is the biased one over this share.
        share = 1 - self.correction * self.groups / x.shape[1:].numel()
        # In channels_last a CPU takes the variance for E[x²] - E[x]², which cancels.
        z = torch.group_norm(x.contiguous(), self.groups, eps=self.eps * share)
        scale = scale * share**0.5
        return per_channel(scale, x) * z + per_channel(shift, x)

    def predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scale and the shift of each example, shape (N, C) each."""
        mean, var = self._statistics(x, self.keys)
        first, second = (mean, var) if self.pairing == "paper" else (var, mean)
        scale = self._decode(first, self.scale_decoder, x.shape[1])
        shift = self._decode(second, self.shift_decoder, x.shape[1])
        if self.combine == "a(WE+B)":
            return (scale + self.weight).sigmoid(), (shift + self.bias).tanh()
        scale, shift = scale.sigmoid(), shift.tanh()
        if self.combine == "a(WE)+B":
            return scale + self.weight, shift + self.bias
        if self.combine == "a(WE)*B":
            return scale * self.weight, shift * self.bias
        return scale, shift

    def _statistics(self, x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
        z = x.reshape(len(x), groups, -1)
        if z.shape[2] <= self.correction:
            raise ValueError(
                "unbiased variances need two values a group, got one; use "
                "unbiased=False"
            )
        var, mean = torch.var_mean(z, 2, correction=self.correction)
        return mean, var

    def _decode(self, key: Tensor, decoder: Tensor, channels: int) -> Tensor:
        """Return W E for every channel, shape (N, C)."""
        decoded = torch.relu(key @ self.encoder.T) @ decoder.T
        return decoded.repeat_interleave(channels // self.keys, dim=1)

    def extra_repr(self) -> str:
        """Return what distinguishes one such layer from another."""
        m, n = self.encoder.shape
        return f"N={n}, M={m}, combine={self.combine!r}, pairing={self.pairing!r}"


def added_share(module: nn.Module) -> float:
    """Return the parameters of the predictors over all the others.

    What Table 4 of the source counts: the scales and shifts of `AssocNorm` stand in
    the place of those that every normalisation has.

    Parameters
    ----------
    module : torch.nn.Module
        A network with `AssocNorm` layers.

    Examples
    --------
    >>> added_share(nn.Sequential(nn.Linear(30, 30, bias=False), AssocNorm(30)))
    0.0125
    """
    added = sum(
        layer.encoder.numel()
        + layer.scale_decoder.numel()
        + layer.shift_decoder.numel()
        for layer in module.modules()
        if isinstance(layer, AssocNorm)
    )
    total = sum(math.prod(p.shape) for p in module.parameters())
    return added / (total - added)


def _need_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}")
